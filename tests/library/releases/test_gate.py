"""The grab gate: every rule by itself, in the documented order, and nothing unknown taken for nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.releases import (
    AccountState,
    ClientState,
    Cost,
    GateAnswer,
    Grab,
    GrabRules,
    RefusalCode,
    ReleaseFacts,
    cost_of,
    is_below_floor,
    may_grab,
)

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
GIB = 1 << 30
ACCOUNT = AccountState(uploaded_bytes=300 * GIB, downloaded_bytes=100 * GIB, unsatisfied=7, unsatisfied_limit=50)
CLIENT = ClientState(unsatisfied=7, free_bytes=100 * GIB)
RULES = GrabRules(reserved_slots=2, ratio_floor=1.1, recovery_margin=0.1, reserved_bytes=5 * GIB, grabs_per_day=20)
GRAB = Grab(cost=Cost.RATIO, size_bytes=GIB)
LOW = replace(ACCOUNT, uploaded_bytes=100 * GIB)


def ask(
    grab: Grab = GRAB,
    account: AccountState | None = ACCOUNT,
    client: ClientState = CLIENT,
    *,
    grabs_today: int = 0,
    rules: GrabRules = RULES,
) -> GateAnswer:
    return may_grab(grab, account, client, rules, grabs_today=grabs_today, now=NOW)


def codes(answer: GateAnswer) -> list[RefusalCode]:
    return [refusal.code for refusal in answer.refusals]


def test_what_breaks_no_rule_is_taken() -> None:
    assert ask() == GateAnswer((), below_floor=False)
    assert ask().allowed


def test_everything_wrong_is_told_in_the_documented_order() -> None:
    answer = ask(
        Grab(cost=Cost.RATIO, size_bytes=200 * GIB, in_library=True, in_client=True),
        replace(ACCOUNT, unsatisfied=48, frozen_until=NOW + timedelta(hours=2), announces_rejected=True),
        grabs_today=20,
    )
    assert codes(answer) == [
        RefusalCode.IN_LIBRARY,
        RefusalCode.IN_CLIENT,
        RefusalCode.NO_SLOTS,
        RefusalCode.FROZEN,
        RefusalCode.ANNOUNCES_REJECTED,
        RefusalCode.RATIO_TOO_LOW,
        RefusalCode.DISK_FULL,
        RefusalCode.BUDGET_SPENT,
    ]
    assert all(refusal.message.endswith(".") for refusal in answer.refusals)


def test_who_can_wait_is_told_until_when() -> None:
    until = NOW + timedelta(hours=2)
    answer = ask(account=replace(ACCOUNT, frozen_until=until), grabs_today=20)
    assert [refusal.retry_at for refusal in answer.refusals] == [until, datetime(2026, 11, 23, tzinfo=UTC)]
    assert ask(account=replace(ACCOUNT, frozen_until=NOW)).allowed


@pytest.mark.parametrize(
    ("site", "client", "limit", "refused"),
    [
        (47, 7, 50, []),
        (48, 7, 50, [RefusalCode.NO_SLOTS]),
        (7, 48, 50, [RefusalCode.NO_SLOTS]),
        (130, 150, 150, [RefusalCode.NO_SLOTS]),
        (None, 47, 50, []),
        (None, 48, 50, [RefusalCode.NO_SLOTS]),
        (48, None, 50, [RefusalCode.NO_SLOTS]),
        (None, None, 50, [RefusalCode.SLOTS_UNKNOWN]),
        (0, 0, None, [RefusalCode.SLOTS_UNKNOWN]),
    ],
)
def test_the_larger_count_of_slots_is_believed_and_none_is_not_zero(
    site: int | None, client: int | None, limit: int | None, refused: list[RefusalCode]
) -> None:
    account = replace(ACCOUNT, unsatisfied=site, unsatisfied_limit=limit)
    assert codes(ask(account=account, client=replace(CLIENT, unsatisfied=client))) == refused


def test_what_is_free_needs_a_slot_too() -> None:
    free = Grab(cost=Cost.FREE, size_bytes=GIB)
    assert codes(ask(free, replace(ACCOUNT, unsatisfied=50))) == [RefusalCode.NO_SLOTS]


@pytest.mark.parametrize("cost", [Cost.FREE, Cost.VIP, Cost.WEDGE])
def test_what_costs_no_ratio_is_taken_below_the_floor(cost: Cost) -> None:
    assert ask(Grab(cost=cost, size_bytes=None), LOW) == GateAnswer((), below_floor=True)


@pytest.mark.parametrize(
    ("account", "size", "refused"),
    [
        (ACCOUNT, 172 * GIB, []),
        (ACCOUNT, 173 * GIB, [RefusalCode.RATIO_TOO_LOW]),
        (replace(ACCOUNT, uncounted_bytes=172 * GIB), GIB, [RefusalCode.RATIO_TOO_LOW]),
        (LOW, GIB, [RefusalCode.RATIO_RECOVERING]),
        (replace(ACCOUNT, uploaded_bytes=None), GIB, [RefusalCode.RATIO_UNKNOWN]),
        (ACCOUNT, None, [RefusalCode.RATIO_UNKNOWN]),
        (ACCOUNT, 0, [RefusalCode.RATIO_UNKNOWN]),
        (replace(ACCOUNT, uploaded_bytes=0, downloaded_bytes=0), GIB, [RefusalCode.RATIO_TOO_LOW]),
    ],
)
def test_the_ratio_after_the_download_stays_above_the_floor(
    account: AccountState, size: int | None, refused: list[RefusalCode]
) -> None:
    client = replace(CLIENT, free_bytes=None)
    assert codes(ask(Grab(cost=Cost.RATIO, size_bytes=size), account, client)) == refused


def test_after_a_fall_below_the_floor_only_free_releases_are_taken_until_it_has_recovered() -> None:
    told, account = [], ACCOUNT
    for uploaded in (115, 109, 111, 119, 120, 115):
        account = replace(account, uploaded_bytes=uploaded * GIB)
        account = replace(account, was_below_floor=is_below_floor(account, RULES))
        told.append((uploaded, account.was_below_floor))
    assert told == [(115, False), (109, True), (111, True), (119, True), (120, False), (115, False)]


def test_an_unknown_ratio_keeps_what_was_known_of_the_floor() -> None:
    unknown = AccountState(was_below_floor=True)
    assert is_below_floor(unknown, RULES)
    assert not is_below_floor(replace(unknown, was_below_floor=False), RULES)


def test_the_disk_keeps_its_reserve_after_all_that_is_on_its_way() -> None:
    client = replace(CLIENT, free_bytes=10 * GIB, pending_bytes=4 * GIB)
    assert ask(client=client).allowed
    assert codes(ask(client=replace(client, pending_bytes=5 * GIB))) == [RefusalCode.DISK_FULL]


def test_an_indexer_without_account_knows_no_slots_and_no_ratio() -> None:
    assert ask(account=None, client=ClientState()) == GateAnswer((), below_floor=False)


@pytest.mark.parametrize(
    ("flags", "account", "cost"),
    [
        ({"is_free": True}, None, Cost.FREE),
        ({"is_free_for_me": True}, ACCOUNT, Cost.FREE),
        ({"is_free_for_vip": True}, replace(ACCOUNT, is_vip=True), Cost.VIP),
        ({"is_free_for_vip": True}, ACCOUNT, Cost.RATIO),
        ({"is_free_for_vip": True}, None, Cost.RATIO),
        ({}, replace(ACCOUNT, spendable_wedges=1), Cost.WEDGE),
        ({"is_free": True}, replace(ACCOUNT, spendable_wedges=1), Cost.FREE),
        ({}, ACCOUNT, Cost.RATIO),
    ],
)
def test_a_release_costs_what_its_flags_and_the_account_say(
    flags: dict[str, bool], account: AccountState | None, cost: Cost
) -> None:
    assert cost_of(ReleaseFacts.from_json(flags), account) is cost


@given(st.integers(0, 400), st.integers(1, 400), st.integers(1, 100), st.booleans())
def test_nothing_that_is_allowed_ends_below_the_floor(up: int, down: int, size: int, was_below: bool) -> None:
    account = replace(ACCOUNT, uploaded_bytes=up * GIB, downloaded_bytes=down * GIB, was_below_floor=was_below)
    answer = ask(Grab(cost=Cost.RATIO, size_bytes=size * GIB), account, replace(CLIENT, free_bytes=None))
    if answer.allowed:
        assert up / (down + size) >= RULES.ratio_floor
        assert not answer.below_floor
