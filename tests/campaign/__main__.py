"""The whole campaign by hand: `python -m tests.campaign --kills 200 --seed 1`."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cache import exported_model
from tests.campaign.campaign import open_campaign, quiet


def main() -> int:
    """Run it and print what came of it; the exit code says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often somebody is killed")
    parser.add_argument("--seed", type=int, help="which points and whom; random when left out")
    parser.add_argument("--keep", action="store_true", help="leave everything that was written where it is")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(1_000_000)
    folder, began = Path(tempfile.mkdtemp(prefix="sgc-")), time.monotonic()
    sys.stdout.write(f"seed {seed}, in {folder}\n")
    with open_campaign(folder / "site", folder, exported_model(), seed) as campaign:
        campaign.run(chosen.kills)
        quiet(campaign.site)
        wrong = campaign.verdict()
        sys.stdout.write(f"{campaign.table()}\n\n{time.monotonic() - began:.0f} s; wrong: {len(wrong)}\n")
        sys.stdout.writelines(f"{line}\n" for line in wrong)
    if not chosen.keep and not wrong:
        shutil.rmtree(folder)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
