"""Values as the site writes them: any number may be text, any flag 0, "0" or false, any text a number.

Every function gives None (or "", or nothing) for what it cannot read: which of them must be there, the caller knows.
"""

import html
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

_SIZE = re.compile(r"([\d.,]{1,20})\s*([kmgtp]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_CLOCK = re.compile(r"(?:(\d{1,4})\s*d\w*\s+)?(\d{1,5}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_INFINITE = {"∞", "inf", "infinity"}


def text(value: object) -> str:
    """Plain text: entities resolved, because titles hold them; PHP turns "1984" into a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(html.unescape(str(value)).split())


def number(value: object) -> float | None:
    """A finite number, or the infinity that a ratio without downloads is."""
    if isinstance(value, str) and value.strip().lower() in _INFINITE:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        read = float(value.replace(",", "") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(read) else read


def whole(value: object) -> int | None:
    """A whole number; byte counts come as floats too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    read = number(value)
    return int(read) if read is not None and math.isfinite(read) else None


def flag(value: object) -> bool:
    """Whether it is set: 1, "1", true, "true" or "yes"."""
    return value is True or str(value).strip().lower() in {"1", "true", "yes"}


def size_bytes(value: object) -> int | None:
    """Bytes of "128.4 MiB", "256.50 MB" or plain digits; units are 1024-based whatever their label."""
    match = _SIZE.fullmatch(str(value).strip())
    amount = number(match[1]) if match else None
    if match is None or amount is None:
        return None
    return round(amount * 1024.0 ** _POWERS[match[2].lower()])


def seconds(value: object) -> float | None:
    """Seconds of "4:47:13", "00:00:31.416" or "1d 12:10:28"."""
    match = _CLOCK.search(str(value))
    if match is None:
        return None
    return int(match[1] or 0) * 86400 + int(match[2]) * 3600 + int(match[3]) * 60 + float(match[4])


def moment(value: object) -> datetime | None:
    """The time of "2026-03-14 07:22:05", which is UTC."""
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def unix_moment(value: object) -> datetime | None:
    """The time of a count of seconds; 0 means none."""
    count = whole(value)
    try:
        return datetime.fromtimestamp(count, UTC) if count and count > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def embedded(value: object) -> object:
    """What JSON inside a string holds; it may be empty or broken, and then there is nothing."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def names(value: object) -> tuple[str, ...]:
    """The people of `{"501": "H. G. Wells"}`, in a string or not, or of `[{"id": …, "name": …}]`."""
    held = embedded(value)
    items = list(held.values()) if isinstance(held, Mapping) else held
    if not isinstance(items, list):
        return ()
    found = (text(item.get("name") if isinstance(item, Mapping) else item) for item in items)
    return tuple(name for name in found if name)
