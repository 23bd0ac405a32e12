"""The sign-in link: it works once, for those who open it, and leads nowhere else."""

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from api import sign_in
from api.auth import COOKIE, Authenticator
from library import accounts
from library.database import Database
from library.models.accounts import Token, TokenKind


async def test_the_link_signs_in_and_leads_to_the_playground(database: Database) -> None:
    code = await given_code(database)
    async with browser(database) as http:
        answer = await http.get("/sign-in", params={"code": code, "next": "https://elsewhere.example"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/playground")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "Secure" not in answer.headers["set-cookie"]
    assert code not in str(answer.headers)
    async with database.read() as session:
        await accounts.authenticate(session, answer.cookies[COOKIE], kinds=[TokenKind.SESSION])


async def test_over_https_the_cookie_is_secure(database: Database) -> None:
    code = await given_code(database)
    async with browser(database, "https://books.example") as http:
        answer = await http.get("/sign-in", params={"code": code})

    assert "Secure" in answer.headers["set-cookie"]


async def test_a_used_link_says_what_to_do(database: Database) -> None:
    code = await given_code(database)
    async with browser(database) as http:
        await http.get("/sign-in", params={"code": code})
        http.cookies.clear()
        answer = await http.get("/sign-in", params={"code": code})

    assert answer.status_code == 403
    assert "shelfgraph token --link" in answer.text
    assert code not in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_used_link_still_leads_those_who_are_signed_in(database: Database) -> None:
    code = await given_code(database)
    async with browser(database) as http:
        await http.get("/sign-in", params={"code": code})
        answer = await http.get("/sign-in", params={"code": code})

    assert (answer.status_code, answer.headers["location"]) == (303, "/playground")


@pytest.mark.parametrize("query", ["", "?code=", "?code=%3Cscript%3E", "?code=sg_unknown", "?code=%FF%00"])
async def test_a_link_that_was_never_given_out_is_refused(database: Database, query: str) -> None:
    async with browser(database) as http:
        answer = await http.get(f"/sign-in{query}")

    assert answer.status_code == 403
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"Purpose": "prefetch"}),
        ("GET", {"Sec-Fetch-Dest": "image"}),
        ("GET", {"Sec-Fetch-Dest": "empty"}),
    ],
)
async def test_what_only_looks_at_the_link_does_not_use_it_up(
    database: Database, method: str, headers: dict[str, str]
) -> None:
    code = await given_code(database)
    async with browser(database) as http:
        looked = await http.request(method, "/sign-in", params={"code": code}, headers=headers)
        opened = await http.get("/sign-in", params={"code": code}, headers={"Sec-Fetch-Dest": "document"})

    assert (looked.status_code, opened.status_code) == (409, 303)


async def test_signing_out_ends_the_session_on_the_server_too(database: Database) -> None:
    code = await given_code(database)
    async with browser(database) as http:
        await http.get("/sign-in", params={"code": code})
        answer = await http.post("/sign-out")
        again = await http.post("/sign-out")

    assert (answer.status_code, again.status_code) == (303, 303)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    async with database.read() as session:
        revoked = (await session.scalars(sa.select(Token.revoked_at))).all()
    assert None not in revoked


async def test_opening_the_sign_out_address_signs_nobody_out(database: Database) -> None:
    async with browser(database) as http:
        assert (await http.get("/sign-out")).status_code == 405


async def given_code(database: Database) -> str:
    async with database.write() as session:
        owner = await accounts.ensure_owner(session)
        return (await accounts.create_sign_in_code(session, owner)).secret


def browser(database: Database, address: str = "http://127.0.0.1:8000") -> httpx.AsyncClient:
    app = Starlette(routes=sign_in.routes(database, Authenticator(database, admin_token=None)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address)
