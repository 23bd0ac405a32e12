"""The tools for agents: fixed operations that fit the schema, words for a model, and no other way out."""

import ast
import inspect
import re
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, OperationType, build_schema, parse, validate
from mcp import Client, MCPError

from api import mcp_tools
from api.mcp_graph import OPERATIONS, Data, ToolFailed, committed, data_of
from api.mcp_server import UNTRUSTED, AgentServer, listed
from api.mcp_tools import TOOLS
from api.mcp_tools.tool import AnyTool, cut
from tests.api.agent_fixtures import failure

ROOT = Path(__file__).parents[2]
SECRET = "password=hunter2"
NAMES = sorted(file.stem for file in OPERATIONS.iterdir())
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
GUIDE = (ROOT / "docs/agents.md").read_text()


def operation(name: str) -> OperationDefinitionNode:
    """The one operation of a committed document."""
    [found] = [part for part in parse(committed(name)).definitions if isinstance(part, OperationDefinitionNode)]
    return found


def used(source: str) -> set[str]:
    """The operations that a piece of code names."""
    return set(re.findall(r'graph\.(?:run|follow)\(\s*"(\w+)"', source))


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_fits_the_schema_and_is_called_like_its_file(name: str) -> None:
    assert validate(SCHEMA, parse(committed(name))) == []
    found = operation(name)
    assert found.name is not None
    assert found.name.value == name


def test_every_operation_is_used_and_no_other_exists() -> None:
    places = [*Path(mcp_tools.__file__).parent.glob("*.py"), ROOT / "api/mcp_server.py"]
    assert sorted(set().union(*(used(file.read_text()) for file in places))) == NAMES


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_only_a_tool_that_says_so_changes_something(tool: AnyTool) -> None:
    named = used(inspect.getsource(tool.call))
    changes = any(operation(name).operation is OperationType.MUTATION for name in named)
    assert changes == tool.writes


def test_nothing_that_spends_more_than_a_request_permits_can_be_said() -> None:
    documents = "".join(committed(name) for name in NAMES)
    assert not re.search(r"useWedge|ignoreRejections|grabAutomatically: true|force|ignoreWarnings", documents)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_is_described_for_models_and_for_people(tool: AnyTool) -> None:
    shown = listed(tool)
    assert shown.description is not None
    assert shown.description.endswith(UNTRUSTED)
    assert 10 < len(shown.description.split()) < 70
    assert [name for name, given in shown.input_schema["properties"].items() if not given.get("description")] == []
    assert shown.input_schema["additionalProperties"] is False
    assert shown.output_schema is not None
    assert shown.output_schema["type"] == "object"
    assert shown.annotations is not None
    assert shown.annotations.read_only_hint is not tool.writes
    assert f"| `{tool.name}` |" in GUIDE


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_is_short_enough_to_be_read_before_each_conversation(tool: AnyTool) -> None:
    size = len(listed(tool).model_dump_json(by_alias=True, exclude_none=True))
    assert size < 3_500  # characters; about four to a token


def test_a_long_text_is_cut_with_a_note() -> None:
    assert cut("a" * 10, 10) == "a" * 10
    assert cut("a" * 9 + " b", 10) == "a" * 9 + " […cut: 1 characters more]"
    assert cut(None, 10) is None


def test_an_error_of_the_graph_is_told_also_beside_data() -> None:
    with pytest.raises(ToolFailed, match="FORBIDDEN: Ask an administrator"):
        data_of(
            {"data": {"a": 1}, "errors": [{"message": "Ask an administrator.", "extensions": {"code": "FORBIDDEN"}}]}
        )


class BrokenGraph:
    """A graph in which something unforeseen happens."""

    async def run(self, name: str, variables: Mapping[str, object]) -> Data:
        """Fail."""
        raise RuntimeError(SECRET)

    async def follow(self, name: str, variables: Mapping[str, object]) -> AsyncGenerator[Data, None]:
        """Fail once asked for an event."""
        if name:
            raise RuntimeError(SECRET)
        yield {}


@pytest.mark.parametrize(("tool", "arguments"), [("search", {"query": "x"}), ("follow_download", {"download_id": "x"})])
async def test_what_nobody_foresaw_is_masked(tool: str, arguments: dict[str, object]) -> None:
    server = AgentServer(BrokenGraph(), version="0", writes=False, request_id="r-1").server
    async with Client(server) as client:
        said = failure(await client.call_tool(tool, arguments))
        with pytest.raises(MCPError) as raised:
            await client.list_tools()
    assert said == str(raised.value) == "INTERNAL_SERVER_ERROR: Internal server error; quote request id r-1"


def test_the_client_half_of_the_sdk_is_not_used() -> None:
    imported = {
        node.module
        for file in (ROOT / "api").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mcp"
    }
    assert {(module or "").split(".")[1] for module in imported} == {"server", "shared"}
