"""Credentials at rest are unreadable without the key, and keys can be changed."""

import pytest
from cryptography.fernet import Fernet

from library.sealing import KeyMissing, Seal, SealUnreadable

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters!"


def test_what_was_sealed_opens_again_and_never_looks_the_same() -> None:
    seal = Seal([NEW])
    first, second = seal.seal("mam_id=ä"), seal.seal("mam_id=ä")
    assert first != second
    assert "mam_id" not in first
    assert [seal.open(first), seal.open(second)] == ["mam_id=ä", "mam_id=ä"]
    assert seal.open_bytes(seal.seal_bytes(b"d8:announce\xff")) == b"d8:announce\xff"


def test_after_a_change_of_keys_the_old_seal_opens_while_the_old_key_is_given() -> None:
    sealed = Seal([OLD]).seal("secret")
    assert Seal([NEW, OLD]).open(sealed) == "secret"
    with pytest.raises(SealUnreadable, match="another key"):
        Seal([NEW]).open(sealed)


def test_a_fernet_key_is_taken_as_it_is() -> None:
    key = Fernet.generate_key().decode()
    assert Fernet(key).decrypt(Seal([key]).seal("secret").encode()) == b"secret"


@pytest.mark.parametrize("keys", [[], ["short"], [NEW, "short"]])
def test_without_a_long_key_nothing_starts(keys: list[str]) -> None:
    with pytest.raises(KeyMissing, match="SHELFGRAPH_SECRET_KEY"):
        Seal(keys)
