"""API and worker as separate processes: a folder becomes a graph that answers by meaning, whatever is killed."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from library.database import open_database
from tests.api.agent_fixtures import connected, told
from tests.library.scanning.audio_files import write_audio
from tests.processes import Served, environment, serving, valkey, wait_until, working
from tests.shelf import Volume, add

ADD = """mutation($path: String!) { addLibraryRoot(input: {path: $path}) {
  ... on AddLibraryRootPayload { libraryRoot { id } job { id } } ... on Error { message } } }"""
SCAN = """mutation($id: ID!) { scanLibrary(input: {libraryRoot: $id, force: true}) {
  ... on ScanLibraryPayload { job { id } } } }"""
JOB = """query($id: ID!) { node(id: $id) { ... on Job { state attempts message error { message }
  result { ... on ScanResult { added updated moved unchanged missing failed } }
  itemErrors { nodes { item code message } } } } }"""
FIND = """query($q: String!, $f: SearchFilter) { semanticSearch(query: $q, filter: $f, first: 5) { __typename
  ... on SemanticSearchPayload { edges { matchedBy node { ... on Book { id title } } } info { pendingPassages } } } }"""
BOOKS = {
    "Robinson Crusoe": "A sailor is shipwrecked on an island and must learn to live alone.",
    "Frankenstein": "A scientist brings a dead body to life and regrets it.",
    "Moby-Dick": "A captain hunts a white whale over all the seas.",
}


@pytest.fixture
def settings(database_url: str, redis_url: str, exported_model: Path, tmp_path: Path) -> dict[str, str]:
    """Settings of both halves, with the model exported already."""
    data_dir = tmp_path / "data"
    shutil.copytree(exported_model.parent, data_dir / "models")
    return environment(database_url, redis_url, data_dir)


@contextmanager
def both(settings: dict[str, str]) -> "Iterator[tuple[Served, subprocess.Popen[bytes]]]":
    """API and worker."""
    with serving(settings) as served, working(settings) as worker:
        yield served, worker


@contextmanager
def killed(settings: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """A worker that is killed when the block ends."""
    with working(settings) as worker:
        yield worker
        worker.kill()


def write_books(folder: Path, books: dict[str, str]) -> None:
    """One small audiobook per title."""
    for number, (title, description) in enumerate(books.items()):
        place = folder / "Some Author" / title
        place.mkdir(parents=True)
        write_audio(place / "book.mp3", tone=200 + 10 * number)
        (place / "desc.txt").write_text(description)


def job(served: Served, job_id: str) -> Any:
    """The job now."""
    data: Any = served.ask(JOB, {"id": job_id})
    return data["node"]


def finished(served: Served, job_id: str) -> Any:
    """The job at its end."""
    wait_until(lambda: job(served, job_id)["state"] not in ("QUEUED", "RUNNING"), f"the end of {job_id}")
    return job(served, job_id)


def found(served: Served, question: str, condition: dict[str, Any] | None = None) -> list[str]:
    """Titles found by meaning; empty while search is warming up."""
    data: Any = served.ask(FIND, {"q": question, "f": condition})
    return [edge["node"]["title"] for edge in data["semanticSearch"].get("edges", [])]


async def found_by_agent(served: Served, question: str, **conditions: object) -> list[str]:
    """Titles that an agent's search finds, the best of them and its nearest kin looked up by the ids it was given."""
    async with connected(served) as client:
        hits = told(await client.call_tool("search", {"query": question, **conditions}))["hits"]
        for hit in hits[:1]:
            asked = {"book_id": hit["book"]["id"]}
            assert told(await client.call_tool("look_at_book", asked))["description"] == hit["snippet"]
            kin = told(await client.call_tool("similar_books", asked))["books"]
            assert {one["book"]["title"] for one in kin} == BOOKS.keys() - {hit["book"]["title"]}
    return [hit["book"]["title"] for hit in hits]


def test_a_folder_becomes_a_graph_that_answers_by_meaning(settings: dict[str, str], tmp_path: Path) -> None:
    write_books(tmp_path / "audiobooks", BOOKS)
    (tmp_path / "audiobooks" / "Broken").mkdir()
    (tmp_path / "audiobooks" / "Broken" / "torn.mp3").write_bytes(b"no audio at all" * 100)
    with both(settings) as (served, _worker):
        added: Any = served.ask(ADD, {"path": str(tmp_path / "audiobooks")})
        ended = finished(served, added["addLibraryRoot"]["job"]["id"])
        assert (ended["state"], ended["result"]["added"]) == ("PARTIAL", 3)
        assert [error["item"] for error in ended["itemErrors"]["nodes"]] == ["Broken/torn.mp3"]
        wait_until(lambda: found(served, "castaway") != [], "an answer")
        assert found(served, "a castaway builds a life in solitude")[0] == "Robinson Crusoe"
        assert found(served, "the danger of playing god with the dead")[0] == "Frankenstein"
        assert asyncio.run(found_by_agent(served, "a castaway", owned=True, longest_hours=1.0))[0] == "Robinson Crusoe"
        assert asyncio.run(found_by_agent(served, "a castaway", shortest_hours=1.0)) == []

        data: Any = served.ask('{ books(search: "moby") { nodes { id } } }')
        whale = data["books"]["nodes"][0]["id"]
        edit = """mutation($id: ID!) { updateBook(input: {id: $id, description:
          "Gardeners quarrel about prize-winning tulips in a sleepy village."}) { __typename } }"""
        served.ask(edit, {"id": whale})
        wait_until(lambda: found(served, "tulips")[:1] == ["Moby-Dick"], "the edit is found")
        only = {"book": {"title": {"equals": "frankenstein"}}}
        assert found(served, "tulips", only) == ["Frankenstein"]


def test_a_worker_killed_in_mid_scan_loses_and_doubles_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    books = {f"Book {number:02}": f"About the number {number}." for number in range(40)}
    write_books(tmp_path / "audiobooks", books)
    with serving(settings) as served:
        added: Any = served.ask(ADD, {"path": str(tmp_path / "audiobooks")})
        job_id = added["addLibraryRoot"]["job"]["id"]
        for so_many in (3, 20):
            with killed(settings) as worker:
                wait_until(lambda n=so_many: len(titles(served)) >= n, "some books", worker)  # type: ignore[misc]  # mypy cannot type a default here
        with working(settings):
            ended = finished(served, job_id)
        assert (ended["state"], titles(served)) == ("SUCCEEDED", sorted(books))
        data: Any = served.ask("{ libraryStats { books editions audioFiles } }")
        assert data["libraryStats"] == {"books": 40, "editions": 40, "audioFiles": 40}


def test_a_scan_goes_on_while_valkey_is_away_and_followers_learn_of_its_end(
    database_url: str, exported_model: Path, short_folder: Path, tmp_path: Path
) -> None:
    books = {f"Book {number:02}": "" for number in range(30)}
    write_books(tmp_path / "audiobooks", books)
    data_dir = tmp_path / "data"
    shutil.copytree(exported_model.parent, data_dir / "models")
    place = short_folder / "lost.sock"
    settings = environment(database_url, f"unix://{place}", data_dir)
    with ExitStack() as first, both(settings) as (served, worker):
        first.enter_context(valkey(place))
        added: Any = served.ask(ADD, {"path": str(tmp_path / "audiobooks")})
        job_id = added["addLibraryRoot"]["job"]["id"]
        wait_until(lambda: len(titles(served)) > 0, "the first book", worker)
        first.close()
        assert finished(served, job_id)["state"] == "SUCCEEDED"
        again: Any = served.ask(SCAN, {"id": added["addLibraryRoot"]["libraryRoot"]["id"]})
        with valkey(place):
            ended = finished(served, again["scanLibrary"]["job"]["id"])
        assert (ended["state"], ended["result"]["failed"], titles(served)) == ("SUCCEEDED", 0, sorted(books))


def titles(served: Served) -> list[str]:
    """Titles of the books that are there."""
    data: Any = served.ask("{ books(first: 100) { nodes { title } } }")
    return [book["title"] for book in data["books"]["nodes"]]


def test_a_running_scan_is_cancelled(settings: dict[str, str], tmp_path: Path) -> None:
    write_books(tmp_path / "audiobooks", {f"Book {number:02}": "" for number in range(60)})
    cancel = "mutation($id: ID!) { cancelJob(input: {id: $id}) { __typename } }"
    with both(settings) as (served, worker):
        added: Any = served.ask(ADD, {"path": str(tmp_path / "audiobooks")})
        job_id = added["addLibraryRoot"]["job"]["id"]
        wait_until(lambda: len(titles(served)) > 0, "the first book", worker)
        served.ask(cancel, {"id": job_id})
        ended = finished(served, job_id)
        left = titles(served)
        assert ended["state"] == "CANCELLED"
        assert titles(served) == left


def test_an_edit_overtakes_passages_that_wait(settings: dict[str, str]) -> None:
    asyncio.run(_fill(settings["SHELFGRAPH_DATABASE_URL"], 500))
    with both(settings) as (served, _worker):
        wait_until(lambda: found(served, "number") != [] or _pending(served) > 0, "search answers or embeds")
        data: Any = served.ask("{ books(first: 1) { nodes { id } } }")
        edit = """mutation($id: ID!) { updateBook(input: {id: $id, title: "Zwielicht",
          description: "Beekeepers defend their hives."}) { __typename } }"""
        wait_until(lambda: found(served, "passage") != [], "search is ready", seconds=100)
        served.ask(edit, {"id": data["books"]["nodes"][0]["id"]})
        wait_until(lambda: found(served, "apiarists guarding honey")[:1] == ["Zwielicht"], "the edit by meaning")


def _pending(served: Served) -> int:
    data: Any = served.ask(FIND, {"q": "x", "f": None})
    return int(data["semanticSearch"].get("info", {}).get("pendingPassages", 0))


async def _fill(url: str, books: int) -> None:
    database = open_database(url)
    async with database.write() as session:
        for number in range(books):
            await add(session, Volume(f"Title {number}", description=f"Passage {number} of a long list."))
    await database.close()
