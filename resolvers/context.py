"""What every resolver is given: who asks, how to read and write, and the loaders of this operation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import strawberry

from jobs.events import Bus
from library.database import Database
from library.models.accounts import Role
from library.sealing import Seal
from resolvers.document_loaders import DocumentLoaders
from resolvers.search_access import SearchAccess


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a user with the rights of the token that spoke for them."""

    user_id: int | None  # None: the operator's break-glass token
    name: str
    role: Role
    token_id: int | None
    expires_at: datetime | None
    by_cookie: bool = False

    @property
    def actor(self) -> str:
        """How this viewer is named in histories and job rows."""
        return f"user:{self.user_id}" if self.user_id is not None else "operator"


@dataclass(slots=True)
class Session:
    """How sign-in and sign-out reach the browser: resolvers ask, the transport sets the cookie."""

    cookie: str | None = None  # the secret of a new session
    signed_out: bool = False


@dataclass(slots=True)
class Context:
    """One operation's surroundings; on a WebSocket the same object serves many operations."""

    database: Database
    bus: Bus
    search: SearchAccess
    seal: Seal
    viewer: Viewer | None
    request_id: str
    demo: bool
    version: str
    check_viewer: Callable[[Viewer], Awaitable[bool]]
    loaders: DocumentLoaders = field(init=False)
    session: Session = field(default_factory=Session)
    private_folders: tuple[Path, ...] = ()  # Shelfgraph's own, which no document is read from

    def __post_init__(self) -> None:
        self.loaders = DocumentLoaders(self.database)

    @property
    def allow_introspection(self) -> bool:
        """The schema is for those who are signed in, and for everybody in the demo."""
        return self.demo or self.viewer is not None

    def clear_loaders(self) -> None:
        """Forget loaded rows, before each operation and each event of a subscription."""
        self.loaders = DocumentLoaders(self.database)

    async def viewer_still_valid(self) -> bool:
        """Whether the token this context was opened with still stands."""
        return self.viewer is None or await self.check_viewer(self.viewer)

    async def close(self) -> None:
        """Nothing is held between statements."""


Info = strawberry.Info[Context, None]
