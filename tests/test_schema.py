"""The schema as a contract: its export is committed, promised names are there, everything is described and bounded."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    concat_ast,
    get_named_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
    is_specified_scalar_type,
    parse,
    validate,
)
from graphql.utilities import (
    BreakingChange,
    DangerousChange,
    DangerousChangeType,
    find_breaking_changes,
    find_dangerous_changes,
)
from strawberry.types.field import StrawberryField

from api.schema import create_schema, export
from tests.promised_names import PROMISED

ROOT = Path(__file__).parent.parent
SCHEMA = build_schema(export())
ROOTS = {"Query", "Mutation", "Subscription"}
PAGING = {"first", "after", "last", "before"}
# Every list that is no connection, and what keeps it short.
SHORT_LISTS = {
    "Answer.citations": "as many as sources, at most 20",
    "Answer.sources": "`first`, at most 20",
    "Answer.statements": "at most 4",
    "AnswerEvent.sources": "`first`, at most 20",
    "AnswerStatement.citations": "exactly one",
    "ExtractiveAnswer.statements": "at most 4",
    "Book.authors": "as many as a title page names",
    "Book.editions": "the recordings of one book",
    "Book.metadata": "one for each field a book has",
    "Book.series": "the series one book belongs to",
    "Book.similar": "`first`, at most 100",
    "Book.tags": "the words one book is filed under",
    "DocumentSection.headings": "the levels of headings: six",
    "Download.imports": "the books in one torrent",
    "DownloadsEvent.changes": "at most 100, with `omitted`",
    "DownloadsEvent.removed": "each of at most 500 steps; more are a resync",
    "DownloadsEvent.snapshot": "at most 100, with `omitted`",
    "Edition.metadata": "one for each field an edition has",
    "Edition.narrators": "as many as a cover names",
    "ImportPlan.files": "the files of one edition in one torrent, whose description is limited",
    "ImportPreview.imports": "the books in one torrent",
    "ImportPreview.leftOut": "the files of one torrent, whose description is limited",
    "ImportPreview.warnings": "one for each thing that a plan looks at",
    "ImportResult.imports": "the books in one torrent",
    "InterpretedFilter.languages": "at most four in one phrase",
    "InterpretedFilter.people": "people of one name: at most five",
    "InterpretedFilter.series": "the series of one name",
    "InterpretedFilter.tags": "a genre and a tag of one name",
    "IntegrationCheckResult.findings": "one for each thing that a check looks at",
    "LibraryEvent.changes": "at most 500; more are a resync",
    "LockFieldsPayload.changedFields": "the fields a book or an edition has",
    "NotificationTarget.topics": "an enum's values",
    "ProwlarrOptions.categories": "chosen by administrators, one by one",
    "ProwlarrOptions.indexerIds": "chosen by administrators, one by one",
    "QBittorrentOptions.pathMappings": "chosen by administrators, one by one",
    "QualityRules.formats": "at most 50",
    "QualityRules.languages": "at most 50",
    "QualityRules.preferredNarrators": "at most 50",
    "QualityRules.requiredNarrators": "at most 50",
    "Query.integrations": "chosen by administrators, one by one",
    "Query.libraryRoots": "chosen by administrators, one by one",
    "Query.nodes": "as many as `ids`, at most 100",
    "Query.notificationTargets": "chosen by administrators, one by one",
    "Release.alsoAt": "one for each indexer",
    "Release.authors": "as many as one offer names",
    "Release.formats": "as many as one offer names",
    "Release.narrators": "as many as one offer names",
    "Release.series": "as many as one offer names",
    "ReleaseDecision.components": "one for each rule",
    "ReleaseDecision.rejections": "one for each code",
    "ReleaseSearch.providerReports": "one for each indexer",
    "ReleaseSearchEvent.releases": "at most 100",
    "ReleaseSearchEvent.reports": "one for each indexer",
    "SearchEdge.matchedBy": "the legs of a search: three",
    "SemanticSearchPayload.edges": "`first`, at most 100",
    "SemanticSearchPayload.interpretedFilters": "at most eight, and a likeness",
    "SimilarBook.reasons": "an enum's values",
    "SimilarBook.sharedTags": "the words one book is filed under",
    "Snippet.highlights": "words within one sentence",
    "TorznabOptions.categories": "chosen by administrators, one by one",
    "TorznabOptions.downloadHosts": "chosen by administrators, one by one",
    "UpdateBookPayload.changedFields": "the fields a book has",
    "UpdateEditionPayload.changedFields": "the fields an edition has",
    "WantBookPayload.wants": "exactly one",
}


def test_the_committed_schema_is_the_exported_one() -> None:
    assert (ROOT / "schema.graphql").read_text() == export(), "run: make schema"


def test_promised_names_are_there() -> None:
    assert list(broken_promises(build_schema(PROMISED), SCHEMA)) == []


def test_a_promised_name_that_is_missing_is_noticed() -> None:
    smaller = build_schema(export().replace("authors: [Person!]!", "writers: [Person!]!"))
    assert list(broken_promises(build_schema(PROMISED), smaller)) == ["Book.authors"]


def test_the_release_before_can_still_be_asked() -> None:
    released = released_schema()
    if released is None:
        print("There is no release yet, so nothing can be broken.")  # noqa: T201 what the check says
        return
    assert breaking_changes(released, export()) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  title: String!\n", "  heading: String!\n", "Field Book.title was removed."),
        ("  SAME_AUTHOR\n", "  SAME_WRITER\n", "Enum value SimilarReason.SAME_AUTHOR was removed."),
        ("first: Int! = 10", "first: Int! = 20", "Book.similar(first:) has changed defaultValue from 10 to 20."),
    ],
)
def test_a_breaking_change_is_noticed(before: str, after: str, said: str) -> None:
    changed = breaking_changes(export(), export().replace(before, after))
    assert said in [change.description for change in changed]


def test_an_addition_is_no_breaking_change() -> None:
    assert (
        breaking_changes(
            export(), export().replace("type Tag implements", "type Tog { name: ID }\ntype Tag implements")
        )
        == []
    )


def test_everything_is_described() -> None:
    assert [name for name, description in descriptions() if not description] == []


def test_lists_are_connections_or_short() -> None:
    lists = {
        f"{kind.name}.{name}"
        for kind, name, field in fields()
        if has_list(field) and not (is_connection(kind) and name in ("edges", "nodes"))
    }
    assert lists == set(SHORT_LISTS)


def test_connections_have_one_shape() -> None:
    for connection in filter(is_connection, object_types()):
        node = connection.name.removesuffix("Connection")
        shape = {name: str(field.type) for name, field in connection.fields.items()}
        edge = SCHEMA.type_map[f"{node}Edge"]
        assert shape == {
            "edges": f"[{node}Edge!]!",
            "nodes": f"[{node}!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int!",
        }
        assert isinstance(edge, GraphQLObjectType)
        assert {name: str(field.type) for name, field in edge.fields.items()} == {
            "node": f"{node}!",
            "cursor": "String!",
        }


def test_connections_are_paged_in_both_directions() -> None:
    unpaged = [
        f"{kind.name}.{name}"
        for kind, name, field in fields()
        if str(get_named_type(field.type)).endswith("Connection") and not set(field.args) >= PAGING
    ]
    assert unpaged == []


def test_mutations_take_one_input_and_give_a_union_with_errors() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert (name, tuple(field.args)) in {(name, ("input",)), ("signOut", ())}
        result = get_named_type(field.type)
        errors = [kind for kind in result.types if kind.interfaces] if isinstance(result, GraphQLUnionType) else []
        assert errors or name == "signOut"


def test_root_fields_may_be_null_unless_they_cannot_fail() -> None:
    query = SCHEMA.query_type
    assert query is not None
    sure = {name for name, field in query.fields.items() if is_non_null_type(field.type)}
    assert sure == {"nodes", "serverInfo"}


def test_nodes_have_ids_that_are_global() -> None:
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    implementing = {kind.name for kind in SCHEMA.get_possible_types(node)}
    assert implementing == {kind.name for kind in object_types() if "id" in kind.fields}


def test_every_root_field_has_a_policy() -> None:
    schema = create_schema()._schema
    open_fields = [
        name
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type)
        for name, field in (root.fields.items() if root else ())
        if not permissions(field)
    ]
    assert open_fields == []


@pytest.mark.parametrize("folder", ["web/playground/src", "tests/clients/operations"])
def test_committed_operations_fit_the_schema(folder: str) -> None:
    assert validate(SCHEMA, operations(ROOT / folder)) == []


def test_a_deprecation_says_why_and_until_when() -> None:
    reasons = [field.deprecation_reason for _, _, field in fields() if field.deprecation_reason]
    assert [reason for reason in reasons if "removed on 20" not in reason] == []


def breaking_changes(before: str, after: str) -> list[BreakingChange | DangerousChange]:
    """What operations written for the schema before would notice; a new default changes their answers."""
    old, new = build_schema(before), build_schema(after)
    defaults = [
        change
        for change in find_dangerous_changes(old, new)
        if change.type == DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE
    ]
    return [*find_breaking_changes(old, new), *defaults]


def released_schema() -> str | None:
    """The schema of the newest release that this clone knows."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    return git("show", f"{tag.strip()}:schema.graphql") if tag else None


def git(*arguments: str) -> str | None:
    """What git says, None when it fails or there is none."""
    try:
        said = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout


def broken_promises(promised: GraphQLSchema, schema: GraphQLSchema) -> Iterator[str]:
    """Names that the contract gives and the schema has not, or as something else."""
    for name, kind in promised.type_map.items():
        there = members(schema.type_map.get(name))
        if type(kind) is not type(schema.type_map.get(name)):
            yield name
        yield from (f"{name}.{member}" for member, meant in members(kind).items() if there.get(member) != meant)


def members(kind: object) -> dict[str, str]:
    """What a type consists of: fields with arguments, values, members; marks of what is never null are left out."""
    if isinstance(kind, GraphQLUnionType):
        return {member.name: "member" for member in kind.types}
    return {name: str(getattr(part, "type", "value")).replace("!", "") for name, part in parts(kind)}


def permissions(field: GraphQLField) -> list[object]:
    """The permission classes a field was declared with."""
    definition = field.extensions["strawberry-definition"]
    assert isinstance(definition, StrawberryField)
    return list(definition.permission_classes)


def operations(folder: Path) -> DocumentNode:
    """All operations of a folder as one document."""
    files = sorted(folder.glob("*.graphql"))
    assert files
    return concat_ast([parse(file.read_text()) for file in files])


def object_types() -> list[GraphQLObjectType]:
    """Object types of ours."""
    types = SCHEMA.type_map.values()
    return [kind for kind in types if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)]


def is_connection(kind: GraphQLObjectType) -> bool:
    """Whether a type is one page of a growing list."""
    return kind.name.endswith("Connection")


def fields() -> Iterator[tuple[GraphQLObjectType, str, GraphQLField]]:
    """Every field that gives something."""
    for kind in object_types():
        for name, field in kind.fields.items():
            yield kind, name, field


def has_list(field: GraphQLField) -> bool:
    """Whether a field gives several things."""
    return is_list_type(field.type) or (is_non_null_type(field.type) and is_list_type(field.type.of_type))


def descriptions() -> Iterator[tuple[str, str | None]]:
    """Everything that can be described, with its description."""
    for name, kind in SCHEMA.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        yield from ((f"{name}.{part}", thing.description) for part, thing in parts(kind))


Part = GraphQLField | GraphQLInputField | GraphQLArgument | GraphQLEnumValue


def parts(kind: object) -> Iterator[tuple[str, Part]]:
    """Fields with their arguments, and enum values."""
    if isinstance(kind, GraphQLEnumType):
        yield from kind.values.items()
    elif isinstance(kind, GraphQLInputObjectType):
        yield from kind.fields.items()
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield name, field
            yield from ((f"{name}({argument}:)", given) for argument, given in field.args.items())
