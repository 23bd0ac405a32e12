"""Asking where files will go, and taking them out again, through the graph."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
import strawberry
from strawberry.schema.config import StrawberryConfig

from library import downloads, imports, models
from library.database import Database
from library.models.accounts import Role
from library.models.downloads import DownloadState, ImportMode, ImportState
from library.models.integrations import IntegrationKind, IntegrationSource
from library.models.jobs import JobKind
from library.releases.facts import ReleaseFacts
from resolvers.context import Context, Viewer
from resolvers.errors import HANDLERS
from resolvers.ids import encode_id
from resolvers.imports import ImportMutation, ImportQuery, ImportResult
from resolvers.jobs import JobQuery
from resolvers.scalars import SCALARS
from tests.resolvers.conftest import viewer
from tests.shelf import Volume, add

ROOT = "/srv/secret/audiobooks"
PREVIEW = """query ($id: ID!) { previewImport(download: $id) {
  mode leftOut warnings reason { code message hint } libraryRoot { name path }
  imports { folder book { title } files { source target sizeBytes } } } }"""
UNDO = """mutation ($id: ID!, $key: String) { undoImport(input: {id: $id, idempotencyKey: $key}) {
  __typename ... on UndoImportPayload { job { id kind } } ... on Error { code message } } }"""


@strawberry.type
class Query(ImportQuery, JobQuery):
    """The fields under test."""

    @strawberry.field
    def result(self, download: int, imports: list[int]) -> ImportResult:
        return ImportResult(download_id=download, import_ids=imports)


@strawberry.type
class Mutation(ImportMutation):
    """The fields under test."""


schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS), exception_handlers=list(HANDLERS)
)
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(make_context: Callable[[Viewer | None], Context]) -> Ask:
    async def run(query: str, who: Viewer, **variables: Any) -> Any:
        result = await schema.execute(query, variables, context_value=make_context(who))
        assert result.errors is None, result.errors
        return result.data

    return run


@pytest.fixture
async def download_id(database: Database) -> int:
    """A member's download of a known book, complete."""
    async with database.write() as session:
        session.add(models.LibraryRoot(name="Books", path=ROOT))
        session.add_all(models.User(name=name, role=Role.MEMBER) for name in ("member", "other"))
        book_id = await add(session, Volume("Around the Moon", ("Jules Verne",), series=(("Moon", "2"),)))
        search = models.ReleaseSearch(text="moon", profile={}, created_by="test")
        session.add(search)
        await session.flush()
        facts = ReleaseFacts(title="moon", narrators=("Ann Reader",))
        release = models.Release(
            search_id=search.id, key="test:1", indexer="test", title="moon", facts=facts.to_json(),
            accepted=True, score=1.0, cost="FREE", decision={},
        )  # fmt: skip
        session.add(release)
        await session.flush()
        made = await downloads.request(session, release, created_by="user:1", mode=ImportMode.HARDLINK, book_id=book_id)
        session.add_all(
            models.DownloadFile(download_id=made.id, position=place, path=path, size_bytes=5)
            for place, path in enumerate(["X/a.mp3", "X/run.exe"])
        )
        return made.id


MEMBER, OTHER, ADMIN = viewer(Role.MEMBER, 1), viewer(Role.MEMBER, 2), viewer(Role.ADMIN)
FOLDER = "Jules Verne/Moon/Moon #2 - Around the Moon {Ann Reader}"


async def preview(ask: Ask, who: Viewer, download_id: int) -> Any:
    return (await ask(PREVIEW, who, id=encode_id("Download", download_id)))["previewImport"]


async def apply(database: Database, download_id: int) -> int:
    """Write the plan down as if its files were placed."""
    async with database.write() as session:
        download = await downloads.get(session, download_id)
        (row,) = await imports.save(session, download, await imports.plan(session, download))
        row.state, download.state = ImportState.APPLIED, DownloadState.DONE
        return row.id


async def test_the_final_paths_are_told_before_anything_is_touched(ask: Ask, download_id: int) -> None:
    told = await preview(ask, MEMBER, download_id)
    sidecar = told["imports"][0]["files"].pop()
    assert (sidecar["source"], sidecar["target"]) == (None, f"{FOLDER}/metadata.json")
    assert told == {
        "mode": "HARDLINK",
        "leftOut": ["X/run.exe"],
        "warnings": [],
        "reason": None,
        "libraryRoot": {"name": "Books", "path": None},
        "imports": [
            {
                "folder": FOLDER,
                "book": {"title": "Around the Moon"},
                "files": [{"source": "X/a.mp3", "target": f"{FOLDER}/a.mp3", "sizeBytes": 5}],
            }
        ],
    }
    assert ROOT not in str(await preview(ask, MEMBER, download_id))
    assert (await preview(ask, ADMIN, download_id))["libraryRoot"]["path"] == ROOT


async def test_a_plan_that_is_kept_is_shown_as_it_was_made(ask: Ask, database: Database, download_id: int) -> None:
    before = await preview(ask, MEMBER, download_id)
    await apply(database, download_id)
    async with database.write() as session:
        await session.execute(sa.update(models.Book).values(title="Renamed meanwhile"))
    after = await preview(ask, MEMBER, download_id)
    assert after["imports"][0].pop("book") == {"title": "Renamed meanwhile"}
    before["imports"][0].pop("book")
    assert after == before


async def test_tags_that_will_not_be_written_are_told_before_and_after(
    ask: Ask, database: Database, download_id: int
) -> None:
    async with database.write() as session:
        client = models.Integration(
            kind=IntegrationKind.QBITTORRENT, name="qBittorrent", url="http://127.0.0.1:1",
            source=IntegrationSource.MUTATION, options={"write_tags": True},
        )  # fmt: skip
        session.add(client)
        await session.flush()
        (await downloads.get(session, download_id)).client_id = client.id
    said = ["Tags are written to copies only; with HARDLINK the files keep the tags they have."]
    assert (await preview(ask, MEMBER, download_id))["warnings"] == said
    await apply(database, download_id)
    assert (await preview(ask, MEMBER, download_id))["warnings"] == said


async def test_what_cannot_be_imported_says_why(ask: Ask, database: Database, download_id: int) -> None:
    async with database.write() as session:
        await session.execute(sa.delete(models.DownloadFile).where(models.DownloadFile.path == "X/a.mp3"))
    told = await preview(ask, MEMBER, download_id)
    assert (told["imports"], told["reason"]["code"]) == ([], "NO_AUDIO")
    async with database.write() as session:
        await session.execute(sa.delete(models.DownloadFile))
    told = await preview(ask, MEMBER, download_id)
    assert told["reason"]["message"] == "Its torrent has not been fetched yet, so its files are not known."


async def test_other_members_downloads_are_nobodys_business(ask: Ask, database: Database, download_id: int) -> None:
    assert await preview(ask, OTHER, download_id) is None
    import_id = await apply(database, download_id)
    found = (await ask(UNDO, OTHER, id=encode_id("Import", import_id)))["undoImport"]
    assert (found["__typename"], found["code"]) == ("NotFoundError", "NOT_FOUND")


@pytest.mark.parametrize("who", [MEMBER, ADMIN])
async def test_an_import_is_undone_by_a_job(ask: Ask, database: Database, download_id: int, who: Viewer) -> None:
    import_id = encode_id("Import", await apply(database, download_id))
    first = (await ask(UNDO, who, id=import_id, key="once"))["undoImport"]
    again = (await ask(UNDO, who, id=import_id, key="once"))["undoImport"]
    assert (first["job"]["kind"], first) == ("UNDO_IMPORT", again)
    async with database.read() as session:
        (job,) = await session.scalars(sa.select(models.Job).where(models.Job.kind == JobKind.UNDO_IMPORT))
    assert job.payload == {"import_id": 1}


async def test_only_what_was_placed_can_be_undone(ask: Ask, database: Database, download_id: int) -> None:
    import_id = await apply(database, download_id)
    async with database.write() as session:
        (await session.get_one(models.Import, import_id)).state = ImportState.UNDONE
    for wanted, kind in (
        (encode_id("Import", import_id), "ConflictError"),
        (encode_id("Import", 99), "NotFoundError"),
        ("nonsense", "BadInputError"),
    ):
        assert (await ask(UNDO, MEMBER, id=wanted))["undoImport"]["__typename"] == kind


async def test_the_result_of_a_job_leads_to_what_was_placed(ask: Ask, database: Database, download_id: int) -> None:
    import_id = await apply(database, download_id)
    query = """query ($download: Int!, $imports: [Int!]!) { result(download: $download, imports: $imports) {
      download { name } imports { state folder edition { id } libraryRoot { name } book { title }
        files(first: 1) { totalCount nodes { source placed recycled } } } } }"""
    found = await ask(query, MEMBER, download=download_id, imports=[import_id])
    assert found["result"] == {
        "download": {"name": "moon"},
        "imports": [
            {
                "state": "APPLIED",
                "folder": FOLDER,
                "edition": None,
                "libraryRoot": {"name": "Books"},
                "book": {"title": "Around the Moon"},
                "files": {"totalCount": 2, "nodes": [{"source": "X/a.mp3", "placed": False, "recycled": False}]},
            }
        ],
    }
    assert (await ask(query, OTHER, download=download_id, imports=[import_id]))["result"] == {
        "download": None,
        "imports": [],
    }
