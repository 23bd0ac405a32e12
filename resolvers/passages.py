"""Passages in the graph: the pieces of books and documents that are embedded and searched."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from library.models.passages import OwnerKind
from library.models.passages import Passage as PassageRow
from resolvers.books import Book
from resolvers.context import Info
from resolvers.ids import encode_id
from resolvers.nodes import Node

if TYPE_CHECKING:
    from resolvers.documents import Document


@strawberry.type(description="A piece of a book's description or a document's text: what is embedded and cited.")
class Passage(Node):
    """A row of passages."""

    position: int = strawberry.field(description="Its place among the passages of its owner, from 0.")
    header: str = strawberry.field(description="The context it is embedded with: title, headings, facts of a book.")
    text: str = strawberry.field(description="Its text; empty where the header says everything.")
    start: int = strawberry.field(description="Its first character in the text of its document or book.")
    end: int = strawberry.field(description="The character after its last.")
    owner_kind: strawberry.Private[OwnerKind]
    owner_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: PassageRow) -> "Passage":
        """View a row."""
        return cls(
            id=encode_id("Passage", row.id),
            position=row.position,
            header=row.header,
            text=row.text,
            start=row.start,
            end=row.end,
            owner_kind=row.owner_kind,
            owner_id=row.owner_id,
        )

    @strawberry.field(description="The document it is a piece of; null for a piece of a book.")
    async def document(self, info: Info) -> Annotated["Document", strawberry.lazy("resolvers.documents")] | None:
        """The document, by its loader."""
        from resolvers.documents import document_by_id  # noqa: PLC0415 documents have passages

        return await document_by_id(info, self.owner_id) if self.owner_kind is OwnerKind.DOCUMENT else None

    @strawberry.field(description="The book it is a piece of; null for a piece of a document.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.owner_id) if self.owner_kind is OwnerKind.BOOK else None
        return Book.of(row) if row is not None else None
