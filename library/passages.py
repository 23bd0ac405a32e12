"""Passages and their vectors as rows, with the versions by which an index follows them.

Every change takes the next version under a lock that is held to commit, so versions become visible in order.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from library.database import current_version, next_version
from library.models.books import Book
from library.models.passages import Embedding, OwnerKind, Passage, PassageDeletion

COUNTER = "passages"
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A piece of an owner's text; `content_hash` is equal for equal header and text."""

    position: int
    header: str
    text: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage as an index needs it; `vector` is float32 bytes, None while it waits to be embedded."""

    id: int
    owner_kind: OwnerKind
    owner_id: int
    header: str
    text: str
    vector: bytes | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after a version, up to and including `version`: rows that are new or got their vector, ids gone."""

    version: int
    rows: list[PassageRow]
    deleted: list[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many passages there are, and how many have a vector of the model."""

    passages: int
    embedded: int

    @property
    def pending(self) -> int:
        """How many wait to be embedded."""
        return self.passages - self.embedded


async def version(session: AsyncSession) -> int:
    """The version of the last change; 0 before the first."""
    return await current_version(session, COUNTER)


async def replace_book_passages(
    session: AsyncSession, texts: Mapping[int, Sequence[NewPassage]], *, are_new: bool = False
) -> set[int]:
    """Make `texts` (book id to passages) the passages of these books; returns the books whose passages changed.

    A passage whose hash is unchanged keeps its row and vector. Books that `are_new` have no passages yet.
    """
    owned = sa.and_(Passage.owner_kind == OwnerKind.BOOK, Passage.owner_id.in_(list(texts)))
    present: dict[int, list[Passage]] = {book_id: [] for book_id in texts}
    known = sa.select(Passage).where(owned).order_by(Passage.id)
    for passage in () if are_new else await session.scalars(known):
        present[passage.owner_id].append(passage)
    plans = {book_id: _plan(present[book_id], texts[book_id]) for book_id in texts}
    changed = {book_id for book_id, plan in plans.items() if plan.gone or plan.new}
    if changed:
        # Before the first write, so that two writers cannot wait for each other.
        taken = await next_version(session, COUNTER)
        await _delete(session, [passage.id for plan in plans.values() for passage in plan.gone], taken)
        await _insert(session, {book_id: plan.new for book_id, plan in plans.items()}, taken)
    return changed


async def books_without_passages(session: AsyncSession, limit: int) -> list[int]:
    """Ids of some books that have no passage yet."""
    written = sa.exists().where(Passage.owner_kind == OwnerKind.BOOK, Passage.owner_id == Book.id)
    return list(await session.scalars(sa.select(Book.id).where(~written).order_by(Book.id).limit(limit)))


async def pending(session: AsyncSession, model: str, limit: int) -> list[PassageRow]:
    """Passages without a vector of the model, newest first: an edit overtakes a long scan."""
    embedded = sa.exists().where(Embedding.passage_id == Passage.id, Embedding.model == model)
    select = sa.select(*_COLUMNS, sa.null()).where(~embedded).order_by(Passage.version.desc(), Passage.id).limit(limit)
    return [PassageRow(*row) for row in await session.execute(select)]


async def store_embeddings(session: AsyncSession, model: str, vectors: Iterable[tuple[int, bytes]]) -> int:
    """Keep vectors by passage id, replacing older ones; returns how many passages were still there."""
    given = dict(vectors)
    if not given:
        return 0
    taken = await next_version(session, COUNTER)  # whoever deletes passages holds it as well
    alive = await session.scalars(sa.select(Passage.id).where(Passage.id.in_(list(given))))
    rows = [
        {"passage_id": passage_id, "model": model, "vector": given[passage_id], "version": taken}
        for passage_id in alive
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        insert = dialect.insert(Embedding)
        replaced = {"vector": insert.excluded.vector, "version": insert.excluded.version}
        await session.execute(insert.on_conflict_do_update(index_elements=["passage_id", "model"], set_=replaced), rows)
    return len(rows)


async def changes_since(session: AsyncSession, model: str, after: int, limit: int) -> Changes:
    """What happened after version `after`: about `limit` changes or fewer, always whole versions.

    Ask again from `Changes.version` until it does not grow. A row may be told twice, a deletion may be
    of a passage never told: both are harmless to a reader that keeps the last word of each id.
    """
    upto = await _version_after(session, model, after, limit)
    if upto <= after:
        return Changes(after, [], [])
    changed = sa.union(
        sa.select(Passage.id).where(_within(Passage.version, after, upto)),
        sa.select(Embedding.passage_id).where(Embedding.model == model, _within(Embedding.version, after, upto)),
    )
    rows = await session.execute(_rows(model).where(Passage.id.in_(changed)).order_by(Passage.id))
    deleted = await session.scalars(
        sa.select(PassageDeletion.passage_id).where(_within(PassageDeletion.version, after, upto))
    )
    return Changes(upto, [PassageRow(*row) for row in rows], sorted(deleted))


async def count_since(session: AsyncSession, model: str, after: int) -> int:
    """How many changes there were after a version: new passages, vectors and deletions."""
    changed = _versions(model, after, await version(session))
    return await session.scalar(sa.select(sa.func.count()).select_from(changed)) or 0


async def all_rows(session: AsyncSession, model: str) -> AsyncIterator[list[PassageRow]]:
    """Every passage in chunks, in the order of ids, with its vector where there is one.

    Read `version` before it and follow the changes from there: rows that came while reading may be in both.
    """
    last = 0
    while True:
        select = _rows(model).where(Passage.id > last).order_by(Passage.id).limit(_CHUNK)
        rows = [PassageRow(*row) for row in await session.execute(select)]
        if not rows:
            return
        yield rows
        last = rows[-1].id


async def counts(session: AsyncSession, model: str) -> Counts:
    """How many passages there are and how many have a vector of the model, in one consistent read."""
    passages = sa.select(sa.func.count()).select_from(Passage).scalar_subquery()
    embedded = sa.select(sa.func.count()).select_from(Embedding).where(Embedding.model == model).scalar_subquery()
    return Counts(*(await session.execute(sa.select(passages, embedded))).one())


@dataclass(frozen=True, slots=True)
class _Plan:
    gone: list[Passage]
    new: list[NewPassage]


_COLUMNS = (Passage.id, Passage.owner_kind, Passage.owner_id, Passage.header, Passage.text)


def _plan(present: Iterable[Passage], wanted: Iterable[NewPassage]) -> _Plan:
    """Pair rows and texts by hash, moving what stays to its new position."""
    by_hash: dict[str, list[Passage]] = {}
    for passage in present:
        by_hash.setdefault(passage.content_hash, []).append(passage)
    new = []
    for text in wanted:
        if same := by_hash.get(text.content_hash):
            same.pop(0).position = text.position
        else:
            new.append(text)
    return _Plan([passage for left in by_hash.values() for passage in left], new)


async def _delete(session: AsyncSession, passage_ids: Collection[int], taken: int) -> None:
    if passage_ids:
        gone = [{"passage_id": passage_id, "version": taken} for passage_id in passage_ids]
        await session.execute(sa.insert(PassageDeletion), gone)
        await session.execute(sa.delete(Passage).where(Passage.id.in_(passage_ids)))


async def _insert(session: AsyncSession, texts: Mapping[int, Sequence[NewPassage]], taken: int) -> None:
    rows = [
        {
            "owner_kind": OwnerKind.BOOK,
            "owner_id": book_id,
            "position": text.position,
            "header": text.header,
            "text": text.text,
            "content_hash": text.content_hash,
            "version": taken,
        }
        for book_id, new in texts.items()
        for text in new
    ]
    if rows:
        await session.execute(sa.insert(Passage), rows)


def _rows(model: str) -> sa.Select[int, OwnerKind, int, str, str, bytes]:
    its_vector = sa.and_(Embedding.passage_id == Passage.id, Embedding.model == model)
    return sa.select(*_COLUMNS, Embedding.vector).outerjoin(Embedding, its_vector)


def _within(column: InstrumentedAttribute[int], after: int, upto: int) -> sa.ColumnElement[bool]:
    return sa.and_(column > after, column <= upto)


def _versions(model: str, after: int, upto: int) -> sa.Subquery:
    """The version of every change after `after`, one row a change."""
    return sa.union_all(
        sa.select(Passage.version).where(_within(Passage.version, after, upto)),
        sa.select(Embedding.version).where(Embedding.model == model, _within(Embedding.version, after, upto)),
        sa.select(PassageDeletion.version).where(_within(PassageDeletion.version, after, upto)),
    ).subquery()


async def _version_after(session: AsyncSession, model: str, after: int, limit: int) -> int:
    """The version of the `limit`-th change after a version, or of the last one.

    Taken first: whatever is committed later has a greater version, so the reads that follow agree with each
    other even where each statement sees a newer database.
    """
    newest = await version(session)
    changed = _versions(model, after, newest)
    select = sa.select(changed.c[0]).order_by(changed.c[0]).offset(limit - 1).limit(1)
    return await session.scalar(select) or newest
