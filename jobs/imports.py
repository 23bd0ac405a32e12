"""Complete downloads become books: verified, planned, placed, read into the library; and taken out again.

Every step begins by looking at rows and disk, so that it may have been cut off before, at any point.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import structlog

from jobs import queue
from jobs.decoding import AudioDecoder
from jobs.events import Work, unit_of_work
from jobs.execution import ClaimLost, JobCancelled, Run
from jobs.hindrances import Hindrance, hinder
from jobs.import_scans import Entered, enter, note_gone
from jobs.placements import finish_move, place_import, proof_of_row
from jobs.placing import discard, staging_folder
from jobs.recycling import Taken, remove_empty_folders, take_out
from jobs.scans import Scanning
from jobs.tagging import TagWriter
from jobs.verification import folder_here, judge_length, judge_sound, verify_files, write_results
from library import downloads, imports, roots, wants
from library.downloads import Reason, ReasonCode
from library.errors import BadInput, NotFound
from library.import_errors import ImportBlocked, NothingToScan
from library.import_plans import Role, role_of
from library.models.downloads import Download, DownloadState, Import, ImportedFile, ImportMode, ImportState
from library.models.tables import now

log = structlog.get_logger(__name__)

_UNEXPECTED = Hindrance(
    Reason(ReasonCode.UNEXPECTED, "Something unexpected went wrong; the worker's log has the details."), passes=True
)


@dataclass(frozen=True, slots=True)
class Importing:
    """What imports need from their process: who reads, decodes and tags files, and where taken-out files go."""

    scanning: Scanning
    decoder: AudioDecoder
    tagger: TagWriter
    recycle_dir: Path


class Overtaken(Exception):
    """The download is no longer in the state that a step began in: somebody cancelled it, or sent it elsewhere."""


async def import_download(run: Run, importing: Importing) -> None:
    """Verify a complete download, place its files and read them into the library.

    Safe to run twice: each step asks for the download's state and ends with the step to the next in one transaction;
    files are placed by a plan that was committed before, and what is in its place already is left there.
    """
    download_id = run.job.payload["download_id"]
    try:
        while (step := _STEPS.get(await _state(run, download_id))) is not None:
            await step(run, importing, download_id)
    except (JobCancelled, ClaimLost):
        raise
    except Overtaken:
        log.info("import_overtaken", job_id=run.job.id)
    except (ImportBlocked, BadInput, NotFound) as error:
        await _hinder(run, download_id, _hindrance(error))
    except Exception:  # the download says so instead of hanging until its deadline
        log.exception("import_failed", job_id=run.job.id)
        await _hinder(run, download_id, _UNEXPECTED)
    await _clean_up(run)
    async with run.database.read() as session:
        rows = await imports.of_download(session, download_id)
    run.result = {"download_id": download_id, "import_ids": [row.id for row in rows]}


async def undo_import(run: Run, importing: Importing) -> None:
    """Take the files of an import out of the library: to the recycle folder, or back to where they were moved from.

    Safe to run twice: a file is taken only where it is provably the one that was placed, and one that is gone is
    looked for where it would have gone. Raises NotUndoable.
    """
    import_id = run.job.payload["import_id"]
    async with run.database.read() as session:
        row = await imports.get(session, import_id)
        download = await downloads.get(session, row.download_id)
        root = await roots.get(session, row.root_id)
        mappings = await imports.mappings(session, download)
        files = await imports.files_of(session, import_id)
    if row.state is not ImportState.UNDONE:
        if row.state is not ImportState.APPLIED or {download.state, download.returns_to} & _STEPS.keys():
            raise imports.NotUndoable(row.state)
        source = folder_here(download, mappings) if row.mode is ImportMode.MOVE else None
        await _take_out(run, importing, Path(root.path), row, files, source)
    await asyncio.to_thread(remove_empty_folders, Path(root.path), Path(root.path) / row.folder)
    await note_gone(run, root, row.folder)
    run.result = {"download_id": row.download_id, "import_ids": [row.id]}


async def _state(run: Run, download_id: int) -> DownloadState:
    run.checkpoint()
    async with run.database.read() as session:
        return (await downloads.get(session, download_id)).state


async def _verify(run: Run, importing: Importing, download_id: int) -> None:
    async with run.database.read() as session:
        download = await downloads.get(session, download_id)
        rows = await downloads.files_of(session, download_id)
        mappings = await imports.mappings(session, download)
        facts = await imports.facts_of(session, download)
    folder, ignore = folder_here(download, mappings), download.ignore_warnings
    verified = await verify_files(
        run, importing.decoder, folder, rows, mappings=mappings, theirs=download.save_path or ""
    )
    async with unit_of_work(run.database, run.bus) as work:
        write_results(await downloads.files_of(work.session, download_id), verified)
    audio = [row.path for row in rows if role_of(row.path) is Role.AUDIO]
    warnings = judge_sound(verified, audio, ignore_warnings=ignore)
    async with run.database.read() as session:
        plan = await imports.plan(session, download)
    warnings += await judge_length(run, plan, verified, facts, ignore_warnings=ignore)
    async with unit_of_work(run.database, run.bus) as work:
        download = await _expect(work, download_id, DownloadState.VERIFYING)
        if not await imports.going_on(work.session, download_id):
            plan = await imports.plan(work.session, download)
            await imports.save(work.session, download, plan)
        message = " ".join([*plan.warnings, *warnings]) or None
        _move(work, download, DownloadState.IMPORTING, message)


async def _place(run: Run, importing: Importing, download_id: int) -> None:
    async with run.database.read() as session:
        download = await downloads.get(session, download_id)
        rows = await imports.going_on(session, download_id)
        mappings = await imports.mappings(session, download)
    if not rows:  # sent back, or undone: plan anew
        async with unit_of_work(run.database, run.bus) as work:
            _move(work, await _expect(work, download_id, DownloadState.IMPORTING), DownloadState.VERIFYING, None)
        return
    source = folder_here(download, mappings)
    for row in rows:
        if row.state is ImportState.PLANNED:
            await place_import(run, row, source, importing.tagger, mode=download.mode, begin=_still_importing)
    for row in rows:
        await finish_move(run, row.id, source)
    async with unit_of_work(run.database, run.bus) as work:
        download = await _expect(work, download_id, DownloadState.IMPORTING)
        _move(work, download, DownloadState.IMPORTED, await _placed(work, rows))


async def _placed(work: Work, rows: Sequence[Import]) -> str:
    warnings = [told for row in rows for told in imports.not_tagged(await imports.files_of(work.session, row.id))]
    return ". ".join([f"placed in {', '.join(repr(row.folder) for row in rows)}", *warnings])


async def _enter(run: Run, importing: Importing, download_id: int) -> None:
    async with run.database.read() as session:
        rows = await imports.going_on(session, download_id)
        root_of = {row.id: await roots.get(session, row.root_id) for row in rows}
    entered: dict[int, list[Entered]] = {}
    for row in rows:
        entered[row.id] = await enter(run, importing.scanning, root_of[row.id], row.folder)
        if not entered[row.id]:
            raise NothingToScan(row.folder)
    async with unit_of_work(run.database, run.bus) as work:
        download = await _expect(work, download_id, DownloadState.IMPORTED)
        for row in await imports.going_on(work.session, download_id):
            _note_entered(download, row, entered.get(row.id, []))
            await imports.note_book(work.session, row)
        for one in (one for found in entered.values() for one in found):
            await wants.close_satisfied(work.session, one.book_id, one.edition_id)
        _move(work, download, DownloadState.ENRICHING, None)
        await queue.embed_passages(work)


def _note_entered(download: Download, row: Import, entered: Sequence[Entered]) -> None:
    for one in entered[:1]:
        row.book_id, row.edition_id, row.updated_at = one.book_id, one.edition_id, now()
        if download.edition_id is None and download.book_id in (None, one.book_id):
            download.book_id, download.edition_id = one.book_id, one.edition_id


_STEPS: dict[DownloadState, Callable[[Run, Importing, int], Awaitable[None]]] = {
    DownloadState.VERIFYING: _verify,
    DownloadState.IMPORTING: _place,
    DownloadState.IMPORTED: _enter,
}


def _move(work: Work, download: Download, to: DownloadState, message: str | None) -> None:
    downloads.move(work.session, download, to, message=message)
    work.download_changed(download)


async def _expect(work: Work, download_id: int, state: DownloadState) -> Download:
    download = await downloads.get(work.session, download_id, locked=True)
    if download.state is not state:
        raise Overtaken
    return download


async def _still_importing(work: Work, row: Import) -> None:
    await _expect(work, row.download_id, DownloadState.IMPORTING)


async def _clean_up(run: Run) -> None:
    """Take away what was staged for downloads that do not go on; what is in the library stays there."""
    async with run.database.read() as session:
        left = await imports.abandoned(session)
        places = [staging_folder(Path((await roots.get(session, row.root_id)).path), row.id) for row in left]
    for staging in places:
        await asyncio.to_thread(discard, staging)


def _hindrance(error: ImportBlocked | BadInput | NotFound) -> Hindrance:
    if isinstance(error, ImportBlocked):
        return Hindrance(error.reason, passes=error.passes)
    if isinstance(error, BadInput):
        hint = "Correct the naming template or the path mappings of the download client, then retry."
        return Hindrance(Reason(ReasonCode.NOT_CONFIGURED, str(error), hint))
    return Hindrance(Reason(ReasonCode.NOT_CONFIGURED, str(error), "Add what is gone again, then retry."))


async def _hinder(run: Run, download_id: int, hindrance: Hindrance) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        download = await downloads.get(work.session, download_id, locked=True)
        if download.state in _STEPS:
            await hinder(work, download, hindrance)


async def _take_out(
    run: Run, importing: Importing, root: Path, row: Import, files: Sequence[ImportedFile], source: Path | None
) -> None:
    taken: dict[int, Taken] = {}
    for done, file in enumerate(files):
        await run.progress(done, len(files), file.target)
        recycled = importing.recycle_dir / _recycled(row, file)
        back = source / file.source if source is not None and file.source is not None else None
        taken[file.id] = await asyncio.to_thread(take_out, root / file.target, proof_of_row(file), recycled, back)
        if taken[file.id] is Taken.NOT_OURS:
            await run.item_failed(file.target, "NOT_OURS", "It is not the file that was placed there, so it stays.")
    async with unit_of_work(run.database, run.bus) as work:
        row = await imports.get(work.session, row.id)
        row.state, row.updated_at = ImportState.UNDONE, now()
        for file in await imports.files_of(work.session, row.id):
            file.placed = taken[file.id] is Taken.NOT_OURS
            file.recycled_to = _recycled(row, file) if taken[file.id] is Taken.RECYCLED else None
            file.details = {**(file.details or {}), "taken": taken[file.id].value}
        work.download_changed(await downloads.get(work.session, row.download_id))


def _recycled(row: Import, file: ImportedFile) -> str:
    return str(PurePosixPath(f"import-{row.id}", file.target))
