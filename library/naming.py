"""Where an imported book's files go: a template of names, made safe, below the library root and nowhere else."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count
from pathlib import PurePosixPath

from library.errors import BadInput
from library.releases.facts import AUDIO_FORMATS
from library.safe_names import MOST_BYTES, collision_key, cut, is_nameless, numbered, safe_file_name, safe_name
from library.scanning.track_order import natural_key

DEFAULT_TEMPLATE = "{author}/{series}/{series} #{position} - {title} {{narrator}}"
FIELDS = ("author", "title", "subtitle", "series", "position", "narrator", "year", "language", "asin")
NOBODY, NO_TITLE = "Unknown Author", "Unknown Title"
MOST_NAMES = 3
MOST_PATH_BYTES = 900  # of a path below the root; macOS takes 1,024 with the root
MOST_TEMPLATE = 300
MOST_FOLDERS = 8
LEAST_TITLE_BYTES = 20
LEAST_NAME_BYTES = 24
NAMES_BYTES = 100  # of an author, narrator or series in one name, so that room for the title is left
_ROOM_FOR_NUMBER = len(" (9999)")

_FIELD = re.compile(r"\{\{(?P<braced>\w+)\}\}|\{(?P<plain>\w+)\}")
_JOINT = " - "
_CLOSING = re.compile(r"^[\])}]+")


class TemplateInvalid(BadInput):
    """A naming template that names no file safely."""

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"The naming template {template[:80]!r} {reason}.")


class PathTooLong(BadInput):
    """A path that does not fit into its bytes even with all names cut."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"The path needs more than {most_bytes} bytes. Use a naming template with fewer folders.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookNames:
    """What a path is made of; empty and None are left out. `series` is the main one, `position` its place there."""

    title: str
    authors: tuple[str, ...] = ()
    subtitle: str | None = None
    series: str | None = None
    position: str | None = None
    narrators: tuple[str, ...] = ()
    published_year: int | None = None
    language: str | None = None
    asin: str | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A field with the text that belongs to it and goes with it, or text alone (`field` None)."""

    before: str
    field: str | None = None
    after: str = ""


_Segment = tuple[_Piece, ...]
_Folder = tuple[_Segment, ...]


def check_template(template: str) -> None:
    """Refuse a template that cannot be used, with the reason. Raises TemplateInvalid."""
    _parsed(template)


def plan_folder(template: str, names: BookNames) -> str:
    """The folder of a book, relative to the root, with forward slashes.

    In a template `{field}` stands for a value and `{{field}}` for one in braces. A field without value goes with the
    text that leads to it; of parts joined by " - " an empty one goes, and so does an empty folder. Raises
    TemplateInvalid.
    """
    values = _values(names)
    folders = [_named(folder, values) for folder in _parsed(template)]
    return "/".join(folder for folder in folders if folder is not None)


def plan_path(template: str, names: BookNames, file: str, *, most_bytes: int = MOST_PATH_BYTES) -> str:
    """Where one file goes, relative to the root; `file` is its path within the download, whose folders are kept."""
    parts = _safe_parts(file)
    return _fitting([*plan_folder(template, names).split("/"), *parts], most_bytes)


def plan_paths(
    template: str,
    names: BookNames,
    files: Sequence[str],
    *,
    taken: Collection[str] = (),
    most_bytes: int = MOST_PATH_BYTES,
) -> dict[str, str]:
    """Where all files of one book go: by path within the download, the path relative to the root.

    The folders that all files share are left out. No two files get one path, nor one of `taken` (relative paths that
    exist), not even where case does not count; the names keep the order that the files have by name.
    Raises TemplateInvalid, PathTooLong.
    """
    inner = _without_shared_folders(files)
    room = most_bytes - _ROOM_FOR_NUMBER
    planned = _planned({file: plan_path(template, names, inner[file], most_bytes=room) for file in inner}, inner, taken)
    if _keeps_order(planned, inner):
        return planned
    inner = _with_numbers(inner)
    return _planned({file: plan_path(template, names, inner[file], most_bytes=room) for file in inner}, inner, taken)


def _values(names: BookNames) -> Mapping[str, str]:
    return {
        "author": _joined(names.authors) or NOBODY,
        "title": _one_line(names.title) or NO_TITLE,
        "subtitle": _one_line(names.subtitle),
        "series": cut(_one_line(names.series), NAMES_BYTES),
        # A place is one only in a series.
        "position": cut(_one_line(names.position), NAMES_BYTES) if _one_line(names.series) else "",
        "narrator": _joined(names.narrators),
        "year": str(names.published_year or ""),
        "language": _one_line(names.language),
        "asin": _one_line(names.asin),
    }


def _one_line(text: str | None) -> str:
    """The text as a name would hold it, or nothing where nothing of it can be held."""
    return "" if is_nameless(text or "") else " ".join((text or "").split())


def _joined(people: Sequence[str]) -> str:
    """The first names, joined so that a scan cuts them apart again; as many as fit."""
    named = [name for person in people if (name := _one_line(person))][:MOST_NAMES]
    while len(named) > 1 and len(" & ".join(named).encode(errors="replace")) > NAMES_BYTES:
        named.pop()
    return cut(" & ".join(named), NAMES_BYTES)


def _named(folder: _Folder, values: Mapping[str, str]) -> str | None:
    """A folder's name; the title gives way where it is too long, so that the narrator stays."""
    text = _rendered(folder, values)
    if text is None:
        return None
    over = len(safe_name(text, len(text.encode(errors="replace")) + LEAST_NAME_BYTES).encode()) - MOST_BYTES
    if over > 0:
        room = max(LEAST_TITLE_BYTES, len(values["title"].encode(errors="replace")) - over)
        text = _rendered(folder, {**values, "title": cut(values["title"], room).rstrip()}) or text
    return safe_name(text)


def _rendered(folder: _Folder, values: Mapping[str, str]) -> str | None:
    if not any(piece.field for segment in folder for piece in segment):
        return _JOINT.join("".join(piece.before for piece in segment) for segment in folder)
    segments = (
        "".join(_filled(piece, values) for piece in segment) for segment in folder if _has_value(segment, values)
    )
    return _JOINT.join(segment.strip() for segment in segments if segment.strip()) or None


def _has_value(segment: _Segment, values: Mapping[str, str]) -> bool:
    fields = [piece.field for piece in segment if piece.field]
    return not fields or any(values[name] for name in fields)


def _filled(piece: _Piece, values: Mapping[str, str]) -> str:
    if piece.field is None:
        return piece.before
    value = values[piece.field]
    return f"{piece.before}{value}{piece.after}" if value else ""


@lru_cache(maxsize=64)
def _parsed(template: str) -> tuple[_Folder, ...]:
    if not template.strip() or len(template) > MOST_TEMPLATE:
        raise TemplateInvalid(template, f"must have 1 to {MOST_TEMPLATE} characters")
    folders = template.split("/")
    if len(folders) > MOST_FOLDERS:
        raise TemplateInvalid(template, f"has more than {MOST_FOLDERS} folders")
    if "{title}" not in template:
        raise TemplateInvalid(template, "must contain {title}, or books would share a folder")
    return tuple(_parsed_folder(template, folder) for folder in folders)


def _parsed_folder(template: str, folder: str) -> _Folder:
    if not folder.strip():
        raise TemplateInvalid(template, "has an empty folder; begin it with a name and write one / between two")
    plain = _FIELD.sub("", folder)
    if "{" in plain or "}" in plain:
        raise TemplateInvalid(template, "has a brace that belongs to no field; write {title} or {{narrator}}")
    unknown = [name for match in _FIELD.finditer(folder) if (name := match["braced"] or match["plain"]) not in FIELDS]
    if unknown:
        raise TemplateInvalid(template, f"has no field {unknown[0][:20]!r}; the fields are {', '.join(FIELDS)}")
    if plain != folder:
        _check_literals(template, plain)
    elif safe_name(folder) != folder:
        raise TemplateInvalid(template, f"has the folder {folder[:40]!r}, which not every file system takes")
    return tuple(tuple(_pieces(segment)) for segment in folder.split(_JOINT))


def _check_literals(template: str, plain: str) -> None:
    if refused := sorted(set(plain) & set('\\:*?"<>|')):
        raise TemplateInvalid(template, f"has {refused[0]!r}, which not every file system takes")


def _pieces(segment: str) -> Iterator[_Piece]:
    """Fields with the text before them, and with the brackets that close after them."""
    place = 0
    for match in _FIELD.finditer(segment):
        braces = ("{", "}") if match["braced"] else ("", "")
        closing = _CLOSING.match(segment[match.end() :])
        after = closing[0] if closing else ""
        before = segment[place : match.start()]
        yield _Piece(before + braces[0], match["braced"] or match["plain"], braces[1] + after)
        place = match.end() + len(after)
    if segment[place:]:
        yield _Piece(segment[place:])


def _safe_parts(file: str) -> list[str]:
    """A download's path in safe names; nothing in it leads upwards or to a root."""
    *folders, name = [part for part in file.split("/") if part not in {"", ".", ".."}] or [""]
    return [*(safe_name(folder) for folder in folders), safe_file_name(name)]


def _fitting(parts: list[str], most_bytes: int) -> str:
    """Join names into a path of so many bytes; the longest name gives way first."""
    while (over := len("/".join(parts).encode()) - most_bytes) > 0:
        longest = max(range(len(parts)), key=lambda place: len(parts[place].encode()))
        size = len(parts[longest].encode())
        if size <= LEAST_NAME_BYTES:
            raise PathTooLong(most_bytes)
        make = safe_file_name if longest == len(parts) - 1 else safe_name
        # Halfway at most, so that one long name does not vanish while others stay long.
        parts[longest] = make(parts[longest], max(LEAST_NAME_BYTES, size - over, size // 2))
    return "/".join(parts)


def _without_shared_folders(files: Sequence[str]) -> dict[str, str]:
    parts = {file: [part for part in file.split("/") if part not in {"", ".", ".."}] for file in files}
    shared = 0
    while all(len(one) > shared + 1 for one in parts.values()) and len({one[shared] for one in parts.values()}) == 1:
        shared += 1
    return {file: "/".join(one[shared:]) for file, one in parts.items()}


def _planned(paths: Mapping[str, str], inner: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """Number what would share a path; a name that needed no change is never numbered for one that did."""
    folders = {str(folder) for path in paths.values() for folder in PurePosixPath(path).parents}
    used = {collision_key(path) for path in (*taken, *folders)}
    planned = {}
    for file in sorted(paths, key=lambda one: (not paths[one].endswith(inner[one]), natural_key(one))):
        folder, slash, name = paths[file].rpartition("/")
        others = (f"{folder}{slash}{numbered(name, number)}" for number in count(2))
        planned[file] = next(path for path in chain([paths[file]], others) if collision_key(path) not in used)
        used.add(collision_key(planned[file]))
    return {file: planned[file] for file in paths}


def _keeps_order(planned: Mapping[str, str], inner: Mapping[str, str]) -> bool:
    """Whether the audio files, sorted by their new names, stand as they did by their old ones."""
    audio = [file for file in planned if file.rpartition(".")[2].casefold() in AUDIO_FORMATS]
    by_source = sorted(audio, key=lambda file: natural_key(inner[file]))
    return sorted(by_source, key=lambda file: natural_key(planned[file])) == by_source


def _with_numbers(inner: Mapping[str, str]) -> dict[str, str]:
    """Number the files of each folder in the order of their names."""
    ordered, counted, names = sorted(inner, key=lambda source: natural_key(inner[source])), Counter[str](), {}
    width = len(str(len(ordered)))
    for source in ordered:
        folder, slash, name = inner[source].rpartition("/")
        counted[folder] += 1
        names[source] = f"{folder}{slash}{counted[folder]:0{width}} - {name}"
    return names
