"""`shelfgraph demo`: the demo collection written, scanned by the ordinary scanner, and shown."""

import asyncio
from pathlib import Path

from rich.console import Console

from api.collection import follow_meaning, scan
from api.ingesting import ingest_guides
from api.progress import bars
from api.up import Site, opened, readiness
from demo.guides import guides
from demo.questions import EXAMPLE_QUESTIONS
from demo.writer import DemoFolderHasOtherFiles, FolderNotOurs, write_collection
from jobs.events import Bus
from library.errors import CannotStart

DATA_DIR = Path("data") / "demo"  # below the current folder, so that a trial leaves nothing elsewhere
_SHOWN_QUESTIONS = 4
_SEARCH_PATIENCE_SECONDS = 180.0
_POLL_SECONDS = 0.2


class CollectionNotWritten(CannotStart):
    """The folder of the demo collection is in somebody else's use."""

    def __init__(self, error: FolderNotOurs | DemoFolderHasOtherFiles) -> None:
        super().__init__(str(error))


def collection_folder(data_dir: Path) -> Path:
    """Where the demo's audiobooks are."""
    return data_dir / "demo-collection"


def write(folder: Path, console: Console) -> None:
    """Write the demo collection unless it is there; raises CollectionNotWritten."""
    with bars(console) as shown:
        task = shown.add_task("Writing the demo collection", total=None, note="")

        def progress(done: int, total: int, title: str) -> None:
            shown.update(task, completed=done, total=total, note=title)

        try:
            summary = write_collection(folder, progress)
        except (FolderNotOurs, DemoFolderHasOtherFiles) as error:
            raise CollectionNotWritten(error) from None
        shown.update(task, completed=summary.editions, total=summary.editions, note=f"{summary.books} books")


async def show(site: Site) -> None:
    """Scan the collection, wait until it can be asked by meaning, and say what to try."""
    bus = Bus.open(site.redis_url)
    bus.start()
    try:
        async with opened(site.database_url) as database:
            folder = collection_folder(site.settings.data_dir)
            await scan(database, bus, site.console, str(folder), name="Demo collection", force=False)
            await ingest_guides(database, bus, guides())
            has_meaning = await follow_meaning(database, bus, site.console)
    finally:
        await bus.close()
    if has_meaning:
        await _wait_for_search(site)
    await welcome(site)
    questions = [f"  {example.question}" for example in EXAMPLE_QUESTIONS[:_SHOWN_QUESTIONS]]
    _say(site, "Ask by meaning, with `semanticSearch` in the playground:", *questions)
    _say(site, f"Add books of your own: {site.command('scan PATH')}")


async def welcome(site: Site) -> None:
    """Print how to reach what runs."""
    link = await site.sign_in_link()
    _say(
        site,
        f"Shelfgraph is ready at {site.address}",
        f"Sign in:  {link}",
        "          works once, within 15 minutes; for another:",
        f"          {site.command('token --link')}",
        f"GraphQL:  {site.address}/graphql",
        f"Data:     {site.settings.data_dir}",
        "Stop it with Ctrl-C.",
    )


def _say(site: Site, *lines: str) -> None:
    for line in lines:
        site.console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _wait_for_search(site: Site) -> None:
    """Wait until questions are answered; if that takes very long, say so and go on."""
    with site.console.status("Waiting for the search by meaning"):
        try:
            async with asyncio.timeout(_SEARCH_PATIENCE_SECONDS):
                while (await readiness(site.address) or {}).get("search") != "READY":  # noqa: ASYNC110 another process cannot set an event of ours
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            site.console.print("The search by meaning is still warming up; `/health/ready` tells when it is ready.")
