"""Verifying a complete download: every file there and of its size, its audio sound, its length that of the book."""

import asyncio
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.decoding import AudioDecoder, Sound
from jobs.execution import Run
from library import imports, roots
from library.database import Database
from library.import_errors import DurationDiffers, FilesDiffer, FilesNotFound, FilesUnreadable, NoAudio
from library.import_plans import Listed, Plan, PlannedImport, Role, imported, role_of
from library.models.downloads import Download, DownloadFile
from library.path_mapping import PathMapping, candidates, shown, to_ours
from library.releases.facts import ReleaseFacts
from library.scanning.errors import Problem, readable

WARN_SHARE, BLOCK_SHARE = 0.03, 0.1  # how far a length may be from the edition that was meant


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: how long each audio file lasts, and what is wrong with which file; by torrent path."""

    seconds: Mapping[str, float]
    problems: Mapping[str, Problem]


def folder_here(download: Download, mappings: Sequence[PathMapping]) -> Path:
    """The folder of a download's files on this server. Raises UnsafePath and FilesNotFound."""
    theirs = download.save_path or ""
    folder = Path(to_ours(theirs, mappings))
    if not folder.is_absolute():  # never the server's own folder
        raise FilesNotFound(shown(theirs), shown(str(folder)), None)
    return folder


async def verify_files(
    run: Run,
    decoder: AudioDecoder,
    folder: Path,
    rows: Sequence[DownloadFile],
    *,
    mappings: Sequence[PathMapping],
    theirs: str,
) -> Verified:
    """Look at every file that is to be imported; `folder` is the client's `theirs` as this server sees it.

    Raises NoAudio, FilesNotFound and FilesDiffer; extras that are not there are problems, no error.
    """
    kept, _ = imported(Listed(row.path, row.size_bytes) for row in rows)
    audio = [file.path for file in kept if role_of(file.path) is Role.AUDIO]
    if not audio:
        raise NoAudio([row.path for row in rows if role_of(row.path) is Role.ARCHIVE])
    problems = await asyncio.to_thread(_look, folder, kept)
    if len(problems) == len(kept) and all(problem.code == "MISSING" for problem in problems.values()):
        raise await _not_found(run.database, theirs, folder, mappings, audio[0])
    if lost := [problem for path, problem in problems.items() if path in audio]:
        raise FilesDiffer(lost)
    return await _listen(run, decoder, folder, audio, problems)


async def judge_length(
    run: Run, plan: Plan, verified: Verified, facts: ReleaseFacts, *, ignore_warnings: bool
) -> list[str]:
    """What is to be said of the lengths of the planned recordings. Raises DurationDiffers unless told to ignore it."""
    warnings = []
    for one in plan.imports:
        heard = sum(verified.seconds.get(path, 0.0) for path in one.audio)
        expected = await _expected(run.database, one, facts, heard, is_only=len(plan.imports) == 1)
        if expected is None or abs(heard - expected) <= WARN_SHARE * expected:
            continue
        differs = DurationDiffers(heard, expected)
        if abs(heard - expected) > BLOCK_SHARE * expected and not ignore_warnings:
            raise differs
        warnings.append(str(differs))
    return warnings


def judge_sound(verified: Verified, audio: Collection[str], *, ignore_warnings: bool) -> list[str]:
    """What is to be said of damaged files. Raises FilesUnreadable unless told to ignore it and some audio is sound."""
    broken = [verified.problems[path] for path in sorted(audio) if path in verified.problems]
    if broken and (not ignore_warnings or len(broken) == len(audio)):
        raise FilesUnreadable(broken)
    return [str(FilesUnreadable(broken))] if broken else []


def write_results(rows: Iterable[DownloadFile], verified: Verified) -> None:
    """Note in the rows what was found of each file."""
    for row in rows:
        problem = verified.problems.get(row.path)
        row.duration_seconds = verified.seconds.get(row.path)
        row.problem = problem.reason if problem is not None else None


def _look(folder: Path, files: Iterable[Listed]) -> dict[str, Problem]:
    """What is wrong with the files below a folder, by path: missing, no plain files, another size, outside of it."""
    inside = folder.resolve()
    found = {}
    for file in files:
        why = _wrong(folder / file.path, inside, file.size_bytes)
        if why is not None:
            code, reason = why
            found[file.path] = Problem(readable(file.path), code, reason)
    return found


def _wrong(place: Path, inside: Path, size_bytes: int) -> tuple[str, str] | None:
    try:
        status = place.lstat()
        leads_out = not place.parent.resolve().is_relative_to(inside)
    except OSError:
        return "MISSING", "It is not there."
    if leads_out or not stat.S_ISREG(status.st_mode):
        return "NOT_A_FILE", "It is no regular file in the download's own folder."
    if status.st_size != size_bytes:
        return "OTHER_SIZE", f"It has {status.st_size} bytes instead of {size_bytes}."
    return None


async def _listen(
    run: Run, decoder: AudioDecoder, folder: Path, audio: Sequence[str], problems: dict[str, Problem]
) -> Verified:
    seconds = {}
    answers = decoder.check(str(folder), audio)
    try:
        for done, path in enumerate(audio):
            await run.progress(done, len(audio), f"checking {readable(path)}")
            answer = await anext(answers)
            if isinstance(answer, Sound):
                seconds[path] = answer.duration_seconds
            else:
                problems[path] = answer
    finally:
        await answers.aclose()
    return Verified(seconds, problems)


async def _expected(
    database: Database, one: PlannedImport, facts: ReleaseFacts, heard: float, *, is_only: bool
) -> float | None:
    async with database.read() as session:
        return await imports.expected_seconds(session, one.book_id, facts, heard, is_only=is_only)


async def _not_found(
    database: Database, theirs: str, folder: Path, mappings: Sequence[PathMapping], file: str
) -> FilesNotFound:
    """Say where files are looked for, and where they seem to be."""
    async with database.read() as session:
        near = [Path(root.path) for root in await roots.all_roots(session)]
    known = [*(mapping.ours for mapping in mappings), *(str(parent) for place in near for parent in place.parents)]
    place = await asyncio.to_thread(_likely, theirs, known, file)
    return FilesNotFound(shown(theirs), shown(str(folder)), shown(place) if place is not None else None)


def _likely(theirs: str, folders: Iterable[str], file: str) -> str | None:
    places = (mapping.ours for mapping in candidates(theirs, folders))
    return next((place for place in places if (Path(place) / file).is_file()), None)
