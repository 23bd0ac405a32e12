"""Passages and their vectors as rows, with the versions by which an index follows them.

Every change takes the next version under a lock that is held to commit, so versions become visible in order.
An index follows one lineage. While another model or another way of cutting takes over, the rows of both stand
side by side: the old ones are served until the new ones are complete.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from library import lineage_leases, passage_vectors
from library.database import current_version, next_version
from library.models.books import Book
from library.models.passages import Embedding, OwnerKind, Passage, PassageDeletion

COUNTER = "passages"
_CHUNK = 2_000
_MOSTLY = 10


@dataclass(frozen=True, slots=True)
class Lineage:
    """What an index is made of: passages that were cut in one way, with the vectors of one model."""

    model: str  # the hash of the model's weights
    cut: str


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A piece of an owner's text, at `start`..`end` of it; `content_hash` is equal for equal header and text."""

    position: int
    header: str
    text: str
    content_hash: str
    start: int = 0
    end: int = 0


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

    @property
    def nearly_complete(self) -> bool:
        """Whether there is something, and nine of ten are embedded: enough to search in."""
        return self.passages > 0 and self.pending * _MOSTLY <= self.passages


async def version(session: AsyncSession) -> int:
    """The version of the last change; 0 before the first."""
    return await current_version(session, COUNTER)


async def replace_passages(
    session: AsyncSession,
    kind: OwnerKind,
    texts: Mapping[int, Sequence[NewPassage]],
    *,
    cut: str,
    are_new: bool = False,
    keep_other_cuts: bool = False,
) -> set[int]:
    """Make `texts` (owner id to passages) the passages of these owners; returns the owners whose passages changed.

    A passage whose hash is unchanged keeps its row and vector. Owners that `are_new` have no passages yet.
    Passages of other cuts go as well, since they hold what the owner said before; whoever cuts an unchanged text
    anew asks to `keep_other_cuts`. Cuts that are served on while another takes over get the same pieces: they are
    found by their words there until it has.
    """
    owned = sa.and_(Passage.owner_kind == kind, Passage.owner_id.in_(list(texts)))
    cuts = [cut]
    if keep_other_cuts:
        owned = sa.and_(owned, Passage.cut == cut)
    else:
        cuts += sorted(await lineage_leases.served_on(session) - {cut})
    present: dict[int, list[Passage]] = {owner_id: [] for owner_id in texts}
    known = sa.select(Passage).where(owned).order_by(Passage.id)
    for passage in () if are_new else await session.scalars(known):
        present[passage.owner_id].append(passage)
    plans = {owner_id: _plan(present[owner_id], texts[owner_id], cuts) for owner_id in texts}
    changed = {owner_id for owner_id, plan in plans.items() if plan.gone or plan.new}
    if changed:
        # Before the first write, so that two writers cannot wait for each other.
        taken = await next_version(session, COUNTER)
        await _delete(session, [passage.id for plan in plans.values() for passage in plan.gone], taken)
        await _insert(session, kind, {owner_id: plan.new for owner_id, plan in plans.items()}, taken)
    return changed


async def ids_of(session: AsyncSession, kind: str, owner_id: int) -> list[int]:
    """Ids of an owner's passages, of all cuts."""
    owned = sa.select(Passage.id).where(Passage.owner_kind == OwnerKind(kind), Passage.owner_id == owner_id)
    return list(await session.scalars(owned))


async def books_without_passages(session: AsyncSession, cut: str, limit: int) -> list[int]:
    """Ids of some books that have no passage of this cut yet."""
    return list(await session.scalars(without_passages(Book.id, OwnerKind.BOOK, cut).limit(limit)))


def without_passages(owner_id: InstrumentedAttribute[int], kind: OwnerKind, cut: str) -> sa.Select[int]:
    """Select the ids of owners that have no passage of this cut, in their order."""
    written = sa.exists().where(Passage.owner_kind == kind, Passage.owner_id == owner_id, Passage.cut == cut)
    return sa.select(owner_id).where(~written).order_by(owner_id)


async def pending(session: AsyncSession, lineage: Lineage, limit: int, *, after: int = 0) -> list[PassageRow]:
    """Passages newer than a version without a vector of the lineage's model, newest first."""
    embedded = sa.exists().where(Embedding.passage_id == Passage.id, Embedding.model == lineage.model)
    select = sa.select(*_COLUMNS, sa.null()).where(Passage.cut == lineage.cut, Passage.version > after, ~embedded)
    newest = select.order_by(Passage.version.desc(), Passage.id).limit(limit)
    return [PassageRow(*row) for row in await session.execute(newest)]


async def newest_version(session: AsyncSession, lineage: Lineage) -> int:
    """The version of the newest passage of the lineage's cut; 0 without any. Vectors do not change it."""
    select = sa.select(Passage.version).where(Passage.cut == lineage.cut).order_by(Passage.version.desc()).limit(1)
    return await session.scalar(select) or 0


async def store_embeddings(session: AsyncSession, model: str, vectors: Iterable[tuple[int, bytes]]) -> int:
    """Keep vectors by passage id, replacing older ones; returns how many passages were still there."""
    given = dict(vectors)
    if not given:
        return 0
    taken = await next_version(session, COUNTER)  # whoever deletes passages holds it as well
    alive = (await session.scalars(sa.select(Passage.id).where(Passage.id.in_(list(given))))).all()
    rows = [
        {"passage_id": passage_id, "model": model, "vector": given[passage_id], "version": taken}
        for passage_id in alive
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        insert = dialect.insert(Embedding)
        replaced = {"vector": insert.excluded.vector, "version": insert.excluded.version}
        await session.execute(insert.on_conflict_do_update(index_elements=["passage_id", "model"], set_=replaced), rows)
        await passage_vectors.keep(session, model, alive)
    return len(rows)


async def changes_since(session: AsyncSession, lineage: Lineage, after: int, limit: int) -> Changes:
    """What happened after version `after`: about `limit` changes or fewer, always whole versions.

    Ask again from `Changes.version` until it does not grow. A row may be told twice, a deletion may be
    of a passage never told: both are harmless to a reader that keeps the last word of each id.
    """
    upto = await _version_after(session, lineage, after, limit)
    if upto <= after:
        return Changes(after, [], [])
    model = lineage.model
    changed = sa.union(
        sa.select(Passage.id).where(_within(Passage.version, after, upto)),
        sa.select(Embedding.passage_id).where(Embedding.model == model, _within(Embedding.version, after, upto)),
    )
    rows = await session.execute(_rows(lineage).where(Passage.id.in_(changed)).order_by(Passage.id))
    deleted = await session.scalars(
        sa.select(PassageDeletion.passage_id).where(_within(PassageDeletion.version, after, upto))
    )
    return Changes(upto, [PassageRow(*row) for row in rows], sorted(deleted))


async def count_since(session: AsyncSession, lineage: Lineage, after: int) -> int:
    """How many changes there were after a version: new passages, vectors and deletions."""
    changed = _versions(lineage, after, await version(session))
    return await session.scalar(sa.select(sa.func.count()).select_from(changed)) or 0


async def all_rows(session: AsyncSession, lineage: Lineage) -> AsyncIterator[list[PassageRow]]:
    """Every passage of a lineage in chunks, in the order of ids, with its vector where there is one.

    Read `version` before it and follow the changes from there: rows that came while reading may be in both.
    """
    last = 0
    while True:
        select = _rows(lineage).where(Passage.id > last).order_by(Passage.id).limit(_CHUNK)
        rows = [PassageRow(*row) for row in await session.execute(select)]
        if not rows:
            return
        yield rows
        last = rows[-1].id


async def counts(session: AsyncSession, lineage: Lineage) -> Counts:
    """How many passages there are and how many have a vector of the model, in one consistent read."""
    cut = Passage.cut == lineage.cut
    passages = sa.select(sa.func.count()).select_from(Passage).where(cut).scalar_subquery()
    embedded = (
        sa.select(sa.func.count())
        .select_from(Embedding)
        .join(Passage, Passage.id == Embedding.passage_id)
        .where(Embedding.model == lineage.model, cut)
        .scalar_subquery()
    )
    return Counts(*(await session.execute(sa.select(passages, embedded))).one())


@dataclass(frozen=True, slots=True)
class _Plan:
    gone: list[Passage]
    new: list[tuple[str, NewPassage]]  # each with its cut


_COLUMNS = (Passage.id, Passage.owner_kind, Passage.owner_id, Passage.header, Passage.text)


def _plan(present: Iterable[Passage], wanted: Sequence[NewPassage], cuts: Collection[str]) -> _Plan:
    """Pair rows and texts by hash, moving what stays to its new place."""
    by_hash: dict[tuple[str, str], list[Passage]] = {}
    for passage in present:
        by_hash.setdefault((passage.cut, passage.content_hash), []).append(passage)
    new = []
    for cut, text in product(cuts, wanted):
        if same := by_hash.get((cut, text.content_hash)):
            kept = same.pop(0)
            kept.position, kept.start, kept.end = text.position, text.start, text.end
        else:
            new.append((cut, text))
    return _Plan([passage for left in by_hash.values() for passage in left], new)


async def _delete(session: AsyncSession, passage_ids: Collection[int], taken: int) -> None:
    if passage_ids:
        gone = [{"passage_id": passage_id, "version": taken} for passage_id in passage_ids]
        await session.execute(sa.insert(PassageDeletion), gone)
        await session.execute(sa.delete(Passage).where(Passage.id.in_(passage_ids)))


async def _insert(
    session: AsyncSession, kind: OwnerKind, texts: Mapping[int, Sequence[tuple[str, NewPassage]]], taken: int
) -> None:
    rows = [
        {
            "owner_kind": kind,
            "owner_id": owner_id,
            "cut": cut,
            "position": text.position,
            "start": text.start,
            "end": text.end,
            "header": text.header,
            "text": text.text,
            "content_hash": text.content_hash,
            "version": taken,
        }
        for owner_id, new in texts.items()
        for cut, text in new
    ]
    if rows:
        await session.execute(sa.insert(Passage), rows)


def _rows(lineage: Lineage) -> sa.Select[int, OwnerKind, int, str, str, bytes]:
    its_vector = sa.and_(Embedding.passage_id == Passage.id, Embedding.model == lineage.model)
    return sa.select(*_COLUMNS, Embedding.vector).outerjoin(Embedding, its_vector).where(Passage.cut == lineage.cut)


def _within(column: InstrumentedAttribute[int], after: int, upto: int) -> sa.ColumnElement[bool]:
    return sa.and_(column > after, column <= upto)


def _versions(lineage: Lineage, after: int, upto: int) -> sa.Subquery:
    """The version of every change after `after`, one row a change."""
    new, embedded = _within(Passage.version, after, upto), _within(Embedding.version, after, upto)
    return sa.union_all(
        sa.select(Passage.version).where(Passage.cut == lineage.cut, new),
        sa.select(Embedding.version).where(Embedding.model == lineage.model, embedded),
        sa.select(PassageDeletion.version).where(_within(PassageDeletion.version, after, upto)),
    ).subquery()


async def _version_after(session: AsyncSession, lineage: Lineage, after: int, limit: int) -> int:
    """The version of the `limit`-th change after a version, or of the last one.

    Taken first: whatever is committed later has a greater version, so the reads that follow agree with each
    other even where each statement sees a newer database.
    """
    newest = await version(session)
    changed = _versions(lineage, after, newest)
    select = sa.select(changed.c[0]).order_by(changed.c[0]).offset(limit - 1).limit(1)
    return await session.scalar(select) or newest
