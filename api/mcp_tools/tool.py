"""What a tool for agents is: its words, its input and output, and the operations it runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.mcp_graph import Graph
from library.models.accounts import Role

LONGEST_SNIPPET = 400  # characters, as are the two below
LONGEST_MESSAGE = 600
LONGEST_TEXT = 2_000
LONGEST_WAIT = 25.0  # seconds; many clients give up on a call after 30 or 60

# Tells how far a call is: from 0 to 1, and what happens.
Report = Callable[[float, str], Awaitable[None]]


class Given(BaseModel):
    """A tool's input; arguments nobody has named are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """A tool's output."""

    model_config = ConfigDict(frozen=True)


Id = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT)]
GivenT = TypeVar("GivenT", bound=Given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[GivenT]):
    """A fixed thing that agents can do.

    `role` is the least that sees it: None where whoever may read the library does. `writes` tools are there only
    where the operator says so. The other flags are MCP's hints to clients.
    """

    name: str
    title: str
    description: str
    given: type[GivenT]
    told: type[Told]
    call: Callable[[Graph, GivenT, Report], Awaitable[Told]]
    role: Role | None = None
    writes: bool = False
    idempotent: bool = True
    open_world: bool = False


AnyTool = Tool[Any]


def cut(text: str | None, longest: int) -> str | None:
    """The text, or its beginning with a note of how much is left out; `longest` in characters."""
    if text is None or len(text) <= longest:
        return text
    return f"{text[:longest].rstrip()} […cut: {len(text) - longest} characters more]"
