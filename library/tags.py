"""Genres and tags: the words books are filed under."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import BookTag, Tag, TagKind
from library.names import KnownNames, ids_of
from library.text_search import text_key


async def find_or_create(session: AsyncSession, kind: TagKind, names: Sequence[str], known: KnownNames) -> list[int]:
    """The ids of tags of one kind, in the order given, each once; new words become new tags."""
    keys = list(dict.fromkeys(text_key(name) for name in names))
    rows = {text_key(name): {"name": name, "name_key": text_key(name), "kind": kind} for name in reversed(names)}
    ids = await ids_of(session, Tag, rows, known, within=Tag.kind == kind, scope=f":{kind}")
    return [ids[key] for key in keys]


async def tag_book(
    session: AsyncSession, book_id: int, kind: TagKind, names: Sequence[str], known: KnownNames, *, is_new: bool = False
) -> None:
    """Make `names` the book's genres, or its tags."""
    if not is_new:
        of_kind = sa.select(Tag.id).where(Tag.kind == kind)
        await session.execute(sa.delete(BookTag).where(BookTag.book_id == book_id, BookTag.tag_id.in_(of_kind)))
    tag_ids = await find_or_create(session, kind, names, known)
    if tag_ids:
        links = [{"book_id": book_id, "tag_id": tag_id, "position": place} for place, tag_id in enumerate(tag_ids)]
        await session.execute(sa.insert(BookTag), links)
