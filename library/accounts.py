"""Users, the tokens that speak for them, and the one-time codes of sign-in links."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import Forbidden, InvalidFieldValue, NameTaken, NotFound, SignInLinkRefused, TokenRefused
from library.models.accounts import Role, Token, TokenKind, User
from library.models.tables import now
from library.pagination import Keyset, SortKey

SECRET_PREFIX = "sg_"  # noqa: S105 it marks our secrets for people, scanners and the log's redaction; it is none itself
SESSION_LIFETIME = timedelta(days=30)
SIGN_IN_LIFETIME = timedelta(minutes=15)
MAXIMUM_LIFETIME = timedelta(days=3650)
OWNER_NAME = "owner"
_SECRET_BYTES = 32
_HINT_LENGTH = 9
_TOUCH_INTERVAL = timedelta(minutes=1)
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token's row and its secret, which nobody can read again."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Whom a secret speaks for, and with which rights: the lesser of the token's and the user's."""

    user: User
    token: Token
    role: Role


def covers(role: Role, needed: Role) -> bool:
    """Whether a role may do what another may."""
    ranks = list(Role)
    return ranks.index(role) >= ranks.index(needed)


async def create_user(session: AsyncSession, name: str, role: Role) -> User:
    """Add a member of the household; raises InvalidFieldValue or NameTaken."""
    user = User(name=_checked_name(name), role=role)
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise NameTaken(name) from None
    return user


async def get_user(session: AsyncSession, user_id: int) -> User:
    """The user with this id; raises NotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


async def find_user(session: AsyncSession, name: str) -> User | None:
    """The user of this name, if there is one."""
    return await session.scalar(sa.select(User).where(User.name == name))


async def ensure_owner(session: AsyncSession) -> User:
    """The first user with the role ADMIN, who is created when there is none; raises NameTaken."""
    first_admin = sa.select(User).where(User.role == Role.ADMIN).order_by(User.id).limit(1)
    owner = await session.scalar(first_admin)
    if owner is not None:
        return owner
    try:
        return await create_user(session, OWNER_NAME, Role.ADMIN)
    except NameTaken:  # another process was faster
        owner = await session.scalar(first_admin)
        if owner is None:
            raise
        return owner


async def create_token(
    session: AsyncSession,
    user: User,
    *,
    kind: TokenKind,
    name: str,
    role: Role,
    lifetime: timedelta,
) -> Issued:
    """Give out a token; raises Forbidden above the user's own role, InvalidFieldValue for a bad name or lifetime."""
    if not covers(user.role, role):
        raise Forbidden(role)
    if not timedelta(0) < lifetime <= MAXIMUM_LIFETIME:
        raise InvalidFieldValue("lifetime", f"must be positive and at most {MAXIMUM_LIFETIME.days} days")
    secret = SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    moment = now()
    token = Token(
        user_id=user.id,
        kind=kind,
        name=_checked_name(name),
        role=role,
        secret_hash=_digest(secret),
        hint=secret[:_HINT_LENGTH],
        expires_at=moment + lifetime,
        created_at=moment,
    )
    session.add(token)
    await session.flush()
    return Issued(token, secret)


async def authenticate(session: AsyncSession, secret: str, *, kinds: Collection[TokenKind]) -> Authenticated:
    """Find whom a secret speaks for; raises TokenRefused when it is unknown, of another kind, expired or revoked.

    The lookup compares hashes, so its time tells nothing about any secret.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise TokenRefused
    select = (
        sa.select(Token, User)
        .join(User, User.id == Token.user_id)
        .where(Token.secret_hash == _digest(secret), Token.kind.in_(kinds), *_alive())
    )
    row = (await session.execute(select)).one_or_none()
    if row is None:
        raise TokenRefused
    token, user = row
    return Authenticated(user, token, token.role if covers(user.role, token.role) else user.role)


async def still_valid(session: AsyncSession, token_id: int) -> bool:
    """Whether a token has neither expired nor been revoked since it was presented."""
    return await session.scalar(sa.select(Token.id).where(Token.id == token_id, *_alive())) is not None


def is_use_unwritten(token: Token) -> bool:
    """Whether `touch` would write: the last use on record is missing or older than a minute."""
    return token.last_used_at is None or token.last_used_at < now() - _TOUCH_INTERVAL


async def touch(session: AsyncSession, token_id: int) -> None:
    """Record that a token was used now, at most once a minute."""
    moment = now()
    stale = sa.or_(Token.last_used_at.is_(None), Token.last_used_at < moment - _TOUCH_INTERVAL)
    await session.execute(sa.update(Token).where(Token.id == token_id, stale).values(last_used_at=moment))


async def revoke(session: AsyncSession, token_id: int, *, user_id: int | None = None) -> Token:
    """End a token; a second time changes nothing. Raises NotFound, also for one that is not `user_id`'s own."""
    token = await session.get(Token, token_id)
    if token is None or user_id not in (None, token.user_id):
        raise NotFound("token", token_id)
    token.revoked_at = token.revoked_at or now()
    return token


def tokens(*, user_id: int | None = None, kinds: Collection[TokenKind] = (TokenKind.API,)) -> Keyset:
    """Tokens, newest first: of one user, or of all when `user_id` is None."""
    rows = sa.select(Token).where(Token.kind.in_(kinds))
    if user_id is not None:
        rows = rows.where(Token.user_id == user_id)
    return Keyset(rows, (SortKey(Token.id.expression, descending=True),))


async def create_sign_in_code(session: AsyncSession, user: User) -> Issued:
    """Give out the code of a sign-in link: it works once, for 15 minutes."""
    return await create_token(
        session, user, kind=TokenKind.SIGN_IN, name="sign-in link", role=user.role, lifetime=SIGN_IN_LIFETIME
    )


async def sign_in(session: AsyncSession, code: str) -> Issued:
    """Turn a sign-in code into a session of 30 days; raises SignInLinkRefused when it was used or is too old.

    One conditional update takes the code, so that of two requests with the same link only one signs in.
    """
    taken = (
        sa.update(Token)
        .where(Token.secret_hash == _digest(code), Token.kind == TokenKind.SIGN_IN, *_alive())
        .values(revoked_at=now(), last_used_at=now())
        .returning(Token.user_id)
    )
    user_id = await session.scalar(taken)
    if user_id is None:
        raise SignInLinkRefused
    user = await get_user(session, user_id)
    return await create_token(
        session, user, kind=TokenKind.SESSION, name="browser", role=user.role, lifetime=SESSION_LIFETIME
    )


async def sign_out(session: AsyncSession, secret: str) -> None:
    """End the session of a cookie; one that has ended already is left alone."""
    ended = sa.update(Token).where(Token.secret_hash == _digest(secret), Token.kind == TokenKind.SESSION, *_alive())
    await session.execute(ended.values(revoked_at=now()))


async def forget_ended(session: AsyncSession, older_than: datetime) -> int:
    """Delete sessions and sign-in codes that ended before a moment; API tokens stay listed. Returns how many went."""
    ended = sa.or_(Token.expires_at < older_than, Token.revoked_at < older_than)
    gone = await session.execute(sa.delete(Token).where(Token.kind != TokenKind.API, ended))
    return int(getattr(gone, "rowcount", 0))


def _alive() -> tuple[sa.ColumnElement[bool], ...]:
    return (Token.revoked_at.is_(None), Token.expires_at > now())


def _digest(secret: str) -> str:
    # 256 random bits cannot be guessed, so a slow hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _checked_name(name: str) -> str:
    stripped = name.strip()
    if not 0 < len(stripped) <= _LONGEST_NAME or not stripped.isprintable():
        raise InvalidFieldValue("name", f"must have 1 to {_LONGEST_NAME} printable characters")
    return stripped
