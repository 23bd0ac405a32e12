"""Fields as decided: value, who said so, and whether a lock keeps it."""

from datetime import datetime

import orjson
import strawberry

from library import models
from library.models.metadata import MetadataSource
from resolvers.descriptions import describe_enum

describe_enum(
    MetadataSource,
    "Who said something about a field.",
    {
        MetadataSource.FOLDER: "The names of folders and files.",
        MetadataSource.TAGS: "Tags inside the audio files.",
        MetadataSource.SIDECAR: "A file beside the audio: metadata.json, .opf, .nfo, desc.txt, reader.txt.",
        MetadataSource.USER: "A user's own edit.",
    },
    name="MetadataSource",
)


@strawberry.type(description="One field of a book or an edition as it was decided, with where its value comes from.")
class MetadataField:
    """A row of fields."""

    name: str = strawberry.field(description="The field's name, as `updateBook` and `lockFields` take it.")
    value: str | None = strawberry.field(
        description="The value: text as it is, anything else as JSON; null when it is known to be empty."
    )
    source: MetadataSource = strawberry.field(description="Who said so.")
    detail: str = strawberry.field(description="What exactly said so, such as the name of a sidecar file.")
    confidence: float = strawberry.field(description="How sure the source is, from 0 to 1.")
    locked: bool = strawberry.field(description="Whether no scan or provider may change it.")
    locked_by: str | None = strawberry.field(description="Who locked it.")
    locked_at: datetime | None = strawberry.field(description="When it was locked.")
    decided_at: datetime = strawberry.field(description="When this value was decided.")

    @classmethod
    def of(cls, row: models.Field) -> "MetadataField":
        """View a row."""
        return cls(
            name=camel_case(row.name),
            value=_as_text(row.value),
            source=row.source,
            detail=row.detail,
            confidence=row.confidence,
            locked=row.locked,
            locked_by=row.locked_by,
            locked_at=row.locked_at,
            decided_at=row.decided_at,
        )


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def camel_case(name: str) -> str:
    """A field's name as clients know it."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
