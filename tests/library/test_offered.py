"""Which offers are one release: by the tracker's number, by info-hash, and only then by title and size."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from library import downloads, release_searches
from library.database import Database
from library.models import Release, ReleaseSearch
from library.models.downloads import ImportMode
from library.models.tables import now
from library.offered import Judged, Offered, Shelf
from library.releases import FreeText, ReleaseFacts, judge
from library.sealing import Seal

SEAL = Seal(["key-that-the-tests-seal-credentials-with"])
HASH = "a" * 40


def offer(indexer: str, place: str = "1", *, size: int | None = 1_000_000, **more: object) -> Offered:
    """An offer of The Time Machine."""
    facts = ReleaseFacts(title="The Time Machine", authors=("H. G. Wells",), size_bytes=size, seeders=5)
    plain = Offered(
        integration_id=0, indexer=indexer, place=place, title="The Time Machine", facts=facts, link="http://x/?key=1"
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # the tests name fields of Offered only


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (offer("A", tracker_torrent_id=7), offer("B", tracker_torrent_id=7, size=5), True),
        (offer("A", tracker_torrent_id=7), offer("B", tracker_torrent_id=8), False),
        (offer("A", info_hash=HASH), offer("B", info_hash=HASH, title="Wells time machine", size=5), True),
        (offer("A", info_hash=HASH), offer("B", info_hash="b" * 40), False),
        (offer("A", info_hash=HASH), offer("B", title="the time  MACHINE!", size=1_009_000), True),
        (offer("A"), offer("B", size=1_020_000), False),
        (offer("A"), offer("B", size=None), False),
        (offer("A"), offer("B", title="The Time Machine (Unabridged)"), False),
        (offer("A"), offer("A", "2"), False),  # one indexer does not list a thing twice
        (offer("A"), offer("A"), True),
        (offer("A"), offer("B", tracker_torrent_id=7), False),  # a private tracker's torrent is nobody else's
    ],
)
def test_what_is_the_same_offer(one: Offered, other: Offered, same: bool) -> None:
    shelf = Shelf([])
    assert (shelf.place(one) is shelf.place(other)) is same


def test_a_place_that_is_a_credential_is_not_in_the_key() -> None:
    secret = "https://tracker.example/rss?passkey=of-the-user"
    made = offer("A", secret)
    assert "passkey" not in made.key
    assert secret not in repr(made)
    assert made.key == offer("A", secret, size=7).key != offer("B", secret).key


async def searched(session: AsyncSession) -> int:
    """A search for free text."""
    search = await release_searches.create(session, created_by="user:1", text="time machine")
    return search.id


def judged(*offers: Offered) -> list[Judged]:
    return [Judged(one, judge(one.facts, FreeText("time machine"))) for one in offers]


async def test_the_tracker_s_word_takes_the_place_of_an_indexer_s_and_stays(database: Database) -> None:
    told = offer("Prowlarr: M", tracker_torrent_id=7)
    native = offer("M", tracker_torrent_id=7, link=None, title="The Time Machine, natively", integration_id=0)
    async with database.write() as session:
        search_id = await searched(session)
        given = [replace(one, integration_id=None) for one in (told, native, told)]  # type: ignore[arg-type]  # no integration is there
        for one in given:
            await release_searches.save_offers(session, SEAL, search_id, judged(one))
    async with database.read() as session:
        (row,) = await session.scalars(sa.select(Release))
    assert (row.indexer, row.also_at, row.sealed_link, row.title) == (
        "M",
        ["Prowlarr: M"],
        None,
        "The Time Machine, natively",
    )


OFFERS = st.builds(
    offer,
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["1", "2"]),
    size=st.sampled_from([None, 1_000_000, 1_005_000, 2_000_000]),
    info_hash=st.sampled_from([None, None, HASH, "b" * 40]),
    tracker_torrent_id=st.sampled_from([None, None, 7]),
)


@given(st.lists(OFFERS, max_size=12))
@settings(max_examples=200, deadline=None)
def test_placing_the_same_offers_again_adds_nothing(offers: list[Offered]) -> None:
    shelf = Shelf([])
    first = {id(shelf.place(one)) for one in offers}
    assert {id(shelf.place(one)) for one in offers} <= first
    assert len({standing.key for standing in map(shelf.place, offers)}) == len(first)


async def test_old_searches_go_unless_something_of_them_was_taken(database: Database) -> None:
    async with database.write() as session:
        ids = [await searched(session) for _ in range(3)]
        for search_id in ids[:2]:
            one = replace(offer("A"), integration_id=None)  # type: ignore[arg-type]  # see above
            await release_searches.save_offers(session, SEAL, search_id, judged(one))
        release = (await session.scalars(sa.select(Release).where(Release.search_id == ids[0]))).one()
        await downloads.request(session, release, created_by="user:1", mode=ImportMode.COPY)
        month_ago = now() - timedelta(days=31)
        await session.execute(
            sa.update(ReleaseSearch).where(ReleaseSearch.id.in_(ids[:2])).values(created_at=month_ago)
        )
        assert await release_searches.prune(session, now() - timedelta(days=30)) == 1
    async with database.read() as session:
        assert (await session.scalars(sa.select(ReleaseSearch.id).order_by(ReleaseSearch.id))).all() == [ids[0], ids[2]]
        assert (await session.scalars(sa.select(Release.search_id))).all() == [ids[0]]
