"""Judging releases: all reasons against one, points with evidence, and what must hold whatever is offered."""

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.releases import (
    DEFAULT_PROFILE,
    AccountState,
    ClientState,
    Component,
    Cost,
    Decision,
    OwnedBest,
    Policy,
    QualityProfile,
    Rejection,
    RejectionCode,
    ReleaseFacts,
    Rule,
    Wanted,
    grabs_itself,
    judge,
    ranked,
)

HOURS = 3_600.0
WANTED = Wanted(title="A Study in Scarlet", authors=("Arthur Conan Doyle",), durations=(5 * HOURS,))
GOOD = ReleaseFacts(
    title="A Study in Scarlet",
    authors=("Arthur Conan Doyle",),
    narrators=("Jane Reader",),
    formats=("m4b",),
    bit_rate_kbps=64,
    duration_seconds=5 * HOURS,
    language="en",
    abridged=False,
    size_bytes=144_000_000,
    seeders=50,
    is_free=True,
)
ENGLISH = QualityProfile(languages=("en",))
NAMES = st.sampled_from(["Jane Reader", "John Voice"])
FACTS = st.builds(
    ReleaseFacts,
    title=st.sampled_from(["A Study in Scarlet", "The Sign of Four", "Scarlet"]),
    authors=st.sampled_from([(), ("Arthur Conan Doyle",), ("Somebody Else",)]),
    narrators=st.lists(NAMES, max_size=2, unique=True).map(tuple),
    formats=st.lists(st.sampled_from(["m4b", "mp3", "flac", "wma", "epub"]), max_size=2, unique=True).map(tuple),
    bit_rate_kbps=st.none() | st.integers(1, 2_000),
    duration_seconds=st.none() | st.floats(60, 200_000),
    language=st.sampled_from([None, "en", "de"]),
    abridged=st.none() | st.booleans(),
    dramatized=st.none() | st.booleans(),
    size_bytes=st.none() | st.integers(0, 10**10),
    seeders=st.none() | st.integers(0, 500),
    is_free=st.booleans(),
    is_free_for_vip=st.booleans(),
)
OWNED = st.none() | st.builds(
    OwnedBest,
    format=st.sampled_from([None, "m4b", "mp3"]),
    bit_rate_kbps=st.none() | st.integers(1, 500),
    abridged=st.none() | st.booleans(),
)
PROFILES = st.builds(
    QualityProfile,
    formats=st.permutations(["m4b", "mp3", "flac"]).map(tuple),
    only_formats=st.booleans(),
    preferred_bit_rate=st.integers(1, 500),
    min_bit_rate=st.none() | st.integers(1, 200),
    abridged=st.sampled_from(Policy),
    dramatized=st.sampled_from(Policy),
    languages=st.sampled_from([(), ("en",)]),
    preferred_narrators=st.lists(NAMES, max_size=1).map(tuple),
    upgrade=st.booleans(),
)


def codes(decision: Decision) -> list[RejectionCode]:
    return [rejection.code for rejection in decision.rejections]


def test_a_good_release_is_accepted_with_its_evidence() -> None:
    assert judge(GOOD, WANTED, ENGLISH) == Decision(
        accepted=True,
        score=90.0,
        components=(
            Component(Rule.TITLE, 25.0, "“A Study in Scarlet” is the same title"),
            Component(Rule.AUTHOR, 20.0, "Arthur Conan Doyle"),
            Component(Rule.NARRATOR, 0.0, "no narrator is asked for"),
            Component(Rule.FORMAT, 15.0, "m4b: number 1 of those preferred"),
            Component(Rule.BIT_RATE, 5.0, "64 kbps, of 128 preferred"),
            Component(Rule.LANGUAGE, 5.0, "en"),
            Component(Rule.ABRIDGED, 5.0, "not abridged"),
            Component(Rule.DRAMATIZED, 0.0, "unknown"),
            Component(Rule.DURATION, 5.0, "0% off the nearest known edition"),
            Component(Rule.SEEDERS, 5.0, "50 people offer it"),
            Component(Rule.FREE, 5.0, "costs free"),
        ),
        rejections=(),
        cost=Cost.FREE,
    )


def test_what_nobody_says_neither_rejects_nor_gives_points() -> None:
    silent = judge(ReleaseFacts(title=WANTED.title, authors=WANTED.authors), WANTED, ENGLISH)
    assert silent.accepted
    assert {one.rule for one in silent.components if one.points} == {Rule.TITLE, Rule.AUTHOR}
    assert [one.rule for one in silent.components] == list(Rule)


def test_all_reasons_are_told_not_only_the_first() -> None:
    bad = replace(
        GOOD, title="The Sign of Four", abridged=True, dramatized=True, language="de", formats=("epub",), seeders=0
    )
    assert codes(judge(bad, WANTED, ENGLISH, OwnedBest())) == [
        RejectionCode.WRONG_BOOK,
        RejectionCode.ABRIDGED,
        RejectionCode.DRAMATIZED,
        RejectionCode.WRONG_LANGUAGE,
        RejectionCode.FORMAT,
        RejectionCode.TOO_FEW_SEEDERS,
        RejectionCode.ALREADY_OWNED,
    ]


@pytest.mark.parametrize(
    ("told", "profile", "code"),
    [
        ({"abridged": False}, QualityProfile(abridged=Policy.WANTED), RejectionCode.NOT_ABRIDGED),
        ({"dramatized": False}, QualityProfile(dramatized=Policy.WANTED), RejectionCode.NOT_DRAMATIZED),
        ({}, QualityProfile(required_narrators=("John Voice",)), RejectionCode.NARRATOR),
        ({}, QualityProfile(formats=("mp3",), only_formats=True), RejectionCode.FORMAT),
        ({}, QualityProfile(min_bit_rate=96), RejectionCode.BIT_RATE_TOO_LOW),
        ({}, QualityProfile(max_bit_rate=32), RejectionCode.BIT_RATE_TOO_HIGH),
        ({}, QualityProfile(max_bytes=100_000_000), RejectionCode.TOO_LARGE),
        ({"size_bytes": 10_000_000}, DEFAULT_PROFILE, RejectionCode.SIZE_IMPOSSIBLE),
        ({"size_bytes": 10**11}, DEFAULT_PROFILE, RejectionCode.SIZE_IMPOSSIBLE),
        ({"duration_seconds": 2 * HOURS}, DEFAULT_PROFILE, RejectionCode.TOO_SHORT),
        ({"seeders": 2}, QualityProfile(min_seeders=3), RejectionCode.TOO_FEW_SEEDERS),
    ],
)
def test_each_rule_rejects_what_breaks_it(
    told: dict[str, object], profile: QualityProfile, code: RejectionCode
) -> None:
    release = ReleaseFacts.from_json({**GOOD.to_json(), **told})
    assert codes(judge(release, WANTED, profile)) == [code]


@pytest.mark.parametrize(
    ("owned", "profile", "accepted"),
    [
        (OwnedBest(format="mp3", bit_rate_kbps=64), DEFAULT_PROFILE, False),
        (OwnedBest(format="mp3", bit_rate_kbps=64), QualityProfile(upgrade=True), True),
        (OwnedBest(format="mp3", bit_rate_kbps=64), QualityProfile(upgrade=True, upgrade_until=5), False),
        (OwnedBest(format="m4b", bit_rate_kbps=64, abridged=False), QualityProfile(upgrade=True), False),
        (OwnedBest(format="m4b", bit_rate_kbps=128, abridged=True), DEFAULT_PROFILE, True),
    ],
)
def test_what_is_owned_as_good_is_not_taken_again(owned: OwnedBest, profile: QualityProfile, *, accepted: bool) -> None:
    assert judge(GOOD, WANTED, profile, owned).accepted is accepted


def test_the_account_rejects_what_it_cannot_carry() -> None:
    account = AccountState(uploaded_bytes=110, downloaded_bytes=100, unsatisfied=50, unsatisfied_limit=50)
    decision = judge(replace(GOOD, is_free=False), WANTED, account=account)
    assert codes(decision) == [RejectionCode.RATIO_TOO_LOW, RejectionCode.NO_SLOTS]
    roomy = replace(account, unsatisfied=None)
    assert judge(GOOD, WANTED, account=roomy, client=ClientState(unsatisfied=1)).rejections == ()


def test_nothing_is_taken_unasked_unless_that_is_switched_on() -> None:
    decision = judge(GOOD, WANTED)
    eager = QualityProfile(grab_automatically=True)
    assert not grabs_itself(decision, DEFAULT_PROFILE)
    assert grabs_itself(decision, eager)
    assert not grabs_itself(replace(decision, score=74.9), eager)
    assert not grabs_itself(judge(GOOD, WANTED, eager, OwnedBest()), eager)


def test_an_exact_title_by_nobody_is_never_taken_unasked() -> None:
    eager = QualityProfile(languages=("en",), preferred_narrators=("Jane Reader",), grab_automatically=True)
    best = replace(GOOD, bit_rate_kbps=128, dramatized=False)
    decision = judge(replace(best, authors=()), WANTED, eager)
    assert decision.accepted
    assert decision.score >= eager.grab_threshold
    assert not grabs_itself(decision, eager)
    assert grabs_itself(judge(best, WANTED, eager), eager)


def test_a_decision_is_kept_as_it_was_made() -> None:
    decision = judge(replace(GOOD, seeders=0), WANTED)
    kept = decision.to_json()
    assert Decision.from_json(json.loads(json.dumps(kept))) == decision
    assert kept["rejections"] == [{"code": "TOO_FEW_SEEDERS", "message": "0 people offer it; the profile asks for 1."}]
    assert (kept["accepted"], kept["cost"]) == (False, "FREE")


@given(FACTS, PROFILES, OWNED)
def test_an_abridged_release_is_never_accepted_unless_it_is_asked_for(
    release: ReleaseFacts, profile: QualityProfile, owned: OwnedBest | None
) -> None:
    abridged = judge(replace(release, abridged=True), WANTED, profile, owned)
    whole = judge(replace(release, abridged=False), WANTED, profile, owned)
    if profile.abridged is Policy.NEVER:
        assert not abridged.accepted
    if profile.abridged is not Policy.WANTED:
        assert abridged.score < whole.score


@given(FACTS, PROFILES, OWNED, st.integers(1, 500), st.integers(0, 1_000))
def test_a_better_bit_rate_never_scores_less_nor_is_it_rejected_for_it(
    release: ReleaseFacts, profile: QualityProfile, owned: OwnedBest | None, rate: int, more: int
) -> None:
    worse = judge(replace(release, bit_rate_kbps=rate), WANTED, profile, owned)
    better = judge(replace(release, bit_rate_kbps=rate + more), WANTED, profile, owned)
    assert better.score >= worse.score
    assert better.accepted or not worse.accepted


@given(FACTS, PROFILES, st.integers(8, 320), st.integers(8, 320))
def test_a_better_bit_rate_never_scores_less_with_the_size_it_brings(
    release: ReleaseFacts, profile: QualityProfile, one: int, other: int
) -> None:
    def at(rate: int) -> Decision:
        size = int(rate * 1000 / 8 * WANTED.durations[0])
        return judge(replace(release, bit_rate_kbps=rate, size_bytes=size), WANTED, profile)

    worse, better = at(min(one, other)), at(max(one, other))
    assert better.score >= worse.score
    assert better.accepted or not worse.accepted


@given(FACTS, PROFILES, st.integers(0, 500), st.integers(0, 500))
def test_more_seeders_never_make_a_release_worse(
    release: ReleaseFacts, profile: QualityProfile, seeders: int, more: int
) -> None:
    fewer = judge(replace(release, seeders=seeders), WANTED, profile)
    many = judge(replace(release, seeders=seeders + more), WANTED, profile)
    assert many.score >= fewer.score
    assert many.accepted or not fewer.accepted


@given(st.lists(FACTS, max_size=6), PROFILES, st.randoms(use_true_random=False))
def test_the_order_of_the_offers_decides_nothing(
    releases: list[ReleaseFacts], profile: QualityProfile, random: Random
) -> None:
    judged = [(str(number), judge(release, WANTED, profile)) for number, release in enumerate(releases)]
    again = [(str(number), judge(release, WANTED, profile)) for number, release in enumerate(releases)]
    random.shuffle(again)
    assert ranked(again) == ranked(judged)


@given(FACTS, PROFILES, OWNED)
def test_the_score_is_the_sum_of_its_components_and_a_rejection_its_end(
    release: ReleaseFacts, profile: QualityProfile, owned: OwnedBest | None
) -> None:
    decision = judge(release, WANTED, profile, owned)
    assert decision.score == round(sum(one.points for one in decision.components), 2)
    assert decision.accepted is (decision.rejections == ())
    assert all(isinstance(one, Rejection) and one.message.endswith(".") for one in decision.rejections)
