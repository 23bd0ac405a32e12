"""Writing metadata: every source proposes, users edit and lock, and each change leaves its trace."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import books, editions
from library.errors import NotFound, UnknownField
from library.metadata.fields import FIELDS, check
from library.metadata.record import Entity, Proposal, Record, load, write
from library.models.books import Book
from library.models.editions import Edition
from library.models.metadata import EntityKind, MetadataSource
from library.names import KnownNames

USER_RANK = 1_000_000


async def propose(
    session: AsyncSession,
    proposals: Mapping[Entity, Sequence[Proposal]],
    *,
    actor: str,
    scope: str,
    unread: Collection[str] = (),
    known: KnownNames | None = None,
    are_new: bool = False,
) -> dict[Entity, list[str]]:
    """Take what sources say and decide the fields anew; returns the names of the fields that changed.

    `scope` is the beginning of the `detail` of everything these sources may say: what was said there before and
    is not repeated is withdrawn, which lets the next best source speak but never empties a field. Details in
    `unread` could not be read this time, so what they said stands. `are_new` says that this transaction made the
    entities, a book and its edition, so that nothing about them needs to be read. Raises NotFound.
    """
    if are_new:
        book_id = next(entity.id for entity in proposals if entity.kind is EntityKind.BOOK)
        book_ids = dict.fromkeys(proposals, book_id)
        records = [Record(session, entity, actor) for entity in proposals]
    else:
        book_ids = await _hold(session, proposals)
        records = await load(session, proposals, actor)
    for record in records:
        said = proposals[record.entity]
        touched = {proposal.field for proposal in said}
        repeated = {proposal.key for proposal in said}
        touched.update(await record.withdraw(scope=scope, repeated=repeated, unread=unread))
        for proposal in said:
            record.note(proposal)
        for name in sorted(touched):
            record.decide(name)
    await _apply(session, records, book_ids, known or KnownNames(), are_new=are_new)
    return {record.entity: sorted(record.changed) for record in records}


async def edit(
    session: AsyncSession, entity: Entity, values: Mapping[str, Any], *, actor: str, lock_fields: bool = True
) -> list[str]:
    """Set fields by a user's hand; null clears one for good. Returns the names of the fields that changed.

    Edited fields are locked unless told otherwise; one that was locked stays so. Raises NotFound, UnknownField
    or InvalidFieldValue, and then has written nothing.
    """
    checked = {name: check(entity.kind, name, value) for name, value in values.items()}
    book_ids = await _hold(session, [entity])
    (record,) = await load(session, [entity], actor)
    for name, value in checked.items():
        record.note(Proposal(name, value, MetadataSource.USER, "", USER_RANK))
        lock_after = lock_fields or record.is_locked(name)
        record.set_lock(name, locked=False)
        record.decide(name)
        record.set_lock(name, locked=lock_after)
    await _apply(session, [record], book_ids, KnownNames())
    return sorted(record.changed)


async def lock(session: AsyncSession, entity: Entity, names: Collection[str], *, locked: bool, actor: str) -> list[str]:
    """Lock fields as they are, empty ones too, or unlock them, which decides them anew.

    Returns the names of the fields whose value changed by that. Raises NotFound or UnknownField.
    """
    for name in names:
        if name not in FIELDS[entity.kind]:
            raise UnknownField(name, FIELDS[entity.kind])
    book_ids = await _hold(session, [entity])
    (record,) = await load(session, [entity], actor)
    for name in names:
        record.set_lock(name, locked=locked)
        record.decide(name)
    await _apply(session, [record], book_ids, KnownNames())
    return sorted(record.changed)


async def _hold(session: AsyncSession, entities: Iterable[Entity]) -> dict[Entity, int]:
    """Lock the books behind some entities to the end of the transaction; returns the book's id of each.

    Without it a scan could overwrite a field that a user locks at the same moment on Postgres.
    """
    book_ids = {entity: entity.id for entity in entities if entity.kind is EntityKind.BOOK}
    edition_ids = [entity.id for entity in entities if entity.kind is EntityKind.EDITION]
    if edition_ids:
        select = sa.select(Edition.id, Edition.book_id).where(Edition.id.in_(edition_ids))
        for edition_id, book_id in await session.execute(select):
            book_ids[Entity(EntityKind.EDITION, edition_id)] = book_id
    wanted = set(book_ids.values())
    held = set(await session.scalars(sa.select(Book.id).where(Book.id.in_(wanted)).order_by(Book.id).with_for_update()))
    for entity in entities:
        if book_ids.get(entity) not in held:
            raise NotFound(entity.kind.lower(), entity.id)
    return book_ids


async def _apply(
    session: AsyncSession,
    records: Sequence[Record],
    book_ids: Mapping[Entity, int],
    known: KnownNames,
    *,
    are_new: bool = False,
) -> None:
    """Bring columns, links and words in line with the values that changed."""
    stale_words = set()
    await write(session, records)
    for record in records:
        if not record.changed:
            continue
        apply = books.apply if record.entity.kind is EntityKind.BOOK else editions.apply
        await apply(session, record.entity.id, record.changed, known, is_new=are_new)
        if record.changed.keys() & books.SEARCHED_FIELDS:
            stale_words.add(book_ids[record.entity])
    for book_id in sorted(stale_words):
        said = await books.searched_values(session, book_id) if not are_new else _said(records)
        await books.refresh_words(session, book_id, said, is_new=are_new)


def _said(records: Sequence[Record]) -> dict[str, list[Any]]:
    """The values that a new book is searched by, by field."""
    said: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.changed.items():
            said.setdefault(name, []).append(value)
    return said
