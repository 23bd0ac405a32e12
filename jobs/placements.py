"""Placing the files of one planned import, with what proves that they are ours in rows before they appear."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import structlog

from jobs.events import Work, unit_of_work
from jobs.execution import Run
from jobs.placing import (
    Proof,
    adopt,
    aside,
    content_hash,
    discard,
    is_ours,
    is_published,
    publish,
    remove_staged,
    stage,
    staging_folder,
    told,
    write_new,
)
from jobs.tagging import TagWriter
from library import downloads, imports, roots
from library.import_errors import Unwritable
from library.import_plans import Role, role_of
from library.models.downloads import Import, ImportedFile, ImportMode, ImportState
from library.models.tables import now
from library.written_tags import WrittenTags, is_taggable

log = structlog.get_logger(__name__)

_SOURCE_REMOVED = "source_removed"
_SOURCE_BYTES = "source_bytes"


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a file comes from, of which size, and where it is staged."""

    source: Path
    staged: Path
    source_bytes: int


async def place_import(
    run: Run,
    row: Import,
    source: Path,
    tagger: TagWriter,
    *,
    mode: ImportMode,
    begin: Callable[[Work, Import], Awaitable[None]],
) -> None:
    """Stage, prove and publish the files of a PLANNED import; `source` is the folder of the download.

    `begin` is asked in the last transaction before the files appear whether they still should. Raises ImportBlocked.
    """
    async with run.database.read() as session:
        root = await roots.get(session, row.root_id)
        in_use = any(copy.missing_since is None for copy in await roots.copies_in(session, root.id))
    place = Path(root.path)
    await asyncio.to_thread(_check_root, place, in_use=in_use)
    staging = staging_folder(place, row.id)
    if row.mode is not mode:
        await _change_mode(run, row, staging, mode)
    async with run.database.read() as session:
        files = await imports.files_of(session, row.id)
    proofs = _proofs(row, files)
    if len(proofs) < len(files) or not await asyncio.to_thread(is_published, place / row.folder, proofs):
        proofs = await _stage(run, row, files, source, staging, tagger)
        async with unit_of_work(run.database, run.bus) as work:
            await begin(work, row)
            await _note(work, row, proofs)
        await asyncio.to_thread(publish, place, staging, row.folder, proofs)
    await _applied(run, row)


async def finish_move(run: Run, import_id: int, source: Path) -> None:
    """Take the sources of a MOVE away, each only when its file lies in the library; nothing for other modes."""
    async with run.database.read() as session:
        row = await imports.get(session, import_id)
        root = await roots.get(session, row.root_id)
        files = await imports.files_of(session, import_id)
    if row.mode is not ImportMode.MOVE or row.state is not ImportState.APPLIED:
        return
    for file in files:
        if file.source is not None and not (file.details or {}).get(_SOURCE_REMOVED):
            run.checkpoint()
            await asyncio.to_thread(
                _remove_source, source / file.source, Path(root.path, file.target), proof_of_row(file)
            )
    async with unit_of_work(run.database, run.bus) as work:
        for file in await imports.files_of(work.session, import_id):
            file.details = {**(file.details or {}), _SOURCE_REMOVED: file.source is not None}


def proof_of_row(file: ImportedFile) -> Proof:
    """What a row says of the file it stands for; of one that was never staged it fits nothing."""
    return Proof(file.device or 0, file.inode or "", file.size_bytes, file.content_hash)


def _check_root(place: Path, *, in_use: bool) -> None:
    """Refuse a root that is not there, or is suddenly empty: most likely a disk that is not mounted."""
    with told(), os.scandir(place) as entries:
        is_empty = all(entry.name.startswith(".") for entry in entries)
    if is_empty and in_use:
        raise Unwritable("its folder is empty although books were found in it; its disk may not be mounted")


async def _change_mode(run: Run, row: Import, staging: Path, mode: ImportMode) -> None:
    """Begin again in the way the user chose meanwhile."""
    await asyncio.to_thread(discard, staging)
    async with unit_of_work(run.database, run.bus) as work:
        row.mode = (await imports.get(work.session, row.id)).mode = mode
        for file in await imports.files_of(work.session, row.id):
            file.device = file.inode = file.content_hash = None


async def _stage(
    run: Run, row: Import, files: Sequence[ImportedFile], source: Path, staging: Path, tagger: TagWriter
) -> dict[str, Proof]:
    tags = await _tags(run, row, files)
    proofs = {}
    for done, file in enumerate(files):
        await run.progress(done, len(files), f"placing {file.target}")
        inner = file.target.removeprefix(f"{row.folder}/")
        known = proof_of_row(file) if file.inode is not None else None
        if file.source is None:
            proofs[inner] = await asyncio.to_thread(write_new, await _sidecar(run, row), staging / inner)
            continue
        way = _Way(source / file.source, staging / inner, _source_bytes(file))
        is_staged = known is not None and await asyncio.to_thread(is_ours, way.staged, known)
        if file.id in tags and not is_staged:
            proof, not_tagged = await _stage_tagged(way, tagger, tags[file.id])
        else:
            proof = await asyncio.to_thread(stage, way.source, way.staged, way.source_bytes, row.mode, known)
            not_tagged = None
        if proof.content_hash is not None and proof != known:  # a copy is worth keeping over a crash
            async with unit_of_work(run.database, run.bus) as work:
                await _note(work, row, {inner: proof})
                await _note_tags(work, file.id, way, not_tagged)
        proofs[inner] = proof
    return proofs


async def _stage_tagged(way: _Way, tagger: TagWriter, tags: WrittenTags) -> tuple[Proof, str | None]:
    """Stage a copy with tags, or why it is one without.

    It is finished under a name that no other try knows, so that neither half a tag nor a process that outlives its
    worker touches a file that has been noted.
    """
    finished = aside(way.staged)
    await asyncio.to_thread(stage, way.source, finished, way.source_bytes, ImportMode.COPY, None)
    problem = await tagger.write(finished, tags)
    if problem is None:
        return await asyncio.to_thread(adopt, finished, way.staged), None
    log.warning("tags_not_written", code=problem.code, reason=problem.reason)
    await asyncio.to_thread(remove_staged, finished)
    proof = await asyncio.to_thread(stage, way.source, way.staged, way.source_bytes, ImportMode.COPY, None)
    return proof, problem.reason


async def _tags(run: Run, row: Import, files: Sequence[ImportedFile]) -> dict[int, WrittenTags]:
    """What is written into which file, by its row's id."""
    async with run.database.read() as session:
        tags = await imports.tags(session, row)
    audio = [file for file in files if file.source is not None and role_of(file.target) is Role.AUDIO]
    if tags is None:
        return {}
    if len(audio) > 1:
        told = {file.id: replace(tags, title=PurePosixPath(file.target).stem, keeps_title=True) for file in audio}
    else:
        told = {file.id: tags for file in audio}
    return {file.id: told[file.id] for file in audio if is_taggable(file.target)}


def _source_bytes(file: ImportedFile) -> int:
    """The size of a file in the torrent; with tags its copy has another."""
    return int((file.details or {}).get(_SOURCE_BYTES, file.size_bytes))


async def _note_tags(work: Work, file_id: int, way: _Way, not_tagged: str | None) -> None:
    file = await work.session.get_one(ImportedFile, file_id)
    file.details = {**(file.details or {}), _SOURCE_BYTES: way.source_bytes, imports.NOT_TAGGED: not_tagged}


async def _sidecar(run: Run, row: Import) -> bytes:
    async with run.database.read() as session:
        return await imports.sidecar(session, await downloads.get(session, row.download_id), row.book_id)


async def _note(work: Work, row: Import, proofs: Mapping[str, Proof]) -> None:
    for file in await imports.files_of(work.session, row.id):
        proof = proofs.get(file.target.removeprefix(f"{row.folder}/"))
        if proof is not None:
            file.device, file.inode, file.size_bytes = proof.device, proof.inode, proof.size_bytes
            file.content_hash = proof.content_hash


async def _applied(run: Run, row: Import) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        written = await imports.get(work.session, row.id)
        written.state, written.updated_at = ImportState.APPLIED, now()
        for file in await imports.files_of(work.session, row.id):
            file.placed = True


def _proofs(row: Import, files: Sequence[ImportedFile]) -> dict[str, Proof]:
    return {file.target.removeprefix(f"{row.folder}/"): proof_of_row(file) for file in files if file.inode is not None}


def _remove_source(source: Path, target: Path, proof: Proof) -> None:
    """Take a source away that is one file with its target, or was copied to it and has not changed since."""
    if not source.is_file() or source.is_symlink() or not is_ours(target, proof):
        return
    with told():
        if source.samefile(target) or content_hash(source) == proof.content_hash:
            source.unlink()
