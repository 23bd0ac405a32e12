"""Reads years and dates out of the many ways tags write them."""

import re
from datetime import date

_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)", re.ASCII)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s].*)?", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[-\s.]+([A-Za-z]{3})[A-Za-z]*[-\s.,]+(\d{4})", re.ASCII)
_NAMED_FIRST = re.compile(r"([A-Za-z]{3})[A-Za-z]*\.?\s+(\d{1,2}),?\s+(\d{4})", re.ASCII)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_FIRST_YEAR, _LAST_YEAR = 1000, 2100


def year_of(text: str) -> int | None:
    """Return the year in ``text`` ("1892-10-14", "14.10.1892", "1892"), or None when it holds no credible one."""
    years = (int(match[1]) for match in _YEAR.finditer(text))
    return next((year for year in years if _FIRST_YEAR <= year <= _LAST_YEAR), None)


def iso_date(text: str) -> str | None:
    """Return ``text`` as YYYY-MM-DD when it names a whole date without doubt, else None.

    "04/05/2016" is in doubt: it is April in one country and May in another.
    """
    text = text.strip()
    if match := _ISO.fullmatch(text):
        return _checked(*match.groups())
    if match := _NAMED.fullmatch(text):
        return _checked(match[3], str(_MONTHS.get(match[2].lower(), 0)), match[1])
    if match := _NAMED_FIRST.fullmatch(text):
        return _checked(match[3], str(_MONTHS.get(match[1].lower(), 0)), match[2])
    return None


def _checked(year: str, month: str, day: str) -> str | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.isoformat() if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
