"""Takes notes about the recording and the series out of titles, and says what they tell."""

import re
from collections.abc import Iterable

from library.scanning.cleaning import clean_line
from library.scanning.series import LABEL, RANGE, SeriesMention, folded, normal_position

_RECORDING = (
    r"unabridged|abridged|un-abridged|audio\s?book|unabridged audio\s?book|dramati[sz]ed(?: adaptation)?"
    r"|(?:a )?full[- ]cast(?: edition| recording| drama(?:ti[sz]ation)?)?|graphic\s?audio|audio edition"
    r"|unabridged edition|unabridged version|abridged edition"
)
_NOTE = re.compile(rf"\s*(?:\((?:{_RECORDING})\)|\[(?:{_RECORDING})\]|\s[-–—]\s+(?:un)?abridged$)", re.IGNORECASE)
_NOVEL = re.compile(r"(?:\s*:|\s[-–—])\s+(?:a novel|a novella|a memoir)$", re.IGNORECASE)
_SERIES_END = re.compile(
    rf"(?:\s+[-–—]\s+|\s*:\s+|\s*,\s+|\s*\()(?P<series>[^()]*?)(?:\s+series)?[,:]?\s*"
    rf"{LABEL}?\s*(?P<position>{RANGE})\s*\)?$",
    re.IGNORECASE,
)
_STATED_SERIES = re.compile(
    rf"(?P<title>.*\S)(?:\s+[-–—]\s+(?P<dashed>[^()]*?\S),\s+(?:book|vol\.?|volume)\s+(?P<dashed_position>{RANGE})"
    rf"|\s+\((?P<bracketed>[^()]*?\S),?\s+(?:#|book\s+)(?P<bracketed_position>{RANGE})\))$",
    re.IGNORECASE,
)
_UNABRIDGED = re.compile(r"\bun-?abridged\b", re.IGNORECASE)
_ABRIDGED = re.compile(r"\babridged\b", re.IGNORECASE)
_DRAMATIZED = re.compile(
    r"\bdramati[sz](?:ed|ation)\b|\bfull[- ]cast\b|\bgraphic\s?audio\b|\b(?:radio|audio) (?:drama|play)\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"[(\[][^()\[\]]*[)\]]|\s[-–—]\s[^-–—]*$")


def clean_title(text: str, series: Iterable[SeriesMention] = ()) -> str:
    """Return a title without what is certainly no part of it.

    Taken out: notes in brackets about the recording ("(Unabridged)", "[Dramatized Adaptation]"), a final ": A Novel",
    and a final series with its position ("- The Wheel of Time, Book 3") when that series and position are in
    ``series``. A title that would become empty stays as it was.
    """
    original = clean_line(text)
    title = _NOTE.sub("", original)
    title = _without_series(title, list(series))
    title = _NOVEL.sub("", title).strip(" ,")
    return title or original


def stated_series(title: str) -> SeriesMention | None:
    """Return the series that a title ends with ("X - Series, Book 7", "X (Series #7)"), or None."""
    match = _STATED_SERIES.fullmatch(_NOTE.sub("", clean_line(title)))
    if not match:
        return None
    name, position = match["dashed"] or match["bracketed"], match["dashed_position"] or match["bracketed_position"]
    return SeriesMention(name, normal_position(position))


def edition_hints(text: str) -> tuple[bool | None, bool | None]:
    """Return (abridged, dramatized) as notes in brackets or after a final dash tell; None where they do not."""
    notes = " ".join(_RESERVED.findall(text))
    return abridgement(notes), is_dramatized(notes) or None


def abridgement(text: str) -> bool | None:
    """Return False for "unabridged", True for "abridged", None when ``text`` says neither."""
    if _UNABRIDGED.search(text):
        return False
    return True if _ABRIDGED.search(text) else None


def is_dramatized(text: str) -> bool:
    """Tell whether ``text`` says that the recording is played by a cast instead of read."""
    return bool(_DRAMATIZED.search(text))


def _without_series(title: str, series: list[SeriesMention]) -> str:
    match = _SERIES_END.search(title)
    rest = title[: match.start()].rstrip(" ,:") if match else ""
    # "Swing Shift: Book 2" of the series Swing Shift would leave one title for all its volumes.
    if not match or not rest or any(folded(rest) == folded(one.name) for one in series):
        return title
    position = normal_position(match["position"])
    named = folded(match["series"].strip(" ,:-"))
    known = any(one.position == position and named in ("", folded(one.name)) for one in series)
    return rest if known else title
