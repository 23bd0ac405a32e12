"""API or worker with points in it, in a hurry besides: `python -m tests.campaign.process serve|work`."""

import os
import sys
from pathlib import Path

ADDRESS, SITE = "CAMPAIGN_ADDRESS", "CAMPAIGN_SITE"
MOST_DEATHS = 50  # of one job: here workers die of the campaign, not of their jobs


def main() -> None:
    """Run the command line with points."""
    from api.cli import app  # noqa: PLC0415 reading processes import this module too, and need none of it
    from library import jobs  # noqa: PLC0415 as above
    from tests.campaign.points import Toll, lay  # noqa: PLC0415 as above
    from tests.road.hurried import hurry  # noqa: PLC0415 as above

    hurry()
    jobs.MAXIMUM_ATTEMPTS = MOST_DEATHS
    lay(Toll(Path(os.environ[ADDRESS]), "API" if "serve" in sys.argv else "worker"), Path(os.environ[SITE]))
    app()


if __name__ == "__main__":
    main()
