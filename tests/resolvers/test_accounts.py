"""Tokens: shown once, with at most the rights of whoever asks, ended at once."""

from collections.abc import Callable
from typing import Any

from api.auth import Authenticator
from library import accounts
from library.database import Database
from library.errors import TokenRefused
from library.models.accounts import Role, TokenKind
from resolvers.context import Context, Viewer
from tests.resolvers.conftest import Ask, schema

CREATE = """mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { __typename
  ... on CreateApiTokenPayload { secret apiToken { id name role hint revokedAt } } ... on Error { code } } }"""
REVOKE = """mutation($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) { __typename
  ... on RevokeApiTokenPayload { apiToken { revokedAt } } ... on Error { code } } }"""
MINE = "{ viewer { name role apiTokens { nodes { name role } } } }"


async def member(database: Database, name: str, role: Role = Role.MEMBER) -> Viewer:
    """A user of the household."""
    async with database.write() as session:
        user = await accounts.create_user(session, name, role)
    return Viewer(user_id=user.id, name=name, role=role, token_id=None, expires_at=None)


async def run(context: Context, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Run an operation and give its data, or the code of its first error."""
    result = await schema.execute(query, variable_values=variables, context_value=context)
    errors = getattr(result, "errors", None)
    return getattr(errors[0].original_error, "code", None) if errors else getattr(result, "data", None)


async def test_a_token_speaks_for_its_user_until_it_is_revoked(
    database: Database, make_context: Callable[[Viewer | None], Context]
) -> None:
    context = make_context(await member(database, "Ada"))
    made = (await run(context, CREATE, {"input": {"name": "reader", "role": "VIEWER"}}))["createApiToken"]
    authenticator = Authenticator(database, admin_token=None)
    async with database.read() as session:
        known = await accounts.authenticate(session, made["secret"], kinds=(TokenKind.API,))
    assert (known.user.name, known.role, made["apiToken"]["name"]) == ("Ada", Role.VIEWER, "reader")
    assert made["secret"].startswith(made["apiToken"]["hint"])
    revoked = (await run(context, REVOKE, {"input": {"id": made["apiToken"]["id"]}}))["revokeApiToken"]
    assert revoked["apiToken"]["revokedAt"] is not None
    async with database.read() as session:
        try:
            await accounts.authenticate(session, made["secret"], kinds=(TokenKind.API,))
        except TokenRefused:
            refused = True
    assert refused
    await authenticator.close()


async def test_nobody_makes_a_token_that_may_more_than_oneself(
    database: Database, make_context: Callable[[Viewer | None], Context]
) -> None:
    context = make_context(await member(database, "Ada"))
    assert await run(context, CREATE, {"input": {"name": "x", "role": "ADMIN"}}) == "FORBIDDEN"


async def test_members_see_and_end_only_their_own_tokens(
    database: Database, make_context: Callable[[Viewer | None], Context]
) -> None:
    ada, bob = make_context(await member(database, "Ada")), make_context(await member(database, "Bob"))
    admin = make_context(await member(database, "Eve", Role.ADMIN))
    made = (await run(ada, CREATE, {"input": {"name": "hers"}}))["createApiToken"]["apiToken"]
    assert (await run(bob, MINE))["viewer"] == {"name": "Bob", "role": "MEMBER", "apiTokens": {"nodes": []}}
    assert (await run(bob, REVOKE, {"input": {"id": made["id"]}}))["revokeApiToken"]["code"] == "NOT_FOUND"
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert await run(bob, node, {"id": made["id"]}) == {"node": None}
    assert await run(ada, node, {"id": made["id"]}) == {"node": {"id": made["id"]}}
    assert (await run(admin, MINE))["viewer"]["apiTokens"] == {"nodes": [{"name": "hers", "role": "VIEWER"}]}
    assert (await run(admin, REVOKE, {"input": {"id": made["id"]}}))["revokeApiToken"]["__typename"].endswith("Payload")


async def test_signing_in_with_a_token_begins_a_session_of_the_same_rights(
    database: Database, make_context: Callable[[Viewer | None], Context]
) -> None:
    made = (await run(make_context(await member(database, "Ada")), CREATE, {"input": {"name": "spa"}}))[
        "createApiToken"
    ]
    visitor = make_context(None)
    query = """mutation($t: String!) { signIn(input: {token: $t}) {
      ... on SignInPayload { viewer { name role } } ... on Error { code } } }"""
    assert await run(visitor, query, {"t": made["secret"]}) == {"signIn": {"viewer": {"name": "Ada", "role": "VIEWER"}}}
    async with database.read() as session:
        known = await accounts.authenticate(session, visitor.session.cookie or "", kinds=(TokenKind.SESSION,))
    assert known.role is Role.VIEWER
    assert await run(make_context(None), query, {"t": "sg_wrong"}) == {"signIn": {"code": "UNAUTHENTICATED"}}


async def test_the_operators_token_can_make_the_first_token(ask: Ask) -> None:
    made = (await ask(CREATE, {"input": {"name": "first", "role": "ADMIN"}}))["createApiToken"]
    assert made["apiToken"]["role"] == "ADMIN"


async def test_bad_lifetimes_are_refused(ask: Ask) -> None:
    for days in (0, -1, 2_147_483_647):
        made = await ask(CREATE, {"input": {"name": "x", "expiresInDays": days}})
        assert made["createApiToken"] == {"__typename": "BadInputError", "code": "BAD_USER_INPUT"}
