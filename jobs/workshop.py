"""What a worker has open, and how each kind of job is done in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from jobs.answers import answer_question
from jobs.documents import Ingesting, ingest_documents
from jobs.downloads import Grabbing, grab_download, steer_download
from jobs.embedding_model import EmbeddingModel
from jobs.embeddings import embed_passages, start_when_due
from jobs.events import Bus
from jobs.execution import Handler, execute
from jobs.imports import Importing, import_download, undo_import
from jobs.index_builds import Indexing, build_index
from jobs.integration_checks import check_integration
from jobs.integrations import Integrations
from jobs.purchases import buy_at_tracker
from jobs.reindexing import reindex
from jobs.release_searches import Searching, search_releases
from jobs.scans import Scanning, scan_library
from jobs.trackers import refresh_tracker
from library.database import Database
from library.models.jobs import JobKind


@dataclass(frozen=True, slots=True)
class Workshop:
    """One worker's open things; `scan_interval` None means that roots are never scanned by themselves."""

    database: Database
    bus: Bus
    name: str
    indexing: Indexing
    integrations: Integrations
    handlers: Mapping[JobKind, Handler]
    scan_interval: timedelta | None

    @property
    def model(self) -> EmbeddingModel:
        """The model that this worker embeds with."""
        return self.indexing.model

    @property
    def process(self) -> str:
        """What tells this worker from others, in 8 letters."""
        return self.name.rsplit(":", 1)[1]

    async def run(self, job_id: int) -> None:
        """Run one job, and start what its end makes due."""
        await execute(job_id, self.handlers, database=self.database, bus=self.bus, worker=self.name)
        if self.model.embedder is not None:  # else the next minute tries again, not the next moment
            await start_when_due(self.database, self.bus, self.model)


def handlers(
    *,
    scanning: Scanning,
    ingesting: Ingesting,
    indexing: Indexing,
    grabbing: Grabbing,
    importing: Importing,
    integrations: Integrations,
) -> Mapping[JobKind, Handler]:
    """How each kind of job is done with what is open."""
    return {
        JobKind.SCAN_LIBRARY: partial(scan_library, scanning=scanning),
        JobKind.INGEST_DOCUMENTS: partial(ingest_documents, ingesting=ingesting),
        JobKind.REINDEX: partial(reindex, indexing=indexing),
        JobKind.EMBED_PASSAGES: partial(embed_passages, indexing=indexing),
        JobKind.BUILD_INDEX: partial(build_index, indexing=indexing),
        JobKind.CHECK_INTEGRATION: partial(check_integration, integrations=integrations),
        JobKind.REFRESH_TRACKER: partial(refresh_tracker, integrations=integrations),
        JobKind.BUY_AT_TRACKER: partial(buy_at_tracker, integrations=integrations),
        JobKind.SEARCH_RELEASES: partial(search_releases, searching=Searching(integrations)),
        JobKind.GRAB_DOWNLOAD: partial(grab_download, grabbing=grabbing),
        JobKind.STEER_DOWNLOAD: partial(steer_download, grabbing=grabbing),
        JobKind.IMPORT_DOWNLOAD: partial(import_download, importing=importing),
        JobKind.UNDO_IMPORT: partial(undo_import, importing=importing),
        JobKind.ANSWER_QUESTION: partial(answer_question, integrations=integrations),
    }
