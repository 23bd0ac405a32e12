"""Users and tokens: what a secret is worth, for how long, and to whom."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from library import accounts
from library.accounts import Issued
from library.database import Database
from library.errors import Forbidden, InvalidFieldValue, NameTaken, NotFound, SignInLinkRefused, TokenRefused
from library.models.accounts import Role, Token, TokenKind, User
from library.models.tables import now
from library.pagination import Page, fetch_page

DAY = timedelta(days=1)


async def test_the_first_administrator_is_created_once(database: Database) -> None:
    async with database.write() as session:
        first = await accounts.ensure_owner(session)
    async with database.write() as session:
        second = await accounts.ensure_owner(session)

    assert (first.id, first.name, first.role) == (second.id, "owner", Role.ADMIN)


async def test_two_processes_that_start_at_once_create_one_owner(database: Database) -> None:
    async def ensure() -> int:
        async with database.write() as session:
            return (await accounts.ensure_owner(session)).id

    ids = await asyncio.gather(*(ensure() for _ in range(5)))

    assert len(set(ids)) == 1


async def test_a_name_belongs_to_one_user(database: Database) -> None:
    await given_user(database, "ann", Role.MEMBER)

    with pytest.raises(NameTaken, match="'ann'"):
        await given_user(database, "ann", Role.VIEWER)
    async with database.read() as session:
        found = await accounts.find_user(session, "ann")
        assert found is not None
        assert (await accounts.get_user(session, found.id)).role is Role.MEMBER
        assert await accounts.find_user(session, "bob") is None


async def test_a_secret_is_kept_as_its_hash_only(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    issued = await given_token(database, user)

    async with database.read() as session:
        row = (await session.execute(sa.select(Token.__table__))).one()
    assert issued.secret.startswith("sg_")
    assert len(issued.secret) == 46
    assert issued.secret not in repr(row)
    assert row.hint == issued.secret[:9]


async def test_a_token_speaks_for_its_user_with_the_lesser_role(database: Database) -> None:
    user = await given_user(database, "ann", Role.ADMIN)
    issued = await given_token(database, user, role=Role.MEMBER)
    async with database.read() as session:
        known = await accounts.authenticate(session, issued.secret, kinds=[TokenKind.API])
    assert (known.user.name, known.token.id, known.role) == ("ann", issued.token.id, Role.MEMBER)

    async with database.write() as session:
        await session.execute(sa.update(User).values(role=Role.VIEWER))
    async with database.read() as session:
        known = await accounts.authenticate(session, issued.secret, kinds=[TokenKind.API])
    assert known.role is Role.VIEWER


async def test_a_token_never_has_a_role_above_its_users(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)

    with pytest.raises(Forbidden, match="ADMIN"):
        await given_token(database, user, role=Role.ADMIN)


@pytest.mark.parametrize("lifetime", [timedelta(0), -DAY, timedelta(days=3651)])
async def test_a_lifetime_is_positive_and_ends(database: Database, lifetime: timedelta) -> None:
    user = await given_user(database, "ann", Role.MEMBER)

    with pytest.raises(InvalidFieldValue, match="lifetime"):
        await given_token(database, user, lifetime=lifetime)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
async def test_a_name_is_readable_and_short(database: Database, name: str) -> None:
    user = await given_user(database, "ann", Role.MEMBER)

    with pytest.raises(InvalidFieldValue, match="name"):
        await given_token(database, user, name=name)


@pytest.mark.parametrize("secret", ["", "sg_", "sg_" + "A" * 43, "hello", "sg_\udcff", "sg_ü"])
async def test_an_unknown_secret_is_refused(database: Database, secret: str) -> None:
    await given_token(database, await given_user(database, "ann", Role.MEMBER))

    await assert_refused(database, secret)


async def test_a_token_of_another_kind_is_refused(database: Database) -> None:
    issued = await given_token(database, await given_user(database, "ann", Role.MEMBER), kind=TokenKind.SIGN_IN)

    await assert_refused(database, issued.secret)


async def test_an_expired_token_is_refused(database: Database) -> None:
    issued = await given_token(database, await given_user(database, "ann", Role.MEMBER))
    async with database.write() as session:
        await session.execute(sa.update(Token).values(expires_at=now() - timedelta(seconds=1)))

    await assert_refused(database, issued.secret)
    async with database.read() as session:
        assert not await accounts.still_valid(session, issued.token.id)


async def test_a_revoked_token_is_refused_and_revoking_twice_changes_nothing(database: Database) -> None:
    issued = await given_token(database, await given_user(database, "ann", Role.MEMBER))
    async with database.read() as session:
        assert await accounts.still_valid(session, issued.token.id)

    async with database.write() as session:
        first = (await accounts.revoke(session, issued.token.id)).revoked_at
    async with database.write() as session:
        second = (await accounts.revoke(session, issued.token.id)).revoked_at

    assert first == second
    await assert_refused(database, issued.secret)


async def test_nobody_revokes_the_token_of_another(database: Database) -> None:
    issued = await given_token(database, await given_user(database, "ann", Role.MEMBER))
    other = await given_user(database, "bob", Role.MEMBER)

    async with database.write() as session:
        with pytest.raises(NotFound):
            await accounts.revoke(session, issued.token.id, user_id=other.id)
    async with database.read() as session:
        assert await accounts.still_valid(session, issued.token.id)


async def test_the_last_use_is_written_at_most_once_a_minute(database: Database) -> None:
    issued = await given_token(database, await given_user(database, "ann", Role.MEMBER))
    assert accounts.is_use_unwritten(issued.token)
    first = await touched(database, issued)
    second = await touched(database, issued)
    async with database.write() as session:
        await session.execute(sa.update(Token).values(last_used_at=now() - timedelta(seconds=61)))
    third = await touched(database, issued)

    assert first.last_used_at == second.last_used_at
    assert not accounts.is_use_unwritten(first)
    assert first.last_used_at is not None
    assert third.last_used_at is not None
    assert third.last_used_at > first.last_used_at


async def test_tokens_are_listed_newest_first_each_to_its_own(database: Database) -> None:
    ann = await given_user(database, "ann", Role.MEMBER)
    bob = await given_user(database, "bob", Role.MEMBER)
    for user, name in ((ann, "one"), (bob, "two"), (ann, "three")):
        await given_token(database, user, name=name)
    await given_token(database, ann, kind=TokenKind.SESSION)

    assert await listed(database, None) == ["three", "two", "one"]
    assert await listed(database, ann.id) == ["three", "one"]


async def test_a_sign_in_code_becomes_a_session_once(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    async with database.write() as session:
        code = (await accounts.create_sign_in_code(session, user)).secret

    async with database.write() as session:
        issued = await accounts.sign_in(session, code)
    async with database.read() as session:
        known = await accounts.authenticate(session, issued.secret, kinds=[TokenKind.SESSION])
    assert (known.user.name, known.role) == ("ann", Role.MEMBER)

    async with database.write() as session:
        with pytest.raises(SignInLinkRefused):
            await accounts.sign_in(session, code)


async def test_of_many_requests_with_one_code_one_signs_in(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    async with database.write() as session:
        code = (await accounts.create_sign_in_code(session, user)).secret

    async def attempt() -> bool:
        try:
            async with database.write() as session:
                await accounts.sign_in(session, code)
        except SignInLinkRefused:
            return False
        return True

    assert sorted(await asyncio.gather(*(attempt() for _ in range(5)))) == [False] * 4 + [True]


async def test_an_old_sign_in_code_or_another_token_signs_nobody_in(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    api_token = await given_token(database, user)
    async with database.write() as session:
        code = await accounts.create_sign_in_code(session, user)
        code.token.expires_at = now() - timedelta(seconds=1)

    for secret in (code.secret, api_token.secret, ""):
        async with database.write() as session:
            with pytest.raises(SignInLinkRefused):
                await accounts.sign_in(session, secret)


async def test_signing_out_ends_the_session_and_nothing_else(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    session_token = await given_token(database, user, kind=TokenKind.SESSION)
    api_token = await given_token(database, user)

    async with database.write() as session:
        await accounts.sign_out(session, session_token.secret)
        await accounts.sign_out(session, api_token.secret)

    async with database.read() as session:
        assert not await accounts.still_valid(session, session_token.token.id)
        assert await accounts.still_valid(session, api_token.token.id)


async def test_ended_sessions_and_codes_are_forgotten_and_api_tokens_kept(database: Database) -> None:
    user = await given_user(database, "ann", Role.MEMBER)
    ended = [await given_token(database, user, kind=kind) for kind in TokenKind]
    async with database.write() as session:
        await session.execute(sa.update(Token).values(revoked_at=now() - DAY))
    alive = await given_token(database, user, kind=TokenKind.SESSION)

    async with database.write() as session:
        assert await accounts.forget_ended(session, now() - DAY / 2) == 2

    async with database.read() as session:
        left = (await session.scalars(sa.select(Token.id).order_by(Token.id))).all()
    assert left == [ended[0].token.id, alive.token.id]


def test_each_role_covers_those_below_it() -> None:
    covered = {role: [needed for needed in Role if accounts.covers(role, needed)] for role in Role}

    assert covered == {
        Role.VIEWER: [Role.VIEWER],
        Role.MEMBER: [Role.VIEWER, Role.MEMBER],
        Role.ADMIN: [Role.VIEWER, Role.MEMBER, Role.ADMIN],
    }


async def given_user(database: Database, name: str, role: Role) -> User:
    async with database.write() as session:
        return await accounts.create_user(session, name, role)


async def given_token(
    database: Database,
    user: User,
    *,
    kind: TokenKind = TokenKind.API,
    name: str = "laptop",
    role: Role | None = None,
    lifetime: timedelta = DAY,
) -> Issued:
    async with database.write() as session:
        return await accounts.create_token(
            session, user, kind=kind, name=name, role=role or user.role, lifetime=lifetime
        )


async def touched(database: Database, issued: Issued) -> Token:
    async with database.write() as session:
        await accounts.touch(session, issued.token.id)
    async with database.read() as session:
        token = await session.get(Token, issued.token.id)
        assert token is not None
        return token


async def listed(database: Database, user_id: int | None) -> list[str]:
    async with database.read() as session:
        rows = await fetch_page(session, accounts.tokens(user_id=user_id), Page.of())
    return [token.name for token, _cursor in rows.rows]


async def assert_refused(database: Database, secret: str) -> None:
    async with database.read() as session:
        with pytest.raises(TokenRefused):
            await accounts.authenticate(session, secret, kinds=[TokenKind.API])
