"""Running operations against the schema as somebody."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from strawberry.types import ExecutionResult

from api.index_reader import IndexReader
from api.schema import create_schema
from jobs.events import Bus
from library.database import Database
from library.models.accounts import Role
from library.sealing import Seal
from resolvers.context import Context, Viewer
from tests.processes import SECRET_KEY

schema = create_schema()


class Ask(Protocol):
    """Runs an operation and gives its data; errors fail the test unless they are asked for."""

    def __call__(
        self, query: str, variables: dict[str, Any] | None = None, *, role: Role | None = Role.ADMIN
    ) -> Awaitable[Any]:
        """Give `data`."""


async def _always(_viewer: Viewer) -> bool:
    return True


def viewer(role: Role, user_id: int | None = None) -> Viewer:
    """Somebody signed in with this role."""
    return Viewer(user_id=user_id, name=role.lower(), role=role, token_id=None, expires_at=None)


@pytest.fixture
def make_context(database: Database, bus: Bus, tmp_path: Path) -> Callable[[Viewer | None], Context]:
    """Give the context of an operation, with search still warming up."""
    reader = IndexReader(database, bus, models=tmp_path / "models", indexes=tmp_path / "index", model="none")

    def make(who: Viewer | None) -> Context:
        return Context(
            database=database,
            bus=bus,
            search=reader,
            seal=Seal([SECRET_KEY]),
            viewer=who,
            request_id="test",
            demo=False,
            version="0",
            check_viewer=_always,
        )

    return make


@pytest.fixture
def execute(make_context: Callable[[Viewer | None], Context]) -> Callable[..., Awaitable[ExecutionResult]]:
    """Run an operation and give the whole result."""

    async def run(
        query: str, variables: dict[str, Any] | None = None, *, role: Role | None = Role.ADMIN
    ) -> ExecutionResult:
        who = viewer(role) if role is not None else None
        result = await schema.execute(query, variable_values=variables, context_value=make_context(who))
        assert isinstance(result, ExecutionResult)
        return result

    return run


@pytest.fixture
def ask(execute: Callable[..., Awaitable[ExecutionResult]]) -> Ask:
    """Run an operation that must succeed and give its data."""

    async def run(query: str, variables: dict[str, Any] | None = None, *, role: Role | None = Role.ADMIN) -> Any:
        result = await execute(query, variables, role=role)
        assert result.errors is None, result.errors
        return result.data

    return run


@pytest.fixture
def count_statements() -> Callable[[], Any]:
    """A context manager that lists the SQL statements sent inside it."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        yield statements
        sa.event.remove(sa.Engine, "before_cursor_execute", note)

    return counting
