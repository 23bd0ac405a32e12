"""Who is believed about a field, what locks keep, and what history remembers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from library import books
from library.database import Database
from library.errors import InvalidFieldValue, NotFound, UnknownField
from library.metadata import (
    Decision,
    Entity,
    EvidenceValue,
    FieldState,
    Proposal,
    Reason,
    check,
    decide,
    edit,
    lock,
    propose,
)
from library.models import Book, BookAuthor, BookTag, Edition, Field, MetadataChange, Person, SeriesEntry, Tag
from library.models.metadata import EntityKind, MetadataSource

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
FOLDER, TAGS, SIDECAR, USER = MetadataSource


def said(
    value: Any,
    source: MetadataSource = TAGS,
    *,
    rank: int = 20,
    confidence: float = 0.8,
    days: int = 0,
    detail: str = "",
) -> EvidenceValue:
    return EvidenceValue(source, detail, rank, value, confidence, MONDAY + timedelta(days=days))


values: st.SearchStrategy[Any] = st.one_of(st.none(), st.just(""), st.just([]), st.text(max_size=3), st.integers(0, 3))
evidence_lists = st.lists(
    st.builds(
        said,
        values,
        st.sampled_from(MetadataSource),
        rank=st.integers(0, 2),
        confidence=st.sampled_from([0.1, 0.9]),
        days=st.integers(0, 2),
        detail=st.sampled_from("ab"),
    ),
    max_size=6,
)
states = st.builds(FieldState, values, st.sampled_from(MetadataSource), st.just("a"), st.just(0.5), st.booleans())


@given(evidence_lists, states)
def test_no_evidence_changes_a_locked_field(evidence: list[EvidenceValue], current: FieldState) -> None:
    decision = decide(evidence, current)
    if current.locked:
        assert decision is not None
        assert (decision.value, decision.source, decision.reason) == (current.value, current.source, Reason.LOCKED)


@given(evidence_lists, st.one_of(st.none(), states))
def test_saying_nothing_takes_no_value_away_and_a_user_beats_all_others(
    evidence: list[EvidenceValue], current: FieldState | None
) -> None:
    decision = decide(evidence, current)
    users = [one.value for one in evidence if one.source is USER]
    if decision is None:
        assert (current, users) == (None, [])
    elif not (current and current.locked):
        assert not users or decision.value in users
        emptied = decision.value in (None, "", [])
        assert not emptied or users or (current is not None and decision.value == current.value)


@given(evidence_lists, st.one_of(st.none(), states), st.randoms())
def test_the_order_of_evidence_does_not_matter(
    evidence: list[EvidenceValue], current: FieldState | None, random: Any
) -> None:
    distinct = list({(one.source, one.detail): one for one in evidence}.values())
    shuffled = list(distinct)
    random.shuffle(shuffled)
    first, second = decide(distinct, current), decide(shuffled, current)
    assert (first and (first.value, first.source)) == (second and (second.value, second.source))


def test_rank_then_confidence_then_age_decide_and_the_losers_are_named_best_first() -> None:
    folder, old, new = said("folder", FOLDER, rank=10, confidence=0.7), said("old"), said("new", days=1)
    sure = said("sure", confidence=0.9)
    sidecar = said("sidecar", SIDECAR, rank=60, detail="metadata.json")
    assert decide([folder, old, new], None) == Decision("new", TAGS, "", 0.8, Reason.NEWEST, (old, folder))
    assert decide([old, sure, new], None) == Decision("sure", TAGS, "", 0.9, Reason.HIGHER_CONFIDENCE, (new, old))
    assert decide([old, sidecar], None) == Decision(
        "sidecar", SIDECAR, "metadata.json", 0.8, Reason.HIGHER_RANK, (old,)
    )
    assert decide([old], None) == Decision("old", TAGS, "", 0.8, Reason.ONLY_SOURCE, ())


def test_a_value_that_a_user_cleared_does_not_come_back() -> None:
    cleared, tags = said(None, USER), said("from the tags")
    assert decide([tags, cleared], None) == Decision(None, USER, "", 0.8, Reason.USER, (tags,))


@pytest.mark.parametrize(
    ("kind", "field", "value", "kept"),
    [
        (EntityKind.BOOK, "title", "  Two \n words\0 ", "Two words"),
        (EntityKind.BOOK, "subtitle", "  ", None),
        (EntityKind.BOOK, "authors", ["J.R.R. Tolkien", "J R R Tolkien", ""], ["J.R.R. Tolkien"]),
        (EntityKind.BOOK, "authors", [], None),
        (EntityKind.BOOK, "published_year", -700, -700),
        (EntityKind.BOOK, "language", "English", "en"),
        (EntityKind.BOOK, "description", "One.\r\n\r\n\r\nTwo <b>bold</b>.", "One.\n\nTwo bold."),
        (
            EntityKind.BOOK,
            "series",
            [{"name": "Dune", "position": "1"}, {"name": "dune"}],
            [{"name": "Dune", "position": "1"}],
        ),
        (EntityKind.EDITION, "isbn", "0-306-40615-2", "9780306406157"),
        (EntityKind.EDITION, "asin", "b002v1of70", "B002V1OF70"),
        (EntityKind.EDITION, "published_date", "1999-04", "1999-04"),
        (EntityKind.EDITION, "abridged", False, False),
    ],
)
def test_values_are_brought_into_their_one_form(kind: EntityKind, field: str, value: Any, kept: Any) -> None:
    assert check(kind, field, value) == kept


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (EntityKind.BOOK, "title", None),
        (EntityKind.BOOK, "title", "x" * 501),
        (EntityKind.BOOK, "published_year", 20_000),
        (EntityKind.BOOK, "published_year", True),
        (EntityKind.BOOK, "authors", "One Name"),
        (EntityKind.BOOK, "tags", ["t"] * 101),
        (EntityKind.BOOK, "series", [{"position": "1"}]),
        (EntityKind.BOOK, "series", [{"name": "x", "rank": 1}]),
        (EntityKind.BOOK, "language", "gibberish!"),
        (EntityKind.EDITION, "isbn", "9780306406158"),
        (EntityKind.EDITION, "asin", "short"),
        (EntityKind.EDITION, "published_date", "1999-02-30"),
        (EntityKind.EDITION, "published_date", "yesterday"),
        (EntityKind.EDITION, "abridged", "yes"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence_about_its_field(
    kind: EntityKind, field: str, value: Any
) -> None:
    with pytest.raises(InvalidFieldValue, match=rf"^`{field}` .*\.$"):
        check(kind, field, value)


def test_an_unknown_field_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UnknownField, match="narrators"):
        check(EntityKind.EDITION, "title", "x")


@pytest.fixture
async def book(database: Database) -> Entity:
    async with database.write() as session:
        return Entity(EntityKind.BOOK, (await books.create(session, "Untitled")).id)


def proposal(field: str, value: Any, *, detail: str = "copy:1/tags", rank: int = 20) -> Proposal:
    return Proposal(field, value, TAGS, detail, rank, 0.8)


async def scanned(session: AsyncSession, book: Entity, *proposals: Proposal, **options: Any) -> list[str]:
    return (await propose(session, {book: proposals}, actor="job:1", scope="copy:1/", **options))[book]


async def fields_of(session: AsyncSession, book: Entity) -> dict[str, tuple[Any, MetadataSource, bool]]:
    rows = await session.scalars(sa.select(Field).where(Field.entity_id == book.id))
    return {row.name: (row.value, row.source, row.locked) for row in rows}


async def test_proposals_become_columns_links_and_history(database: Database, book: Entity) -> None:
    async with database.write() as session:
        changed = await scanned(
            session,
            book,
            proposal("title", "The Hobbit"),
            proposal("authors", ["J.R.R. Tolkien"]),
            proposal("series", [{"name": "Middle-earth", "position": "0.5"}]),
            proposal("genres", ["Fantasy"]),
            proposal("tags", ["Fantasy"]),
        )
    async with database.read() as session:
        row = await session.get(Book, book.id)
        authors = await session.execute(sa.select(Person.name, BookAuthor.position).join(BookAuthor))
        series = await session.execute(sa.select(SeriesEntry.position, SeriesEntry.sort_key, SeriesEntry.role))
        tags = await session.execute(sa.select(Tag.name, Tag.kind).join(BookTag).order_by(Tag.kind))
        history = await session.execute(sa.select(MetadataChange.field, MetadataChange.actor))
        assert changed == ["authors", "genres", "series", "tags", "title"]
        assert row is not None
        assert (row.title, row.sort_title, row.title_key) == ("The Hobbit", "hobbit", "the hobbit")
        assert [tuple(one) for one in authors] == [("J.R.R. Tolkien", 0)]
        assert [tuple(one) for one in series] == [("0.5", 0.5, "NOVELLA")]
        assert [tuple(one) for one in tags] == [("Fantasy", "GENRE"), ("Fantasy", "TAG")]
        assert sorted(tuple(one) for one in history) == [(name, "job:1") for name in changed]


async def test_the_same_proposals_again_change_nothing_at_all(database: Database, book: Entity) -> None:
    spoken = proposal("title", "The Hobbit"), proposal("authors", ["Tolkien"])
    async with database.write() as session:
        await scanned(session, book, *spoken)
    async with database.write() as session:
        updated = await session.scalar(sa.select(Book.updated_at))
        assert await scanned(session, book, *spoken) == []
        assert await session.scalar(sa.select(Book.updated_at)) == updated
        assert await session.scalar(sa.select(sa.func.count()).select_from(MetadataChange)) == 2


async def test_a_source_that_falls_silent_lets_the_next_best_speak_but_empties_nothing(
    database: Database, book: Entity
) -> None:
    sidecar = proposal("title", "Sidecar", detail="copy:1/book.opf", rank=50)
    async with database.write() as session:
        await scanned(session, book, proposal("title", "Tags"), sidecar, proposal("description", "Words"))
        assert await scanned(session, book, proposal("title", "Tags"), unread=["copy:1/book.opf"]) == []
        assert await scanned(session, book, proposal("title", "Tags")) == ["title"]
        assert await fields_of(session, book) == {
            "title": ("Tags", TAGS, False),
            "description": ("Words", TAGS, False),
        }


async def test_an_edit_locks_its_fields_against_every_later_scan(database: Database, book: Entity) -> None:
    async with database.write() as session:
        await scanned(session, book, proposal("title", "Tags"), proposal("description", "Words"))
        assert await edit(session, book, {"title": "Mine", "description": None}, actor="ann") == [
            "description",
            "title",
        ]
        later = proposal("title", "New tags", rank=99), proposal("description", "More words", rank=99)
        assert await scanned(session, book, *later) == []
        assert await fields_of(session, book) == {"title": ("Mine", USER, True), "description": (None, USER, True)}
        assert await edit(session, book, {"title": "Mine again"}, actor="ann") == ["title"]


async def test_an_edit_touches_only_the_fields_it_names(database: Database, book: Entity) -> None:
    async with database.write() as session:
        await scanned(session, book, proposal("title", "T"), proposal("authors", ["A"]), proposal("genres", ["G"]))
        await edit(session, book, {"genres": ["H"]}, actor="ann", lock_fields=False)
        assert await fields_of(session, book) == {
            "title": ("T", TAGS, False),
            "authors": (["A"], TAGS, False),
            "genres": (["H"], USER, False),
        }


async def test_an_edit_with_one_bad_value_writes_nothing(database: Database, book: Entity) -> None:
    async with database.write() as session:
        with pytest.raises(InvalidFieldValue):
            await edit(session, book, {"title": "Good", "published_year": 99_999}, actor="ann")
        assert await fields_of(session, book) == {}


async def test_unlocking_decides_the_field_anew(database: Database, book: Entity) -> None:
    async with database.write() as session:
        await scanned(session, book, proposal("title", "Old"))
        assert await lock(session, book, ["title", "subtitle"], locked=True, actor="ann") == []
        assert await scanned(session, book, proposal("title", "New"), proposal("subtitle", "Sub")) == []
        assert await fields_of(session, book) == {"title": ("Old", TAGS, True), "subtitle": (None, USER, True)}
        assert await lock(session, book, ["title", "subtitle"], locked=False, actor="ann") == ["subtitle", "title"]
        assert await fields_of(session, book) == {"title": ("New", TAGS, False), "subtitle": ("Sub", TAGS, False)}


async def test_a_locks_owner_and_time_are_kept_while_it_holds(database: Database, book: Entity) -> None:
    async with database.write() as session:
        await lock(session, book, ["title"], locked=True, actor="ann")
        locked = (await session.scalars(sa.select(Field))).one()
        assert (locked.locked_by, locked.locked_at is None) == ("ann", False)
        await lock(session, book, ["title"], locked=False, actor="bob")
        assert (locked.locked_by, locked.locked_at) == (None, None)


async def test_what_does_not_exist_cannot_be_edited_locked_or_described(database: Database, book: Entity) -> None:
    nobody = Entity(EntityKind.EDITION, 99)
    async with database.write() as session:
        with pytest.raises(NotFound, match="edition"):
            await edit(session, nobody, {"asin": None}, actor="ann")
        with pytest.raises(NotFound):
            await lock(session, nobody, ["asin"], locked=True, actor="ann")
        with pytest.raises(NotFound):
            await propose(session, {nobody: []}, actor="job:1", scope="")
        with pytest.raises(UnknownField):
            await lock(session, book, ["colour"], locked=True, actor="ann")


async def test_an_editions_narrators_are_found_with_its_book(database: Database, book: Entity) -> None:
    async with database.write() as session:
        edition = Edition(book_id=book.id)
        session.add(edition)
        await session.flush()
        await edit(session, Entity(EntityKind.EDITION, edition.id), {"narrators": ["Zoë O’Neil"]}, actor="ann")
        found = await books.searched_values(session, book.id)
        assert (found["narrators"], found["title"]) == ([["Zoë O’Neil"]], ["Untitled"])
