"""Checks and normalises the numbers that identify an edition: ISBN, ASIN."""

import re

_ISBN_TEXT = re.compile(r"(?:97[89][-\s]?)?(?:\d[-\s]?){9}[\dXx]", re.ASCII)
_ASIN = re.compile(r"(?=[A-Z]*\d)[A-Z0-9]{10}", re.ASCII)
_SEPARATORS = re.compile(r"[-\s]")
_ISBN10_DIGITS = 10
_EAN_WEIGHTS = (1, 3)


def normal_isbn(text: str) -> str | None:
    """Return the first ISBN in ``text`` as 13 digits, or None when there is none with a right check digit."""
    for match in _ISBN_TEXT.finditer(text):
        digits = _SEPARATORS.sub("", match[0]).upper()
        if len(digits) == _ISBN10_DIGITS and _isbn10_is_valid(digits):
            return _isbn13(digits[:-1])
        if digits.isdigit() and _ean_check_digit(digits[:-1]) == digits[-1]:
            return digits
    return None


def normal_asin(text: str) -> str | None:
    """Return ``text`` as an ASIN (ten capitals and digits, at least one digit), or None when it is none.

    The digit is asked for because "UNABRIDGED" has ten letters and stands in brackets just as often.
    """
    candidate = text.strip().upper()
    return candidate if _ASIN.fullmatch(candidate) else None


def _isbn10_is_valid(digits: str) -> bool:
    values = [10 if digit == "X" else int(digit) for digit in digits]
    return sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=True)) % 11 == 0


def _isbn13(first_nine: str) -> str:
    body = f"978{first_nine}"
    return body + _ean_check_digit(body)


def _ean_check_digit(body: str) -> str:
    total = sum(_EAN_WEIGHTS[place % 2] * int(digit) for place, digit in enumerate(body))
    return str(-total % 10)
