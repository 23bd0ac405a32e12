"""What a scan learns of an item outside of any transaction: its audio files, sidecars and cover."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from library import covers
from library.alternatives import Candidate, chosen
from library.copies import Span
from library.covers import CoverUnusable, StoredCover
from library.models.editions import AudioFile
from library.scanning.chapters import TimedFile, edition_chapters
from library.scanning.errors import FileUnreadableError, Problem, ScanError
from library.scanning.evidence import Proposal, proposals_of_item
from library.scanning.file_reader import FileReader
from library.scanning.grouping import FoundAudio, FoundItem, signature
from library.scanning.identity import edition_fingerprint
from library.scanning.pictures import Picture
from library.scanning.raw_chapters import RawChapter
from library.scanning.reading import ReadFile
from library.scanning.sidecars import Sidecar, read_sidecars
from library.scanning.tags import FileTags
from library.scanning.track_order import TrackHints, in_listening_order, leading_number
from library.scanning.walking import FileStat


@dataclass(frozen=True, slots=True)
class HeardFile:
    """An audio file as read now or kept from an earlier scan; `cover` only when read now."""

    path: str
    size_bytes: int
    mtime_ns: int
    fingerprint: str
    tags: FileTags
    cover: Picture | None


@dataclass(slots=True)
class Reading:
    """The audio files of one item: those that could be read, and why the others could not."""

    item: FoundItem
    heard: list[HeardFile] = field(default_factory=list)
    broken: list[Problem] = field(default_factory=list)

    @property
    def sizes(self) -> dict[str, int]:
        """Fingerprint to bytes: what tells this audio from other audio."""
        return {file.fingerprint: file.size_bytes for file in self.heard}


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """Everything about an item that goes into rows; no picture's bytes, so that many can wait in memory.

    `unread` are the sidecars that could not be read this time. `cover_is_certain` is False when files that were
    not read again may hold a better cover.
    """

    item: FoundItem
    signature: str
    files: tuple[HeardFile, ...]
    problems: tuple[Problem, ...]
    broken_audio: tuple[Problem, ...]
    unread: tuple[str, ...]
    chapters: tuple[Span, ...]
    proposals: tuple[Proposal, ...]
    cover: StoredCover | None
    cover_is_certain: bool

    @property
    def path(self) -> str:
        """The item's path relative to its root."""
        return self.item.path

    @property
    def sizes(self) -> dict[str, int]:
        """Fingerprint to bytes."""
        return {file.fingerprint: file.size_bytes for file in self.files}

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the edition."""
        return edition_fingerprint(file.fingerprint for file in self.files)

    @property
    def duration_seconds(self) -> float:
        """How long the edition lasts."""
        return sum(file.tags.duration_seconds for file in self.files)

    @property
    def size_bytes(self) -> int:
        """How large its files are together."""
        return sum(file.size_bytes for file in self.files)


async def read_items(
    reader: FileReader, root: str, items: Sequence[FoundItem], known: Mapping[str, Mapping[str, AudioFile]]
) -> AsyncGenerator[Reading]:
    """Read the audio of items, one reading each, reading ahead while one is worked on.

    A file that is unchanged in `known` (item path to file path to row) is taken from there.
    """
    kept = {
        audio.file.path: file
        for item in items
        for audio in item.audio
        if (file := _unchanged(audio.file, known.get(item.path, {}).get(audio.file.path)))
    }
    wanted = [audio.file.path for item in items for audio in item.audio if audio.file.path not in kept]
    async with aclosing(reader.read(root, wanted)) as answers:
        for item in items:
            reading = Reading(item)
            for audio in item.audio:
                file = kept.get(audio.file.path)
                _take(reading, file if file is not None else await anext(answers))
            yield reading


async def prepare(root: Path, reading: Reading, covers_folder: Path) -> PreparedItem:
    """Read what lies beside the audio and put it all together."""
    return await asyncio.to_thread(_prepare, root, reading, covers_folder)


def audio_file_rows(prepared: PreparedItem) -> list[dict[str, Any]]:
    """The columns of the item's AudioFile rows: in listening order, then those that could not be read."""
    stats = {audio.file.path: audio.file for audio in prepared.item.audio}
    good = [_row(place, file) for place, file in enumerate(prepared.files)]
    broken = [
        _broken_row(len(good) + place, stats[problem.path], problem)
        for place, problem in enumerate(prepared.broken_audio)
        if problem.path in stats
    ]
    return good + broken


def _unchanged(file: FileStat, row: AudioFile | None) -> HeardFile | None:
    if row is None or row.contents is None or row.fingerprint is None:
        return None
    if (row.size_bytes, row.mtime_ns) != (file.size_bytes, file.mtime_ns):
        return None
    return HeardFile(row.path, row.size_bytes, row.mtime_ns, row.fingerprint, _from_contents(row.contents), None)


def _take(reading: Reading, answer: HeardFile | ReadFile | Problem) -> None:
    if isinstance(answer, Problem):
        reading.broken.append(answer)
        return
    if isinstance(answer, ReadFile):
        tags = replace(answer.tags, cover=None)
        cover = answer.tags.cover
        answer = HeardFile(answer.path, answer.size_bytes, answer.mtime_ns, answer.fingerprint, tags, cover)
    reading.heard.append(answer)


def _prepare(root: Path, reading: Reading, covers_folder: Path) -> PreparedItem:
    item = reading.item
    files = _in_order(_one_form(reading.heard), item.audio)
    sidecars, sidecar_problems = read_sidecars(root, [file.path for file in item.sidecars])
    cover, cover_problems = _cover(root, item, reading.heard, covers_folder)
    problems = (*reading.broken, *sidecar_problems, *cover_problems)
    return PreparedItem(
        item=item,
        # With something to report it is looked at again next time: a right to read leaves no trace in the signature.
        signature="" if problems else signature(item),
        files=tuple(files),
        problems=problems,
        broken_audio=tuple(reading.broken),
        unread=tuple(PurePosixPath(problem.path).name for problem in sidecar_problems),
        chapters=_chapters(files, sidecars),
        proposals=_proposals(item, files, sidecars),
        cover=cover,
        cover_is_certain=bool(item.images) or all(file.cover for file in files[:1]),
    )


def _one_form(heard: Sequence[HeardFile]) -> list[HeardFile]:
    by_path = {file.path: file for file in heard}
    candidates = [
        Candidate(file.path, file.tags.duration_seconds, file.size_bytes, len(file.tags.chapters)) for file in heard
    ]
    return [by_path[candidate.path] for candidate in chosen(candidates)]


def _in_order(files: Sequence[HeardFile], audio: Sequence[FoundAudio]) -> list[HeardFile]:
    discs = {one.file.path: one.disc for one in audio}
    by_path = {file.path: file for file in files}
    hints = [
        TrackHints(file.path, discs[file.path], _number(file.tags, "disc"), _number(file.tags, "track"))
        for file in files
    ]
    return [by_path[hint.path] for hint in in_listening_order(hints)]


def _number(tags: FileTags, name: str) -> int | None:
    return leading_number(next(iter(tags.tags.get(name, ())), None))


def _chapters(files: Sequence[HeardFile], sidecars: Sequence[Sidecar]) -> tuple[Span, ...]:
    listed = next((sidecar.chapters for sidecar in sidecars if sidecar.chapters), ())
    found = edition_chapters([TimedFile(file.path, file.tags) for file in files], listed)
    return tuple(Span(chapter.title, chapter.start, chapter.end) for chapter in found)


def _proposals(item: FoundItem, files: Sequence[HeardFile], sidecars: Sequence[Sidecar]) -> tuple[Proposal, ...]:
    tags = [file.tags for file in files]
    return tuple(proposals_of_item(item.path, is_file=item.is_file, files=tags, sidecars=sidecars))


def _cover(
    root: Path, item: FoundItem, heard: Sequence[HeardFile], folder: Path
) -> tuple[StoredCover | None, list[Problem]]:
    """Store the first usable picture: an image named cover, other images, then what the audio holds."""
    problems: list[Problem] = []
    for image in sorted(item.images, key=lambda file: PurePosixPath(file.path).stem.lower() != "cover"):
        try:
            return covers.store(folder, _image(root / image.path)), problems
        except (CoverUnusable, ScanError) as error:
            problems.append(Problem(image.path, error.code, str(error)))
    for file in heard:
        if file.cover is not None:
            try:
                return covers.store(folder, file.cover.data), problems
            except CoverUnusable as error:
                problems.append(Problem(file.path, error.code, str(error)))
    return None, problems


def _image(place: Path) -> bytes:
    try:
        with place.open("rb") as file:
            return file.read(covers.MAXIMUM_BYTES + 1)
    except OSError as error:
        raise FileUnreadableError(error) from error


def _row(place: int, file: HeardFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "position": place,
        "size_bytes": file.size_bytes,
        "mtime_ns": file.mtime_ns,
        "fingerprint": file.fingerprint,
        "duration_seconds": file.tags.duration_seconds,
        "codec": file.tags.codec[:40],
        "bit_rate": file.tags.bit_rate,
        "sample_rate": file.tags.sample_rate,
        "channels": file.tags.channels,
        "problem": None,
        "contents": _to_contents(file.tags),
    }


def _broken_row(place: int, file: FileStat, problem: Problem) -> dict[str, Any]:
    unknown = dict.fromkeys(("fingerprint", "codec", "bit_rate", "sample_rate", "channels", "contents"))
    return {
        "path": file.path,
        "position": place,
        "size_bytes": file.size_bytes,
        "mtime_ns": file.mtime_ns,
        "duration_seconds": 0.0,
        "problem": problem.reason,
        **unknown,
    }


def _to_contents(tags: FileTags) -> dict[str, Any]:
    return {name: value for name, value in asdict(tags).items() if name != "cover"}


def _from_contents(contents: dict[str, Any]) -> FileTags:
    tags = {name: tuple(values) for name, values in contents["tags"].items()}
    chapters = tuple(RawChapter(**chapter) for chapter in contents["chapters"])
    return FileTags(**{**contents, "tags": tags, "chapters": chapters})
