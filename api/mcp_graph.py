"""What tools for agents ask of the graph: committed operations by their names, and nothing else."""

from collections.abc import AsyncGenerator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from library.errors import ErrorCode

OPERATIONS = Path(__file__).with_name("mcp_operations")
Data = Mapping[str, Any]


class ToolFailed(Exception):
    """What a tool's caller is told instead of a result: a code of the contract, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")


class Graph(Protocol):
    """Runs committed operations for one viewer, with the permissions and limits of `/graphql`."""

    async def run(self, name: str, variables: Mapping[str, object]) -> Data:
        """Run a query or mutation and give its data; raises ToolFailed."""

    def follow(self, name: str, variables: Mapping[str, object]) -> AsyncGenerator[Data, None]:
        """Run a subscription and give the data of each event; raises ToolFailed."""


@cache
def committed(name: str) -> str:
    """The document of an operation: the file of that name, whose one operation is called so too."""
    return (OPERATIONS / f"{name}.graphql").read_text("utf-8")


def data_of(answer: Mapping[str, Any]) -> Data:
    """The data of a response map; raises ToolFailed for the first error, also where there is some data beside it."""
    for error in answer.get("errors") or ():
        raise ToolFailed(str(error.get("extensions", {}).get("code")), str(error["message"]))
    data: Data = answer["data"]
    return data


def payload(result: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The payload of a result union; raises ToolFailed for any member with a code, and where there is nothing."""
    if result is None:
        raise ToolFailed(ErrorCode.NOT_FOUND, "There is no such thing (any more). Search for it again.")
    if "code" in result:
        raise ToolFailed(result["code"], result["message"])
    return result
