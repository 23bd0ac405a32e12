"""Who asks: what requests and sockets present, and whom that makes them."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api import auth
from api.auth import COOKIE, Authenticator
from library import accounts
from library.accounts import Issued
from library.database import Database, open_database
from library.errors import TokenRefused
from library.models.accounts import Role, Token, TokenKind
from resolvers.context import Viewer

BREAK_GLASS = "the operator's break-glass token, long enough"
OPERATOR = Viewer(user_id=None, name="operator", role=Role.ADMIN, token_id=None, expires_at=None)


async def test_nothing_presented_is_nobody(database: Database) -> None:
    authenticator = Authenticator(database, admin_token=None)

    assert await authenticator.viewer_of_request(connection()) is None
    assert await authenticator.viewer_of_socket(connection(), None) is None
    assert await authenticator.viewer_of_socket(connection(), {"client": "urql"}) is None


async def test_a_bearer_token_speaks_for_its_user(database: Database) -> None:
    issued = await given_token(database, TokenKind.API)
    authenticator = Authenticator(database, admin_token=BREAK_GLASS)

    viewer = await authenticator.viewer_of_request(connection(authorization=f"bearer  {issued.secret}"))
    await authenticator.close()

    assert viewer == Viewer(
        user_id=issued.token.user_id,
        name="owner",
        role=Role.MEMBER,
        token_id=issued.token.id,
        expires_at=issued.token.expires_at,
    )


@pytest.mark.parametrize("kind", [TokenKind.API, TokenKind.SIGN_IN])
async def test_only_a_session_is_taken_from_a_cookie(database: Database, kind: TokenKind) -> None:
    session_token = await given_token(database, TokenKind.SESSION)
    other = await given_token(database, kind)
    authenticator = Authenticator(database, admin_token=BREAK_GLASS)

    viewer = await authenticator.viewer_of_request(connection(cookie=f"{COOKIE}={session_token.secret}"))
    nobody = await authenticator.viewer_of_request(connection(cookie=f"{COOKIE}={other.secret}"))
    await authenticator.close()

    assert viewer is not None
    assert (viewer.token_id, viewer.by_cookie) == (session_token.token.id, True)
    assert nobody is None


async def test_a_bad_bearer_token_is_refused_and_a_bad_cookie_is_none(database: Database) -> None:
    authenticator = Authenticator(database, admin_token=None)

    for header in ("Bearer sg_unknown", "Bearer", "Bearer " + BREAK_GLASS):
        with pytest.raises(TokenRefused):
            await authenticator.viewer_of_request(connection(authorization=header))
    assert await authenticator.viewer_of_request(connection(cookie=f"{COOKIE}=sg_unknown")) is None


async def test_the_login_of_a_proxy_in_front_is_not_ours(database: Database) -> None:
    issued = await given_token(database, TokenKind.SESSION)
    authenticator = Authenticator(database, admin_token=None)

    request = connection(authorization="Basic b3duZXI6cHc=", cookie=f"{COOKIE}={issued.secret}")
    viewer = await authenticator.viewer_of_request(request)
    await authenticator.close()

    assert viewer is not None
    assert viewer.token_id == issued.token.id


@pytest.mark.parametrize("key", ["Authorization", "authorization", "token"])
async def test_a_socket_presents_its_token_as_it_connects(database: Database, key: str) -> None:
    issued = await given_token(database, TokenKind.API)
    authenticator = Authenticator(database, admin_token=None)

    value = issued.secret if key == "token" else f"Bearer {issued.secret}"
    viewer = await authenticator.viewer_of_socket(connection(), {key: value})
    await authenticator.close()

    assert viewer is not None
    assert viewer.token_id == issued.token.id


@pytest.mark.parametrize(
    "params", [{"token": 7}, {"token": "sg_unknown"}, {"token": ""}, {"Authorization": "Basic x"}, {"token": ["sg_"]}]
)
async def test_a_socket_with_a_bad_token_is_refused(database: Database, params: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        await Authenticator(database, admin_token=None).viewer_of_socket(connection(), params)


async def test_a_socket_without_a_token_has_the_cookie_of_its_upgrade_request(database: Database) -> None:
    issued = await given_token(database, TokenKind.SESSION)
    authenticator = Authenticator(database, admin_token=None)

    viewer = await authenticator.viewer_of_socket(connection(cookie=f"{COOKIE}={issued.secret}"), {})
    await authenticator.close()

    assert viewer is not None
    assert viewer.by_cookie


async def test_the_break_glass_token_works_on_a_database_without_tables() -> None:
    database = open_database("sqlite+aiosqlite:///:memory:")
    authenticator = Authenticator(database, admin_token=BREAK_GLASS)

    assert await authenticator.viewer_of_request(connection(authorization=f"Bearer {BREAK_GLASS}")) == OPERATOR
    assert await authenticator.viewer_of_socket(connection(), {"token": BREAK_GLASS}) == OPERATOR
    assert await authenticator.still_valid(OPERATOR)
    await database.close()


async def test_a_viewer_is_valid_until_the_token_is_revoked(database: Database) -> None:
    issued = await given_token(database, TokenKind.API)
    authenticator = Authenticator(database, admin_token=None)
    viewer = await authenticator.viewer_of_socket(connection(), {"token": issued.secret})
    assert viewer is not None
    assert await authenticator.still_valid(viewer)

    async with database.write() as session:
        await accounts.revoke(session, issued.token.id)
    await authenticator.close()

    assert not await authenticator.still_valid(viewer)


async def test_the_use_of_a_token_is_recorded(database: Database) -> None:
    issued = await given_token(database, TokenKind.API)
    authenticator = Authenticator(database, admin_token=None)

    await authenticator.viewer_of_socket(connection(), {"token": issued.secret})
    await authenticator.close()

    async with database.read() as session:
        assert await session.scalar(sa.select(Token.last_used_at)) is not None


@pytest.mark.parametrize("secure", [True, False])
def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(secure: bool) -> None:
    response = Response()
    auth.set_session_cookie(response, "sg_secret", secure=secure)
    auth.clear_session_cookie(response, secure=secure)

    kept, cleared = response.headers.getlist("set-cookie")
    attributes = {"HttpOnly", "Path=/", "SameSite=lax", *(["Secure"] if secure else [])}
    assert set(kept.split("; ")) == {f"{COOKIE}=sg_secret", "Max-Age=2592000", *attributes}
    assert attributes < set(cleared.split("; "))
    assert "Max-Age=0" in cleared


def connection(**headers: str) -> HTTPConnection:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw, "path": "/graphql", "query_string": b""})


async def given_token(database: Database, kind: TokenKind) -> Issued:
    async with database.write() as session:
        owner = await accounts.ensure_owner(session)
        return await accounts.create_token(
            session, owner, kind=kind, name="test", role=Role.MEMBER, lifetime=timedelta(days=1)
        )
