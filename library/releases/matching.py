"""Whether a release is the wanted book: title, then author, then narrator, before anything is ranked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from library.models.books import SeriesRole
from library.releases.decisions import Rejection, RejectionCode
from library.releases.facts import ReleaseFacts
from library.releases.likeness import (
    SAME,
    SURNAME_ONLY,
    SeriesWords,
    TitleForm,
    Words,
    folded_words,
    is_short,
    name_likeness,
    name_words,
    plain_words,
    title_form,
    title_likeness,
)
from library.releases.titles import without_series
from library.scanning.names import split_names
from library.scanning.series import SeriesMention
from library.series import role_of, series_key

SAME_DURATION = 0.03  # two editions of one recording differ by no more
_SEVERAL = re.compile(
    r"\b(?:box(?:ed)?\s?sets?|omnibus|anthology|collection|trilogy|tetralogy|quartet|complete (?:series|saga|works)"
    r"|(?:books?|vols?\.?|volumes?|parts?|#)\s*\d+\s*(?:-|–|—|to|&|and|,)\s*#?\d+|\d+[- ]books?"
    r"|\d{1,3}\s*[-–—]\s*\d{1,3})\b",
    re.IGNORECASE,
)
_SAID = "It is not said who wrote it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A book that is looked for.

    `aliases` are other titles it goes by; `authors` may hold pen names too, as one of them is enough. `narrators` are
    given when only their recordings satisfy. `durations` are those of its known unabridged editions, in seconds.
    """

    title: str
    subtitle: str | None = None
    authors: tuple[str, ...] = ()
    narrators: tuple[str, ...] = ()
    series: tuple[SeriesMention, ...] = ()
    durations: tuple[float, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeText:
    """Words that somebody typed, where no book is known."""

    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """How a release compares with what is looked for; scores are 0 to 1 and None where one side says nothing."""

    title_score: float
    author_score: float | None
    narrator_score: float | None
    evidence: tuple[str, ...]
    rejection: Rejection | None = None

    @property
    def accepted(self) -> bool:
        """Whether it is the wanted book."""
        return self.rejection is None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand a release's title: what is the title in it, and who may have written that."""

    title: str
    authors: tuple[str, ...]
    others: tuple[str, ...] = ()  # pieces of a free title that have to be somebody or something known


@dataclass(frozen=True, slots=True)
class _WantedForms:
    titles: tuple[TitleForm, ...]
    subtitle: Words
    positions: dict[str, str | None]
    is_several: bool


def match(release: ReleaseFacts, wanted: Wanted | FreeText) -> Match:
    """Compare a release with a book or with typed words.

    A release that names no author passes only with exactly the wanted title and, if that is short, with one more
    fact that agrees: series and place, narrator or length. Neither is enough for points on the author.
    """
    if isinstance(wanted, FreeText):
        return _match_text(release, wanted)
    forms = _forms(wanted)
    compared: list[Match] = []
    for reading in _readings(release):
        compared.append(_compare(release, reading, wanted, forms))
        if compared[-1].accepted and compared[-1].title_score == compared[-1].author_score == SAME:
            break  # no other reading can be better
    return max(compared, key=_strength)


def _match_text(release: ReleaseFacts, wanted: FreeText) -> Match:
    told = (release.title, *release.parts, *release.authors, *release.narrators, *(one.name for one in release.series))
    offered, asked = {word for text in told for word in folded_words(text)}, set(folded_words(wanted.text))
    missing = sorted(asked - offered)
    score = 1 - len(missing) / len(asked) if asked else 0.0
    if missing or not asked:
        why = f"It does not name {', '.join(missing)}." if asked else "There are no words to look for."
        return Match(score, None, None, (why,), Rejection(RejectionCode.WRONG_BOOK, why))
    return Match(score, None, None, ("names every word that was asked for",))


def _readings(release: ReleaseFacts) -> Iterator[_Reading]:
    """Every run of pieces may be the title; what is around it are then the author and things that are known.

    The guessed reading comes first: among equally wrong ones it is what people see.
    """
    parts = release.parts
    if not parts:
        yield _Reading(release.title, release.authors)
        return
    yield from sorted(_runs(release, parts), key=lambda reading: reading.title != release.title)


def _runs(release: ReleaseFacts, parts: Sequence[str]) -> Iterator[_Reading]:
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            title = " - ".join(parts[start:end]).replace(" - by ", " by ")
            others = tuple(part.removeprefix("by ") for part in (*parts[:start], *parts[end:]))
            stated = tuple(name for name in release.authors if name not in title and name not in others)
            yield _Reading(title, stated, others)


def _compare(release: ReleaseFacts, reading: _Reading, wanted: Wanted, forms: _WantedForms) -> Match:
    plain, mentioned = without_series(reading.title)
    series = (*release.series, *mentioned)
    plain, in_title = _without_name(plain, () if reading.authors or release.parts else wanted.authors)
    title_score, title_evidence = _title_score(plain, series, forms)
    named = tuple(dict.fromkeys([*reading.authors, *(name for part in reading.others for name in _split(part))]))
    author_score = 1.0 if in_title else _best(named, wanted.authors)
    narrator_score = _best(release.narrators, wanted.narrators)
    evidence = (title_evidence, _said_of_author(named, author_score, wanted), _said_of_narrator(release, wanted))
    found = Match(title_score, author_score, narrator_score, tuple(said for said in evidence if said))
    rejection = (
        _wrong_title(plain, series, found, wanted, forms)
        or _wrong_author(named, found, wanted)
        or _unexplained(reading, release, wanted)
        or _several(release, reading, series, forms)
        or _other_volume(series, forms)
        or _unknown_author(release, series, found, wanted, forms)
        or _wrong_narrator(release, found, wanted)
    )
    return Match(found.title_score, found.author_score, found.narrator_score, found.evidence, rejection)


def _strength(found: Match) -> tuple[bool, float, float, bool]:
    several = found.rejection is not None and found.rejection.code is RejectionCode.SEVERAL_BOOKS
    return found.accepted, found.title_score, found.author_score or 0.0, several


def _title_score(title: str, series: Sequence[SeriesMention], forms: _WantedForms) -> tuple[float, str]:
    offered = title_form(title if forms.is_several else _SEVERAL.sub("", title))
    names = dict.fromkeys([*forms.positions, *(_key(one.name) for one in series)])
    position = next((place for place in forms.positions.values() if place), None)
    known = SeriesWords(tuple(map(name_words, names)), name_words(position or ""))
    scores = (title_likeness(offered, form, forms.subtitle, known) for form in forms.titles)
    score, evidence = max(scores, key=lambda found: found[0])
    return score, f"“{title}” is {evidence}"


@lru_cache(maxsize=512)
def _forms(wanted: Wanted) -> _WantedForms:
    titles = tuple(title_form(title) for title in (wanted.title, *wanted.aliases))
    positions = {_key(one.name): one.position for one in reversed(wanted.series)}
    several = _SEVERAL.search(" ".join((wanted.title, wanted.subtitle or "", *wanted.aliases)))
    is_several = bool(several) or any(_is_range(one) for one in wanted.series)
    return _WantedForms(titles, plain_words(wanted.subtitle or ""), positions, is_several)


def _without_name(title: str, authors: Iterable[str]) -> tuple[str, bool]:
    """Take an author's name off an end of a title that has no separators: "Arthur Conan Doyle A Study in Scarlet"."""
    for author in authors:
        name, folded = folded_words(author), folded_words(title)
        if len(name) > 1 and len(folded) > len(name) and name in (folded[: len(name)], folded[-len(name) :]):
            kept = folded[len(name) :] if folded[: len(name)] == name else folded[: -len(name)]
            return " ".join(kept), True
    return title, False


def _best(offered: Iterable[str], wanted: Sequence[str]) -> float | None:
    """How surely one of the offered people is one of the wanted; None when either side names nobody."""
    likenesses = [name_likeness(one, other) for one in offered for other in wanted]
    return max(likenesses) if likenesses else None


def _said_of_author(named: Sequence[str], score: float | None, wanted: Wanted) -> str:
    if score is None:
        return "the author is not compared: one side names none" if not wanted.authors or not named else ""
    return f"by {' & '.join(named) or ' & '.join(wanted.authors)}"


def _said_of_narrator(release: ReleaseFacts, wanted: Wanted) -> str:
    if not wanted.narrators:
        return ""
    return f"read by {' & '.join(release.narrators)}" if release.narrators else "the narrator is not said"


def _wrong_title(
    title: str, series: Sequence[SeriesMention], found: Match, wanted: Wanted, forms: _WantedForms
) -> Rejection | None:
    if found.title_score:
        return None
    if any(_is_range(one) and _shared(one, forms) for one in series):
        return _several_books(title)
    return Rejection(RejectionCode.WRONG_BOOK, f"Its title is “{title}”, not “{wanted.title}”.")


def _wrong_author(named: Sequence[str], found: Match, wanted: Wanted) -> Rejection | None:
    score = found.author_score
    # A surname alone may be anybody's, unless the title is exactly right.
    if score is None or score > SURNAME_ONLY or (score > 0 and found.title_score == SAME):
        return None
    by, wanted_by = " & ".join(named), " & ".join(wanted.authors)
    return Rejection(RejectionCode.WRONG_BOOK, f"It is by {by}, not by {wanted_by}.")


def _unexplained(reading: _Reading, release: ReleaseFacts, wanted: Wanted) -> Rejection | None:
    """Refuse a reading that leaves over a piece of the title: "Frank Herbert - Dune - Dune Messiah" is not Dune."""
    names = [one.name for one in (*wanted.series, *release.series)]
    known = {_key(name) for name in (*names, wanted.subtitle or "")}
    people = (*wanted.authors, *wanted.narrators, *release.narrators)
    for part in reading.others:
        bare = re.sub(r"[\s,#]*\d+(?:\.\d+)?$", "", part)
        if bare and _key(bare) not in known and not _best(_split(part), people):
            return Rejection(RejectionCode.WRONG_BOOK, f"“{part}” in its title is nothing that is known of the book.")
    return None


def _several(
    release: ReleaseFacts, reading: _Reading, series: Sequence[SeriesMention], forms: _WantedForms
) -> Rejection | None:
    told = _SEVERAL.search(" ".join((reading.title, *reading.others)))
    if forms.is_several or not (told or any(_is_range(one) for one in series)):
        return None
    return _several_books(release.title)


def _several_books(title: str) -> Rejection:
    message = f"“{title}” holds several books, and one is wanted. Request it by hand if you want all of them."
    return Rejection(RejectionCode.SEVERAL_BOOKS, message)


def _other_volume(series: Iterable[SeriesMention], forms: _WantedForms) -> Rejection | None:
    for one in series:
        place = forms.positions.get(_key(one.name))
        if place and one.position and folded_words(one.position) != folded_words(place):
            message = f"It is number {one.position} of {one.name}, not number {place}."
            return Rejection(RejectionCode.WRONG_BOOK, message)
    return None


def _unknown_author(
    release: ReleaseFacts, series: Iterable[SeriesMention], found: Match, wanted: Wanted, forms: _WantedForms
) -> Rejection | None:
    if found.author_score is not None or not wanted.authors:
        return None
    if found.title_score < SAME:
        return Rejection(RejectionCode.UNKNOWN_AUTHOR, f"{_SAID}, and its title is not exactly “{wanted.title}”.")
    if not is_short(forms.titles[0].whole) or _is_confirmed(release, series, found, wanted, forms):
        return None
    return Rejection(RejectionCode.UNKNOWN_AUTHOR, f"{_SAID}, and “{wanted.title}” is too short to tell it alone.")


def _is_confirmed(
    release: ReleaseFacts, series: Iterable[SeriesMention], found: Match, wanted: Wanted, forms: _WantedForms
) -> bool:
    placed = any(_shared(one, forms) and one.position for one in series)  # another place was refused before
    return placed or bool(found.narrator_score) or is_length_of(release.duration_seconds, wanted.durations)


def is_length_of(duration: float | None, known: Iterable[float]) -> bool:
    """Whether a length is that of a known edition."""
    return duration is not None and any(abs(duration - one) <= SAME_DURATION * one for one in known)


def _wrong_narrator(release: ReleaseFacts, found: Match, wanted: Wanted) -> Rejection | None:
    if found.narrator_score is None or found.narrator_score > 0:
        return None
    read_by, asked = " & ".join(release.narrators), " or ".join(wanted.narrators)
    return Rejection(RejectionCode.NARRATOR, f"It is read by {read_by}, not by {asked}.")


def _is_range(one: SeriesMention) -> bool:
    return role_of(one.position) is SeriesRole.OMNIBUS


def _shared(one: SeriesMention, forms: _WantedForms) -> bool:
    return _key(one.name) in forms.positions


@lru_cache(maxsize=8_192)
def _key(name: str) -> str:
    return series_key(name)


@lru_cache(maxsize=8_192)
def _split(text: str) -> tuple[str, ...]:
    return tuple(split_names(text))
