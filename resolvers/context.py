"""What every resolver is given: who asks, how to read and write, and the loaders of this operation."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import strawberry

from jobs.events import Bus
from library.database import Database
from library.models.accounts import Role

if TYPE_CHECKING:
    from rag.query_embedder import OnnxEmbedder
    from resolvers.loaders import Loaders


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
