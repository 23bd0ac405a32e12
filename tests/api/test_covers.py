"""Covers are scaled to few widths, cached for ever, and shown only to those who may read."""

import io
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from api.auth import Authenticator
from api.covers import WIDTHS, Covers, served_width
from library.covers import store
from library.database import Database

ADMIN = "a-break-glass-token-of-these-tests-0123"


@pytest.fixture
def cover(tmp_path: Path) -> str:
    """The hash of a red picture of 1000 by 1500 pixels."""
    data = io.BytesIO()
    Image.new("RGB", (1000, 1500), "red").save(data, "JPEG")
    return store(tmp_path, data.getvalue()).content_hash


@pytest.fixture
def site(database: Database, tmp_path: Path) -> httpx.AsyncClient:
    """A client that is signed in."""
    app = Starlette(routes=list(Covers(tmp_path, Authenticator(database, admin_token=ADMIN), demo=False).routes))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {ADMIN}"}
    )


async def test_a_cover_is_scaled_and_may_be_kept_for_ever(site: httpx.AsyncClient, cover: str) -> None:
    answer = await site.get(f"/covers/{cover}?width=150")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (200, 300))
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = await site.get(f"/covers/{cover}?width=150", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_picture_is_never_blown_up(site: httpx.AsyncClient, cover: str) -> None:
    answer = await site.get(f"/covers/{cover}?width=1200")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (1000, 1500)


@pytest.mark.parametrize(
    ("asked", "served"), [(None, 400), ("1", 100), ("100", 100), ("101", 200), ("99999", 1200), ("x", 400), ("-5", 400)]
)
def test_only_a_few_widths_are_made(asked: str | None, served: int) -> None:
    assert served_width(asked) == served
    assert served in WIDTHS


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fetc%2fpasswd", "nothex", "scaled"])
async def test_what_is_no_cover_is_not_found(site: httpx.AsyncClient, name: str) -> None:
    assert (await site.get(f"/covers/{name}")).status_code == 404


async def test_strangers_see_no_cover(site: httpx.AsyncClient, cover: str) -> None:
    anonymous = await site.get(f"/covers/{cover}", headers={"Authorization": ""})
    wrong = await site.get(f"/covers/{cover}", headers={"Authorization": "Bearer sg_wrong"})
    assert (anonymous.status_code, wrong.status_code) == (401, 401)
