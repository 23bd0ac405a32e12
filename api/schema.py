"""The schema: root types put together from the nouns, with limits, error handlers and scalars."""

import strawberry
from graphql import print_schema
from strawberry.schema.config import StrawberryConfig

from api.client_errors import QuietSchema
from api.limits import Limits, operation_limits
from resolvers.accounts import AccountMutation, AccountQuery, ApiToken
from resolvers.books import Book, Edition, Person, Series, SeriesEntry, Tag
from resolvers.catalogue import CatalogueQuery
from resolvers.edits import EditMutation
from resolvers.errors import HANDLERS
from resolvers.files import AudioFile
from resolvers.imports import Import, ImportedFile, ImportMutation, ImportQuery
from resolvers.integrations import Integration, IntegrationMutation, IntegrationQuery
from resolvers.jobs import Job, JobMutation, JobQuery
from resolvers.libraries import LibraryMutation, LibraryQuery, LibraryRoot
from resolvers.node_query import NodeQuery
from resolvers.scalars import SCALARS
from resolvers.search import SearchQuery
from resolvers.subscriptions import Subscription
from resolvers.trackers import Purchase, TrackerMutation, TrackerQuery


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQuery,
    AccountQuery,
    LibraryQuery,
    CatalogueQuery,
    SearchQuery,
    JobQuery,
    ImportQuery,
    IntegrationQuery,
    TrackerQuery,
):
    """The root of queries."""


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    AccountMutation, LibraryMutation, EditMutation, JobMutation, ImportMutation, IntegrationMutation, TrackerMutation
):
    """The root of mutations; they run one after the other."""


def create_schema(limits: Limits | None = None, *, operation_timeout: float = 30.0) -> strawberry.Schema:
    """Put the schema together; `operation_timeout` in seconds holds for queries and mutations."""
    return QuietSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            Book,
            Edition,
            Person,
            Series,
            SeriesEntry,
            Tag,
            AudioFile,
            LibraryRoot,
            Job,
            ApiToken,
            Import,
            ImportedFile,
            Integration,
            Purchase,
        ],
        extensions=operation_limits(limits or Limits(), timeout=operation_timeout),
        config=StrawberryConfig(scalar_map=SCALARS),
        exception_handlers=HANDLERS,
    )


def export() -> str:
    """The schema in the definition language, as `schema.graphql` holds it, without the permissions' directives."""
    return print_schema(create_schema()._schema) + "\n"  # noqa: SLF001 Strawberry offers no other way to graphql-core's printer
