"""What an edition is made of: covers, chapters and audio files."""

from typing import Annotated

import strawberry

from library import models
from resolvers.context import Info
from resolvers.ids import encode_id
from resolvers.nodes import Node
from resolvers.scalars import URL, BigInt

_DEFAULT_COVER_WIDTH = 400


@strawberry.type(description="A cover picture, served over HTTP in any width up to its own.")
class Cover:
    """A row of covers."""

    width: int = strawberry.field(description="Width of the original, in pixels.")
    height: int = strawberry.field(description="Height of the original, in pixels.")
    media_type: str = strawberry.field(description="Media type of the original.")
    size_bytes: BigInt = strawberry.field(description="Size of the original, in bytes.")
    content_hash: strawberry.Private[str]

    @classmethod
    def of(cls, row: models.Cover) -> "Cover":
        """View a row."""
        return cls(
            width=row.width,
            height=row.height,
            media_type=row.media_type,
            size_bytes=BigInt(row.size_bytes),
            content_hash=row.content_hash,
        )

    @strawberry.field(description="Where the picture is, relative to the server's address. It may be cached for ever.")
    def url(
        self,
        width: Annotated[
            int, strawberry.argument(description="Wanted width in pixels; the next size the server makes is given.")
        ] = _DEFAULT_COVER_WIDTH,
    ) -> URL:
        """The address of the picture at about this width."""
        return URL(f"/covers/{self.content_hash}?width={max(1, min(width, 4096))}")


async def cover_by_hash(info: Info, content_hash: str | None) -> Cover | None:
    """The cover with this hash, if there is one."""
    row = await info.context.loaders.cover.load(content_hash) if content_hash else None
    return Cover.of(row) if row is not None else None


@strawberry.type(description="A chapter on the edition's time line.")
class Chapter(Node):
    """A row of chapters."""

    title: str = strawberry.field(description="The chapter's title.")
    start_seconds: float = strawberry.field(description="Where it begins, in seconds from the edition's beginning.")
    end_seconds: float = strawberry.field(description="Where it ends, in seconds from the edition's beginning.")

    @classmethod
    def of(cls, row: models.Chapter) -> "Chapter":
        """View a row."""
        return cls(
            id=encode_id("Chapter", row.id),
            title=row.title,
            start_seconds=row.start_seconds,
            end_seconds=row.end_seconds,
        )


@strawberry.type(description="An audio file of an edition.")
class AudioFile(Node):
    """A row of audio files."""

    path: str = strawberry.field(description="Path below the library root, with forward slashes.")
    size_bytes: BigInt = strawberry.field(description="Size in bytes.")
    duration_seconds: float = strawberry.field(description="Playing time in seconds.")
    codec: str | None = strawberry.field(description="Audio codec, such as `aac` or `mp3`.")
    bit_rate: int | None = strawberry.field(description="Bits per second.")
    sample_rate: int | None = strawberry.field(description="Samples per second.")
    channels: int | None = strawberry.field(description="Number of channels.")
    problem: str | None = strawberry.field(description="Why the file could not be read; null when it could.")

    @classmethod
    def of(cls, row: models.AudioFile) -> "AudioFile":
        """View a row."""
        return cls(
            id=encode_id("AudioFile", row.id),
            path=row.path,
            size_bytes=BigInt(row.size_bytes),
            duration_seconds=row.duration_seconds,
            codec=row.codec,
            bit_rate=row.bit_rate,
            sample_rate=row.sample_rate,
            channels=row.channels,
            problem=row.problem,
        )
