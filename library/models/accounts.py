"""Users and the hashed tokens that speak for them."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Table, enum_text, now


class Role(enum.StrEnum):
    """What a viewer may do; each role may do what the one before may."""

    VIEWER = "VIEWER"  # read
    MEMBER = "MEMBER"  # and want, request, keep own shelves
    ADMIN = "ADMIN"  # everything


class TokenKind(enum.StrEnum):
    """What a token is for."""

    API = "API"  # sent by programs as a bearer token
    SESSION = "SESSION"  # kept by a browser in a cookie
    SIGN_IN = "SIGN_IN"  # in a link; turns into a session once


class User(Table):
    """A member of the household."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(enum_text(Role))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Token(Table):
    """A secret that was shown once; only its SHA-256 is kept, which suffices for 256 random bits."""

    __tablename__ = "tokens"
    __table_args__ = (sa.Index("ix_tokens_user_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    kind: Mapped[TokenKind] = mapped_column(enum_text(TokenKind))
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(enum_text(Role))  # its scope: never more than the user's own role
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    hint: Mapped[str] = mapped_column(sa.String(12))  # first characters, to tell tokens apart in a list
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
