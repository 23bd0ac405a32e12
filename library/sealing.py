"""Sealing: credentials at rest are encrypted with the server's keys (Fernet: AES-128-CBC with an HMAC)."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from library.errors import CannotStart, ShelfgraphError

MINIMUM_KEY_LENGTH = 32


class SealUnreadable(ShelfgraphError):
    """Something sealed with a key that is no longer given."""

    @property
    def job_code(self) -> str:
        """A code of its own: what the user can mend is no internal error."""
        return "CREDENTIAL_UNREADABLE"

    def __init__(self) -> None:
        super().__init__(
            "A stored credential was sealed with another key. Give the old key after the new one in "
            "SHELFGRAPH_SECRET_KEY, or configure the integration again."
        )


class KeyMissing(CannotStart):
    """No key to seal with."""

    def __init__(self) -> None:
        super().__init__(
            "There is no key to seal credentials with. Set SHELFGRAPH_SECRET_KEY or SHELFGRAPH_SECRET_KEY_FILE to "
            f"{MINIMUM_KEY_LENGTH} or more random characters, the same for every process; `shelfgraph up` makes them."
        )


class Seal:
    """Seals with the first key and opens with any of them, so that keys can be changed without losing anything."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take keys as texts of any form; raises KeyMissing when there is none or one is short."""
        if not keys or any(len(key) < MINIMUM_KEY_LENGTH for key in keys):
            raise KeyMissing
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in keys])

    def seal(self, text: str) -> str:
        """Make a text unreadable without the key; the same text is sealed differently each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Give the text back; raises SealUnreadable."""
        return self._open(sealed).decode()

    def seal_bytes(self, content: bytes) -> str:
        """Seal bytes, such as a torrent file."""
        return self._fernet.encrypt(content).decode()

    def open_bytes(self, sealed: str) -> bytes:
        """Give the bytes back; raises SealUnreadable."""
        return self._open(sealed)

    def _open(self, sealed: str) -> bytes:
        try:
            return self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            raise SealUnreadable from None


def _fernet_key(key: str) -> bytes:
    """A Fernet key as it is; any other text of enough randomness by its SHA-256."""
    try:
        if len(base64.urlsafe_b64decode(key)) == hashlib.sha256().digest_size:
            return key.encode()
    except (binascii.Error, ValueError):
        pass
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
