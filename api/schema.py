"""The schema: root types put together from the nouns, with limits, error handlers and scalars."""

import strawberry
from graphql import print_schema
from strawberry.schema.config import StrawberryConfig

from api.client_errors import QuietSchema
from api.limits import Limits, operation_limits
from resolvers.accounts import AccountMutation, AccountQuery, ApiToken
from resolvers.answers import Answer
from resolvers.asked_questions import AnswerSubscription
from resolvers.books import Book, Edition, Person, Series, SeriesEntry, Tag
from resolvers.catalogue import CatalogueQuery
from resolvers.document_list import DocumentQuery
from resolvers.document_mutations import DocumentMutation
from resolvers.documents import Document, DocumentSection, DocumentSource
from resolvers.download_changes import DownloadSubscription
from resolvers.download_list import DownloadQuery
from resolvers.download_mutations import DownloadMutation
from resolvers.downloads import Download
from resolvers.edits import EditMutation
from resolvers.errors import HANDLERS
from resolvers.files import AudioFile
from resolvers.imports import Import, ImportedFile, ImportMutation, ImportQuery
from resolvers.integrations import Integration, IntegrationMutation, IntegrationQuery
from resolvers.jobs import Job, JobMutation, JobQuery
from resolvers.libraries import LibraryMutation, LibraryQuery, LibraryRoot
from resolvers.node_query import NodeQuery
from resolvers.notifications import NotificationMutation, NotificationQuery
from resolvers.passages import Passage
from resolvers.quality_profiles import ProfileMutation, ProfileQuery, QualityProfile
from resolvers.release_requests import ReleaseMutation
from resolvers.release_search_changes import ReleaseSubscription
from resolvers.release_searches import ReleaseQuery, ReleaseSearch
from resolvers.releases import Release
from resolvers.scalars import SCALARS
from resolvers.search import SearchQuery
from resolvers.subscriptions import ChangeSubscription
from resolvers.trackers import Purchase, TrackerMutation, TrackerQuery
from resolvers.wanting import WantMutation
from resolvers.wants import Want, WantQuery


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQuery,
    AccountQuery,
    LibraryQuery,
    CatalogueQuery,
    SearchQuery,
    DocumentQuery,
    WantQuery,
    ReleaseQuery,
    ProfileQuery,
    DownloadQuery,
    ImportQuery,
    IntegrationQuery,
    TrackerQuery,
    NotificationQuery,
    JobQuery,
):
    """The root of queries."""


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    AccountMutation,
    LibraryMutation,
    EditMutation,
    DocumentMutation,
    WantMutation,
    ReleaseMutation,
    ProfileMutation,
    DownloadMutation,
    ImportMutation,
    IntegrationMutation,
    TrackerMutation,
    NotificationMutation,
    JobMutation,
):
    """The root of mutations; they run one after the other."""


@strawberry.type(description="Everything that can be followed.")
class Subscription(ChangeSubscription, ReleaseSubscription, DownloadSubscription, AnswerSubscription):
    """The root of subscriptions."""


_NODES = [
    Answer,
    ApiToken,
    AudioFile,
    Book,
    Document,
    DocumentSection,
    DocumentSource,
    Download,
    Edition,
    Import,
    ImportedFile,
    Integration,
    Job,
    LibraryRoot,
    Passage,
    Person,
    Purchase,
    QualityProfile,
    Release,
    ReleaseSearch,
    Series,
    SeriesEntry,
    Tag,
    Want,
]


def create_schema(limits: Limits | None = None, *, operation_timeout: float = 30.0) -> strawberry.Schema:
    """Put the schema together; `operation_timeout` in seconds holds for queries and mutations."""
    return QuietSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=_NODES,
        extensions=operation_limits(limits or Limits(), timeout=operation_timeout),
        config=StrawberryConfig(scalar_map=SCALARS),
        exception_handlers=HANDLERS,
    )


def export() -> str:
    """The schema in the definition language, as `schema.graphql` holds it, without the permissions' directives."""
    return print_schema(create_schema()._schema) + "\n"  # noqa: SLF001 Strawberry offers no other way to graphql-core's printer
