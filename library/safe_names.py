"""Names that every file system takes: without what some refuse, and cut between letters where they are too long."""

import unicodedata
from pathlib import PurePosixPath

MOST_BYTES = 255  # of one name, on nearly every file system
LONGEST_ENDING = 16
UNNAMED = "Unnamed"

_REPLACED = str.maketrans({"/": "-", "\\": "-", "|": "-", '"': "'", "<": "(", ">": ")", "?": None, "*": None})
_ENDS = " ."
# Names that Windows takes for devices, with any ending.
_PORTS = [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
_DEVICES = frozenset(["con", "prn", "aux", "nul", "conin$", "conout$", *_PORTS])
# Cc: control, Cs: half of a pair, Co and Cn: private or unassigned, which some systems refuse
_REFUSED = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
# Marks of direction and byte order, empty spaces and soft hyphens, which make a name look like another
_INVISIBLE = frozenset(
    "\u00ad\u200b\u2060\u200e\u200f\u061c\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_JOINER = "\u200d"


def safe_name(text: str, most_bytes: int = MOST_BYTES) -> str:
    """Make one name of a folder or file of any text: not empty, never "." or "..", at most ``most_bytes`` of UTF-8.

    A safe name stays as it is. A name of nothing but what is refused becomes "Unnamed".
    """
    name = _trimmed(cut(_cleaned(text), most_bytes)) or UNNAMED
    if name.partition(".")[0].rstrip().casefold() not in _DEVICES:
        return name
    stem, dot, ending = name.partition(".")
    return f"{stem.rstrip()}_{dot}{ending}"


def safe_file_name(text: str, most_bytes: int = MOST_BYTES) -> str:
    """Make a file's name safe; its ending is kept when the name is cut."""
    name = safe_name(text, max(most_bytes, len(text.encode(errors="replace")) + 1))
    ending = PurePosixPath(name).suffix
    if len(name.encode()) <= most_bytes or len(ending.encode()) > LONGEST_ENDING:
        return safe_name(name, most_bytes)
    return _trimmed(cut(name.removesuffix(ending), most_bytes - len(ending.encode()))) + ending


def cut(text: str, most_bytes: int) -> str:
    """Return as much of ``text`` as fits into so many bytes of UTF-8, without parting a letter from its marks."""
    if len(text.encode()) <= most_bytes:
        return text
    kept = text.encode()[: max(most_bytes, 0)].decode(errors="ignore")
    while kept and _continues(text, len(kept)):
        kept = kept[:-1]
    return kept


def numbered(name: str, number: int) -> str:
    """Return the name with " (2)" before its ending, still within its bytes."""
    path = PurePosixPath(name)
    ending = path.suffix if len(path.suffix.encode()) <= LONGEST_ENDING else ""
    mark = f" ({number}){ending}"
    return _trimmed(cut(name.removesuffix(ending), MOST_BYTES - len(mark.encode()))) + mark


def is_nameless(text: str) -> bool:
    """Whether nothing of a text may stand in a name."""
    return not _cleaned(text)


def collision_key(name: str) -> str:
    """What is equal for names that some file system takes for the same: case and composed letters aside."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _cleaned(text: str) -> str:
    # "Dune: Messiah" reads best as "Dune - Messiah"; any other colon is a dash.
    plain = text.translate(_REPLACED).replace(": ", " - ").replace(":", "-")
    kept = "".join(letter if letter.isspace() else _kept(letter) for letter in plain)
    return _trimmed(" ".join(unicodedata.normalize("NFC", kept).split()))


def _kept(letter: str) -> str:
    return "" if letter in _INVISIBLE or unicodedata.category(letter) in _REFUSED else letter


def _trimmed(name: str) -> str:
    return name.strip(_ENDS)


def _continues(text: str, place: int) -> bool:
    """Whether the letter at a place belongs to the one before it."""
    following = text[place]
    return unicodedata.category(following).startswith("M") or _JOINER in (following, text[place - 1])
