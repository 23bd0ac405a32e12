"""Whatever was lost, each download ends in one state with a reason and a way on."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.events import Bus, unit_of_work
from jobs.reconciliation import SETTLING, reconcile
from library import books, downloads
from library import jobs as job_rows
from library.database import Database
from library.downloads import Reason
from library.models import LibraryRoot
from library.models.books import Book
from library.models.downloads import Download, DownloadState, Import, ImportMode, ImportState
from library.models.jobs import Job, JobKind, JobState
from library.models.passages import Embedding, OwnerKind, Passage
from library.models.releases import Release, ReleaseSearch
from library.models.tables import now
from library.passages import Lineage

GRAB, STEER, IMPORT = JobKind.GRAB_DOWNLOAD, JobKind.STEER_DOWNLOAD, JobKind.IMPORT_DOWNLOAD
S = DownloadState


@pytest.fixture
async def download_id(database: Database) -> int:
    async with database.write() as session:
        search = ReleaseSearch(text="x", profile={}, created_by="user:1")
        session.add(search)
        await session.flush()
        release = Release(
            search_id=search.id,
            key="k",
            indexer="i",
            title="A Book",
            facts={},
            accepted=True,
            score=1.0,
            cost="FREE",
            decision={},
        )
        session.add(release)
        await session.flush()
        download = await downloads.request(session, release, created_by="user:1", mode=ImportMode.COPY)
    return download.id


async def make(database: Database, download_id: int, state: DownloadState, **values: Any) -> None:
    async with database.write() as session:
        row = await downloads.get(session, download_id)
        row.state, row.deadline_at = state, None
        for name, value in values.items():
            setattr(row, name, value)


async def row(database: Database, download_id: int) -> Download:
    async with database.read() as session:
        return await downloads.get(session, download_id)


async def jobs(database: Database) -> list[tuple[JobKind, JobState]]:
    async with database.read() as session:
        return [(job.kind, job.state) for job in await session.scalars(sa.select(Job).order_by(Job.id))]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (S.QUEUED, GRAB),
        (S.GRABBING, GRAB),
        (S.VERIFYING, IMPORT),
        (S.IMPORTING, IMPORT),
        (S.IMPORTED, IMPORT),
        (S.DOWNLOADING, None),
        (S.DONE, None),
        (S.FAILED, None),
        (S.CANCELLED, None),
        (S.REPLACED, None),
    ],
)
async def test_a_state_without_its_job_gets_it_once(
    database: Database, bus: Bus, download_id: int, state: S, kind: JobKind | None
) -> None:
    await make(database, download_id, state)
    for _ in range(3):
        await reconcile(database, bus, lineage=None)
    assert await jobs(database) == ([(kind, JobState.QUEUED)] if kind is not None else [])
    assert (await row(database, download_id)).state is state


@pytest.mark.parametrize(
    ("returns_to", "kind"),
    [(S.QUEUED, GRAB), (S.GRABBING, GRAB), (S.DOWNLOADING, STEER), (S.VERIFYING, IMPORT), (S.IMPORTING, IMPORT)],
)
async def test_a_pause_that_is_over_goes_on_where_it_stopped(
    database: Database, bus: Bus, download_id: int, returns_to: S, kind: JobKind
) -> None:
    await make(database, download_id, returns_to)
    async with database.write() as session:
        blocked = await downloads.get(session, download_id)
        downloads.block(session, blocked, Reason("X", "Wait."), retry_at=now() + timedelta(minutes=1))
    await reconcile(database, bus, lineage=None)
    early = (await row(database, download_id)).state
    await reconcile(database, bus, lineage=None, moment=lambda: now() + timedelta(minutes=2))
    assert (early, (await row(database, download_id)).state) == (S.BLOCKED, returns_to)
    assert await jobs(database) == [(kind, JobState.QUEUED)]


async def test_what_waits_for_the_user_waits(database: Database, bus: Bus, download_id: int) -> None:
    async with database.write() as session:
        blocked = await downloads.get(session, download_id)
        downloads.block(session, blocked, Reason("X", "Do something."), retry_at=None)
    await reconcile(database, bus, lineage=None, moment=lambda: now() + timedelta(days=30))
    assert ((await row(database, download_id)).state, await jobs(database)) == (S.BLOCKED, [])


async def end_job(database: Database, state: JobState) -> None:
    async with database.write() as session:
        job = (await session.scalars(sa.select(Job).order_by(Job.id.desc()).limit(1))).one()
        job.error_message = "It broke. See the log." if state is JobState.FAILED else None
        job_rows.finish(job, state)


@pytest.mark.parametrize(("state", "retries"), [(JobState.FAILED, True), (JobState.CANCELLED, False)])
async def test_a_job_that_failed_blocks_its_download_with_a_reason_and_is_not_repeated_at_once(
    database: Database, bus: Bus, download_id: int, state: JobState, retries: bool
) -> None:
    await reconcile(database, bus, lineage=None)
    await end_job(database, state)
    await reconcile(database, bus, lineage=None)
    found = await row(database, download_id)
    assert (found.state, found.returns_to, found.reason_code, found.retry_at is not None) == (
        S.BLOCKED,
        S.QUEUED,
        "UNEXPECTED",
        retries,
    )
    assert await jobs(database) == [(GRAB, state)]


async def test_a_job_that_ended_well_but_moved_nothing_is_repeated_after_a_while(
    database: Database, bus: Bus, download_id: int
) -> None:
    await make(database, download_id, S.IMPORTED)
    await reconcile(database, bus, lineage=None)
    await end_job(database, JobState.SUCCEEDED)
    await reconcile(database, bus, lineage=None)
    soon = len(await jobs(database))
    await reconcile(database, bus, lineage=None, moment=lambda: now() + 2 * SETTLING)
    assert (soon, len(await jobs(database))) == (1, 2)


@pytest.mark.parametrize(
    ("state", "values", "code"),
    [
        (S.DOWNLOADING, {}, "STALLED"),
        (S.DOWNLOADING, {"bytes_per_second": 5}, None),
        (S.DOWNLOADING, {"paused": True}, None),
        (S.VERIFYING, {}, None),  # its job is on its way
        (S.ENRICHING, {"book_id": None}, None),  # nothing waits for it
    ],
)
async def test_a_deadline_that_passed_is_told_unless_something_moves(
    database: Database, bus: Bus, download_id: int, state: S, values: dict[str, Any], code: str | None
) -> None:
    await make(database, download_id, state, deadline_at=now() - timedelta(seconds=1), **values)
    await reconcile(database, bus, lineage=None)
    found = await row(database, download_id)
    assert found.reason_code == code
    assert found.deadline_at is None or found.deadline_at > now()


async def test_files_gone_from_disk_after_their_torrent_left_the_client_are_fetched_again_by_a_retry(
    database: Database, bus: Bus, download_id: int
) -> None:
    await make(database, download_id, S.IMPORTING, left_client_at=now())
    async with database.write() as session:
        await downloads.keep_torrent(session, download_id, "sealed")
    async with database.write() as session:
        blocked = await downloads.get(session, download_id)
        downloads.block(session, blocked, Reason("FILES_NOT_FOUND", "They are gone."), retry_at=None)
    await reconcile(database, bus, lineage=None)
    found = await row(database, download_id)
    assert (found.state, found.reason_code, found.returns_to) == (S.BLOCKED, "TORRENT_REMOVED", S.GRABBING)
    async with unit_of_work(database, bus) as work:
        downloads.retry(work.session, await downloads.get(work.session, download_id))
    await reconcile(database, bus, lineage=None)
    assert await jobs(database) == [(GRAB, JobState.QUEUED)]


async def test_files_not_found_while_the_torrent_is_there_stay_as_they_are(
    database: Database, bus: Bus, download_id: int
) -> None:
    await make(database, download_id, S.VERIFYING)
    async with database.write() as session:
        await downloads.keep_torrent(session, download_id, "sealed")
    async with database.write() as session:
        blocked = await downloads.get(session, download_id)
        downloads.block(session, blocked, Reason("FILES_NOT_FOUND", "See the path mapping."), retry_at=None)
    await reconcile(database, bus, lineage=None)
    assert (await row(database, download_id)).reason_code == "FILES_NOT_FOUND"


async def test_a_download_is_done_when_every_passage_of_its_books_has_a_vector(
    database: Database, bus: Bus, download_id: int
) -> None:
    await make(database, download_id, S.ENRICHING)
    async with database.write() as session:
        passage = await imported_book(session, download_id)
    await reconcile(database, bus, lineage=Lineage("m1", ""))
    waits = (await row(database, download_id)).state
    async with database.write() as session:
        session.add(Embedding(passage_id=passage, model="m1", vector=b"0", version=1))
    await reconcile(database, bus, lineage=Lineage("m2", ""))
    waits_for_model = (await row(database, download_id)).state
    await reconcile(database, bus, lineage=Lineage("m1", ""))
    done = await row(database, download_id)
    assert (waits, waits_for_model, done.state) == (S.ENRICHING, S.ENRICHING, S.DONE)
    assert done.finished_at is not None


async def imported_book(session: Any, download_id: int) -> int:
    """A book that was made of the download, with one passage; gives the passage's id."""
    root = LibraryRoot(name="Shelf", path="/shelf")
    book: Book = await books.create(session, "A Book")
    session.add(root)
    await session.flush()
    session.add(
        Import(
            download_id=download_id,
            book_id=book.id,
            root_id=root.id,
            folder="A Book",
            mode=ImportMode.COPY,
            state=ImportState.APPLIED,
        )
    )
    passage = Passage(
        owner_kind=OwnerKind.BOOK,
        owner_id=book.id,
        cut="",
        position=0,
        start=0,
        end=1,
        header="h",
        text="t",
        content_hash="c",
        version=1,
    )
    session.add(passage)
    await session.flush()
    return passage.id


async def test_one_download_that_cannot_be_moved_holds_up_no_other(
    database: Database, bus: Bus, download_id: int
) -> None:
    async with database.write() as session:
        first = await downloads.get(session, download_id)
        release = await session.get_one(Release, first.release_id)
        first.state, first.retry_at, first.returns_to = S.BLOCKED, now(), None  # a row of no sense
        other = Release(
            **{column.key: getattr(release, column.key) for column in Release.__table__.columns}
            | {"id": 99, "key": "other"}
        )
        session.add(other)
        await session.flush()
        await downloads.request(session, other, created_by="user:1", mode=ImportMode.COPY)
    await reconcile(database, bus, lineage=None)
    assert await jobs(database) == [(GRAB, JobState.QUEUED)]
