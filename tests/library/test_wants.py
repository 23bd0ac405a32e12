"""Wants: one book each, found again, satisfied by what fits, and never more than was asked for."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import quality_profiles, wants
from library.database import Database
from library.errors import NotFound
from library.models import Book, Copy, Edition, LibraryRoot, Want
from library.models.releases import WantState
from library.models.tables import now
from library.releases import ProfileInvalid
from library.wants import AuthorMissing, NewBook, WantClosed
from tests.shelf import Volume, add

HOLMES = (
    Volume("A Study in Scarlet", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "1"),)),
    Volume("The Sign of the Four", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "2"),)),
    Volume("The Valley of Fear", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "7"),)),
)


async def shelve(session: AsyncSession) -> list[int]:
    """A series by one author."""
    return [await add(session, volume) for volume in HOLMES]


async def books_wanted(session: AsyncSession) -> list[int]:
    return list(await session.scalars(sa.select(Want.book_id).order_by(Want.id)))


async def own(session: AsyncSession, book_id: int, **edition: Any) -> int:
    """An edition that is there on disk."""
    root = await session.scalar(sa.select(LibraryRoot)) or LibraryRoot(name="Shelf", path="/shelf")
    session.add(root)
    row = Edition(book_id=book_id, duration_seconds=3600.0, **edition)
    session.add(row)
    await session.flush()
    session.add(Copy(edition_id=row.id, root_id=root.id, path=f"e{row.id}", signature="s"))
    await session.flush()
    return row.id


async def test_wanting_one_book_of_a_series_wants_no_other(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        await wants.want(session, first, created_by="user:1")
    async with database.read() as session:
        assert await books_wanted(session) == [first]


async def test_wanting_a_book_again_gives_the_same_want_and_another_user_has_an_own(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        made = await wants.want(session, first, created_by="user:1")
        again = await wants.want(session, first, created_by="user:1", grab_automatically=True)
        other = await wants.want(session, first, created_by="user:2")
    assert (made.is_new, again.is_new, other.is_new) == (True, False, True)
    assert (again.want.id, again.want.grab_automatically) == (made.want.id, False)
    assert other.want.id != made.want.id


async def test_a_closed_want_is_wanted_anew_by_a_new_one(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        made = (await wants.want(session, first, created_by="user:1")).want
        closed = await wants.unwant(session, made.id)
        assert (closed.state, closed.next_search_at) == (WantState.CLOSED, None)
        closed_at = closed.closed_at
        assert (await wants.unwant(session, made.id)).closed_at == closed_at
        with pytest.raises(WantClosed):
            await wants.change(session, made.id, {"grab_automatically": True})
        assert (await wants.want(session, first, created_by="user:1")).want.id != made.id


async def test_what_cannot_be_wanted_is_refused(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        with pytest.raises(NotFound):
            await wants.want(session, 999, created_by="user:1")
        with pytest.raises(NotFound):
            await wants.want(session, first, created_by="user:1", profile_id=999)
        with pytest.raises(ProfileInvalid, match="min_seeders"):
            await wants.want(session, first, created_by="user:1", rules={"min_seeders": -1})
        with pytest.raises(AuthorMissing):
            await wants.book_of(session, NewBook(title="It", authors=("  ",)), actor="ada")
        assert await books_wanted(session) == []


async def test_a_new_book_comes_into_the_graph_once(database: Database) -> None:
    new = NewBook(title="The Lost World", authors=("Arthur Conan Doyle",), series="Professor Challenger", position="1")
    async with database.write() as session:
        await shelve(session)
        made, is_new = await wants.book_of(session, new, actor="ada")
        same, is_new_again = await wants.book_of(
            session, NewBook(title="the lost world", authors=("A. Nother", "ARTHUR CONAN DOYLE")), actor="bob"
        )
        scarlet = NewBook(title="A Study in Scarlet", authors=("Arthur Conan Doyle",))
        known, _ = await wants.book_of(session, scarlet, actor="ada")
    assert (is_new, is_new_again, same.id, made.owned) == (True, False, made.id, False)
    assert known.id != made.id
    async with database.read() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Book)) == 4


async def test_an_edition_that_fits_satisfies_and_another_does_not(database: Database) -> None:
    async with database.write() as session:
        first, second, _ = await shelve(session)
        plain = (await wants.want(session, first, created_by="user:1")).want
        strict = (await wants.want(session, first, created_by="user:2", rules={"languages": ["de"]})).want
        other = (await wants.want(session, second, created_by="user:1")).want
        abridged = await own(session, first, abridged=True, language="en")
        assert await wants.close_satisfied(session, first, abridged) == []
        whole = await own(session, first, language="en")
        assert [one.id for one in await wants.close_satisfied(session, first, whole)] == [plain.id]
        await wants.close_satisfied(session, first, whole)
    async with database.read() as session:
        states = {one.id: (one.state, one.edition_id) for one in await session.scalars(sa.select(Want))}
    assert states == {
        plain.id: (WantState.SATISFIED, whole),
        strict.id: (WantState.OPEN, None),
        other.id: (WantState.OPEN, None),
    }


async def test_a_satisfied_want_is_searched_for_only_to_upgrade_and_then_seldom(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        content = (await wants.want(session, first, created_by="user:1")).want
        keen = (await wants.want(session, first, created_by="user:2", rules={"upgrade": True})).want
        await wants.close_satisfied(session, first, await own(session, first))
        later = now() + timedelta(days=1)
        assert await wants.due(session, later, 10) == []
        due = await wants.due(session, now() + wants.UPGRADES * 2, 10)
        assert ([one.id for one in due], content.next_search_at) == ([keen.id], None)


async def test_a_changed_want_is_searched_for_anew(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        made = (await wants.want(session, first, created_by="user:1")).want
        wants.search_began(made)
        assert await wants.due(session, now(), 10) == []
        await wants.change(session, made.id, {"rules": {"min_seeders": 3}})
        assert [one.id for one in await wants.due(session, now(), 10)] == [made.id]
        with pytest.raises(ProfileInvalid):
            await wants.change(session, made.id, {"rules": {"min_seeders": "many"}})


async def test_rules_hold_from_the_want_over_its_profile_over_its_user_s_over_the_default(database: Database) -> None:
    async with database.write() as session:
        first, *_ = await shelve(session)
        german = await quality_profiles.create(session, "German", {"languages": ["de"]}, created_by="user:1")
        made = (await wants.want(session, first, created_by="operator", profile_id=german.id)).want
        assert (await quality_profiles.effective(session, want=made)).languages == ("de",)
        made.rules = {"languages": ["fr"], "weights": {"title": 50.0}}
        rules = await quality_profiles.effective(session, want=made)
        assert (rules.languages, rules.weights.title, rules.weights.author) == (("fr",), 50.0, 20.0)
        assert (await quality_profiles.effective(session)).languages == ()
