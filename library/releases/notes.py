"""Takes notes about a recording out of free text: formats, bit rates, lengths, languages, readers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from library.releases.facts import AUDIO_FORMATS, EBOOK_FORMATS, ReleaseFacts
from library.scanning.languages import normal_language
from library.scanning.names import split_names
from library.scanning.titles import abridgement

# Nominal kbps of LAME's variable bit rates, V0 to V9.
VBR_KBPS = (245, 225, 190, 175, 165, 130, 115, 100, 85, 65)
# A bare "64k" is a bit rate only if encoders offer it; "10k a year" is a title.
COMMON_KBPS = frozenset({24, 32, 40, 48, 56, 64, 80, 96, 112, 125, 126, 127, 128, 160, 192, 224, 256, 320})
MOST_KBPS = 10_000
LANGUAGE_NAMES = (
    "english|german|deutsch|french|français|spanish|español|italian|italiano|dutch|nederlands|polish|polski|swedish"
    "|svenska|danish|dansk|norwegian|norsk|finnish|suomi|russian|portuguese|português|czech|hungarian|turkish"
    "|japanese|chinese|mandarin|korean|greek|hebrew|arabic|hindi|latin|ukrainian|romanian|bulgarian|croatian"
)

_FLAGS = re.IGNORECASE
_KBPS = re.compile(r"~?\b(\d{1,4})\s?-?k(?:bps|b/s|bit/s|bits?/s|bits?)\b(?:\s*(?:cbr|vbr|abr)\b)?", _FLAGS)
_BARE_K = re.compile(
    r"~?\b(\d{2,3})\s?kb?\b(?:\s*(?:cbr|vbr|abr)\b|(?=\s*$|\s*[,;/|()\[\]{}-]|\s+(?:m4[ab]|mp3|aac|un)))", _FLAGS
)
_VBR = re.compile(r"\b(?:vbr[\s-]*v|v(?=\d\s*vbr))(\d)\b(?:\s*vbr\b)?", _FLAGS)
_V_IN_BRACKETS = re.compile(r"\bv(\d)\b", _FLAGS)
_HOURS_AND_MINUTES = re.compile(
    r"\b(\d{1,3})\s*h(?:(?:ou)?rs?\b\.?)?[\s,]*(?:and\s+|&\s*)?(\d{1,2})\s*m(?:in(?:ute)?s?)?\b\.?"
    r"(?:[\s,]*\d{1,2}\s*s(?:ec(?:ond)?s?)?\b\.?)?",
    _FLAGS,
)
_HOURS = re.compile(r"\b(\d{1,3}(?:\.\d)?)\s*h(?:(?:ou)?rs?)?\b\.?", _FLAGS)
_MINUTES = re.compile(r"\b(\d{1,4})\s*min(?:ute)?s?\b\.?", _FLAGS)
_CLOCK = re.compile(r"\b(\d{1,3}):([0-5]\d):([0-5]\d)\b")
_SURE_FORMAT = re.compile(r"\b(m4b|m4a|mp3|flac|aaxc?|epub|mobi|azw3)s?\b", _FLAGS)
_ANY_FORMAT = re.compile(rf"\b({'|'.join((*AUDIO_FORMATS, *EBOOK_FORMATS))})s?\b", _FLAGS)
_ABRIDGEMENT = re.compile(r"\b(?:un-?abridged|abridged|un-?gekürzte?s?|(?<!un)gekürzte?s?)\b", _FLAGS)
_SHORTENED_IN_GERMAN = re.compile(r"\b(un)?-?gekürzt", _FLAGS)
_PLAYED = re.compile(
    r"\b(?:(?:a\s+)?graphic\s?audio|(?:a\s+)?(?:full|multi)[- ]cast"
    r"(?:\s+(?:edition|recording|audio|drama(?:ti[sz]ation)?))?"
    r"|dramati[sz]ed(?:\s+adaptation)?|dramati[sz]ation|(?:radio|audio)\s(?:drama|play)|hörspiel"
    r"|bbc(?!\s+(?:audio\b(?!\s*drama)|books|sounds))(?:\s+radio(?:\s+\d\w*)?)?(?:\s+(?:drama|production))?)(?!\w)",
    _FLAGS,
)
_IN_LANGUAGE = re.compile(
    rf"\b(?:in\s+(?P<after>{LANGUAGE_NAMES})\b|(?P<before>{LANGUAGE_NAMES})\s+(?:edition|audiobook|audio\b|version))",
    _FLAGS,
)
_GERMAN = re.compile(r"\b(?:hörbuch|hoerbuch|(?:un)?gekürzte?s?\s+lesung|lesung)\b", _FLAGS)
_LANGUAGE_WORD = re.compile(rf"\b(?:{LANGUAGE_NAMES})\b", _FLAGS)
_LANGUAGE_CODE = re.compile(r"\b[A-Z]{2,3}\b")
_READER = re.compile(
    r"\b(?:read|narrated|performed)\s+by:?\s+(?P<by>[^()\[\]{}|]+?)(?=\s+[-–—]\s|\s*[()\[\]{}|]|,\s*\d|\s{2}|$)"
    r"|\b(?:narrators?|readers?)\s*:\s*(?P<labelled>[^()\[\]{}|]+?)(?=\s+[-–—]\s|\s*[()\[\]{}|]|\s{2}|$)",
    _FLAGS,
)
_YEAR = re.compile(r"\b((?:18|19|20)\d{2})\b")
_FOR_VIP = re.compile(r"\bVIP\b")
_NOISE = re.compile(
    r"\b(?:audio\s?books?|retail|chapter(?:i[sz]ed|s|ed)?|free\s?leech|FL|torrent|repost|fixed|cbr|vbr|abr|stereo|mono"
    r"|complete|tagged|v\d\.\d|\d+\s*(?:files?|tracks?|cds?|discs?))\b",
    _FLAGS,
)
_EDGES = re.compile(r"^[\s/,;|•·.+&-]+|[\s/,;|•·.+&-]+$")


@dataclass(slots=True)
class Notes:
    """What was found so far, and the text that is left."""

    text: str
    found: dict[str, Any] = field(default_factory=dict)

    def take(self, pattern: re.Pattern[str], name: str, value: Callable[[re.Match[str]], Any]) -> None:
        """Move each match out of the text; the first value that is one is kept, tuples are joined."""

        def out(match: re.Match[str]) -> str:
            told = value(match)
            if told is None:
                return match[0]
            known = self.found.get(name)
            self.found[name] = told if known is None else tuple(dict.fromkeys(known + told)) if _many(told) else known
            return "  "  # two, as texts are cleaned: the end of what stood before

        self.text = pattern.sub(out, self.text)

    def facts(self) -> ReleaseFacts:
        """The facts without a title."""
        return ReleaseFacts(**self.found)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing but punctuation is left."""
        return not _EDGES.sub("", self.text)


def take_running(notes: Notes) -> None:
    """Take out what cannot be part of a title, wherever it stands."""
    notes.take(_KBPS, "bit_rate_kbps", _kbps)
    notes.take(_VBR, "bit_rate_kbps", _vbr)
    notes.take(_BARE_K, "bit_rate_kbps", _common_kbps)
    notes.take(_HOURS_AND_MINUTES, "duration_seconds", lambda found: int(found[1]) * 3600.0 + int(found[2]) * 60.0)
    notes.take(_CLOCK, "duration_seconds", _clock)
    notes.take(_SURE_FORMAT, "formats", lambda found: (found[1].casefold(),))
    _take_recording(notes)  # last: a reader's name ends where another note was


def take_bracketed(notes: Notes) -> None:
    """Take out what only brackets or a list of tags make certain: years, codes, words with other meanings."""
    take_running(notes)
    notes.take(_V_IN_BRACKETS, "bit_rate_kbps", _vbr)
    notes.take(_HOURS, "duration_seconds", lambda found: float(found[1]) * 3600.0)
    notes.take(_MINUTES, "duration_seconds", lambda found: int(found[1]) * 60.0)
    notes.take(_ANY_FORMAT, "formats", lambda found: (found[1].casefold(),))
    notes.take(_FOR_VIP, "is_free_for_vip", lambda _: True)
    notes.take(_NOISE, "noise", lambda _: True)
    notes.found.pop("noise", None)
    notes.take(_LANGUAGE_WORD, "language", lambda found: normal_language(found[0]))


def take_codes(notes: Notes) -> None:
    """Take out what is a fact only if nothing else stands beside it: a language's code, a year."""
    notes.take(_LANGUAGE_CODE, "language", lambda found: _known_language(found[0]))
    notes.take(_YEAR, "published_year", lambda found: int(found[1]))


def _take_recording(notes: Notes) -> None:
    notes.take(_READER, "narrators", lambda found: tuple(split_names(found["by"] or found["labelled"])) or None)
    notes.take(_GERMAN, "language", lambda found: _german(notes, found[0]))
    notes.take(_ABRIDGEMENT, "abridged", lambda found: is_abridged(found[0]))
    notes.take(_PLAYED, "dramatized", lambda _: True)
    notes.take(_IN_LANGUAGE, "language", lambda found: normal_language(found["after"] or found["before"]))


def is_abridged(text: str) -> bool | None:
    """Whether a text says "abridged" or "unabridged", in English or German; None when it says neither."""
    said = abridgement(text)
    in_german = _SHORTENED_IN_GERMAN.search(text) if said is None else None
    return not in_german[1] if in_german else said


def _german(notes: Notes, text: str) -> str:
    if (abridged := is_abridged(text)) is not None:
        notes.found.setdefault("abridged", abridged)
    return "de"


def _kbps(found: re.Match[str]) -> int | None:
    return int(found[1]) if 0 < int(found[1]) <= MOST_KBPS else None


def _common_kbps(found: re.Match[str]) -> int | None:
    return int(found[1]) if int(found[1]) in COMMON_KBPS else None


def _vbr(found: re.Match[str]) -> int:
    return VBR_KBPS[int(found[1])]


def _clock(found: re.Match[str]) -> float:
    return int(found[1]) * 3600.0 + int(found[2]) * 60.0 + int(found[3])


def _known_language(code: str) -> str | None:
    # Any three letters could be a code of ISO 639-3; only those with a shorter one are meant in titles.
    language = normal_language(code)
    return language if language and len(language) == len("en") else None


def _many(value: Any) -> bool:
    return isinstance(value, tuple)
