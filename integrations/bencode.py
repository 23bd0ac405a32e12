"""Bencoding, read strictly and within limits, with the place of each value of the outermost dictionary.

A library that decodes and encodes again gives another hash wherever a file is not in canonical order: a torrent's
identity is the hash of the bytes as they stand, so they are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Bencoded: TypeAlias = "int | bytes | list[Bencoded] | dict[bytes, Bencoded]"

MOST_VALUES = 500_000
DEEPEST = 64
# A 64-bit integer has 19 digits and a sign; longer ones only cost time.
_MOST_DIGITS = 20


class NotBencoded(ValueError):
    """The bytes are not bencoded, or not within the limits; the sentence says where."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(f"The file is not bencoded: {what} at byte {position}.")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The outermost dictionary, and each of its values as the bytes stand in the file."""

    values: Mapping[bytes, Bencoded]
    raw: Mapping[bytes, bytes]


def decode_dictionary(data: bytes) -> Decoded:
    """Decode bytes that are one dictionary; raises NotBencoded. White space may follow, as some sites add it."""
    if data[:1] != b"d":
        raise NotBencoded("no dictionary", 0)
    reader = _Reader(data)
    values: dict[bytes, Bencoded] = {}
    raw: dict[bytes, bytes] = {}
    reader.position = 1
    while not reader.at_end():
        key = reader.key(values)
        start = reader.position
        values[key] = reader.value(1)
        raw[key] = data[start : reader.position]
    if data[reader.position :].strip():
        raise NotBencoded("something follows its end", reader.position)
    return Decoded(values, raw)


class _Reader:
    """Reads value after value from `position` on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self._values = 0

    def value(self, depth: int) -> Bencoded:
        """The next value, whatever it is."""
        self._values += 1
        if depth > DEEPEST or self._values > MOST_VALUES:
            raise NotBencoded("too much is nested" if depth > DEEPEST else "too many values", self.position)
        match self.data[self.position : self.position + 1]:
            case b"i":
                return self._integer()
            case b"l":
                return self._list(depth)
            case b"d":
                return self._dictionary(depth)
            case _:
                return self._text()

    def key(self, taken: Mapping[bytes, Bencoded]) -> bytes:
        """The next key of a dictionary; the same one twice would mean different things to different readers."""
        start = self.position
        key = self._text()
        if key in taken:
            raise NotBencoded("a key comes twice", start)
        return key

    def at_end(self) -> bool:
        """Whether a list or dictionary ends here; steps over its end."""
        ended = self.data[self.position : self.position + 1] == b"e"
        self.position += ended
        return ended

    def _integer(self) -> int:
        start = self.position + 1
        end = self.data.find(b"e", start, start + _MOST_DIGITS + 1)
        digits = self.data[start:end] if end > 0 else b""
        number = _number(digits.removeprefix(b"-"), start)
        if digits == b"-0":
            raise NotBencoded("no number", start)
        self.position = end + 1
        return -number if digits.startswith(b"-") else number

    def _list(self, depth: int) -> list[Bencoded]:
        self.position += 1
        items: list[Bencoded] = []
        while not self.at_end():
            items.append(self.value(depth + 1))
        return items

    def _dictionary(self, depth: int) -> dict[bytes, Bencoded]:
        self.position += 1
        items: dict[bytes, Bencoded] = {}
        while not self.at_end():
            key = self.key(items)
            items[key] = self.value(depth + 1)
        return items

    def _text(self) -> bytes:
        start = self.position
        colon = self.data.find(b":", start, start + _MOST_DIGITS + 1)
        length = _number(self.data[start:colon] if colon > 0 else b"", start)
        end = colon + 1 + length
        if end > len(self.data):
            raise NotBencoded("it is cut off", start)
        self.position = end
        return self.data[colon + 1 : end]


def _number(digits: bytes, position: int) -> int:
    if not digits.isdigit() or (digits.startswith(b"0") and digits != b"0"):
        raise NotBencoded("no number", position)
    return int(digits)
