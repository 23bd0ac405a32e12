"""How much of a stranger's document is looked at."""

from dataclasses import dataclass

MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one document; whatever is over is refused, never cut."""

    file_bytes: int = 64 * MEBIBYTE
    pages: int = 5_000
    archive_entries: int = 10_000
    unpacked_bytes: int = 256 * MEBIBYTE
    # Deflate reaches 1,000 : 1 on zeros; the text of real books stays below 20 : 1.
    unpacking_ratio: int = 200
    letters: int = 20_000_000
