"""What one operation may ask for: size, shape and time, checked before it runs."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from api.document_shape import Shape, longest_list, measure
from api.refusals import IntrospectionRefused, OperationNotFound, OperationTimedOut, QueryTooComplex
from library.errors import ErrorCode, ShelfgraphError

# Parsed documents are kept for as much query text as this. The densest text takes 280 bytes of syntax tree for
# each of its characters, so documents that never repeat cannot hold more than 40 MB.
KEPT_CHARACTERS = 128 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one operation may have. Fragments count at each place where they are spread."""

    max_query_bytes: int = 64 * 1024
    max_tokens: int = 2_000
    max_depth: int = 15  # the standard introspection query is 15 deep
    max_aliases: int = 30
    max_directives: int = 30
    max_directives_on_node: int = 4
    max_root_fields: int = 20
    max_duplicate_fields: int = 10  # the same response name in one selection set
    max_list_input: int = 500  # items of one list, in the query or in its variables


@dataclass(frozen=True, slots=True)
class AcceptedDocument:
    """A document that is valid and within the limits, whoever sends it."""

    document: DocumentNode
    shape: Shape


class AcceptedDocuments:
    """The documents seen last, by their text, so that each is parsed, measured and validated once.

    Refused documents are not kept: they cost the sender a request each, and cannot push good ones out.
    """

    def __init__(self, kept_characters: int = KEPT_CHARACTERS) -> None:
        self._kept_characters = kept_characters
        self._characters = 0
        self._documents: OrderedDict[str, AcceptedDocument] = OrderedDict()

    def get(self, text: str) -> AcceptedDocument | None:
        """Find a document, which makes it the most recent."""
        if text in self._documents:
            self._documents.move_to_end(text)
        return self._documents.get(text)

    def add(self, text: str, accepted: AcceptedDocument) -> None:
        """Keep a document, and let the oldest go when there is too much text."""
        if text not in self._documents:
            self._characters += len(text)
        self._documents[text] = accepted
        while self._characters > self._kept_characters:
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)

    def __len__(self) -> int:
        return len(self._documents)


class DocumentGate(SchemaExtension):
    """Refuses a document before it costs anything: size, tokens, shape, then validity."""

    def __init__(self, limits: Limits, accepted: AcceptedDocuments) -> None:
        self._limits = limits
        self._accepted = accepted

    def on_operation(self) -> Iterator[None]:
        """Refuse a text that is too long to be read."""
        size = len((self.execution_context.query or "").encode())
        if size > self._limits.max_query_bytes:
            raise QueryTooComplex("max_query_bytes", self._limits.max_query_bytes, size)
        self.execution_context.parse_options["max_tokens"] = self._limits.max_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Take a known document instead of parsing it, and say which limit has stopped the parser."""
        known = self._known()
        if known is not None:
            self.execution_context.graphql_document = known.document
        yield
        for error in self.execution_context.pre_execution_errors or []:
            error.original_error = parser_limit(error, self._limits)

    def on_validate(self) -> Iterator[None]:
        """Leave the errors where Strawberry looks for them; an empty list says that it is checked."""
        self.execution_context.pre_execution_errors = self._document_errors() or self._request_errors()
        yield

    def _known(self) -> AcceptedDocument | None:
        return self._accepted.get(self.execution_context.query or "")

    def _document_errors(self) -> list[GraphQLError]:
        document = self.execution_context.graphql_document
        if document is None or self._known() is not None:
            return []
        shape = measure(document)
        errors = [_as_graphql_error(problem) for problem in exceeded(shape, self._limits)]
        # Validation takes quadratic time for some shapes, so it sees only what is within the limits.
        errors = errors or self._validation_errors(document)
        if not errors:
            self._accepted.add(self.execution_context.query or "", AcceptedDocument(document, shape))
        return errors

    def _validation_errors(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        schema = context.schema._schema  # noqa: SLF001 - Strawberry's own caches reach it the same way
        errors = validate_document(schema, document, context.validation_rules)
        for error in errors:
            error.extensions = {"code": ErrorCode.GRAPHQL_VALIDATION_FAILED}
        return errors

    def _request_errors(self) -> list[GraphQLError]:
        return [_as_graphql_error(problem) for problem in self._request_problems()]

    def _request_problems(self) -> Iterator[ShelfgraphError]:
        known, context = self._known(), self.execution_context
        if known is None:
            return
        if known.shape.introspects and not context.context.allow_introspection:
            yield IntrospectionRefused()
        # Without this Strawberry would run the first of several operations.
        if known.shape.operations > 1 and context._provided_operation_name is None:  # noqa: SLF001 - not public
            yield OperationNotFound(None)
        longest = longest_list(context.variables)
        if longest > self._limits.max_list_input:
            yield QueryTooComplex("max_list_input", self._limits.max_list_input, longest)


class OperationTimeout(SchemaExtension):
    """Cancels the resolvers of a query or mutation that runs too long.

    Strawberry's `on_execute` spans the whole of a query or mutation, but only the opening of a subscription.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def on_execute(self) -> AsyncIterator[None]:
        """Run the operation against the clock."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            raise OperationTimedOut(self._seconds) from None


def operation_limits(limits: Limits, *, timeout: float) -> list[Callable[[], SchemaExtension]]:
    """Make the schema extensions that hold every operation to `limits` and to `timeout` seconds."""
    accepted = AcceptedDocuments()
    return [lambda: DocumentGate(limits, accepted), lambda: OperationTimeout(timeout)]


def exceeded(shape: Shape, limits: Limits) -> list[QueryTooComplex]:
    """Compare a document's shape with the limits."""
    pairs = {
        "max_depth": (limits.max_depth, shape.depth),
        "max_aliases": (limits.max_aliases, shape.aliases),
        "max_directives": (limits.max_directives, shape.directives),
        "max_directives_on_node": (limits.max_directives_on_node, shape.directives_on_node),
        "max_root_fields": (limits.max_root_fields, shape.root_fields),
        "max_duplicate_fields": (limits.max_duplicate_fields, shape.duplicate_fields),
        "max_list_input": (limits.max_list_input, shape.list_items),
    }
    return [QueryTooComplex(name, limit, value) for name, (limit, value) in pairs.items() if value > limit]


def parser_limit(error: GraphQLError, limits: Limits) -> QueryTooComplex | None:
    """Tell a parser that gave up because of the document's size from one that met a mistake."""
    if "Parsing aborted" not in error.message:
        return None
    if "tokens" in error.message:
        return QueryTooComplex("max_tokens", limits.max_tokens)
    return QueryTooComplex("max_depth", limits.max_depth)


def _as_graphql_error(problem: ShelfgraphError) -> GraphQLError:
    return GraphQLError(str(problem), original_error=problem)
