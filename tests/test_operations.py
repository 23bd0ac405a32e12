"""The page for operators knows every state and reason, every default it names, and signs as the program does."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from integrations.webhooks import signature
from library.downloads import DEADLINES, SEEDING_GOAL, ReasonCode
from library.integration_options import MyAnonamouseOptions, QBittorrentOptions
from library.models.downloads import DownloadState
from library.naming import DEFAULT_TEMPLATE
from library.notifications import FAILURES_TO_DISABLE
from library.releases.gate import RefusalCode
from library.wants import BACK_OFF

PAGE = (Path(__file__).parent.parent / "docs/operations.md").read_text()
DOWNLOADS = PAGE.partition("## Where a download stands")[2].partition("\n## ")[0]


def test_every_state_has_its_row_and_deadline() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*?) ?\|$", _table("state"), re.MULTILINE))

    assert list(rows) == [state.value for state in DownloadState]
    assert {state for state, told in rows.items() if re.match(r"\d", told)} == {
        state for state, allowed in DEADLINES.items() if allowed is not None
    }
    for state, allowed in DEADLINES.items():
        assert allowed is None or rows[state].startswith(_spoken(allowed))


def test_every_reason_has_its_row_and_a_way_on() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", _table("code"), re.MULTILINE)

    assert rows == list(dict.fromkeys([*ReasonCode, *RefusalCode]))


def test_the_defaults_that_are_named_are_true() -> None:
    tracker, client = MyAnonamouseOptions(), QBittorrentOptions()
    for option, shown in {
        "`ratioFloor`": tracker.ratio_floor,
        "`recoveryMargin`": tracker.recovery_margin,
        "`reservedSlots`": tracker.reserved_slots,
        "`grabsPerDay`, `searchesPerDay`": f"{tracker.grabs_per_day}, {tracker.searches_per_day}",
        "`spendWedges`": "on" if tracker.spend_wedges else "off",
    }.items():
        assert f"| {option} | {shown} |" in PAGE
    assert client.seeding_goal_hours == SEEDING_GOAL / timedelta(hours=1)
    assert f"({client.seeding_goal_hours:.0f} hours, `seedingGoalHours`)" in PAGE
    assert f"At least {client.free_space_reserve_bytes / 1e9:.0f} GB stay free" in PAGE
    assert f"`{DEFAULT_TEMPLATE}`" in PAGE
    assert f"failed {FAILURES_TO_DISABLE} times" in PAGE
    *pauses, longest = (pause / timedelta(hours=1) for pause in BACK_OFF)
    listed = ", ".join(f"{pause:.0f}" for pause in pauses[:-1])
    assert longest == 7 * 24
    assert f"after {listed} and {pauses[-1]:.0f} hours, then weekly" in PAGE


def test_the_receiver_of_webhooks_accepts_what_is_sent_and_nothing_else() -> None:
    body = b'{"kind": "TEST"}'
    receiver: dict[str, Any] = {}
    exec(PAGE.partition("```python\n")[2].partition("```")[0], receiver)
    is_genuine = receiver["is_genuine"]
    receiver["time"] = type("Clock", (), {"time": staticmethod(lambda: 1_800_000_060.0)})

    header = signature("a key of sixteen", body, 1_800_000_000)

    assert is_genuine("a key of sixteen", header, body)
    assert not is_genuine("another key, not it", header, body)
    assert not is_genuine("a key of sixteen", header, body + b" ")
    assert not is_genuine("a key of sixteen", signature("a key of sixteen", body, 1_700_000_000), body)


def _table(heading: str) -> str:
    return DOWNLOADS.partition(f"| {heading} | meaning |")[2].partition("\n\n")[0]


def _spoken(allowed: timedelta) -> str:
    units = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))
    unit, name = next((unit, name) for unit, name in units if allowed >= unit)
    return f"{allowed // unit} {name}" + ("s" if allowed // unit > 1 else "")
