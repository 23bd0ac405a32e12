"""Books become passages: their decided fields are cut to the model's window and written as rows."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from tokenizers import Tokenizer

from library import postings
from library.models.metadata import EntityKind, Field
from library.models.passages import OwnerKind, Passage
from library.passages import NewPassage, replace_passages
from rag.documents.splitting import split_document
from rag.documents.text import DocumentText
from rag.keywords import impacts_of
from rag.passages import PassageText, book_header, content_hash, cut_name, split_text

EMBEDDED_FIELDS = frozenset({"title", "subtitle", "authors", "series", "genres", "tags", "description"})


@dataclass(frozen=True, slots=True)
class Splitter:
    """Cuts texts so that they fit a model; `cut` names how."""

    cut: str
    pieces: Callable[[str, str], Sequence[PassageText]]  # of a text under a header
    document_pieces: Callable[[DocumentText], Sequence[PassageText]]  # along a document's sections

    @classmethod
    def of(cls, tokenizer: Tokenizer, window: int, cut: str | None = None) -> Self:
        """A splitter that fits the model; `tokenizer` must neither truncate nor pad, `window` is in its tokens.

        Under the name of another `cut` it goes on with passages of a former version.
        """
        return cls(
            cut or cut_name(tokenizer, window),
            partial(split_text, tokenizer=tokenizer, window=window),
            partial(split_document, tokenizer=tokenizer, window=window),
        )


async def refresh_passages(
    session: AsyncSession,
    book_ids: Collection[int],
    split: Splitter | None,
    *,
    are_new: bool = False,
    keep_other_cuts: bool = False,
) -> set[int]:
    """Bring the passages of books in line with their fields; returns the books whose passages changed.

    Without a splitter, while the model is not ready, stale passages go, and whoever embeds writes new ones
    (`library.passages.books_without_passages`). Tell the topic "index" when something changed.
    """
    if split is None:
        nothing = dict.fromkeys(book_ids, ())
        return await replace_passages(session, OwnerKind.BOOK, nothing, cut="", are_new=are_new)
    fields = await _fields(session, book_ids)
    texts = {book_id: _passages(fields[book_id], split) for book_id in book_ids}
    changed = await replace_passages(
        session, OwnerKind.BOOK, texts, cut=split.cut, are_new=are_new, keep_other_cuts=keep_other_cuts
    )
    await write_words(session, OwnerKind.BOOK, changed)
    return changed


async def write_words(session: AsyncSession, kind: OwnerKind, owner_ids: Collection[int]) -> None:
    """Where the index lies in the database, let the new passages of these owners be found by their words at once."""
    if owner_ids and await postings.are_kept(session):
        while await postings.write_missing(
            session, impacts_of, Passage.owner_kind == kind, Passage.owner_id.in_(owner_ids)
        ):
            pass


def new_passage(piece: PassageText) -> NewPassage:
    """The row that a piece becomes."""
    return NewPassage(
        piece.ordinal, piece.header, piece.text, content_hash(piece.header, piece.text), piece.start, piece.end
    )


async def _fields(session: AsyncSession, book_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    select = sa.select(Field.entity_id, Field.name, Field.value).where(
        Field.entity_kind == EntityKind.BOOK, Field.entity_id.in_(book_ids), Field.name.in_(EMBEDDED_FIELDS)
    )
    fields: dict[int, dict[str, Any]] = {book_id: {} for book_id in book_ids}
    for book_id, name, value in await session.execute(select):
        if value is not None:
            fields[book_id][name] = value
    return fields


def _passages(fields: dict[str, Any], split: Splitter) -> list[NewPassage]:
    header = book_header(
        fields.get("title", ""),
        fields.get("subtitle"),
        fields.get("authors", []),
        [(entry["name"], entry["position"]) for entry in fields.get("series", [])],
        [*fields.get("genres", []), *fields.get("tags", [])],
    )
    return [new_passage(piece) for piece in split.pieces(fields.get("description", ""), header)]
