"""A Torznab indexer as Jackett offers one: XML throughout, and errors that come with status 200."""

import base64
import re
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.indexer_switches import IndexerSwitches, switches_route

API_KEY = "fa0c0000000000000000000000jacket"
FEED = "/api/v2.0/indexers/shelf/results/torznab"
AUDIO_CATEGORIES = {"3000", "3030"}

_CAPS = """<?xml version="1.0" encoding="UTF-8"?>
<caps>
  <server title="Shelf" />
  <limits default="100" max="100" />
  <searching>
    <search available="yes" supportedParams="q" />
    <tv-search available="no" supportedParams="q,season,ep" />
    <movie-search available="no" supportedParams="q" />
    <music-search available="no" supportedParams="q" />
    <audio-search available="no" supportedParams="q" />
    <book-search available="{available}" supportedParams="{params}" />
  </searching>
  <categories>
    <category id="3000" name="Audio"><subcat id="3030" name="Audio/Audiobook" /></category>
    <category id="100047" name="Audiobooks - Science Fiction" />
  </categories>
</caps>"""

_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:torznab="http://torznab.com/schemas/2015/feed">
  <channel>
    <atom:link href="{server}/" rel="self" type="application/rss+xml" />
    <title>Shelf</title>
    <description>An invented indexer</description>
    <link>https://shelf.example/</link>
    <language>en-US</language>
    <category>search</category>{items}
  </channel>
</rss>"""

_ITEM = """
    <item>
      <title>{title}</title>
      <guid>{page}</guid>
      <jackettindexer id="shelf">Shelf</jackettindexer>
      <type>public</type>
      <comments>{page}</comments>
      <pubDate>{published}</pubDate>
      <size>{size}</size>
      <files>{files}</files>
      <grabs>{grabs}</grabs>
      <description />
      <link>{link}</link>
      <category>3030</category>
      <category>100047</category>
      <enclosure url="{link}" length="{size}" type="application/x-bittorrent" />
      {attributes}
    </item>"""


class FakeTorznab:
    """An ASGI application; `server` is the address it writes into its links. `by_name`: it knows authors and titles."""

    def __init__(
        self,
        entries: Sequence[CatalogueEntry],
        *,
        api_key: str = API_KEY,
        server: str = "http://jackett:9117",
        by_name: bool = True,
    ) -> None:
        self.entries = list(entries)
        self.api_key = api_key
        self.server = server
        self.by_name = by_name
        self.switches = IndexerSwitches()
        self.searches: list[dict[str, str]] = []
        self.error: tuple[int, str] | None = None
        self._application = Starlette(
            routes=[
                switches_route(self.switches),
                Route(FEED, self._api),
                Route(f"{FEED}/api", self._api),
                Route("/dl/shelf/", self._download),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._application(scope, receive, send)

    async def _api(self, request: Request) -> Response:
        switches, asked = self.switches, dict(request.query_params)
        await switches.let_go()
        if switches.page:
            return HTMLResponse("<html><body>Sign in</body></html>")
        if switches.server_error:
            return _error(900, "Object reference not set to an instance of an object", 500)
        if switches.refuse_key or asked.pop("apikey", "") != self.api_key:
            return _error(100, "Invalid API Key")
        if self.error:
            return _error(*self.error)
        return self._function(asked)

    def _function(self, asked: dict[str, str]) -> Response:
        match asked.get("t"):
            case "caps":
                return _xml(self._caps())
            case "search" | "book":
                self.searches.append(asked)
                return _xml(self._feed(asked))
            case None:
                return _error(200, "Missing parameter (t)")
            case function:
                return _error(202, f"No such function ({function})")

    def _caps(self) -> str:
        params = "q,author,title" if self.by_name else "q"
        return _CAPS.format(available="yes" if self.by_name else "no", params=params)

    def _feed(self, asked: dict[str, str]) -> str:
        categories = {*asked.get("cat", "").split(",")} - {""}
        is_audio = not categories or categories & AUDIO_CATEGORIES
        found = [entry for entry in self.entries if is_audio and not self.switches.empty and _matches(entry, asked)]
        items = (self._item(entry) for entry in found[: int(asked.get("limit", "100"))])
        return _FEED.format(server=self.server, items="".join(items))

    def _item(self, entry: CatalogueEntry) -> str:
        link = f"{self.server}/dl/shelf/?jackett_apikey={self.api_key}&path={_sealed(entry)}&file={entry.id}"
        return _ITEM.format(
            title=escape(_title(entry)),
            page=f"https://shelf.example/torrent/{entry.id}",
            published=format_datetime(entry.added),
            size=entry.size_bytes,
            files=entry.files,
            grabs=entry.snatched,
            link=escape(link),
            attributes="\n      ".join(
                f'<torznab:attr name="{name}" value="{escape(value)}" />' for name, value in _attributes(entry)
            ),
        )

    async def _download(self, request: Request) -> Response:
        await self.switches.let_go()
        if request.query_params.get("jackett_apikey") != self.api_key:
            return Response("Unauthorized", 401)
        entry = {_sealed(entry): entry for entry in self.entries}.get(request.query_params.get("path", ""))
        if entry is None or self.switches.gone:
            return Response(status_code=404)
        if seconds := self.switches.blocked_seconds:
            return Response(status_code=429, headers={"Retry-After": str(seconds)})
        if self.switches.magnet:
            return RedirectResponse(f"magnet:?xt=urn:btih:{entry.info_hash}&dn={entry.id}", 302)
        if self.switches.to_tracker:
            return RedirectResponse(f"https://shelf.example/download/{entry.id}?passkey=of-the-user", 302)
        return Response(entry.torrent, media_type="application/x-bittorrent")


def _attributes(entry: CatalogueEntry) -> list[tuple[str, str]]:
    free = entry.free or entry.vip
    return [
        ("category", "3030"),
        ("category", "100047"),
        ("seeders", str(entry.seeders)),
        ("peers", str(entry.seeders + entry.leechers)),
        ("infohash", entry.info_hash),
        ("author", ", ".join(entry.authors)),
        ("booktitle", entry.title),
        ("downloadvolumefactor", "0" if free else "1"),
        ("uploadvolumefactor", "1"),
    ]


def _title(entry: CatalogueEntry) -> str:
    kind = "Abridged" if entry.abridged else "Unabridged"
    read_by = f", read by {' & '.join(entry.narrators)}" if entry.narrators else ""
    rate = entry.bit_rate // 1000
    return f"{entry.title} - {' & '.join(entry.authors)}{read_by} ({kind}) {entry.filetype.upper()} {rate}kbps"


def _matches(entry: CatalogueEntry, asked: dict[str, str]) -> bool:
    everything = " ".join((entry.title, *entry.authors, *entry.narrators))
    wanted = {"q": everything, "author": " ".join(entry.authors), "title": entry.title}
    return all(_words(asked.get(name, "")) <= _words(words) for name, words in wanted.items())


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _sealed(entry: CatalogueEntry) -> str:
    return base64.urlsafe_b64encode(f"sealed {entry.id}".encode()).decode().rstrip("=")


def _xml(body: str, status: int = 200) -> Response:
    return Response(body, status, media_type="application/rss+xml")


def _error(code: int, description: str, status: int = 200) -> Response:
    return _xml(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<error code="{code}" description="{escape(description)}" />', status
    )
