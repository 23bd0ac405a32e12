"""What one operation may ask for."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from api.document_shape import Shape, longest_list, measure
from api.limits import KEPT_CHARACTERS, AcceptedDocument, AcceptedDocuments, Limits, exceeded
from api.operations import EVERY_OPERATION, Operation, execute
from tests.api.toy import ToyContext, World, schema

ONE = Shape(depth=1, root_fields=1, duplicate_fields=1, operations=1)


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("{ a }", ONE),
        ("{ a { b { c } } d }", Shape(depth=3, root_fields=2, duplicate_fields=1, operations=1)),
        ("{ x: a y: a }", Shape(depth=1, aliases=2, root_fields=2, duplicate_fields=1, operations=1)),
        ("{ a a a }", Shape(depth=1, root_fields=3, duplicate_fields=3, operations=1)),
        ("{ a x: b x: b }", Shape(depth=1, aliases=2, root_fields=3, duplicate_fields=2, operations=1)),
        (
            "query($v: Int @d) @d { a @d @d ... @d { b } ...F @d } fragment F on Q @d { c @d }",
            Shape(depth=1, directives=8, directives_on_node=2, root_fields=3, duplicate_fields=1, operations=1),
        ),
        (
            "{ a { ...F } } fragment F on Q { x: b { ...G } } fragment G on Q { y: c ... on Q { z: d } }",
            Shape(depth=3, aliases=3, root_fields=1, duplicate_fields=1, operations=1),
        ),
        (
            "{ a { ...F } b { ...F } } fragment F on Q { x: c y: d }",
            Shape(depth=2, aliases=4, root_fields=2, duplicate_fields=1, operations=1),
        ),
        ("query a { a } query b { b { c } d }", Shape(depth=2, root_fields=2, duplicate_fields=1, operations=2)),
        ("{ a(ids: [1, [2, 3, 4]]) }", Shape(1, 0, 0, 0, 1, 1, 3, 1)),
        ("{ ...F } fragment F on Q { __schema { types { name } } }", Shape(3, 0, 0, 0, 1, 1, 0, 1, introspects=True)),
        ("{ ...F } fragment F on Q { a ...G } fragment G on Q { b ...F }", Shape(1, 0, 0, 0, 2, 1, 0, 1)),
        ("{ ...F } fragment F on Q { a ...F }", ONE),
        ("{ a ...Unknown }", ONE),
    ],
)
def test_a_document_is_measured_with_its_fragments_spread(query: str, shape: Shape) -> None:
    assert measure(parse(query)) == shape


def test_a_fragment_bomb_is_measured_without_being_spread() -> None:
    layers = "".join(f"fragment F{n} on Q {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(100))
    shape = measure(parse("{ ...F0 }" + layers + "fragment F100 on Q { x: c }"))
    assert (shape.depth, shape.aliases) == (101, 2**100)


def test_a_long_chain_of_fragments_does_not_exhaust_the_stack() -> None:
    chain = "".join(f"fragment F{n} on Q {{ ...F{n + 1} }}" for n in range(5000))
    assert measure(parse("{ ...F0 }" + chain + "fragment F5000 on Q { a }")) == ONE


def test_each_limit_is_named_with_its_value_and_what_was_found() -> None:
    limits = Limits(max_depth=2, max_aliases=1, max_directives=1, max_directives_on_node=1, max_root_fields=1)
    query = "{ x: a @d @d { b { c } } y: a }"
    assert [str(problem) for problem in exceeded(measure(parse(query)), limits)] == [
        "The query is too complex: max_depth is 2, this has 3. Ask for less at once.",
        "The query is too complex: max_aliases is 1, this has 2. Ask for less at once.",
        "The query is too complex: max_directives is 1, this has 2. Ask for less at once.",
        "The query is too complex: max_directives_on_node is 1, this has 2. Ask for less at once.",
        "The query is too complex: max_root_fields is 1, this has 2. Ask for less at once.",
    ]


@pytest.mark.parametrize("one_of", [False, True])
def test_the_whole_introspection_query_is_within_the_limits(one_of: bool) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=one_of,
    )
    assert exceeded(measure(parse(query, max_tokens=Limits().max_tokens)), Limits()) == []


@given(st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_longest_list_in_variables_is_found(value: object) -> None:
    def longest(part: object) -> int:
        if isinstance(part, dict):
            return max(map(longest, part.values()), default=0)
        return max([len(part), *map(longest, part)]) if isinstance(part, list) else 0

    assert longest_list(value) == longest(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{" + " a" * 50 + "}", "The query is too complex: max_tokens is 40, this has more. Ask for less at once."),
        ("#\n" * 50 + "{ a }", "The query is too complex: max_tokens is 40, this has more. Ask for less at once."),
        ("{ a " * 300, "The query is too complex: max_depth is 15, this has more. Ask for less at once."),
        ("{", "Syntax Error: Expected Name, found <EOF>."),
    ],
)
async def test_a_parser_that_was_stopped_is_told_from_a_mistake(text: str, message: str) -> None:
    limits = Limits(max_tokens=40 if len(text) < 1000 else 2_000)
    answer = await execute(schema(limits), Operation(text), context(), EVERY_OPERATION)
    assert [error["message"] for error in answer.errors] == [message]


def accepted(text: str) -> AcceptedDocument:
    return AcceptedDocument(parse(text), ONE)


def test_documents_are_forgotten_oldest_use_first_once_their_text_is_too_much() -> None:
    documents = AcceptedDocuments(kept_characters=10)
    first, second, third = accepted("{aa}"), accepted("{bb}"), accepted("{cc}")
    documents.add("{aa}", first)
    documents.add("{bb}", second)
    documents.add("{bb}", second)
    assert documents.get("{aa}") is first
    documents.add("{cc}", third)
    assert [documents.get(text) for text in ("{aa}", "{bb}", "{cc}")] == [first, None, third]
    assert len(documents) == 2


def test_a_document_larger_than_all_that_is_kept_is_not_kept() -> None:
    documents = AcceptedDocuments(kept_characters=3)
    documents.add("{ a }", accepted("{ a }"))
    assert len(documents) == 0


def context() -> ToyContext:
    return ToyContext(World(), "test-1", None, None)


async def ask(query: str, limits: Limits | None = None, variables: dict[str, object] | None = None) -> object:
    answer = await execute(schema(limits), Operation(query, variables), context(), EVERY_OPERATION)
    errors = answer.body.get("errors")
    return [error["extensions"]["code"] for error in errors] if isinstance(errors, list) else answer.body["data"]


TOO_COMPLEX = ["QUERY_TOO_COMPLEX"]


@pytest.mark.parametrize(
    ("limits", "query", "variables"),
    [
        (Limits(max_query_bytes=10), '{ hello(name: "é") }', {}),
        (Limits(max_tokens=4), "{ hello hello hello }", {}),
        (Limits(max_depth=2), "{ thing { inner { name } } }", {}),
        (Limits(max_aliases=1), "{ a: hello b: hello }", {}),
        (Limits(max_directives=1), "{ hello @include(if: true) thing @skip(if: false) { name } }", {}),
        (Limits(max_directives_on_node=1), "{ hello @include(if: true) @skip(if: false) }", {}),
        (Limits(max_root_fields=1), "{ hello first }", {}),
        (Limits(max_duplicate_fields=2), "{ hello hello hello }", {}),
        (Limits(max_list_input=2), "{ many(ids: [1, 2, 3]) }", {}),
        (Limits(max_list_input=2), "query($ids: [Int!]!) { many(ids: $ids) }", {"ids": [1, 2, 3]}),
    ],
)
async def test_what_is_over_a_limit_is_refused_and_the_same_is_answered_without_it(
    limits: Limits, query: str, variables: dict[str, object]
) -> None:
    assert await ask(query, limits, variables) == TOO_COMPLEX
    assert isinstance(await ask(query, None, variables), dict)


async def test_a_document_is_validated_once_but_its_variables_every_time() -> None:
    toy = schema(Limits(max_list_input=2))
    query = "query($ids: [Int!]!) { many(ids: $ids) }"

    async def many(*ids: int) -> tuple[object, bool]:
        answer = await execute(toy, Operation(query, {"ids": list(ids)}), context(), EVERY_OPERATION)
        return answer.body.get("data"), answer.refused is not None

    assert [await many(1), await many(1, 2, 3), await many(1, 2)] == [
        ({"many": 1}, False),
        (None, True),
        ({"many": 2}, False),
    ]


async def test_a_refused_document_stays_refused() -> None:
    toy = schema(Limits(max_aliases=0))
    answers = [await execute(toy, Operation("{ a: hello }"), context(), EVERY_OPERATION) for _ in range(3)]
    assert [answer.refused for answer in answers] == [400, 400, 400]


MIB = 1024 * 1024


def repeated(unit: str, size: int) -> str:
    return unit * (size // len(unit))


HOSTILE: dict[str, Callable[[int], str]] = {
    "fields": lambda size: "{" + repeated("hello ", size) + "}",
    "open braces": lambda size: repeated("{thing", size),
    "comments": lambda size: repeated("#\n", size) + "{ hello }",
    "commas": lambda size: "," * size + "{ hello }",
    "one name": lambda size: "{" + "a" * size + "}",
    "one string": lambda size: '{ hello(name: "' + "a" * size + '") }',
    "escapes": lambda size: '{ hello(name: "' + repeated("\\u00e9", size) + '") }',
    "one block string": lambda size: '{ hello(name: """' + repeated("\n a", size) + '""") }',
    "one number": lambda size: "{ first(first: " + "1" * min(size, 60_000) + ") }",
    "aliases": lambda size: "{" + "".join(f"a{n}:hello " for n in range(size // 10)) + "}",
    "directives": lambda size: "{ hello " + repeated("@include(if:true)", size) + "}",
    "list": lambda size: "{ many(ids: [" + repeated("1,", size) + "]) }",
    "nested lists": lambda size: "{ many(ids: " + "[" * size,
    "spreads": lambda size: "{" + repeated("...F ", size) + "} fragment F on Query { hello }",
    "inline fragments": lambda size: "{" + repeated("...{hello} ", size) + "}",
    "fragments": lambda size: "{hello}" + "".join(f"fragment F{n} on Query{{...F{n + 1}}}" for n in range(size // 30)),
    "operations": lambda size: "".join(f"query a{n}{{hello}}" for n in range(size // 18)),
    "variables": lambda size: "query(" + "".join(f"$v{n}:Int " for n in range(size // 10)) + "){ hello }",
    "overlap": lambda size: (
        "{"
        + "".join(f"...F{n} " for n in range(40))
        + "}"
        + "".join(f"fragment F{n} on Query{{{' '.join(f'f{m}' for m in range(size // 400))}}}" for n in range(40))
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("size", [1_000, 9_000, 60_000, MIB])
async def test_a_hostile_query_is_answered_at_once(name: str, size: int) -> None:
    started = time.process_time()  # the processor's time: how busy the machine is makes no difference
    async with asyncio.timeout(30):
        await ask(HOSTILE[name](size))
    assert time.process_time() - started < 1


def test_the_documents_that_are_kept_hold_little_memory() -> None:
    text = "{" + "a " * (Limits().max_tokens - 10) + "}"
    tracemalloc.start()
    document = parse(text)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.definitions
    assert size / len(text) * KEPT_CHARACTERS < 40_000_000
