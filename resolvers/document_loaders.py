"""The loaders of an operation, with those of documents: one for each edge."""

from functools import cached_property

import sqlalchemy as sa
import sqlalchemy.orm
from strawberry.dataloader import DataLoader

from library.models.documents import Document, DocumentSection, DocumentSource
from library.models.passages import OwnerKind, Passage
from resolvers.child_pages import ChildPages
from resolvers.release_loaders import ReleaseLoaders

# Beside a passage of a newer cut one of an older is only served until the new ones are complete.
_NEWER = sa.orm.aliased(Passage)
_OF_NEWEST_CUT = ~sa.exists().where(
    _NEWER.owner_kind == Passage.owner_kind,
    _NEWER.owner_id == Passage.owner_id,
    _NEWER.cut != Passage.cut,
    _NEWER.id > Passage.id,
)


class DocumentLoaders(ReleaseLoaders):
    """Adds the edges of documents, sections and passages."""

    @cached_property
    def document(self) -> DataLoader[int, Document | None]:
        """A document by id, without its text."""

        async def load(keys: list[int]) -> list[Document | None]:
            select = sa.select(Document).options(sa.orm.defer(Document.text)).where(Document.id.in_(keys))
            (rows,) = await self._database.rows((select, {}))
            found = {row.id: row for (row,) in rows}
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load)

    @cached_property
    def text_of_document(self) -> DataLoader[int, str]:
        """A document's text by its id; empty for one that is gone."""

        async def load(keys: list[int]) -> list[str]:
            select = sa.select(Document.id, Document.text).where(Document.id.in_(keys))
            (rows,) = await self._database.rows((select, {}))
            found = {row[0]: row[1] for row in rows}
            return [found.get(key, "") for key in keys]

        return DataLoader(load_fn=load)

    @cached_property
    def passage(self) -> DataLoader[int, Passage | None]:
        """A passage by id."""
        return self._by_key(Passage, Passage.id)

    @cached_property
    def document_source(self) -> DataLoader[int, DocumentSource | None]:
        """A source of documents by id, without the bytes of an upload."""

        async def load(keys: list[int]) -> list[DocumentSource | None]:
            select = sa.select(DocumentSource).options(sa.orm.defer(DocumentSource.content))
            (rows,) = await self._database.rows((select.where(DocumentSource.id.in_(keys)), {}))
            found = {row.id: row for (row,) in rows}
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load)

    @cached_property
    def sections_of_document(self) -> ChildPages:
        """A document's sections in reading order."""
        return ChildPages(self._database, DocumentSection.document_id, DocumentSection.position)

    @cached_property
    def passages_of_document(self) -> ChildPages:
        """A document's passages in reading order."""
        of_documents = Passage.owner_kind == OwnerKind.DOCUMENT
        return ChildPages(self._database, Passage.owner_id, Passage.position, of_documents, _OF_NEWEST_CUT)
