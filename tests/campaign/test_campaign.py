"""A short campaign; the whole one is run by hand: see tests/campaign/__main__.py."""

import random
import tempfile
from pathlib import Path

import pytest

from tests.campaign.blows import PATIENCE_SECONDS, Blow, Blows
from tests.campaign.campaign import open_campaign, quiet

KILLS = 12
SEED = 3


def test_the_same_seed_kills_the_same_at_the_same_points() -> None:
    def drawn(seed: int) -> list[Blow]:
        blows = Blows(random.Random(seed), lambda _target: True)
        while len(blows.struck) < KILLS:
            blows.arm()
            assert blows.armed is not None
            blows.pass_by(blows.armed.role, blows.armed.point)
        return [struck.blow for struck in blows.struck]

    assert drawn(SEED) == drawn(SEED) != drawn(SEED + 1)


def test_a_blow_falls_at_its_point_alone_and_not_on_the_dead() -> None:
    dead = ["valkey"]
    blows = Blows(random.Random(SEED), lambda target: target not in dead)
    blows.armed = Blow("worker", "before file: link", "valkey", 1)
    blows.pass_by("API", "before file: link")
    blows.pass_by("worker", "after file: link")
    blows.pass_by("worker", "before file: link")
    assert (blows.struck, PATIENCE_SECONDS > 0) == ([], True)
    dead.clear()
    blows.pass_by("worker", "before file: link")
    assert [struck.blow for struck in blows.struck] == [Blow("worker", "before file: link", "valkey", 1)]
    assert blows.passed["worker before file: link"] == 2


@pytest.mark.timeout(300)
def test_every_download_is_imported_exactly_once_whoever_is_killed_where(exported_model: Path, tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="sg-") as short,
        open_campaign(tmp_path / "site", Path(short), exported_model, SEED) as campaign,
    ):
        campaign.run(KILLS)
        quiet(campaign.site)
        assert campaign.verdict() == [], campaign.table()
        assert len(campaign.blows.struck) >= KILLS
