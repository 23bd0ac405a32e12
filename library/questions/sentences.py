"""What a filter says, as a sentence for people, so that they can see how they were understood."""

from library.questions.filters import FilterKind
from library.questions.quantities import HOUR, MINUTE
from library.questions.understanding import Filter

# What a filter of a kind says, and what its denial says.
_PLAIN = {
    FilterKind.STANDALONE: ("The book is in no series.", "The book is in a series."),
    FilterKind.FIRST_IN_SERIES: ("The book is the first of a series.", "The book is not the first of a series."),
    FilterKind.ABRIDGED: ("The edition is abridged.", "The edition is not abridged, as far as is known."),
    FilterKind.DRAMATIZED: ("The edition is dramatized.", "The edition is not dramatized, as far as is known."),
    FilterKind.OWNED: ("The audio files are there.", "The audio files are not there."),
}
_NAMED = {
    FilterKind.AUTHOR: ("Written by", "Not written by"),
    FilterKind.NARRATOR: ("The edition is narrated by", "The edition is not narrated by"),
    FilterKind.SERIES: ("In the series", "Not in the series"),
    FilterKind.TAG: ("Tagged", "Not tagged"),
    FilterKind.LANGUAGE: ("The language is", "The language is not"),
}


def sentence(given: Filter) -> str:
    """What it is understood to ask for."""
    spoken = given.spoken
    if spoken.kind in _PLAIN:
        return _PLAIN[spoken.kind][spoken.negated]
    if spoken.kind is FilterKind.DURATION:
        return f"The edition plays for {_bounds(_span(spoken.at_least), _span(spoken.at_most))}."
    if spoken.kind is FilterKind.PUBLISHED_YEAR:
        return f"First published {_years(spoken.at_least, spoken.at_most)}."
    names = spoken.languages or tuple(row.name for row in given.rows) or tuple(name.text for name in spoken.names[-1:])
    said = " or ".join(names) or "somebody of a certain kind"
    return f"{_NAMED[spoken.kind][spoken.negated]} {said}."


def _bounds(least: str | None, most: str | None) -> str:
    if least is not None and most is not None:
        return least if least == most else f"{least} to {most}"
    return f"at least {least}" if least is not None else f"at most {most}"


def _years(first: float | None, last: float | None) -> str:
    if first is not None and last is not None:
        return f"in {first:.0f}" if first == last else f"from {first:.0f} to {last:.0f}"
    return f"in {first:.0f} or later" if first is not None else f"in {last:.0f} or earlier"


def _span(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    hours, minutes = int(seconds // HOUR), round(seconds % HOUR / MINUTE)
    parts = [f"{hours} hours" if hours != 1 else "1 hour"] if hours or not minutes else []
    return " ".join([*parts, *([f"{minutes} minutes"] if minutes else [])])
