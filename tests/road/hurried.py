"""The command line, where all is done within a second or two that waits longer so as not to trouble anybody.

`python -m tests.road.hurried serve|work`: leases of the dead, pauses before another try, open circuits and chores.
"""

from datetime import timedelta


def main() -> None:
    """Run the command line."""
    from api.cli import app  # noqa: PLC0415 reading processes import this module too, and need none of it

    hurry()
    app()


def hurry() -> None:
    """Shorten what is waited for."""
    from integrations import gates  # noqa: PLC0415 as above
    from jobs import housekeeping, polling, tracker_session  # noqa: PLC0415 as above
    from library import downloads, jobs  # noqa: PLC0415 as above

    jobs.LOST_AFTER, jobs.REDELIVER_AFTER = timedelta(seconds=5), timedelta(seconds=2)
    housekeeping.EVERY_FIVE_SECONDS = set(range(60))
    polling.LEASE_LASTS, polling.RENEW_SECONDS, polling._LISTING_SECONDS = timedelta(seconds=3), 1.0, 1.0
    tracker_session.LEASE_LASTS, tracker_session.RENEW_SECONDS = timedelta(seconds=3), 1.0
    downloads._FIRST_PAUSE, downloads._LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=4)
    gates.OPEN_SECONDS = 2.0


if __name__ == "__main__":
    main()
