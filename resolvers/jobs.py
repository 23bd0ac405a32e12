"""Jobs in the graph: what slow work is going on, how far it is, and what it made."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

from jobs import queue
from jobs.events import unit_of_work
from library import jobs as job_rows
from library import models
from library.errors import NotFound
from library.models.accounts import Role
from library.models.jobs import JobKind, JobState
from library.pagination import Keyset, Page, SortKey
from resolvers.answers import AnswerResult
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Context, Info, Viewer
from resolvers.descriptions import describe_enum
from resolvers.documents import IngestResult
from resolvers.downloads import DownloadResult
from resolvers.errors import ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.imports import ImportResult
from resolvers.integrations import IntegrationCheckResult
from resolvers.libraries import LibraryRoot, library_root_by_id
from resolvers.nodes import Node
from resolvers.permissions import IsMember, has_role
from resolvers.release_searches import ReleaseSearchResult
from resolvers.trackers import PurchaseResult, TrackerRefreshResult

describe_enum(
    JobKind,
    "What a job does.",
    {
        JobKind.SCAN_LIBRARY: "Reads a library root and brings the graph up to date with it.",
        JobKind.EMBED_PASSAGES: "Computes the vectors of passages that have none yet.",
        JobKind.BUILD_INDEX: "Publishes a new generation of the search index.",
        JobKind.CHECK_INTEGRATION: "Finds out whether an integration is configured rightly and answers.",
        JobKind.SEARCH_RELEASES: "Asks every indexer for releases and judges what they offer.",
        JobKind.GRAB_DOWNLOAD: "Fetches the torrent of a download and gives it to the download client.",
        JobKind.STEER_DOWNLOAD: "Brings the download client in line with what was asked of a download.",
        JobKind.IMPORT_DOWNLOAD: "Verifies a complete download and places its files in the library.",
        JobKind.UNDO_IMPORT: "Takes the files of an import out of the library, into the recycle folder.",
        JobKind.REFRESH_TRACKER: "Reads how the user's account at the tracker stands.",
        JobKind.BUY_AT_TRACKER: "Buys something at the tracker, within the budget it was given.",
        JobKind.INGEST_DOCUMENTS: "Reads a folder, a file or an upload into the knowledge base.",
        JobKind.REINDEX: "Cuts and embeds again, everything or one book or document.",
        JobKind.ANSWER_QUESTION: "Has a language model write an answer from the passages that were found.",
    },
    name="JobKind",
)
describe_enum(
    JobState,
    "Where a job stands.",
    {
        JobState.QUEUED: "Waits for a worker.",
        JobState.RUNNING: "A worker is at it.",
        JobState.SUCCEEDED: "Ended; every item is done.",
        JobState.PARTIAL: "Ended; some items failed and say why in `itemErrors`.",
        JobState.FAILED: "Ended by an error.",
        JobState.CANCELLED: "Ended because somebody asked for it.",
    },
    name="JobState",
)


@strawberry.type(description="How far a job is.")
class JobProgress:
    """Items done and in all."""

    done: int = strawberry.field(description="Items done.")
    total: int | None = strawberry.field(description="Items in all; null while that is not known.")


@strawberry.type(description="Why a job failed.")
class JobError:
    """Code and sentence."""

    code: str = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")


@strawberry.type(description="Why one item of a job failed while the others went on.")
class JobItemError(Node):
    """A row of job item errors."""

    item: str = strawberry.field(description="Which item, such as a path below the library root.")
    code: str = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")

    @classmethod
    def of(cls, row: models.JobItemError) -> "JobItemError":
        """View a row."""
        return cls(id=encode_id("JobItemError", row.id), item=row.item, code=row.code, message=row.message)


@strawberry.type(description="What a scan found.")
class ScanResult:
    """Counts of copies on disk."""

    added: int = strawberry.field(description="New copies.")
    updated: int = strawberry.field(description="Copies whose files or sidecars had changed.")
    moved: int = strawberry.field(description="Copies found at another place; books and edits stayed the same.")
    unchanged: int = strawberry.field(description="Copies that did not have to be read.")
    missing: int = strawberry.field(description="Copies that were not there; nothing of them is deleted.")
    failed: int = strawberry.field(description="Items that could not be read and say why.")
    root_id: strawberry.Private[int]

    @strawberry.field(description="The folder that was scanned.")
    async def library_root(self, info: Info) -> LibraryRoot | None:
        """The root, by its loader."""
        return await library_root_by_id(info, self.root_id)


@strawberry.type(description="What an embedding job made.")
class EmbeddingResult:
    """A count of vectors."""

    passages: int = strawberry.field(description="Passages that got their vector.")


@strawberry.type(description="What an index job published.")
class IndexResult:
    """A generation."""

    generation: int = strawberry.field(description="Number of the generation.")
    passages: int = strawberry.field(description="Passages in it.")


JobResult = Annotated[
    ScanResult
    | EmbeddingResult
    | IndexResult
    | IntegrationCheckResult
    | TrackerRefreshResult
    | PurchaseResult
    | ReleaseSearchResult
    | DownloadResult
    | ImportResult
    | IngestResult
    | AnswerResult,
    strawberry.union("JobResult", description="What a job made, by its kind."),
]
_RESULTS: dict[JobKind, Callable[..., Any]] = {
    JobKind.SCAN_LIBRARY: ScanResult,
    JobKind.EMBED_PASSAGES: EmbeddingResult,
    JobKind.BUILD_INDEX: IndexResult,
    JobKind.INGEST_DOCUMENTS: IngestResult,
    JobKind.REINDEX: EmbeddingResult,
    JobKind.SEARCH_RELEASES: ReleaseSearchResult,
    JobKind.GRAB_DOWNLOAD: DownloadResult,
    JobKind.STEER_DOWNLOAD: DownloadResult,
    JobKind.IMPORT_DOWNLOAD: ImportResult,
    JobKind.UNDO_IMPORT: ImportResult,
    JobKind.CHECK_INTEGRATION: IntegrationCheckResult.of,
    JobKind.REFRESH_TRACKER: TrackerRefreshResult,
    JobKind.BUY_AT_TRACKER: PurchaseResult,
    JobKind.ANSWER_QUESTION: AnswerResult,
}


@strawberry.type(description="A piece of slow work: its row is the truth, whatever becomes of the queue.")
class Job(Node):
    """A row of jobs."""

    kind: JobKind = strawberry.field(description="What it does.")
    state: JobState = strawberry.field(description="Where it stands.")
    progress: JobProgress = strawberry.field(description="How far it is.")
    message: str | None = strawberry.field(description="What it is at, or what it has to say at its end.")
    attempts: int = strawberry.field(description="How often a worker has begun it.")
    error: JobError | None = strawberry.field(description="Why it failed; null otherwise.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When a worker first began it.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    row: strawberry.Private[models.Job]

    @classmethod
    def of(cls, row: models.Job) -> "Job":
        """View a row."""
        failed = row.error_code is not None
        return cls(
            id=encode_id("Job", row.id),
            kind=row.kind,
            state=row.state,
            progress=JobProgress(done=row.progress_done, total=row.progress_total),
            message=row.message,
            attempts=row.attempts,
            error=JobError(code=row.error_code or "", message=row.error_message or "") if failed else None,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            row=row,
        )

    @strawberry.field(description="Items that failed, and why.")
    async def item_errors(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[JobItemError]:
        """A page of item errors."""
        row = models.JobItemError
        keyset = Keyset(sa.select(row).where(row.job_id == self.row.id), (SortKey(row.id),))
        return await connect(info, keyset, Page.of(first, after, last, before), JobItemError.of)

    @strawberry.field(description="What it made; null before its end, and for jobs that make nothing.")
    def result(self) -> JobResult | None:
        """The result as the type of its kind."""
        return _RESULTS[self.row.kind](**self.row.result) if self.row.result is not None else None


def may_see(viewer: Viewer | None, job: models.Job) -> bool:
    """Members see the jobs they asked for, administrators all."""
    if has_role(viewer, Role.ADMIN):
        return True
    return viewer is not None and has_role(viewer, Role.MEMBER) and job.created_by == viewer.actor


async def visible_job(context: Context, job_id: int) -> models.Job:
    """A job the viewer may see; raises NotFound also for the others, whose existence is nobody's business."""
    async with context.database.read() as session:
        job = await job_rows.get(session, job_id)
    if not may_see(context.viewer, job):
        raise NotFound("job", job_id)
    return job


async def job_by_id(info: Info, job_id: int) -> Job | None:
    """For `node(id:)`."""
    try:
        return Job.of(await visible_job(info.context, job_id))
    except NotFound:
        return None


async def job_item_error_by_id(info: Info, error_id: int) -> JobItemError | None:
    """For `node(id:)`: as visible as its job."""
    async with info.context.database.read() as session:
        row = await session.get(models.JobItemError, error_id)
    if row is None or await job_by_id(info, row.job_id) is None:
        return None
    return JobItemError.of(row)


@strawberry.input(description="Which jobs.")
class JobFilter:
    """All given conditions must hold."""

    kinds: list[JobKind] | None = strawberry.field(default=None, description="It is of one of these kinds.")
    states: list[JobState] | None = strawberry.field(default=None, description="It is in one of these states.")


@strawberry.type
class JobQuery:
    """Root fields over jobs."""

    @strawberry.field(
        description="Jobs, newest first: all for administrators, their own for members.",
        permission_classes=[IsMember],
    )
    async def jobs(
        self,
        info: Info,
        filter: Annotated[JobFilter | None, strawberry.argument(description="Which jobs.")] = None,  # noqa: A002 the contract's name
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Job] | None:
        """A page of jobs."""
        keyset = _visible_jobs(info.context.viewer, filter or JobFilter())
        return await connect(info, keyset, Page.of(first, after, last, before), Job.of)


def _visible_jobs(viewer: Viewer | None, given: JobFilter) -> Keyset:
    row = models.Job
    select = sa.select(row)
    if viewer is None or not has_role(viewer, Role.ADMIN):
        select = select.where(row.created_by == (viewer.actor if viewer else ""))
    if given.kinds is not None:
        select = select.where(row.kind.in_(given.kinds))
    if given.states is not None:
        select = select.where(row.state.in_(given.states))
    return Keyset(select, (SortKey(row.id, descending=True),))


@strawberry.input(description="Which job to stop.")
class CancelJobInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The job's id.")


@strawberry.input(description="Which job to start once more.")
class RetryJobInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The job's id.")


@strawberry.type(description="A job that was asked to stop.")
class CancelJobPayload:
    """The job."""

    job: Job = strawberry.field(description="The job; within two seconds it changes nothing any more.")


@strawberry.type(description="A job that was started once more.")
class RetryJobPayload:
    """The job."""

    job: Job = strawberry.field(description="The job, queued again.")


CancelJobResult = Annotated[
    CancelJobPayload | NotFoundError | ConflictError,
    strawberry.union("CancelJobResult", description="The job, or why it cannot be stopped."),
]
RetryJobResult = Annotated[
    RetryJobPayload | NotFoundError | ConflictError,
    strawberry.union("RetryJobResult", description="The job, or why it cannot be started."),
]


@strawberry.type
class JobMutation:
    """Mutations of jobs."""

    @strawberry.mutation(
        description="Stop a job: a queued one ends at once, a running one finishes or undoes the item in hand.",
        permission_classes=[IsMember],
    )
    async def cancel_job(
        self,
        info: Info,
        input: Annotated[CancelJobInput, strawberry.argument(description="Which job.")],  # noqa: A002 the contract's name
    ) -> CancelJobResult:
        """Ask for cancelling."""
        return CancelJobPayload(job=await _change(info, input.id, queue.cancel))

    @strawberry.mutation(
        description="Start a job that failed, ended PARTIAL or was cancelled once more.",
        permission_classes=[IsMember],
    )
    async def retry_job(
        self,
        info: Info,
        input: Annotated[RetryJobInput, strawberry.argument(description="Which job.")],  # noqa: A002 the contract's name
    ) -> RetryJobResult:
        """Queue it again."""
        return RetryJobPayload(job=await _change(info, input.id, queue.retry))


async def _change(info: Info, job_id: strawberry.ID, change: Callable[..., Awaitable[models.Job]]) -> Job:
    row_id = decode_id_of("Job", job_id)
    await visible_job(info.context, row_id)
    async with unit_of_work(info.context.database, info.context.bus) as work:
        job = await change(work, row_id)
    return Job.of(job)
