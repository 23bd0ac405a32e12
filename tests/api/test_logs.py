"""Logs: one event a request, ids, and no secret in any line."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import logs

TOKEN = "sg_" + "Ab3-_" * 8
PASSWORD = "correct-horse-battery"
BREAK_GLASS = "an operator's very own words, 32+"

PLANTED: dict[str, Any] = {
    "token in a sentence": {"detail": f"refused {TOKEN}"},
    "secret key": {"token": PASSWORD},
    "secret key with a prefix": {"SHELFGRAPH_ADMIN_TOKEN": PASSWORD},
    "secret key of another spelling": {"apiKey": PASSWORD, "api_key": PASSWORD, "X-Api-Key": PASSWORD},
    "secret key deep inside": {"request": {"headers": [{"Authorization": f"Bearer {PASSWORD}"}]}},
    "secret that is no text": {"password": PASSWORD.encode()},
    "bearer header in text": {"detail": f"sent Bearer {PASSWORD} to them"},
    "header line": {"detail": f"> Authorization: Basic {PASSWORD}\n> Accept: */*"},
    "cookie line": {"detail": f"Cookie: theme=dark; shelfgraph_session={PASSWORD}"},
    "URL with a password": {"detail": f"postgresql+asyncpg://owner:{PASSWORD}@db.example/books"},
    "URL with an odd password": {"detail": f"redis://:{PASSWORD}@x@cache.example/0"},
    "query string": {"detail": f"GET /api?apikey={PASSWORD}&t=search"},
    "assignment": {"detail": f"password = '{PASSWORD}'"},
    "JSON in text": {"detail": json.dumps({"secret": PASSWORD})},
    "object that shows it": {"detail": ValueError(f"token={PASSWORD}")},
    "value known to be secret": {"detail": f"({BREAK_GLASS})"},
    "set of values": {"detail": {f"token={PASSWORD}"}},
}


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Put the test run's logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in logs._OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(params=[True, False], ids=["json", "console"])
def written(request: pytest.FixtureRequest) -> io.StringIO:
    """What the set-up of either kind writes."""
    stream = io.StringIO()
    logs.configure(level="DEBUG", as_json=request.param, stream=stream, secrets=[BREAK_GLASS])
    return stream


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_no_planted_secret_is_written(written: io.StringIO, planted: dict[str, Any]) -> None:
    structlog.get_logger("api.test").info("something happened", **planted)

    assert logs.REDACTED in written.getvalue()
    assert_clean(written)


def test_exception_texts_are_redacted(written: io.StringIO) -> None:
    try:
        refuse(f"redis://:{PASSWORD}@host", TOKEN)
    except ConnectionError:
        structlog.get_logger("api.test").exception("it broke", secret=PASSWORD)

    assert "ConnectionError" in written.getvalue()
    assert_clean(written)


def test_logs_of_libraries_are_redacted_too(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("GET %s", f"/sign-in?code={TOKEN}")
    logging.getLogger("arq").error("connecting to %s", f"redis://:{PASSWORD}@host", extra={"token": PASSWORD})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"deprecated: token={PASSWORD}", DeprecationWarning, stacklevel=1)

    assert all(name in written.getvalue() for name in ("uvicorn.error", "arq", "py.warnings"))
    assert_clean(written)


def test_what_is_no_secret_stays_readable(written: io.StringIO) -> None:
    structlog.get_logger("api.test").info("job_ended", token_id=7, hint="sg_Ab3-_A", max_tokens=5000, path="/a:b@c")

    line = written.getvalue()
    assert logs.REDACTED not in line
    assert all(part in line for part in ("job_ended", "sg_Ab3-_A", "5000", "/a:b@c"))


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.just(TOKEN), st.just(TOKEN.encode())),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner, inner)),
        max_leaves=20,
    )
)
def test_a_token_is_found_in_any_value(value: Any) -> None:
    assert TOKEN not in repr(logs.Redaction().value(value))


async def test_a_request_is_one_event_without_its_query_string(written: io.StringIO) -> None:
    async with client() as http:
        answer = await http.get(f"/books?code={TOKEN}&search=dracula", headers={"X-Request-Id": "abc-1"})

    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.json() == {"requestId": "abc-1"}
    [line] = [line for line in written.getvalue().splitlines() if "milliseconds" in line]
    assert all(part in line for part in ("request", "GET", "/books", "200", "abc-1"))
    assert "dracula" not in line


async def test_a_hostile_request_id_is_replaced(written: io.StringIO) -> None:
    async with client() as http:
        answer = await http.get("/books", headers={"X-Request-Id": "a b{}"})

    assert len(answer.headers["x-request-id"]) == 32
    assert answer.json() == {"requestId": answer.headers["x-request-id"]}


async def test_the_trace_of_the_caller_is_in_every_line(written: io.StringIO) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with client() as http:
        await http.get("/books", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

    assert trace in written.getvalue()


async def test_the_request_that_raises_is_logged(written: io.StringIO) -> None:
    async with client() as http:
        with pytest.raises(ZeroDivisionError):
            await http.get("/broken")

    assert "/broken" in written.getvalue()


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", ["ours at debug", "ours at info", "a library at info", "a library at error"]),
        ("info", ["ours at info", "a library at error"]),
        ("ERROR", ["a library at error"]),
    ],
)
def test_libraries_are_heard_from_warnings_on(level: str, expected: list[str], written: io.StringIO) -> None:
    logs.configure(level=level, as_json=True, stream=written)

    structlog.get_logger("jobs.scans").debug("ours at debug")
    structlog.get_logger("jobs.scans").info("ours at info")
    logging.getLogger("alembic.runtime").info("a library at info")
    logging.getLogger("alembic.runtime").error("a library at error")

    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == expected


def test_json_lines_are_json() -> None:
    stream = io.StringIO()
    logs.configure(level="INFO", as_json=True, stream=stream)
    for planted in PLANTED.values():
        structlog.get_logger("api.test").info("planted", **planted)
    logging.getLogger("uvicorn").warning('quoted "token=%s" and \\', TOKEN)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert [line["level"] for line in lines] == ["info"] * len(PLANTED) + ["warning"]
    assert logs.Redaction().text(stream.getvalue()) == stream.getvalue()


def refuse(url: str, token: str) -> None:
    message = f"{url} refused {token}"
    raise ConnectionError(message)


def assert_clean(written: io.StringIO) -> None:
    found = [secret for secret in (TOKEN, PASSWORD, BREAK_GLASS) if secret in written.getvalue()]
    assert found == [], written.getvalue()


def client() -> httpx.AsyncClient:
    async def books(request: Request) -> Response:
        return JSONResponse({"requestId": request.headers["x-request-id"]})

    async def broken(_request: Request) -> Response:
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/books", books), Route("/broken", broken)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(logs.RequestLog(app)), base_url="http://test")
