"""Searches for releases: what was asked of whom, how each indexer answered, and what was offered."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from jobs import queue
from jobs.events import Work
from library import models, provider_reports, release_searches
from library.errors import NotFound
from library.models.jobs import JobKind
from library.models.releases import ReportStatus
from library.pagination import Page
from library.releases import QualityProfile as Rules
from resolvers.books import Book
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import IsMember
from resolvers.quality_rules import QualityRules
from resolvers.releases import Release, may_see, visible_search

if TYPE_CHECKING:
    from resolvers.jobs import Job
    from resolvers.wants import Want

describe_enum(
    ReportStatus,
    "How an indexer answered a search.",
    {
        ReportStatus.PENDING: "It is being asked.",
        ReportStatus.OK: "It answered with offers.",
        ReportStatus.EMPTY: "It answered that it has none.",
        ReportStatus.FAILED: "It did not answer: see the error.",
        ReportStatus.SKIPPED: "It was not asked: see the error for the reason.",
    },
    name="ProviderStatus",
)


@strawberry.type(description="Why an indexer did not answer, or was not asked.")
class ProviderError:
    """Code and sentence."""

    code: str = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")


@strawberry.type(description="How one indexer answered a search: a failure is never an empty list.")
class ProviderReport:
    """A row of provider reports."""

    provider: str = strawberry.field(description="The indexer, such as `Prowlarr: A Tracker`.")
    status: ReportStatus = strawberry.field(description="How it answered.")
    found: int = strawberry.field(description="How many releases it offered, before doubles were put together.")
    latency_seconds: float | None = strawberry.field(description="How long its answer took; null before it is there.")
    error: ProviderError | None = strawberry.field(description="Why there is no answer; null where there is one.")

    @classmethod
    def of(cls, row: models.ProviderReport) -> "ProviderReport":
        """View a row."""
        error = ProviderError(code=row.error_code, message=row.error_message or "") if row.error_code else None
        return cls(
            provider=row.provider,
            status=row.status,
            found=row.found,
            latency_seconds=row.latency_seconds,
            error=error,
        )


@strawberry.type(description="One question to all indexers, with the rules its answers are judged by.")
class ReleaseSearch(Node):
    """A row of release searches."""

    text: str = strawberry.field(description="What the indexers are asked.")
    rules: QualityRules = strawberry.field(description="The rules its releases are judged by, as they were then.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When the last indexer had answered; null before.")
    row: strawberry.Private[models.ReleaseSearch]

    @classmethod
    def of(cls, row: models.ReleaseSearch) -> "ReleaseSearch":
        """View a row."""
        return cls(
            id=encode_id("ReleaseSearch", row.id),
            text=row.text,
            rules=QualityRules.of(Rules.from_json(row.profile)),
            created_at=row.created_at,
            finished_at=row.finished_at,
            row=row,
        )

    @strawberry.field(description="The book that is looked for; null for free text.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.row.book_id) if self.row.book_id is not None else None
        return Book.of(row) if row is not None else None

    @strawberry.field(description="The want it was made for, if it was.")
    async def want(self, info: Info) -> Annotated["Want", strawberry.lazy("resolvers.wants")] | None:
        """The want, by its loader."""
        from resolvers.wants import Want  # noqa: PLC0415 wants refer to their searches

        row = await info.context.loaders.want.load(self.row.want_id) if self.row.want_id is not None else None
        return Want.of(row) if row is not None and may_see(info.context.viewer, row.created_by) else None

    @strawberry.field(description="The job that asks; null once it is forgotten, and for whom it does not belong to.")
    async def job(self, info: Info) -> Annotated["Job", strawberry.lazy("resolvers.jobs")] | None:
        """The job, by its loader."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to searches
        from resolvers.jobs import may_see as may_see_job  # noqa: PLC0415 see above

        row = await info.context.loaders.job.load(self.row.job_id) if self.row.job_id is not None else None
        return Job.of(row) if row is not None and may_see_job(info.context.viewer, row) else None

    @strawberry.field(description="How each indexer answered, by name.")
    async def provider_reports(self, info: Info) -> list[ProviderReport]:
        """The reports, by their loader."""
        rows = await info.context.loaders.reports_of_search.load(self.row.id)
        return [ProviderReport.of(row) for row in rows]

    @strawberry.field(description="What was offered: accepted releases first, then the others, each by score.")
    async def releases(
        self,
        info: Info,
        accepted: Annotated[
            bool | None, strawberry.argument(description="Only those that are accepted, or only those that are not.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Release]:
        """A page of releases."""
        keyset = release_searches.best_first(self.row.id, accepted=accepted)
        return await connect(info, keyset, Page.of(first, after, last, before), Release.of)


@strawberry.type(description="What a search found.")
class ReleaseSearchResult:
    """The search."""

    search_id: strawberry.Private[int]

    @strawberry.field(description="The search with its releases; null once it is forgotten.")
    async def release_search(self, info: Info) -> ReleaseSearch | None:
        """The search, by its loader."""
        return await release_search_by_id(info, self.search_id)


async def release_search_by_id(info: Info, search_id: int) -> ReleaseSearch | None:
    """For `node(id:)` and results."""
    row = await info.context.loaders.release_search.load(search_id)
    return ReleaseSearch.of(row) if row is not None and may_see(info.context.viewer, row.created_by) else None


async def start_search(work: Work, info: Info, search: models.ReleaseSearch, idempotency_key: str | None) -> models.Job:
    """Start the job of a new search, and show at once who will be asked."""
    await provider_reports.expect(work.session, search.id)
    job = await queue.search_releases(work, search.id, created_by=actor_of(info), idempotency_key=idempotency_key)
    search.job_id = job.id
    await work.session.flush()
    return job


async def job_search(work: Work, job: models.Job) -> models.ReleaseSearch | None:
    """The search that a job asks; None for other jobs."""
    if job.kind is not JobKind.SEARCH_RELEASES:
        return None
    return await work.session.get(models.ReleaseSearch, job.payload["search_id"])


def actor_of(info: Info) -> str:
    """How the viewer is named in rows."""
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else queue.SYSTEM


@strawberry.type
class ReleaseQuery:
    """Root fields over searches for releases."""

    @strawberry.field(
        description="A search for releases; null when there is none, or it is another member's.",
        permission_classes=[IsMember],
    )
    async def release_search(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The search's id.")],  # noqa: A002 the contract's name
    ) -> ReleaseSearch | None:
        """One search."""
        try:
            return ReleaseSearch.of(await visible_search(info.context, decode_id_of("ReleaseSearch", id)))
        except NotFound:
            return None
