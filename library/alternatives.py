"""Chooses between the forms in which a folder holds one recording twice.

Archives put a whole-book m4b beside its mp3 parts, or two containers of each; counted together they would double
the duration. Of forms that last equally long one is kept: the whole file with chapters, because its chapters are
the publisher's; else the form with the most files, whose borders stand for chapters; then the largest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the choice needs to know of a file: seconds, bytes, and how many chapters lie inside it."""

    path: str
    duration_seconds: float
    size_bytes: int
    chapters: int


# Forms of one recording differ by this share, and by the padding that each encoded file adds.
TOLERANCE = 0.02
_PADDING_SECONDS = 0.15
_FEWEST_PARTS = 3


def chosen(files: Sequence[Candidate]) -> list[Candidate]:
    """Return the files of one recording, in the order given; whatever is no second form of it stays."""
    parts = _parts(files)
    apart = [file for file in files if file not in set(parts)]
    wholes = [file for file in apart if _lasts_like(file, parts)]
    others = [file for file in apart if file not in wholes]
    forms = [parts, *([whole] for whole in wholes)]
    for _, form in _by_suffix(others):
        if _same_length(form, parts):
            forms.append(form)
            others = [file for file in others if file not in form]
    kept = {*max(forms, key=_worth), *others}
    return [file for file in files if file in kept]


def _parts(files: Sequence[Candidate]) -> list[Candidate]:
    """The form with the most files of one suffix, without a whole book among them."""
    _, form = max(_by_suffix(files), key=lambda entry: (len(entry[1]), _seconds(entry[1])), default=("", []))
    for file in sorted(form, key=lambda file: file.duration_seconds, reverse=True)[:1]:
        rest = [other for other in form if other is not file]
        if len(rest) >= _FEWEST_PARTS and _same_length([file], rest):
            return rest
    return form


def _by_suffix(files: Iterable[Candidate]) -> list[tuple[str, list[Candidate]]]:
    grouped: dict[str, list[Candidate]] = {}
    for file in files:
        grouped.setdefault(PurePosixPath(file.path).suffix.lower(), []).append(file)
    return list(grouped.items())


def _lasts_like(file: Candidate, form: Sequence[Candidate]) -> bool:
    return file.duration_seconds > 0 and _same_length([file], form)


def _same_length(one: Sequence[Candidate], other: Sequence[Candidate]) -> bool:
    longest = max(_seconds(one), _seconds(other))
    allowed = longest * TOLERANCE + _PADDING_SECONDS * max(len(one), len(other))
    return abs(_seconds(one) - _seconds(other)) <= allowed


def _seconds(form: Iterable[Candidate]) -> float:
    return sum(file.duration_seconds for file in form)


def _worth(form: Sequence[Candidate]) -> tuple[bool, int, int]:
    whole_with_chapters = len(form) == 1 and form[0].chapters > 1
    return whole_with_chapters, len(form), sum(file.size_bytes for file in form)
