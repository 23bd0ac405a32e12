"""Known secrets in the clothes they wear on their way into messages, and their removal.

A secret is found raw, percent-encoded, JSON-escaped, in any mixture of these and once nested (a URL within a URL,
JSON within JSON), and inside base64 text, where it looks different at each of three positions.
"""

import base64
import logging
import re
import string
from collections import OrderedDict
from collections.abc import Iterable

REDACTED = "[redacted]"
# Shorter ones would blot out half of every message, and by that be told to whoever reads it.
SHORTEST_SECRET = 4
# Fewer base64 characters than these also occur by chance.
_SHORTEST_BASE64 = 8
# Of secrets that are replaced all the time, such as a cookie that each answer rotates, so many are remembered.
PASSING_SECRETS = 50
# Characters that no encoder of URLs or JSON writes in another way.
_NEVER_ESCAPED = frozenset(string.ascii_letters + string.digits + "-._")
_JSON_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}


class Redactor:
    """Removes every secret that it has been told from texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lasting: dict[str, re.Pattern[str]] = {}
        self._passing: OrderedDict[str, re.Pattern[str]] = OrderedDict()
        self._patterns: list[re.Pattern[str]] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Remove these too from now on."""
        new = {secret: _any_form(secret) for secret in secrets if self._is_new(secret)}
        self._lasting |= new
        self._arrange()

    def learn_passing(self, secret: str) -> None:
        """Remove this one too, until so many newer ones have come that it is long dead."""
        if self._is_new(secret):
            self._passing[secret] = _any_form(secret)
            while len(self._passing) > PASSING_SECRETS:
                self._passing.popitem(last=False)
            self._arrange()

    def redact(self, text: str) -> str:
        """Replace each secret, in any of its forms."""
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def _is_new(self, secret: str) -> bool:
        return len(secret) >= SHORTEST_SECRET and secret not in self._lasting and secret not in self._passing

    def _arrange(self) -> None:
        known = self._lasting | self._passing
        # The longest first: one secret may begin another.
        self._patterns = [known[secret] for secret in sorted(known, key=len, reverse=True)]


class Silence(logging.Filter):
    """Drops what a library says below WARNING."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let warnings and errors pass."""
        return record.levelno >= logging.WARNING


_SILENCE = Silence()


def silence(*families: str) -> None:
    """Keep HTTP libraries from logging whole URLs and headers, whatever level is set later by whoever debugs.

    A filter belongs to one logger and not to its children, so each that exists by now gets it.
    """
    existing = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in families]
    for name in {*families, *existing}:
        logging.getLogger(name).addFilter(_SILENCE)


def _any_form(secret: str) -> re.Pattern[str]:
    escaped = "".join(map(_any_character_form, secret))
    return re.compile("|".join([escaped, *_within_base64(secret.encode())]))


def _any_character_form(character: str) -> str:
    if character in _NEVER_ESCAPED:
        return re.escape(character)  # a choice for each letter of a long cookie would take long to compile
    forms = [
        re.escape(character),
        "".join(f"%(?:25)*(?i:{byte:02x})" for byte in character.encode()),
        "".join(rf"\\+u(?i:{unit})" for unit in _utf16_units(character)),
    ]
    if character in _JSON_ESCAPES:
        forms.append(r"\\+" + re.escape(_JSON_ESCAPES[character]))
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def _utf16_units(character: str) -> list[str]:
    encoded = character.encode("utf-16-be")
    return [encoded[at : at + 2].hex() for at in range(0, len(encoded), 2)]


def _within_base64(secret: bytes) -> list[str]:
    """What of a text's base64 depends on the secret alone, for each way in which it can lie across groups of three."""
    found = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        # Six bits make a character: those that share bits with what stands before or after are left out.
        core = encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(core) >= _SHORTEST_BASE64:
            found.append(re.escape(core).replace(r"\+", r"[+\-]").replace("/", "[/_]"))
    return found
