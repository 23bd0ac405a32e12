"""How big a GraphQL document is once its fragments are spread, in time linear to its text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a document: for each measure the largest of its operations, fragments spread."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    directives_on_node: int = 0
    root_fields: int = 0
    duplicate_fields: int = 0
    list_items: int = 0
    operations: int = 0
    introspects: bool = False


@dataclass(slots=True)
class _Measure:
    """One definition: its own text first, and what its spreads add once they are known."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)  # fragment name, depth where it is spread

    def add(self, other: "_Measure", depth: int) -> None:
        """Take in a fragment that is spread `depth` fields deep."""
        self.depth = max(self.depth, depth + other.depth)
        self.aliases += other.aliases
        self.directives += other.directives
        self.root_fields += other.root_fields if depth == 0 else 0


def measure(document: DocumentNode) -> Shape:
    """Measure a parsed document. Fragments that spread themselves count once: validation refuses them."""
    nodes = list(_nodes(document))
    fragments = {
        definition.name.value: _own_measure(definition)
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    for name in _innermost_first(fragments):
        _spread(fragments[name], fragments)
    operations = [_own_measure(node) for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    for operation in operations:
        _spread(operation, fragments)
    return Shape(
        depth=max((operation.depth for operation in operations), default=0),
        aliases=max((operation.aliases for operation in operations), default=0),
        directives=max((operation.directives for operation in operations), default=0),
        directives_on_node=max(map(_directives, nodes), default=0),
        root_fields=max((operation.root_fields for operation in operations), default=0),
        duplicate_fields=max((_duplicates(node) for node in nodes if isinstance(node, SelectionSetNode)), default=0),
        list_items=max((len(node.values) for node in nodes if isinstance(node, ListValueNode)), default=0),
        operations=len(operations),
        introspects=any(isinstance(node, FieldNode) and node.name.value in INTROSPECTION_FIELDS for node in nodes),
    )


def longest_list(variables: object) -> int:
    """Return the length of the longest list anywhere in JSON values."""
    longest, waiting = 0, [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            longest = max(longest, len(value))
            waiting.extend(value)
    return longest


def _nodes(root: Node) -> Iterable[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        for key in node.keys:
            child = getattr(node, key, None)
            if isinstance(child, Node):
                waiting.append(child)
            elif isinstance(child, tuple | list):
                waiting.extend(item for item in child if isinstance(item, Node))


def _own_measure(definition: OperationDefinitionNode | FragmentDefinitionNode) -> _Measure:
    measured = _Measure(directives=_directives(definition))
    variables = getattr(definition, "variable_definitions", None) or ()
    measured.directives += sum(map(_directives, variables))
    waiting: list[tuple[SelectionNode, int]] = [(node, 0) for node in definition.selection_set.selections]
    while waiting:
        node, depth = waiting.pop()
        measured.directives += _directives(node)
        if isinstance(node, FragmentSpreadNode):
            measured.spreads.append((node.name.value, depth))
            continue
        if isinstance(node, FieldNode):
            measured.root_fields += depth == 0
            measured.aliases += node.alias is not None
            depth += 1
            measured.depth = max(measured.depth, depth)
        nested: SelectionSetNode | None = getattr(node, "selection_set", None)
        waiting.extend((child, depth) for child in (nested.selections if nested else ()))
    return measured


def _innermost_first(fragments: Mapping[str, _Measure]) -> Iterable[str]:
    """Order fragments so that each comes after those it spreads; without recursion, chains can be long."""
    seen: set[str] = set()
    waiting = [(name, False) for name in fragments]
    while waiting:
        name, spreads_are_done = waiting.pop()
        if spreads_are_done:
            yield name
        elif name in fragments and name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting.extend((inner, False) for inner, _ in fragments[name].spreads)


def _spread(measured: _Measure, fragments: Mapping[str, _Measure]) -> None:
    for name, depth in measured.spreads:
        if name in fragments and fragments[name] is not measured:
            measured.add(fragments[name], depth)


def _directives(node: Node) -> int:
    return len(getattr(node, "directives", None) or ())


def _duplicates(selection_set: SelectionSetNode) -> int:
    return max(Counter(map(_response_name, selection_set.selections)).values(), default=0)


def _response_name(selection: SelectionNode) -> object:
    match selection:
        case FieldNode(alias=None, name=name):
            return name.value
        case FieldNode(alias=alias) if alias is not None:
            return alias.value
        case FragmentSpreadNode(name=name):
            return "..." + name.value
        case _:
            return "..."  # inline fragments: a run of them costs validation as much as a run of fields
