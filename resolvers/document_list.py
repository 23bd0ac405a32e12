"""Asking for documents, and for where they come from."""

from typing import Annotated

import sqlalchemy as sa
import sqlalchemy.orm
import strawberry

from library.models.documents import Document as DocumentRow
from library.models.documents import DocumentSource as SourceRow
from library.pagination import Keyset, Page, SortKey
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.document_filter import DocumentFilter, DocumentOrder, document_condition, document_order, title_condition
from resolvers.documents import Document, DocumentSource
from resolvers.ids import decode_id_of
from resolvers.permissions import CanRead

_WITHOUT_TEXT = sa.orm.defer(DocumentRow.text)


@strawberry.input(one_of=True, description="Which document: by exactly one of these.")
class DocumentBy:
    """A document's id, address or path."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The document's id.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Where it says it can be read.")
    path: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its path below its source; of several the one that was read first."
    )


@strawberry.type
class DocumentQuery:
    """Root fields over documents."""

    @strawberry.field(description="Documents of the knowledge base, by title.", permission_classes=[CanRead])
    async def documents(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Each of these words stands in the title.")
        ] = None,
        filter: Annotated[DocumentFilter | None, strawberry.argument(description="Which documents.")] = None,  # noqa: A002 the contract's name
        order_by: Annotated[
            list[DocumentOrder] | None, strawberry.argument(description="In which order; by title when left out.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Document] | None:
        """A page of documents, by one statement."""
        rows = sa.select(DocumentRow).options(_WITHOUT_TEXT).where(document_condition(filter), title_condition(search))
        page = Page.of(first, after, last, before)
        return await connect(info, Keyset(rows, document_order(order_by)), page, Document.of)

    @strawberry.field(description="One document; null when there is none.", permission_classes=[CanRead])
    async def document(
        self, info: Info, by: Annotated[DocumentBy, strawberry.argument(description="Which document.")]
    ) -> Document | None:
        """A document by id, address or path."""
        select = sa.select(DocumentRow).options(_WITHOUT_TEXT).where(_identified(by))
        async with info.context.database.read() as session:
            row = await session.scalar(select.order_by(DocumentRow.id).limit(1))
        return Document.of(row) if row is not None else None

    @strawberry.field(
        description="The folders, files and uploads that documents are read from, newest first.",
        permission_classes=[CanRead],
    )
    async def document_sources(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DocumentSource] | None:
        """A page of sources."""
        rows = sa.select(SourceRow).options(sa.orm.defer(SourceRow.content))
        keyset = Keyset(rows, (SortKey(SourceRow.id, descending=True),))
        return await connect(info, keyset, Page.of(first, after, last, before), DocumentSource.of)


def _identified(by: DocumentBy) -> sa.ColumnElement[bool]:
    if by.id is not strawberry.UNSET:
        return DocumentRow.id == decode_id_of("Document", str(by.id))
    if by.url is not strawberry.UNSET:
        return DocumentRow.url == str(by.url).replace("\0", "")
    return DocumentRow.path == str(by.path).replace("\0", "")
