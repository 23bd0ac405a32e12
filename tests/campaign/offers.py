"""What the campaign downloads: small recordings, each of a book of its own, offered by the tracker or an indexer."""

import html
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from jobs.events import Work
from library import models, wants
from library.database import Database, open_database
from library.global_ids import global_id
from library.releases.facts import ReleaseFacts
from library.sealing import Seal
from library.wants import NewBook
from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.demo_files import ANNOUNCE, FILES
from tests.library.scanning.audio_files import write_audio
from tests.processes import SECRET_KEY
from tests.road.site import Site
from tests.torrents import make_torrent

AUTHORS = ("Ada Author", "Ben Binder", "Cleo Clerk")
NARRATOR = "Rita Reader"
FIRST_ID = 700_000
MOST_OF_INDEXER = 40
_LOWEST_TONE, _TONE_STEP = 200.0, 5.0


@dataclass(frozen=True)
class Offer:
    """A release with what it holds; ids are those of rows."""

    title: str
    book_id: int
    release_id: int
    info_hash: str
    source: str  # "myanonamouse" or "torznab"
    files: dict[str, bytes]  # by path below the client's folder

    @property
    def release(self) -> str:
        """The release's id in the graph."""
        return str(global_id("Release", self.release_id))

    @property
    def book(self) -> str:
        """The book's id in the graph."""
        return str(global_id("Book", self.book_id))


async def offers(site: Site, first: int, count: int) -> list[Offer]:
    """Make so many, of books that nobody has, each with its release as a search leaves it."""
    database = open_database(f"sqlite+aiosqlite:///{site.database}")
    try:
        return [await _offer(site, database, number) for number in range(first, first + count)]
    finally:
        await database.close()


async def _offer(site: Site, database: Database, number: int) -> Offer:
    title, author = f"Voyage {number:04}", AUTHORS[number % len(AUTHORS)]
    folder = site.shop.files / f"{author} - {title}"
    _record(folder, title, author, number)
    seed, tracker = f"{site.shop.files_url}/{FILES}", f"{site.shop.files_url}/{ANNOUNCE}"
    torrent = make_torrent(folder, web_seeds=[seed], trackers=[tracker], private=True)
    entry = CatalogueEntry(
        id=FIRST_ID + number, title=title, authors=(author,), torrent=torrent.content, free=True, size_bytes=100_000
    )
    files = {path.relative_to(site.shop.files).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    # Not more of an indexer than its daily budget lets through.
    source = "torznab" if number % 2 and number < MOST_OF_INDEXER else "myanonamouse"
    if source == "torznab":
        site.shop.torznab.entries.append(entry)
        where: dict[str, Any] = {"sealed_link": Seal([SECRET_KEY]).seal(_link(site, title))}
    else:
        site.shop.myanonamouse.catalogue[entry.id] = entry
        where = {"tracker_torrent_id": entry.id}
    async with database.write() as session:
        new = NewBook(title=title, authors=(author,), series=None, position=None)
        book, _ = await wants.book_of(session, new, actor="campaign")
        release = await _release(Work(session), entry, book.id, _row_id(site, source), where)
    return Offer(title, book.id, release.id, torrent.info_hash, source, files)


def _record(folder: Path, title: str, author: str, number: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for part in (1, 2):
        tone = _LOWEST_TONE + _TONE_STEP * (2 * number + part)
        tags = {"TALB": title, "TPE1": author, "TRCK": str(part)}
        write_audio(folder / f"{part:02}.mp3", tone=tone, seconds=0.5, tags=tags)


def _link(site: Site, title: str) -> str:
    asked = {"t": "search", "q": title, "apikey": site.shop.torznab.api_key}
    feed = httpx.get(f"{site.shop.torznab_url}api", params=asked).text
    found = re.search(r"<link>(\S+/dl/\S+)</link>", feed)
    assert found is not None, feed
    return html.unescape(found[1])


def _row_id(site: Site, source: str) -> int:
    from resolvers.ids import decode_id  # noqa: PLC0415 it loads the whole graph's library

    return decode_id(site.ids[source])[1]


async def _release(
    work: Work, entry: CatalogueEntry, book_id: int, integration_id: int, where: dict[str, Any]
) -> models.Release:
    search = models.ReleaseSearch(text=entry.title, profile={}, created_by="campaign", book_id=book_id)
    work.session.add(search)
    await work.session.flush()
    facts = ReleaseFacts(title=entry.title, authors=entry.authors, narrators=(NARRATOR,), is_free=True)
    release = models.Release(
        search_id=search.id, key=f"campaign:{entry.id}", integration_id=integration_id, indexer="the campaign's",
        title=f"{entry.title} by {entry.authors[0]}", size_bytes=entry.size_bytes, facts=facts.to_json(),
        accepted=True, score=1.0, cost="FREE", decision={}, **where,
    )  # fmt: skip
    work.session.add(release)
    await work.session.flush()
    return release
