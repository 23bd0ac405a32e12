"""What becomes of the files of a torrent: which are audiobooks, which go along, which stay out, and whose they are.

Pure: it knows names and sizes only.
"""

import enum
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from library.models.downloads import ImportMode
from library.naming import BookNames, plan_folder, plan_paths
from library.releases.facts import ReleaseFacts
from library.releases.matching import Wanted, match
from library.safe_names import MOST_BYTES, collision_key, cut
from library.scanning.grouping import FoundItem, disc_number, group, is_sidecar
from library.scanning.walking import UNFINISHED, FileKind, FileStat, kind_of

SIDECAR = "metadata.json"
LEAST_BOOK_BYTES = 50 * 1024 * 1024  # of one file that is a whole book among others; chapters are smaller
_ARCHIVES = re.compile(r"\.(?:rar|zip|7z|tar|gz|bz2|xz|r\d{2,3}|z\d{2}|\d{3})$", re.IGNORECASE)
_GO_ALONG = frozenset({".cue"})
_SYSTEM_FOLDERS = frozenset({"@eadir", "__macosx"})
_SAMPLE = re.compile(r"(?:.*[\s._-])?samples?", re.IGNORECASE)
_WHOLE_BOOKS = frozenset({".m4b", ".m4a", ".mp4"})
_PART_LABEL = re.compile(
    r"\b(?:parts?|pt|cds?|discs?|disks?|sides?|tapes?|cassettes?|sections?|chapters?|tracks?)\b", re.IGNORECASE
)
_NUMBERS = re.compile(r"[\W\d_]+")
_LEADING_NUMBER = re.compile(
    r"^\s*(?:(?:book|vol(?:ume)?\.?)\s*|#)?\d{1,3}(?:\.\d{1,2})?\s*(?:[-–—.:_)]+\s*|\s+(?=\D))", re.IGNORECASE
)
_DASH = re.compile(r"\s+[-–—]+\s+")
_ROOM = "_"  # a folder around everything, so that files at the top are one item


class Role(enum.Enum):
    """What a file is to an import."""

    AUDIO = "audio"
    EXTRA = "extra"  # cover, booklet, description: goes along
    ARCHIVE = "archive"  # packed; never opened
    JUNK = "junk"  # stays out


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the torrent lists it, relative to the save path."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are one recording; `name` is that of their folder or file, without its ending."""

    name: str
    files: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A book as imports see it: how it is told, and what its folder is called. Without id it is not known yet."""

    book_id: int | None
    wanted: Wanted
    names: BookNames


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file's way: `source` relative to the save path (None: written by us), `target` relative to the root."""

    source: str | None
    target: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """Files that become one edition, in one folder."""

    book_id: int | None
    folder: str
    files: tuple[PlannedFile, ...]

    @property
    def audio(self) -> tuple[str, ...]:
        """The sources that are listened to."""
        return tuple(file.source for file in self.files if file.source and role_of(file.source) is Role.AUDIO)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an import will do, before it does anything."""

    root_id: int
    mode: ImportMode
    imports: tuple[PlannedImport, ...]
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def role_of(path: str) -> Role:
    """What the file at a torrent's path is, by its name; what is not known to belong to an audiobook stays out."""
    place = PurePosixPath(path)
    if any(_is_hidden(name) for name in place.parts) or place.suffix[1:].lower() in UNFINISHED:
        return Role.JUNK
    if _ARCHIVES.search(place.name):
        return Role.ARCHIVE
    kind = kind_of(path)
    if kind is FileKind.AUDIO:
        return Role.AUDIO
    goes_along = kind in (FileKind.IMAGE, FileKind.EBOOK) or is_sidecar(path) or place.suffix.lower() in _GO_ALONG
    return Role.EXTRA if goes_along else Role.JUNK


def imported(files: Iterable[Listed]) -> tuple[list[Listed], list[str]]:
    """The files that are imported, and the paths of those that stay out: junk, archives, samples."""
    kept = [file for file in files if role_of(file.path) in (Role.AUDIO, Role.EXTRA)]
    whole = [file for file in kept if not _is_sample(file.path)]
    if any(role_of(file.path) is Role.AUDIO for file in whole):  # else "Sample" is the book's own name
        kept = whole
    paths = {file.path for file in kept}
    return kept, [file.path for file in files if file.path not in paths]


def groups_of(files: Sequence[Listed]) -> list[Group]:
    """Part the imported files of a torrent into recordings.

    A folder with audio is one, with the discs and parts below it; so is each large single-file book of a folder
    that holds several. Extras that lie above several recordings belong to none of them.
    """
    sizes = {f"{_ROOM}/{file.path}": file for file in files}
    items = group(FileStat(path, file.size_bytes, 0, 0) for path, file in sizes.items())
    # An item knows no cue sheets; they lie beside their audio.
    found = [Group(_name(folder), _members(paths, sizes)) for folder, paths in _merged(items).items()]
    return [one for whole in found for one in _parted(whole)]


def assign(groups: Sequence[Group], asked: Subject, others: Sequence[Subject], facts: ReleaseFacts) -> list[Subject]:
    """Say whose each group is. One group alone is what was asked for; of several each must bear its book's name.

    What is nobody's becomes a new book of its own name.
    """
    if len(groups) == 1:
        return [asked]
    known = [asked, *others]
    return [_whose(one, known, facts) or _unknown(one, asked, facts) for one in groups]


def plan_group(
    template: str, one: Group, subject: Subject, taken: Collection[str], *, sidecar_bytes: int
) -> PlannedImport:
    """Where the files of a group go; `taken` are folders of other editions, beside which it gets a number.

    A sidecar of ours is planned where `sidecar_bytes` is not 0 and the group has none. Raises TemplateInvalid.
    """
    planned = plan_folder(template, subject.names)
    folder, depth = free_folder(planned, taken), len(PurePosixPath(planned).parts)
    inner = plan_paths(template, subject.names, [file.path for file in one.files])
    files = [
        PlannedFile(file.path, "/".join([folder, *PurePosixPath(inner[file.path]).parts[depth:]]), file.size_bytes)
        for file in one.files
    ]
    sidecar = f"{folder}/{SIDECAR}"
    if sidecar_bytes and not any(PurePosixPath(file.target).name.lower() == SIDECAR for file in files):
        files.append(PlannedFile(None, sidecar, sidecar_bytes))
    return PlannedImport(subject.book_id, folder, tuple(files))


def free_folder(folder: str, taken: Collection[str]) -> str:
    """The folder, with a number where one of `taken` has its name."""
    used = {collision_key(path) for path in taken}
    place, number, free = PurePosixPath(folder), 1, folder
    while collision_key(free) in used:
        number += 1
        mark = f" ({number})"
        free = str(place.with_name(cut(place.name, MOST_BYTES - len(mark)).rstrip() + mark))
    return free


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS or "@eaDir" in name


def _is_sample(path: str) -> bool:
    place = PurePosixPath(path)
    return any(_SAMPLE.fullmatch(name) for name in (place.stem, place.parent.name) if name)


def _merged(items: Sequence[FoundItem]) -> Mapping[str, list[str]]:
    """Folder to files of each item; sibling folders that are parts of one book are one item."""
    siblings = defaultdict(list)
    for item in items:
        siblings[str(PurePosixPath(item.path).parent)].append(item)
    merged: dict[str, list[str]] = defaultdict(list)
    for parent, members in siblings.items():
        together = len(members) > 1 and _are_parts([PurePosixPath(item.path).name for item in members])
        for item in members:
            merged[parent if together else item.path] += _paths(item)
    return merged


def _paths(item: FoundItem) -> list[str]:
    return [
        *(audio.file.path for audio in item.audio),
        *(file.path for file in (*item.sidecars, *item.images, *item.ebooks)),
    ]


def _are_parts(names: Sequence[str]) -> bool:
    """Whether names differ in nothing but the number of a part: "Dune Part 1", "Dune Part 2"; or are numbers alone."""
    bare = {_NUMBERS.sub(" ", _PART_LABEL.sub("", name)).strip().casefold() for name in names}
    labelled = all(_PART_LABEL.search(name) or disc_number(name) is not None for name in names)
    return len(bare) == 1 and (labelled or bare == {""})


def _members(paths: Collection[str], sizes: Mapping[str, Listed]) -> tuple[Listed, ...]:
    kept = set(paths)
    beside = {PurePosixPath(path).parent for path in kept}
    return tuple(file for path, file in sizes.items() if path in kept or PurePosixPath(path).parent in beside)


def _name(folder: str) -> str:
    return PurePosixPath(folder).name if folder != _ROOM else ""


def _parted(whole: Group) -> list[Group]:
    """Part a folder whose audio files are whole books each, with the files of the same name beside them."""
    audio = [file for file in whole.files if role_of(file.path) is Role.AUDIO]
    if len(audio) < 2 or not all(_is_whole_book(file) for file in audio):  # noqa: PLR2004 one file is one book
        name = whole.name or (PurePosixPath(audio[0].path).stem if len(audio) == 1 else "")
        return [replace(whole, name=name)]
    stems = [PurePosixPath(file.path).stem for file in audio]
    if _are_parts(stems) or len({_bare(stem) for stem in stems}) < len(stems):
        return [whole]
    return [
        Group(stem, tuple(other for other in whole.files if other is file or _goes_with(other, file)))
        for stem, file in zip(stems, audio, strict=True)
    ]


def _is_whole_book(file: Listed) -> bool:
    return PurePosixPath(file.path).suffix.lower() in _WHOLE_BOOKS and file.size_bytes >= LEAST_BOOK_BYTES


def _bare(name: str) -> str:
    return _NUMBERS.sub(" ", name).strip().casefold()


def _goes_with(other: Listed, audio: Listed) -> bool:
    own, its = PurePosixPath(other.path), PurePosixPath(audio.path)
    return role_of(other.path) is Role.EXTRA and own.parent == its.parent and own.stem == its.stem


def _whose(one: Group, known: Sequence[Subject], facts: ReleaseFacts) -> Subject | None:
    """The known book whose name a group bears most exactly; the one that was asked for first."""
    scored = [
        (found.title_score, -place, subject)
        for place, subject in enumerate(known)
        for title in _titles(one.name)
        if (found := match(ReleaseFacts(title=title, authors=_authors(facts, known)), subject.wanted)).accepted
    ]
    return max(scored, key=lambda found: found[:2])[2] if scored else None


def _titles(name: str) -> list[str]:
    """What may be the title in a folder's name: all of it, or what follows its dashes, without a number before it."""
    pieces = _DASH.split(name)
    tails = [" - ".join(pieces[start:]) for start in range(len(pieces))]
    return list(dict.fromkeys(title for tail in tails for title in (tail, _LEADING_NUMBER.sub("", tail)) if title))


def _authors(facts: ReleaseFacts, known: Sequence[Subject]) -> tuple[str, ...]:
    return facts.authors or known[0].wanted.authors


def _unknown(one: Group, asked: Subject, facts: ReleaseFacts) -> Subject:
    title = _LEADING_NUMBER.sub("", one.name) or facts.title
    authors = facts.authors or asked.wanted.authors
    return Subject(None, Wanted(title=title, authors=authors), BookNames(title=title, authors=authors))
