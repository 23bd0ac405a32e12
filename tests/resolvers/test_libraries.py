"""Library roots: added once, scanned by a job, and refused with a reason."""

from pathlib import Path
from typing import Any

import pytest

from library.models.accounts import Role
from tests.resolvers.conftest import Ask

ADD = """mutation($input: AddLibraryRootInput!) { addLibraryRoot(input: $input) { __typename
  ... on AddLibraryRootPayload { libraryRoot { id name path } job { id kind state } }
  ... on Error { code message } } }"""
SCAN = """mutation($input: ScanLibraryInput!) { scanLibrary(input: $input) { __typename
  ... on ScanLibraryPayload { job { id state } } ... on Error { code message } } }"""


async def add(ask: Ask, path: Path | str, **options: Any) -> Any:
    """What addLibraryRoot answers."""
    return (await ask(ADD, {"input": {"path": str(path), **options}}))["addLibraryRoot"]


async def test_a_folder_is_added_and_its_scan_is_queued(ask: Ask, tmp_path: Path) -> None:
    payload = await add(ask, tmp_path, name="Shelf")
    assert payload["libraryRoot"] == {"id": payload["libraryRoot"]["id"], "name": "Shelf", "path": str(tmp_path)}
    assert payload["job"] == {"id": payload["job"]["id"], "kind": "SCAN_LIBRARY", "state": "QUEUED"}


async def test_the_path_is_for_administrators(ask: Ask, tmp_path: Path) -> None:
    await add(ask, tmp_path)
    assert await ask("{ libraryRoots { path } }", role=Role.VIEWER) == {"libraryRoots": [{"path": None}]}


@pytest.mark.parametrize("path", ["relative", "/no/such/folder", "", "/etc/hostname", "a\x00b"])
async def test_what_is_no_readable_folder_is_bad_input(ask: Ask, path: str) -> None:
    payload = await add(ask, path)
    assert (payload["__typename"], payload["code"]) == ("BadInputError", "BAD_USER_INPUT")


async def test_a_folder_inside_another_root_is_refused(ask: Ask, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    await add(ask, tmp_path)
    assert (await add(ask, inner))["code"] == (await add(ask, tmp_path))["code"] == "BAD_USER_INPUT"


async def test_the_same_request_again_gives_the_same_root_and_job(ask: Ask, tmp_path: Path) -> None:
    first = await add(ask, tmp_path, idempotencyKey="once")
    assert await add(ask, tmp_path, idempotencyKey="once") == first


async def test_a_scan_is_asked_for_once_however_often_it_is_asked_for(ask: Ask, tmp_path: Path) -> None:
    root = (await add(ask, tmp_path, scan=False))["libraryRoot"]["id"]
    first = (await ask(SCAN, {"input": {"libraryRoot": root, "idempotencyKey": "k"}}))["scanLibrary"]
    again = (await ask(SCAN, {"input": {"libraryRoot": root, "idempotencyKey": "k"}}))["scanLibrary"]
    reused = (await ask(SCAN, {"input": {"libraryRoot": root, "idempotencyKey": "k", "force": True}}))["scanLibrary"]
    assert (again, reused["code"]) == (first, "CONFLICT")


async def test_statistics_of_an_empty_library_are_zeros(ask: Ask) -> None:
    assert await ask("{ libraryStats { books editions audioFiles durationSeconds sizeBytes } }") == {
        "libraryStats": {"books": 0, "editions": 0, "audioFiles": 0, "durationSeconds": 0.0, "sizeBytes": 0}
    }
