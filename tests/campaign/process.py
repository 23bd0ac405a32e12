"""API or worker with points in it: `python -m tests.campaign.process serve|work`.

What the product does after minutes, so as not to trouble anybody, it does here after a second or two.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

ADDRESS, SITE = "CAMPAIGN_ADDRESS", "CAMPAIGN_SITE"


def main() -> None:
    """Run the command line with points."""
    from api.cli import app  # noqa: PLC0415 reading processes import this module too, and need none of it
    from tests.campaign.points import Toll, lay  # noqa: PLC0415 as above

    _hurry()
    lay(Toll(Path(os.environ[ADDRESS]), "API" if "serve" in sys.argv else "worker"), Path(os.environ[SITE]))
    app()


def _hurry() -> None:
    """Shorten what is waited for after a death: leases, claims, pauses, circuits and chores."""
    from integrations import gates  # noqa: PLC0415 as above
    from jobs import housekeeping, polling, tracker_session  # noqa: PLC0415 as above
    from library import downloads, jobs  # noqa: PLC0415 as above

    jobs.LOST_AFTER, jobs.REDELIVER_AFTER = timedelta(seconds=3), timedelta(seconds=2)
    jobs.MAXIMUM_ATTEMPTS = 50  # here workers die of the campaign, not of their jobs
    housekeeping.EVERY_FIVE_SECONDS = set(range(60))
    polling.LEASE_LASTS, polling.RENEW_SECONDS, polling._LISTING_SECONDS = timedelta(seconds=3), 1.0, 1.0
    tracker_session.LEASE_LASTS, tracker_session.RENEW_SECONDS = timedelta(seconds=3), 1.0
    downloads._FIRST_PAUSE, downloads._LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=4)
    gates.OPEN_SECONDS = 2.0


if __name__ == "__main__":
    main()
