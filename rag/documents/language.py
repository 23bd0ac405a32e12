"""Which language a text is written in."""

from __future__ import annotations

from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

# All 75 with full accuracy take a gigabyte; these, by their letter triples alone, 45 MB and a third of a second.
_LANGUAGES = (
    Language.ENGLISH,
    Language.GERMAN,
    Language.FRENCH,
    Language.SPANISH,
    Language.ITALIAN,
    Language.PORTUGUESE,
    Language.DUTCH,
    Language.SWEDISH,
    Language.DANISH,
    Language.POLISH,
    Language.RUSSIAN,
    Language.JAPANESE,
    Language.CHINESE,
)
_SAMPLE = 1_000
_TOO_SHORT = 40
_SURE = 0.6


def language_of(text: str) -> str | None:
    """ISO 639-1 code of one of the common languages; None for a text that is too short or does not tell."""
    # The middle: documents begin with badges, licences and lists of contents.
    begin = max(0, (len(text) - _SAMPLE) // 2)
    sample = text[begin : begin + _SAMPLE]
    if len(sample.strip()) < _TOO_SHORT:
        return None
    best = _detector().compute_language_confidence_values(sample)[0]
    return best.language.iso_code_639_1.name.lower() if best.value >= _SURE else None


@cache
def _detector() -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*_LANGUAGES).with_low_accuracy_mode().build()
