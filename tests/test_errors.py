"""Every exception of ours: it has a code of the contract or a known end, and its sentence says what to do."""

import ast
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
import sqlalchemy as sa
from graphql import GraphQLError

from api.client_errors import STATUS_BY_CODE, present, status_of
from api.playground_build import BuildError
from api.refusals import MalformedRequest, RefusedRequest
from demo.writer import DemoFolderHasOtherFiles
from integrations.errors import Unavailable
from integrations.exchanges import Unfinished
from jobs.embedding_model import ModelUnavailable
from library.errors import BadInput, CannotStart, Conflict, ErrorCode, NotFound, ShelfgraphError
from library.models import Table
from library.scanning.errors import Problem, ScanError
from rag.errors import IndexFileError, ModelError, RagError
from resolvers.errors import HANDLERS

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "demo", "integrations", "jobs", "library", "rag", "resolvers")
PRIVATE = Path("/private/place")
# What is raised and caught within the process and never shown, with who ends it.
SIGNALS = {
    "ClaimLost": "jobs/execution.py",
    "JobCancelled": "jobs/execution.py",
    "Overtaken": "jobs/imports.py",
    "SocketEnd": "api/graphql_ws.py",
    "ToolFailed": "api/mcp_server.py",
    "_Unfit": "library/metadata/fields.py",
    "_Unusable": "integrations/torrent_file.py",
}
# Families that no client knows, with the modules that turn them into what one does.
TURNED_INTO_SOMETHING_ELSE = {
    "BuildError": ["api/playground_build.py"],
    "CoverUnusable": ["jobs/scan_reading.py"],
    "DemoFolderHasOtherFiles": ["api/demo.py"],
    "DocumentError": ["rag/documents/reading.py"],
    "FolderNotOurs": ["api/demo.py"],
    "IllegalStep": ["jobs/reconciliation.py"],
    "ImportBlocked": ["jobs/imports.py", "jobs/placing.py", "resolvers/imports.py"],
    "IndexFileError": ["jobs/index_rows.py", "rag/generations.py"],
    "IntegrationError": [
        "jobs/downloads.py",
        "jobs/grabs.py",
        "jobs/integration_checks.py",
        "jobs/integrations.py",
        "jobs/notifications.py",
        "jobs/polling.py",
        "jobs/purchases.py",
        "jobs/release_answers.py",
        "jobs/release_searches.py",
        "jobs/trackers.py",
    ],
    "ModelError": ["jobs/embedding_model.py"],
    "NotBencoded": ["integrations/torrent_file.py"],
    "RagError": ["api/index_reader.py"],
    "ScanError": ["jobs/scan_reading.py", "library/scanning/reading.py", "library/scanning/sidecars.py"],
    "Unfinished": ["integrations/http.py"],
}
# Values for constructors, by annotation.
SAMPLES: dict[Any, Any] = {
    str: "sample",
    int: 7,
    float: 7.0,
    object: "sample",
    Path: PRIVATE / "file",
    NoneType: None,
    bool: True,
    datetime: datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    Problem: Problem("Disc 1/1.mp3", "DAMAGED", "It ends too soon."),
    BaseException: ValueError("sample"),
    Exception: ValueError("sample"),
    OSError: FileNotFoundError(2, "No such file or directory", str(PRIVATE / "file")),
}
# Values for parameters that need more than any value of their type, of all classes or of one.
SAMPLES_BY_NAME: dict[str, Any] = {
    "ModelUnavailable.reason": "The model's files are damaged.",
    "last_words": "It ran out of memory.",
    "lines": ["It ran out of memory."],
    "errors": [{"loc": ("port",), "msg": "Input should be a valid integer"}],
    "host": "indexer.example",
    "message": "Prowlarr is on holiday until Monday.",
    "method": "PUT",
    "reason": "some reason with words",
    "service": "Prowlarr",
    "url": "sqlite+aiosqlite:///library.db",
    "what_to_do": "Enter new ones.",
}


class Anonymous:
    """Who is told."""

    request_id = "r-1"
    viewer = None


def our_exceptions() -> list[type[Exception]]:
    """Every exception class that our code defines."""
    found = {}
    for package in PACKAGES:
        folder = import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}."):
            for kind in vars(import_module(module.name)).values():
                if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith(PACKAGES):
                    found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return [found[name] for name in sorted(found)]


OURS = our_exceptions()
SHOWN = [kind for kind in OURS if issubclass(kind, ShelfgraphError) and not issubclass(kind, CannotStart)]
# A failed build ends in the middle of a sentence: what to do follows it.
SPEAKING = [
    kind
    for kind in OURS
    if inspect.isfunction(kind.__init__) and kind.__name__ not in SIGNALS and not issubclass(kind, BuildError)
]


def test_every_exception_has_a_known_end() -> None:
    families = {*TURNED_INTO_SOMETHING_ELSE, *SIGNALS, "ShelfgraphError"}
    lost = [kind for kind in OURS if not families & {ancestor.__name__ for ancestor in kind.__mro__}]
    assert lost == []


@pytest.mark.parametrize(
    ("family", "file"), [(name, file) for name, files in TURNED_INTO_SOMETHING_ELSE.items() for file in files]
)
def test_a_family_ends_where_the_table_says(family: str, file: str) -> None:
    assert family in caught_in(ROOT / file)


@pytest.mark.parametrize(("signal", "file"), SIGNALS.items())
def test_a_signal_ends_where_the_table_says(signal: str, file: str) -> None:
    assert signal in caught_in(ROOT / file)


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_what_a_client_is_shown_has_a_code_of_the_contract(kind: type[ShelfgraphError]) -> None:
    assert isinstance(kind.code, ErrorCode)
    error = sample(kind)
    [shown] = present([GraphQLError("raised", original_error=error)], Anonymous())
    extensions = shown["extensions"]
    assert isinstance(extensions, Mapping)
    if kind.code is ErrorCode.INTERNAL_SERVER_ERROR:
        # It ends a job under a code of its own, and is masked should it ever come out of a resolver.
        assert kind is ShelfgraphError or error.job_code != kind.code
        assert shown["message"] == "Internal server error; quote request id r-1"
    else:
        assert (shown["message"], extensions["code"]) == (str(error), kind.code)


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_what_stops_a_request_has_a_status(kind: type[ShelfgraphError]) -> None:
    error = sample(kind)
    own = error.status if isinstance(error, RefusedRequest) else STATUS_BY_CODE.get(error.code, 400)
    assert status_of(error) == own
    assert 400 <= own < 600


def test_every_code_is_a_word_of_its_own() -> None:
    assert [code for code in ErrorCode if code.name != code.value] == []


@pytest.mark.parametrize("family", [BadInput, Conflict, NotFound])
def test_what_a_mutation_may_expect_becomes_a_member_of_its_result(family: type[ShelfgraphError]) -> None:
    handlers = {hint for handler in HANDLERS for hint in get_type_hints(handler.handle).values()}
    assert family in handlers


@pytest.mark.parametrize("kind", SPEAKING, ids=lambda kind: kind.__name__)
def test_a_sentence_says_what_is_wrong_and_ends(kind: type[Exception]) -> None:
    sentence = spoken(sample(kind))
    assert sentence[0].isupper() or sentence[0] in "'`/", sentence
    assert sentence.endswith("."), sentence
    assert ".." not in sentence.replace("`..`", ""), sentence
    assert len(sentence.split()) > 4, sentence


@pytest.mark.parametrize(
    "kind", [kind for kind in SPEAKING if not issubclass(kind, CannotStart)], ids=lambda kind: kind.__name__
)
def test_a_sentence_for_clients_shows_no_path(kind: type[Exception]) -> None:
    assert str(PRIVATE) not in told(sample(kind))


def test_scan_problems_have_codes_of_their_own() -> None:
    kinds = [kind for kind in OURS if issubclass(kind, ScanError) and kind is not ScanError]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert ScanError.code not in codes


def spoken(error: Exception) -> str:
    """What people read: an exchange that came to no end is told by the failure that it becomes."""
    return str(Unavailable("Prowlarr", error.reason) if isinstance(error, Unfinished) else error)


def told(error: Exception) -> str:
    """The sentence as it reaches people: of a family that is turned into something else, what it becomes."""
    if isinstance(error, ModelError):
        return str(ModelUnavailable(str(error)))
    # An index that cannot be used is rebuilt, a build or a demo that fails is told on the terminal.
    if isinstance(error, RagError | IndexFileError | DemoFolderHasOtherFiles) or "Folder" in type(error).__name__:
        return ""
    return spoken(error)


def sample(kind: type[Exception]) -> Any:
    """An instance made of sample values."""
    if kind in (ShelfgraphError, MalformedRequest) or "__init__" not in {
        name for ancestor in kind.__mro__ if ancestor.__module__.startswith(PACKAGES) for name in vars(ancestor)
    }:
        return kind("Something is wrong here. Mend it.")
    hints = get_type_hints(kind.__init__)
    given = inspect.signature(kind.__init__).parameters.values()
    positional, named = [], {}
    for parameter in list(given)[1:]:
        by_name = SAMPLES_BY_NAME.get(f"{kind.__name__}.{parameter.name}", SAMPLES_BY_NAME.get(parameter.name))
        value = by_name or value_for(hints[parameter.name])
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            positional.append(value)
    return kind(*positional, **named)


def value_for(annotation: Any) -> Any:
    """A value that an annotation allows."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (UnionType, Union):
        return value_for(arguments[0])
    if origin in (Iterable, Sequence, list):
        return [value_for(arguments[0])]
    if origin is tuple:
        return (value_for(arguments[0]),)
    return SAMPLES[annotation] if annotation in SAMPLES else instance_of(annotation)


def instance_of(kind: type[Any]) -> Any:
    """An exception, a member of an enum, a row, or else a typed dictionary."""
    if issubclass(kind, Exception):
        return sample(kind)
    if issubclass(kind, Enum):
        return next(iter(kind))
    if issubclass(kind, Table):
        return row_of(kind)
    return {name: value_for(hint) for name, hint in get_type_hints(kind).items()}


def row_of(table: type[Table]) -> Table:
    """A row with a value in every column; it is never stored."""
    columns = {attribute.key: attribute.columns[0] for attribute in sa.inspect(table).column_attrs}
    return table(
        **{
            name: {} if isinstance(column.type, sa.JSON) else value_for(column.type.python_type)
            for name, column in columns.items()
        }
    )


def caught_in(file: Path) -> set[str]:
    """Names of the exceptions that a module's `except` clauses name, themselves or by the name of a tuple."""
    module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    handlers = (node.type for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ExceptHandler))
    named = {name for clause in handlers if clause is not None for name in names_in(clause)}
    tuples = [getattr(module, name) for name in named if isinstance(getattr(module, name, None), tuple)]
    return named | {kind.__name__ for kinds in tuples for kind in kinds}


def names_in(clause: ast.expr) -> Iterator[str]:
    """The names of one clause, without the modules they come from."""
    for node in ast.walk(clause):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
