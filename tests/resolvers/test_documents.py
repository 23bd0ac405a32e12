"""Documents in the graph: an administrator ingests them, readers read them, and paths of the server stay its own."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs.document_reading import DocumentReader
from jobs.documents import Ingesting, ingest_documents
from jobs.events import Bus
from jobs.execution import execute
from library.database import Database
from library.models.accounts import Role
from library.models.jobs import JobKind
from resolvers.ids import decode_id
from tests.jobs.scan_fixtures import WHOLE_TEXT
from tests.resolvers.conftest import Ask

INGEST = """mutation ($source: IngestSourceInput!, $key: String) {
  ingestDocuments(input: {source: $source, idempotencyKey: $key}) {
    ... on IngestDocumentsPayload { job { id kind } source { id kind name path } }
    ... on Error { code message }
  }
}"""
DOCUMENT = """{ document(by: {path: "guide.md"}) {
  id title format language problem { code } source { name path } text
  sections { nodes { level headings start end text } } passages { nodes { position header text start end } }
} }"""


@pytest.fixture
def guides(tmp_path: Path) -> Path:
    folder = tmp_path / "guides"
    folder.mkdir()
    (folder / "guide.md").write_text("# Guide\n\nHard links need one file system, so keep both folders on it.")
    (folder / "other.txt").write_text("Other text.")
    return folder


async def run(database: Database, bus: Bus, job: dict[str, Any]) -> None:
    """Do an ingest in this process."""
    async with DocumentReader() as reader:
        handlers = {JobKind.INGEST_DOCUMENTS: partial(ingest_documents, ingesting=Ingesting(reader, WHOLE_TEXT))}
        await execute(decode_id(job["id"])[1], handlers, database=database, bus=bus, worker="test")


async def test_a_folder_is_ingested_read_and_removed(ask: Ask, database: Database, bus: Bus, guides: Path) -> None:
    given = {"source": {"folder": {"path": str(guides)}}, "key": "k"}
    started = (await ask(INGEST, given))["ingestDocuments"]
    assert (await ask(INGEST, given))["ingestDocuments"] == started
    assert started["source"] | {"id": None} == {"id": None, "kind": "FOLDER", "name": "guides", "path": str(guides)}
    await run(database, bus, started["job"])
    result = "result { ... on IngestResult { added failed source { path } } }"
    job = await ask(f'{{ node(id: "{started["job"]["id"]}") {{ ... on Job {{ state {result} }} }} }}')
    assert job["node"] == {"state": "SUCCEEDED", "result": {"added": 2, "failed": 0, "source": {"path": str(guides)}}}
    document = (await ask(DOCUMENT, role=Role.VIEWER))["document"]
    text = "Guide\n\nHard links need one file system, so keep both folders on it."
    assert document | {"id": None} == {
        "id": None,
        "title": "Guide",
        "format": "MARKDOWN",
        "language": "en",
        "problem": None,
        "source": {"name": "guides", "path": None},
        "text": text,
        "sections": {"nodes": [{"level": 1, "headings": ["Guide"], "start": 0, "end": len(text), "text": text}]},
        "passages": {"nodes": [{"position": 0, "header": "Guide", "text": text, "start": 0, "end": len(text)}]},
    }
    titles = '{ documents(search: "guide", filter: {formats: [MARKDOWN]}) { totalCount nodes { title } } }'
    assert (await ask(titles))["documents"] == {"totalCount": 1, "nodes": [{"title": "Guide"}]}
    await ask(f'mutation {{ removeDocument(input: {{id: "{document["id"]}"}}) {{ __typename }} }}')
    payload = "... on RemoveDocumentSourcePayload { documents }"
    gone = f'mutation {{ removeDocumentSource(input: {{id: "{started["source"]["id"]}"}}) {{ {payload} }} }}'
    assert (await ask(gone))["removeDocumentSource"] == {"documents": 1}
    assert (await ask("{ documents { totalCount } }"))["documents"] == {"totalCount": 0}


@pytest.mark.parametrize("path", ["/", "/etc", "/proc/self", "relative/path", "/nowhere/at/all"])
async def test_places_of_the_system_and_no_places_are_refused(ask: Ask, path: str) -> None:
    answer = (await ask(INGEST, {"source": {"folder": {"path": path}}}))["ingestDocuments"]
    assert answer["code"] == "BAD_USER_INPUT"


async def test_a_folder_within_another_is_found_there(ask: Ask, guides: Path) -> None:
    (guides / "inner").mkdir()
    await ask(INGEST, {"source": {"folder": {"path": str(guides)}}})
    answer = (await ask(INGEST, {"source": {"folder": {"path": str(guides / "inner")}}}))["ingestDocuments"]
    assert (answer["code"], "overlaps" in answer["message"]) == ("BAD_USER_INPUT", True)
