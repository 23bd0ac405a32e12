"""Quality profiles: nothing impossible can be asked for, and what is kept comes back."""

from typing import Any

import pytest

from library.releases import DEFAULT_PROFILE, Policy, ProfileInvalid, QualityProfile, Weights


def test_a_profile_comes_back_as_it_was_kept() -> None:
    profile = QualityProfile(
        formats=("mp3",),
        only_formats=True,
        abridged=Policy.ALLOWED,
        required_narrators=("Jane Reader",),
        weights=Weights(seeders=0),
    )
    assert QualityProfile.from_json(profile.to_json()) == profile


def test_what_a_profile_does_not_say_is_as_by_default() -> None:
    assert QualityProfile.from_json({}) == DEFAULT_PROFILE
    assert (DEFAULT_PROFILE.grab_automatically, DEFAULT_PROFILE.upgrade) == (False, False)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"formats": ["m4x"]}, "`formats` takes m4b"),
        ({"formats": ["m4b", "m4b"]}, "each once"),
        ({"formats": "m4b"}, "`formats` takes a list of texts"),
        ({"formats": [], "only_formats": True}, "`only_formats` needs at least one format"),
        ({"only_formats": "yes"}, "`only_formats` must be true or false"),
        ({"abridged": "SOMETIMES"}, "`abridged` must be one of NEVER, ALLOWED, WANTED"),
        ({"abridged": ["NEVER"]}, "`abridged` must be one of"),
        ({"min_bit_rate": 96, "max_bit_rate": 64}, "must not be above `max_bit_rate`"),
        ({"preferred_bit_rate": 0}, "`preferred_bit_rate` must be a number of at least 1"),
        ({"preferred_bit_rate": True}, "`preferred_bit_rate` must be a number"),
        ({"max_bytes": 0}, "`max_bytes` must be a number of at least 1"),
        ({"min_seeders": -1}, "`min_seeders` must be a number of at least 0"),
        ({"grab_threshold": float("nan")}, "`grab_threshold` must be a number"),
        ({"grab_threshold": float("inf")}, "`grab_threshold` must be at most"),
        ({"languages": ["English"]}, "`languages` takes codes"),
        ({"weights": {"title": -1}}, "`weights.title` must be a number"),
        ({"weights": {"smell": 1}}, "`weights` has no entry 'smell'"),
        ({"weights": 5}, "`weights` takes points"),
        ({"colour": "red"}, "`profile` has no entry 'colour'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_field(kept: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileInvalid) as refused:
        QualityProfile.from_json(kept)
    assert message in str(refused.value)
    assert str(refused.value).endswith(".")
