"""What import tests share: a client's folder of finished downloads beside a library root, and a way to import them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.events import unit_of_work
from jobs.execution import execute
from jobs.imports import Importing, import_download, undo_import
from library import downloads, models
from library import jobs as job_rows
from library.models.downloads import Download, DownloadState, Import, ImportedFile, ImportMode
from library.models.integrations import IntegrationKind, IntegrationSource
from library.models.jobs import Job, JobKind
from library.models.tables import now
from library.releases.facts import ReleaseFacts
from tests.jobs.scan_fixtures import Shelf
from tests.library.scanning.audio_files import write_audio
from tests.shelf import Volume, add

THEIRS = "/downloads"  # the client's name for the depot
AUTHOR, NARRATOR = "Jules Verne", "Ann Reader"


@dataclass
class Depot:
    """The client's folder, and the shelf that downloads are imported into."""

    folder: Path
    shelf: Shelf
    importing: Importing
    options: dict[str, Any] = field(default_factory=dict)
    tones: int = 300

    def record(self, path: str, *, seconds: float = 0.3, **tags: str) -> Path:
        """A finished recording with audio of its own."""
        self.tones += 7
        return write_audio(self.folder / path, tone=self.tones, seconds=seconds, tags=tags)

    def write(self, path: str, content: str = "something") -> Path:
        """Any other finished file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        return place

    async def book(self, title: str, *, author: str = AUTHOR, **known: Any) -> int:
        """A book that is known and not owned."""
        async with self.shelf.database.write() as session:
            book_id = await add(session, Volume(title, (author,), (), seconds=0.0, **known))
            (await session.get_one(models.Book, book_id)).owned = False
        return book_id

    async def complete(
        self,
        top: str,
        book_id: int | None,
        *,
        mode: ImportMode = ImportMode.HARDLINK,
        facts: ReleaseFacts | None = None,
        listed: Sequence[tuple[str, int]] | None = None,
    ) -> int:
        """A download whose torrent lists what lies below `top` (a folder or file), and that is to be verified."""
        facts = facts or ReleaseFacts(title=Path(top).stem, authors=(AUTHOR,), narrators=(NARRATOR,))
        files = listed if listed is not None else self._listed(top)
        async with self.shelf.database.write() as session:
            client = await self._client(session)
            search = models.ReleaseSearch(text=top, profile={}, created_by="test")
            session.add(search)
            await session.flush()
            release = models.Release(
                search_id=search.id, key=f"test:{top}", indexer="test", title=top, facts=facts.to_json(),
                accepted=True, score=1.0, cost="FREE", decision={},
            )  # fmt: skip
            session.add(release)
            await session.flush()
            download = await downloads.request(session, release, created_by="user:1", mode=mode, book_id=book_id)
            download.client_id, download.save_path, download.content_path = client.id, THEIRS, f"{THEIRS}/{top}"
            for state in (DownloadState.GRABBING, DownloadState.DOWNLOADING, DownloadState.VERIFYING):
                downloads.move(session, download, state)
            session.add_all(
                models.DownloadFile(download_id=download.id, position=place, path=path, size_bytes=size)
                for place, (path, size) in enumerate(files)
            )
        return download.id

    async def run(self, download_id: int, *, worker: str = "test") -> Download:
        """Run an import to its end, or the one that was cut off."""
        async with unit_of_work(self.shelf.database, self.shelf.bus) as work:
            await job_rows.sweep(work.session, now().replace(year=now().year + 1))
            job = await queue.import_download(work, download_id)
        await self.execute(job.id, worker=worker)
        return await self.download(download_id)

    async def undo(self, import_id: int) -> Job:
        """Undo an import."""
        async with unit_of_work(self.shelf.database, self.shelf.bus) as work:
            await job_rows.sweep(work.session, now().replace(year=now().year + 1))
            job = await queue.undo_import(work, import_id, created_by="user:1")
        await self.execute(job.id)
        return await self.shelf.job(job.id)

    async def execute(self, job_id: int, *, worker: str = "test") -> None:
        """Run a queued job in this process."""
        handlers = {
            JobKind.IMPORT_DOWNLOAD: partial(import_download, importing=self.importing),
            JobKind.UNDO_IMPORT: partial(undo_import, importing=self.importing),
        }
        await execute(job_id, handlers, database=self.shelf.database, bus=self.shelf.bus, worker=worker)

    async def retry(self, download_id: int, **chosen: Any) -> Download:
        """Retry a blocked download, and run its import."""
        async with self.shelf.database.write() as session:
            download = await downloads.get(session, download_id)
            mode = chosen.pop("mode", download.mode)
            downloads.retry(session, download, **chosen)
            download.mode = mode
        return await self.run(download_id)

    async def download(self, download_id: int) -> Download:
        """The download's row."""
        async with self.shelf.database.read() as session:
            return await downloads.get(session, download_id)

    async def imports(self) -> Sequence[Import]:
        """Every import."""
        async with self.shelf.database.read() as session:
            return (await session.scalars(sa.select(Import).order_by(Import.id))).all()

    async def imported_files(self) -> Sequence[ImportedFile]:
        """Every file of every import."""
        async with self.shelf.database.read() as session:
            return (await session.scalars(sa.select(ImportedFile).order_by(ImportedFile.id))).all()

    async def history(self, download_id: int) -> list[tuple[str, str | None]]:
        """State and message of each step since it was complete."""
        async with self.shelf.database.read() as session:
            steps = await downloads.history(session, download_id)
        return [(step.to_state.value, step.message) for step in steps][4:]

    def _listed(self, top: str) -> list[tuple[str, int]]:
        place = self.folder / top
        files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
        return [(path.relative_to(self.folder).as_posix(), path.stat().st_size) for path in files]

    async def _client(self, session: AsyncSession) -> models.Integration:
        client = await session.scalar(sa.select(models.Integration))
        if client is None:
            client = models.Integration(
                kind=IntegrationKind.QBITTORRENT, name="qBittorrent", url="http://127.0.0.1:1",
                source=IntegrationSource.MUTATION,
            )  # fmt: skip
            session.add(client)
        client.options = {"path_mappings": [{"theirs": THEIRS, "ours": str(self.folder)}], **self.options}
        await session.flush()
        return client


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        Path(parent, name).relative_to(folder).as_posix(): Path(parent, name).read_bytes()
        for parent, _, names in os.walk(folder)
        for name in names
    }


def names(folder: Path) -> list[str]:
    """The paths of every file below a folder."""
    return sorted(tree(folder))
