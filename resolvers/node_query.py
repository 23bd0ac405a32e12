"""`node(id:)` and `nodes(ids:)`: one rule of access and one way of fetching per type."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

from library import models
from library.errors import BadInput, MalformedId
from resolvers.accounts import api_token_by_id
from resolvers.answers import answer_by_id
from resolvers.books import Book, Edition, Person, Series, SeriesEntry, Tag
from resolvers.context import Context, Info
from resolvers.documents import document_by_id, document_source_by_id, section_by_id
from resolvers.downloads import download_by_id, download_change_by_id, download_file_by_id
from resolvers.files import AudioFile, Chapter
from resolvers.ids import decode_id
from resolvers.imports import import_by_id, imported_file_by_id
from resolvers.integrations import integration_by_id
from resolvers.jobs import job_by_id, job_item_error_by_id
from resolvers.libraries import library_root_by_id
from resolvers.nodes import Node
from resolvers.notifications import notification_target_by_id
from resolvers.passages import Passage
from resolvers.permissions import Everybody, may_read
from resolvers.quality_profiles import quality_profile_by_id
from resolvers.release_searches import release_search_by_id
from resolvers.releases import release_by_id
from resolvers.trackers import purchase_by_id
from resolvers.wants import want_by_id

MAXIMUM_NODES = 100


class TooManyIds(BadInput):
    """More nodes at once than a page may have."""

    def __init__(self, count: int) -> None:
        super().__init__(f"`ids` has {count} values; ask for at most {MAXIMUM_NODES} at a time.")


def _signed_in(context: Context) -> bool:
    return context.viewer is not None


@dataclass(frozen=True, slots=True)
class NodeType:
    """How nodes of one type are fetched, and who may ask for any; the fetcher hides single rows."""

    fetch: Callable[[Info, int], Awaitable[Node | None]]
    may_ask: Callable[[Context], bool]


def _loaded(loader: str, view: Callable[[Any], Node]) -> NodeType:
    async def fetch(info: Info, row_id: int) -> Node | None:
        row = await getattr(info.context.loaders, loader).load(row_id)
        return view(row) if row is not None else None

    return NodeType(fetch, may_read)


def _selected(table: Any, view: Callable[[Any], Node]) -> NodeType:
    async def fetch(info: Info, row_id: int) -> Node | None:
        async with info.context.database.read() as session:
            row = await session.scalar(sa.select(table).where(table.id == row_id))
        return view(row) if row is not None else None

    return NodeType(fetch, may_read)


# A type that is not here cannot be asked for: deny by default.
NODE_TYPES = {
    "Book": _loaded("book", Book.of),
    "Edition": _loaded("edition", Edition.of),
    "Person": _loaded("person", Person.of),
    "Series": _loaded("series", Series.of),
    "Tag": _loaded("tag", Tag.of),
    "SeriesEntry": _selected(models.SeriesEntry, SeriesEntry.of),
    "AudioFile": _selected(models.AudioFile, AudioFile.of),
    "Chapter": _selected(models.Chapter, Chapter.of),
    "Document": NodeType(document_by_id, may_read),
    "DocumentSection": NodeType(section_by_id, may_read),
    "DocumentSource": NodeType(document_source_by_id, may_read),
    "Passage": _selected(models.Passage, Passage.of),
    "LibraryRoot": NodeType(library_root_by_id, may_read),
    "Job": NodeType(job_by_id, _signed_in),
    "JobItemError": NodeType(job_item_error_by_id, _signed_in),
    "Want": NodeType(want_by_id, _signed_in),
    "QualityProfile": NodeType(quality_profile_by_id, _signed_in),
    "ReleaseSearch": NodeType(release_search_by_id, _signed_in),
    "Release": NodeType(release_by_id, _signed_in),
    "Download": NodeType(download_by_id, _signed_in),
    "DownloadChange": NodeType(download_change_by_id, _signed_in),
    "DownloadFile": NodeType(download_file_by_id, _signed_in),
    "Import": NodeType(import_by_id, _signed_in),
    "ImportedFile": NodeType(imported_file_by_id, _signed_in),
    "Integration": NodeType(integration_by_id, _signed_in),
    "Purchase": NodeType(purchase_by_id, _signed_in),
    "NotificationTarget": NodeType(notification_target_by_id, _signed_in),
    "Answer": NodeType(answer_by_id, _signed_in),
    "ApiToken": NodeType(api_token_by_id, _signed_in),
}


@strawberry.type
class NodeQuery:
    """Root fields that find any node again."""

    @strawberry.field(
        description="Any node by its id; null when there is none, or when the viewer may not see it.",
        permission_classes=[Everybody],
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The node's id.")],  # noqa: A002 the contract's name
    ) -> Node | None:
        """One node."""
        return await _fetch(info, id)

    @strawberry.field(
        description="Nodes by their ids, in the same order, null where there is none; at most 100.",
        permission_classes=[Everybody],
    )
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="The nodes' ids.")]
    ) -> list[Node | None]:
        """Several nodes."""
        if len(ids) > MAXIMUM_NODES:
            raise TooManyIds(len(ids))
        return [await _fetch(info, node_id) for node_id in ids]


async def _fetch(info: Info, node_id: str) -> Node | None:
    kind, row_id = decode_id(node_id)
    node_type = NODE_TYPES.get(kind)
    if node_type is None:
        raise MalformedId(node_id)
    return await node_type.fetch(info, row_id) if node_type.may_ask(info.context) else None
