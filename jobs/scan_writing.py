"""One item of a scan becomes rows, in one transaction: edition, copy, files, chapters, cover, fields, passages."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.events import Work
from jobs.passages import EMBEDDED_FIELDS, Splitter, refresh_passages
from jobs.scan_places import Place
from jobs.scan_reading import PreparedItem, audio_file_rows
from library import books, copies, covers, editions, imports, metadata
from library.errors import InvalidFieldValue
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.metadata import Entity, Proposal
from library.models.editions import Copy, Edition
from library.models.metadata import EntityKind, MetadataSource
from library.models.tables import now
from library.names import KnownNames
from library.scanning import evidence


class Outcome(enum.StrEnum):
    """What a scan has done with an item, as its result counts it."""

    ADDED = "added"
    UPDATED = "updated"
    MOVED = "moved"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an item: its copy, the path the copy had before, and the copy that was in its way."""

    outcome: Outcome
    copy: Copy
    left: str | None = None
    displaced: Copy | None = None


@dataclass(slots=True)
class _Target:
    """The rows an item is written to; `left_book` is the book the copy belonged to before."""

    copy: Copy
    edition: Edition
    left_book: int | None
    copy_is_new: bool
    edition_is_new: bool
    book_is_new: bool


async def write_item(
    work: Work,
    prepared: PreparedItem,
    place: Place,
    *,
    root_id: int,
    actor: str,
    known: KnownNames,
    split: Splitter | None,
) -> Written | None:
    """Write an item down at its place; None when another scan has changed that place meanwhile."""
    await books.decide_alone(work.session)
    rows = await _present(work.session, prepared.path, place, root_id)
    if rows is None:
        return None
    copy, displaced = rows
    left = copy.path if copy is not None and place.moved and copy.root_id == root_id else None
    is_same = copy is not None and not place.moved and copy.missing_since is None
    is_same = is_same and copy is not None and copy.signature == prepared.signature
    if copy is not None and place.moved:
        await copies.move(work.session, copy, prepared.path, root_id, displaced)
    target = await _target(work.session, prepared, place, copy, root_id)
    changed = await _write(work.session, target, prepared, actor, known)
    await _tell(work, target, changed, split, is_same=is_same)
    return Written(_outcome(target, place, changed=bool(changed) or not is_same), target.copy, left, displaced)


async def _present(
    session: AsyncSession, path: str, place: Place, root_id: int
) -> tuple[Copy | None, Copy | None] | None:
    """The copy an item is, and another one that was known at its path; None when the rows have moved on."""
    wanted = [place.copy.id] if place.copy is not None else []
    at_path = sa.and_(Copy.root_id == root_id, Copy.path == path)
    select = sa.select(Copy).where(sa.or_(Copy.id.in_(wanted), at_path))
    found = {copy.id: copy for copy in await session.scalars(select)}
    if place.copy is None:
        return None if found else (None, None)
    copy = found.pop(place.copy.id, None)
    if copy is None or (copy.root_id, copy.path) != (place.copy.root_id, place.copy.path):
        return None
    return copy, next(iter(found.values()), None)


async def _target(
    session: AsyncSession, prepared: PreparedItem, place: Place, copy: Copy | None, root_id: int
) -> _Target:
    edition_id = place.edition_id or (copy.edition_id if copy is not None else None)
    edition = await editions.get(session, edition_id) if edition_id is not None else None
    left_book = None
    if copy is not None and copy.edition_id != edition_id:
        left_book = (await editions.get(session, copy.edition_id)).book_id
    edition_is_new, book_is_new = edition is None, False
    if edition is None:
        book_id, book_is_new = await _book(session, prepared, root_id)
        edition = Edition(book_id=book_id)
        await _record(session, edition, prepared)
        session.add(edition)
        await session.flush()
    copy_is_new = copy is None
    if copy is None:
        copy = Copy(root_id=root_id, path=prepared.path)
        session.add(copy)
    copy.edition_id, copy.signature, copy.missing_since, copy.seen_at = edition.id, prepared.signature, None, now()
    await session.flush()
    return _Target(copy, edition, left_book, copy_is_new, edition_is_new, book_is_new)


async def _book(session: AsyncSession, prepared: PreparedItem, root_id: int) -> tuple[int, bool]:
    """The book an item is a new edition of: the one it was placed for, one with its title and an author, a new one."""
    placed_for = await imports.book_of(session, root_id, prepared.path)
    if placed_for is not None:
        return placed_for, False
    title = _best(prepared.proposals, "title") or prepared.path
    found = await books.find(session, title, _best(prepared.proposals, "authors") or ())
    return (found.id, False) if found is not None else ((await books.create(session, title)).id, True)


async def _write(
    session: AsyncSession, target: _Target, prepared: PreparedItem, actor: str, known: KnownNames
) -> set[str]:
    """Write everything but passages and events; returns the names of the book's and edition's changed fields."""
    copy, edition = target.copy, target.edition
    # A second copy of a recording has nothing to add to it.
    if target.edition_is_new or (not target.copy_is_new and await copies.leads(session, copy)):
        await _record(session, edition, prepared)
        await copies.write_chapters(session, edition.id, prepared.chapters, is_new=target.edition_is_new)
    await copies.write_files(session, copy.id, audio_file_rows(prepared), is_new=target.copy_is_new)
    scope = f"copy:{copy.id}/"
    changed = await metadata.propose(
        session,
        _by_entity(prepared.proposals, edition, scope),
        actor=actor,
        scope=scope,
        unread=[_detail(scope, name) for name in prepared.unread],
        known=known,
        are_new=target.book_is_new,
    )
    return {name for names in changed.values() for name in names}


async def _record(session: AsyncSession, edition: Edition, prepared: PreparedItem) -> None:
    """What an edition is as a recording."""
    if prepared.cover is not None and edition.cover_hash != prepared.cover.content_hash:
        await covers.add(session, prepared.cover)
    edition.fingerprint = prepared.fingerprint
    edition.duration_seconds, edition.size_bytes = prepared.duration_seconds, prepared.size_bytes
    if prepared.cover is not None and (prepared.cover_is_certain or edition.cover_hash is None):
        edition.cover_hash = prepared.cover.content_hash


async def _tell(work: Work, target: _Target, changed: set[str], split: Splitter | None, *, is_same: bool) -> None:
    """What follows for books, passages and everybody who listens."""
    book_id = target.edition.book_id
    books_now = await books.refresh_owned(work.session, {book_id, target.left_book or book_id})
    is_stale = bool(changed & EMBEDDED_FIELDS)
    if is_stale and await refresh_passages(work.session, [book_id], split, are_new=target.book_is_new):
        work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
    if changed or not is_same:
        for shown_id, title, is_owned in books_now:
            kind = "BOOK_UPDATED" if is_owned else "BOOK_MISSING"
            work.emit(LIBRARY_TOPIC, "BOOK_ADDED" if target.book_is_new else kind, shown_id, {"title": title})


def _outcome(target: _Target, place: Place, *, changed: bool) -> Outcome:
    if target.copy_is_new:
        return Outcome.ADDED
    if place.moved:
        return Outcome.MOVED
    return Outcome.UPDATED if changed else Outcome.UNCHANGED


def _by_entity(
    proposals: Iterable[evidence.Proposal], edition: Edition, scope: str
) -> dict[Entity, Sequence[Proposal]]:
    """Sort proposals to book and edition; a language is both's. What a field cannot hold is no evidence."""
    sorted_out: dict[Entity, dict[Any, Proposal]] = {
        Entity(EntityKind.BOOK, edition.book_id): {},
        Entity(EntityKind.EDITION, edition.id): {},
    }
    for proposal in proposals:
        for entity, taken in sorted_out.items():
            checked = _checked(entity.kind, proposal, scope)
            if checked is not None:
                taken[checked.key] = checked
    return {entity: list(taken.values()) for entity, taken in sorted_out.items()}


def _checked(kind: EntityKind, proposal: evidence.Proposal, scope: str) -> Proposal | None:
    if proposal.field not in (metadata.BOOK_FIELDS if kind is EntityKind.BOOK else metadata.EDITION_FIELDS):
        return None
    try:
        value = metadata.check(kind, proposal.field.value, proposal.value)
    except InvalidFieldValue:
        return None
    source, detail = MetadataSource(proposal.source.value), _detail(scope, proposal.detail)
    return Proposal(proposal.field.value, value, source, detail, proposal.rank, proposal.confidence)


def _detail(scope: str, name: str) -> str:
    # As long as the column; a longer file name is told by its beginning.
    return f"{scope}{name}"[:200]


def _best(proposals: Iterable[evidence.Proposal], field: str) -> Any:
    """The value that wins when nobody but this item speaks."""
    heard = [checked for one in proposals if one.field == field and (checked := _checked(EntityKind.BOOK, one, ""))]
    best = max(heard, key=lambda one: (one.rank, one.confidence), default=None)
    return best.value if best is not None else None
