"""Downloads between indexer and client: a grab gives the client a torrent, steering brings it in line with the row.

The torrent and its info-hash are in the row before the client is told of them, so whoever dies on the way leaves a row
from which the next attempt goes on, and the client has each torrent once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from integrations.qbittorrent import Added, ClientState, QBittorrent, Torrent
from integrations.torrent_file import TorrentFile
from jobs import queue
from jobs.download_tags import tags_of
from jobs.events import WATCHING_TOPIC, Work, unit_of_work
from jobs.execution import Run
from jobs.grabs import Source, admit, fetch, source_of
from jobs.hindrances import EXPECTED, Hindrance, hinder, of_client, of_indexer
from jobs.integrations import Integrations, Opened
from jobs.sightings import progress_of
from library import download_progress, downloads
from library.database import next_version
from library.errors import Conflict
from library.models.downloads import Download, DownloadFile, DownloadState
from library.models.integrations import Integration
from library.models.tables import now
from library.path_mapping import UnsafePath, mappings_of, to_ours

log = structlog.get_logger(__name__)

ANNOUNCE = "ANNOUNCE"
REMOVE = "REMOVE"
RESTORE = "RESTORE"  # seed again what a client lost with its list
_TORRENTS = "torrents"  # a counter whose lock lets two grabs of one torrent see each other
_MOST_TURNS = 10  # a wish that changes this often while it is fulfilled is left to the next job


@dataclass(frozen=True, slots=True)
class Grabbing:
    """What grabs and steering need: the servers of others, and this database's name for the client's tags."""

    integrations: Integrations
    identity: str


class ClientFailed(Conflict):
    """The download client could not be told; it is told again when it is seen to differ."""

    def __init__(self, error: Exception) -> None:
        reason = str(error).rstrip(".")
        super().__init__(f"The download client was not told: {reason}. It is told again by itself when it answers.")
        self._code = getattr(error, "code", self.code)

    @property
    def job_code(self) -> str:
        """The code of what went wrong there."""
        return str(self._code)


class SeedingGoalNotReached(Conflict):
    """A torrent that has to be seeded longer before it may go."""

    def __init__(self, download: Download, seeded_seconds: float) -> None:
        hours = (download.seeding_goal_seconds - seeded_seconds) / 3600
        super().__init__(
            f"{download.name!r} has to be seeded {hours:.1f} hours more before it is removed. Wait for it."
        )


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a row wishes of the client."""

    state: DownloadState
    paused: bool
    with_data: bool


async def grab_download(run: Run, grabbing: Grabbing) -> None:
    """Fetch a download's torrent and give it to the client.

    Safe to run twice: only QUEUED and GRABBING rows are touched; the step to GRABBING alone counts the grab, a torrent
    in the row is not fetched again, and one in the client is adopted.
    """
    download_id = run.job.payload["download_id"]
    run.result = {"download_id": download_id}
    for step in (_admit, _fetch, _hand_over):
        run.checkpoint()
        hindrance = await step(run, grabbing, download_id)
        if hindrance is not None:
            await _stop(run, download_id, hindrance)
            return
    await run.bus.publish([WATCHING_TOPIC])  # its first bytes are shown at once


async def steer_download(run: Run, grabbing: Grabbing) -> None:
    """Bring the client in line with a row: stopped, started, removed; ANNOUNCE, REMOVE and RESTORE besides.

    Safe to run twice: it reads row and client each time, and goes on until the row wishes what it wished when read.
    Raises ClientFailed, or SeedingGoalNotReached for a REMOVE that comes too soon.
    """
    download_id, action = run.job.payload["download_id"], run.job.payload.get("action")
    run.result = {"download_id": download_id}
    for _ in range(_MOST_TURNS):
        run.checkpoint()
        download = await _read(run, download_id)
        if download.info_hash is None or download.client_id is None:
            return  # the client has never heard of it; a grab heeds the row's wishes
        try:
            await _steer(run, grabbing, download, action)
        except EXPECTED as error:
            raise ClientFailed(error) from error
        if _wish(await _read(run, download_id)) == _wish(download):
            return
        action = None


async def _admit(run: Run, grabbing: Grabbing, download_id: int) -> Hindrance | None:
    """QUEUED → GRABBING, if the gate lets it."""
    download = await _read(run, download_id)
    if download.state is not DownloadState.QUEUED:
        return None
    try:
        client = await grabbing.integrations.download_client(download.client_id)
        source = await source_of(grabbing.integrations, download)
    except EXPECTED as error:
        return of_indexer(error)
    async with unit_of_work(run.database, run.bus) as work:
        await next_version(work.session, _TORRENTS)  # two grabs must not share the last slot
        download = await downloads.get(work.session, download_id, locked=True)
        if download.state is not DownloadState.QUEUED or await _is_replaced(work, download, _names(download)):
            return None
        return await admit(work, download, source, client.integration)


async def _fetch(run: Run, grabbing: Grabbing, download_id: int) -> Hindrance | None:
    """The torrent, into the row."""
    download = await _read(run, download_id)
    if download.state is not DownloadState.GRABBING or download.info_hash is not None:
        return None
    try:
        client = await grabbing.integrations.download_client(download.client_id)
        source: Source = await source_of(grabbing.integrations, download)
    except EXPECTED as error:
        return of_indexer(error)
    fetched = await fetch(grabbing.integrations, source, download)
    if isinstance(fetched, TorrentFile):
        await _keep(run, grabbing, download_id, client.integration, fetched)
        return None
    return fetched


async def _keep(run: Run, grabbing: Grabbing, download_id: int, client: Integration, torrent: TorrentFile) -> None:
    sealed = grabbing.integrations.seal.seal_bytes(torrent.content)
    async with unit_of_work(run.database, run.bus) as work:
        await next_version(work.session, _TORRENTS)
        download = await downloads.get(work.session, download_id, locked=True)
        if download.state is not DownloadState.GRABBING or await _is_replaced(work, download, torrent.client_ids):
            return
        await downloads.keep_torrent(work.session, download_id, sealed)
        download.client_id, download.info_hash = client.id, torrent.info_hash
        download.total_bytes = torrent.total_bytes
        for file in await downloads.files_of(work.session, download_id):
            await work.session.delete(file)
        await work.session.flush()
        work.session.add_all(
            DownloadFile(download_id=download_id, position=position, path=str(file.path), size_bytes=file.size_bytes)
            for position, file in enumerate(torrent.files)
        )


def _names(download: Download) -> Sequence[str]:
    """The torrent of a download that is tried again, which another may have taken meanwhile."""
    return [download.info_hash] if download.info_hash is not None else []


async def _is_replaced(work: Work, download: Download, names: Iterable[str]) -> bool:
    """Whether another download is on its way with the same torrent; one that is done hands its torrent over."""
    for name in names:
        other = await downloads.with_hash(work.session, name, other_than=download.id)
        if other is None:
            continue
        first, then = (other, download) if other.state is DownloadState.DONE else (download, other)
        message = f"download {then.id} has the same torrent"
        downloads.move(work.session, first, DownloadState.REPLACED, message=message)
        work.download_changed(first)
        if first is download:
            return True
    return False


async def _hand_over(run: Run, grabbing: Grabbing, download_id: int) -> Hindrance | None:
    """GRABBING → DOWNLOADING: the client has it, under our tags."""
    download = await _read(run, download_id)
    async with run.database.read() as session:
        sealed = await downloads.torrent_of(session, download_id)
    if download.state is not DownloadState.GRABBING or sealed is None:
        return None
    try:
        opened = await grabbing.integrations.download_client(download.client_id)
        async with grabbing.integrations.calling(opened.integration):
            added = await _add(grabbing, opened, download, grabbing.integrations.seal.open_bytes(sealed))
    except EXPECTED as error:
        return of_client(error)
    async with unit_of_work(run.database, run.bus) as work:
        await _note_added(work, await downloads.get(work.session, download_id, locked=True), added)
    return None


async def _add(grabbing: Grabbing, opened: Opened[QBittorrent], download: Download, torrent: bytes) -> Added:
    options = opened.integration.options
    return await opened.client.add(
        torrent,
        # Where it was before, so that what is there already is found again.
        save_path=download.save_path or options.get("save_path"),
        category=options.get("category", "audiobooks"),
        tags=tags_of(grabbing.identity, download.id),
        stopped=download.paused,
    )


async def _note_added(work: Work, download: Download, added: Added) -> None:
    download.info_hash = added.torrent.hash  # of a torrent of both versions the client chooses
    if download.state is not DownloadState.GRABBING:  # cancelled meanwhile
        download.left_client_at = None
        await queue.steer_download(work, download.id)
        return
    message = "the client had it already" if added.already_there else None
    downloads.move(work.session, download, DownloadState.DOWNLOADING, message=message)
    download.left_client_at = None
    await work.session.flush()
    await download_progress.write(work.session, {download.id: progress_of(added.torrent)})
    if not added.already_there and download.client_id is not None:
        await download_progress.count_unsatisfied(work.session, download.client_id)
    work.download_changed(download)


async def _stop(run: Run, download_id: int, hindrance: Hindrance) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        download = await downloads.get(work.session, download_id, locked=True)
        if download.state in {DownloadState.QUEUED, DownloadState.GRABBING}:
            await hinder(work, download, hindrance)
    log.info("grab_hindered", download_id=download_id, reason=hindrance.reason.code)


async def _steer(run: Run, grabbing: Grabbing, download: Download, action: str | None) -> None:
    opened = await grabbing.integrations.download_client(download.client_id)
    async with grabbing.integrations.calling(opened.integration):
        found = await opened.client.torrents(hashes=[download.info_hash or ""])
        if not found:
            await _steer_absent(run, grabbing, opened, download, action)
            return
        if download.state is DownloadState.CANCELLED:
            await _take_out(run, grabbing, opened.client, download, found[0], with_files=download.cancel_with_data)
        elif action == REMOVE:
            await _remove(run, grabbing, opened, download, found[0])
        else:
            await _pace(opened.client, download, found[0])
            if action == ANNOUNCE:
                await opened.client.reannounce([found[0].hash])


async def _steer_absent(
    run: Run, grabbing: Grabbing, opened: Opened[QBittorrent], download: Download, action: str | None
) -> None:
    if action == RESTORE and download.state is not DownloadState.CANCELLED:
        async with run.database.read() as session:
            files = [(file.path, file.size_bytes) for file in await downloads.files_of(session, download.id)]
            sealed = await downloads.torrent_of(session, download.id)
        if sealed is not None and await asyncio.to_thread(_are_there, _folder(opened, download), files):
            await _add(grabbing, opened, download, grabbing.integrations.seal.open_bytes(sealed))
            return
    if download.state is DownloadState.CANCELLED or action in {REMOVE, RESTORE}:
        await _note_left(run, download.id)


def _folder(opened: Opened[QBittorrent], download: Download) -> Path | None:
    """Where its files should be, as we see it."""
    if not download.save_path:
        return None
    try:
        return Path(to_ours(download.save_path, mappings_of(opened.integration.options)))
    except UnsafePath:
        return None


def _are_there(folder: Path | None, files: Sequence[tuple[str, int]]) -> bool:
    """Whether every file is there in full: else the client would fetch it all again, at the cost of ratio."""
    try:
        return folder is not None and all((folder / path).stat().st_size == size for path, size in files)
    except OSError:
        return False


async def _pace(client: QBittorrent, download: Download, torrent: Torrent) -> None:
    """Stopped or started as the row says; what stands still because of an error is tried again."""
    if download.paused:
        if not torrent.is_stopped:
            await client.stop([torrent.hash])
    elif download.state is DownloadState.DOWNLOADING:
        if torrent.state is ClientState.MISSING_FILES:
            await client.recheck([torrent.hash])
        if torrent.is_stopped or torrent.state in {ClientState.ERROR, ClientState.MISSING_FILES}:
            await client.start([torrent.hash])


async def _remove(
    run: Run, grabbing: Grabbing, opened: Opened[QBittorrent], download: Download, torrent: Torrent
) -> None:
    """Out of the client after its goal, with the files only where the library has names of its own for them."""
    if download.state is not DownloadState.DONE or torrent.seeding_seconds < download.seeding_goal_seconds:
        raise SeedingGoalNotReached(download, torrent.seeding_seconds)
    wanted = opened.integration.options.get("remove_after_goal") == "TORRENT_AND_FILES"
    async with run.database.read() as session:
        with_files = wanted and await download_progress.is_in_library(session, download.id)
    await _take_out(run, grabbing, opened.client, download, torrent, with_files=with_files)


async def _take_out(
    run: Run, grabbing: Grabbing, client: QBittorrent, download: Download, torrent: Torrent, *, with_files: bool
) -> None:
    """Remove what carries our tag of this download and no other download needs; the rest only loses the tag."""
    own = tags_of(grabbing.identity, download.id)[-1:]
    async with run.database.read() as session:
        if (await downloads.get(session, download.id)).state is not download.state:
            return  # wanted again meanwhile
        other = await downloads.with_hash(session, torrent.hash, other_than=download.id)
        with_files = with_files and await download_progress.may_take_files(session, download.id)
    if own[0] in torrent.tags and other is None:
        await client.delete([torrent.hash], with_files=with_files)
    elif own[0] in torrent.tags:
        await client.remove_tags([torrent.hash], own)
    await _note_left(run, download.id)


async def _note_left(run: Run, download_id: int) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        download = await downloads.get(work.session, download_id, locked=True)
        if download.left_client_at is None:
            download.left_client_at = download.updated_at = now()
            work.download_changed(download)


async def _read(run: Run, download_id: int) -> Download:
    async with run.database.read() as session:
        return await downloads.get(session, download_id)


def _wish(download: Download) -> _Wish:
    return _Wish(download.state, download.paused, download.cancel_with_data)
