"""Books, the people and series they name, and the rows a scan keeps about recordings."""

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from library import alternatives, books, covers, people
from library.alternatives import Candidate
from library.covers import CoverUnusable, StoredCover
from library.database import Database
from library.errors import NotFound
from library.metadata import Entity, edit
from library.models import Copy, Cover, Edition, LibraryRoot, Person, Series, SeriesEntry
from library.models.books import SeriesRole
from library.models.metadata import EntityKind
from library.models.tables import now
from library.names import KnownNames
from library.series import LAST, role_of, series_key, sort_key


@pytest.mark.parametrize(
    ("name", "sorted_as"),
    [
        ("Jules Verne", "Verne, Jules"),
        ("Ludwig van Beethoven", "van Beethoven, Ludwig"),
        ("Martin Luther King Jr.", "King, Martin Luther Jr."),
        ("Homer", "Homer"),
        ("Verne, Jules", "Verne, Jules"),
        ("", ""),
    ],
)
def test_people_sort_by_surname(name: str, sorted_as: str) -> None:
    assert people.sort_name(name) == sorted_as


@pytest.mark.parametrize(
    ("position", "key", "role"),
    [
        ("1", 1.0, SeriesRole.MAIN),
        ("Book 12", 12.0, SeriesRole.MAIN),
        ("2.5", 2.5, SeriesRole.NOVELLA),
        ("1-3", 1.0, SeriesRole.OMNIBUS),
        ("1, 2 & 3", 1.0, SeriesRole.OMNIBUS),
        ("Prequel", 0.5, SeriesRole.NOVELLA),
        ("Companion", LAST, SeriesRole.SIDE),
        (None, LAST, SeriesRole.MAIN),
    ],
)
def test_a_position_tells_order_and_role(position: str | None, key: float, role: SeriesRole) -> None:
    assert (sort_key(position), role_of(position)) == (key, role)


def test_spellings_of_a_series_are_one_series() -> None:
    assert {series_key(name) for name in ("The Expanse", "expanse", "Expanse Series")} == {"expanse"}


async def test_one_person_is_made_however_often_and_however_spelt(database: Database) -> None:
    async with database.write() as session:
        known = KnownNames()
        first = await people.find_or_create(session, ["J.R.R. Tolkien", "C. S. Lewis", "JRR Tolkien"], known)
        again = await people.find_or_create(session, ["CS Lewis"], KnownNames())
        assert (len(first), again) == (2, [first[1]])


async def test_names_of_a_failed_transaction_are_forgotten(database: Database) -> None:
    known = KnownNames()
    async with database.write() as session:
        await people.find_or_create(session, ["Nobody"], known)
        await session.rollback()
    known.forget()
    async with database.write() as session:
        (person_id,) = await people.find_or_create(session, ["Nobody"], known)
        names = await session.scalars(sa.select(Person.name).where(Person.id == person_id))
        assert list(names) == ["Nobody"]


async def test_a_book_is_found_by_folded_title_and_any_of_its_authors(database: Database) -> None:
    async with database.write() as session:
        book = await books.create(session, "L’Étranger")
        await edit(session, Entity(EntityKind.BOOK, book.id), {"authors": ["A. Camus", "S. Gilbert"]}, actor="ann")
        assert await books.find(session, "l'etranger", ["a camus"]) is book
        assert await books.find(session, "L’Étranger", ["Someone"]) is None
        assert await books.find(session, "L’Étranger", []) is None
        with pytest.raises(NotFound):
            await books.get(session, 99)


async def test_a_series_entry_that_stays_keeps_its_id_when_others_go(database: Database) -> None:
    entries = sa.select(SeriesEntry.id, Series.name, SeriesEntry.position).join(Series).order_by(SeriesEntry.id)
    async with database.write() as session:
        entity = Entity(EntityKind.BOOK, (await books.create(session, "B")).id)
        for series in ([("One", "1"), ("Two", "2")], [("Two", "3"), ("Three", None)]):
            value = [{"name": name, "position": position} for name, position in series]
            await edit(session, entity, {"series": value}, actor="ann")
        assert [tuple(row) for row in await session.execute(entries)] == [(2, "Two", "3"), (3, "Three", None)]


async def test_a_book_is_owned_and_as_long_as_its_longest_edition_that_is_there(database: Database) -> None:
    async with database.write() as session:
        book = await books.create(session, "B")
        session.add(LibraryRoot(id=1, name="r", path="/r"))
        for seconds, missing in ((100.0, None), (900.0, now())):
            edition = Edition(book_id=book.id, duration_seconds=seconds)
            session.add(edition)
            await session.flush()
            session.add(Copy(edition_id=edition.id, root_id=1, path=str(seconds), signature="", missing_since=missing))
        await session.flush()
        assert await books.refresh_owned(session, [book.id]) == [(book.id, "B", True)]
        await session.refresh(book)
        assert (book.owned, book.duration_seconds) == (True, 100.0)
        await session.execute(sa.update(Copy).values(missing_since=now()))
        assert await books.refresh_owned(session, [book.id]) == [(book.id, "B", False)]
        assert await books.refresh_owned(session, []) == []


def part(path: str, seconds: float, *, chapters: int = 0, size: int = 1) -> Candidate:
    return Candidate(path, seconds, size, chapters)


PARTS = [part(f"{number:02}.mp3", 600.0 + number) for number in range(1, 7)]
WHOLE = sum(one.duration_seconds for one in PARTS)


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        (PARTS, PARTS),
        ([*PARTS, part("book.m4b", WHOLE)], PARTS),
        ([*PARTS, part("book.m4b", WHOLE, chapters=6)], [part("book.m4b", WHOLE, chapters=6)]),
        ([*PARTS, part("all.m4b", WHOLE), part("all.m4a", WHOLE), part("also.m4b", WHOLE + 1)], PARTS),
        ([*PARTS, part("complete.mp3", WHOLE)], PARTS),
        ([part("b.m4a", 900.0, size=1), part("b.m4b", 900.0, size=2)], [part("b.m4b", 900.0, size=2)]),
        ([*PARTS, part("epilogue.m4a", 300.0)], [*PARTS, part("epilogue.m4a", 300.0)]),
        ([part("1.mp3", 500.0), part("2.mp3", 500.0)], [part("1.mp3", 500.0), part("2.mp3", 500.0)]),
        (
            [*PARTS, *(part(f"{number:02}.ogg", 600.0 + number, size=9) for number in range(1, 7))],
            [part(f"{number:02}.ogg", 600.0 + number, size=9) for number in range(1, 7)],
        ),
        ([part("silent.mp3", 0.0)], [part("silent.mp3", 0.0)]),
        ([], []),
    ],
)
def test_of_two_forms_of_one_recording_one_counts(files: list[Candidate], kept: list[Candidate]) -> None:
    assert alternatives.chosen(files) == kept


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, kind)
    return data.getvalue()


def test_a_cover_is_stored_once_under_the_hash_of_its_bytes(tmp_path: Path) -> None:
    data = picture(30, 20)
    first, again = covers.store(tmp_path, data), covers.store(tmp_path, data)
    assert first == again == StoredCover(first.content_hash, "image/png", 30, 20, len(data))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [covers.path_of(tmp_path, first.content_hash)]
    assert covers.path_of(tmp_path, first.content_hash).read_bytes() == data


async def test_a_cover_is_known_once(database: Database) -> None:
    async with database.write() as session:
        for _ in range(2):
            await covers.add(session, StoredCover("0" * 64, "image/png", 30, 20, 400))
        assert await session.scalar(sa.select(sa.func.count()).select_from(Cover)) == 1


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", picture(5, 5)[:20], b"\0" * (covers.MAXIMUM_BYTES + 1), picture(11_000, 10_000, "GIF")]
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CoverUnusable, match="Replace it"):
        covers.store(tmp_path, data)
    assert not list(tmp_path.iterdir())
