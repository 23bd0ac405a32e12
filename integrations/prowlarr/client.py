"""The Prowlarr v1 API: one search over many indexers, their torrents, and how they fare."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from integrations.errors import AuthError, BadPayload, IntegrationError, Refused, Unavailable
from integrations.offers import AUDIOBOOKS, PAGE_ROWS, Magnet, Offer, SearchAnswer, aware, plain_reason
from integrations.prowlarr import reports
from integrations.prowlarr.links import KEY_ADVICE, proxied, torrent_of
from integrations.prowlarr.reports import Trouble
from integrations.prowlarr.rows import (
    Block,
    HealthFinding,
    Indexer,
    Json,
    QueryRecord,
    SystemStatus,
    block_of,
    finding_of,
    history_of,
    indexer_of,
    offer_of,
    row_of,
    rows_of,
    system_status_of,
)

# A search waits for the slowest of the indexers, which Prowlarr itself spaces by two seconds and more.
SEARCH_SECONDS = 60.0
CLOCK_GRAIN = timedelta(seconds=1)  # times in headers and in the history are cut to seconds
BRACES = str.maketrans({"{": " ", "}": " "})

Row = TypeVar("Row")
Parameter = tuple[str, str | int | float | bool | None]  # as httpx takes repeated keys


@dataclass(frozen=True)
class _Question:
    """One call of the search: the same text for all of its indexers."""

    type: str
    text: str
    indexers: tuple[Indexer, ...]


@dataclass(frozen=True)
class _Found:
    """An answer; `asked_at` is by Prowlarr's own clock, and None when it did not tell the time."""

    offers: tuple[Offer, ...]
    troubles: dict[int, Trouble]
    asked_at: datetime | None = None


class Prowlarr:
    """Prowlarr at the client's base address, of which only GET is used.

    `downloads` is a client of the same address for the download proxy: there a 429 means one indexer, and who waits
    for it need not keep searches waiting. Every method raises Unavailable, AuthError or BadPayload, and what it names.
    """

    def __init__(
        self, client: httpx.AsyncClient, service: str, api_key: str, *, downloads: httpx.AsyncClient | None = None
    ) -> None:
        self._client = client
        self._downloads = downloads or client
        self._service = service
        self._headers = {"X-Api-Key": api_key}

    async def search(
        self,
        query: str,
        *,
        author: str | None = None,
        title: str | None = None,
        indexer_ids: Collection[int] = (),
        categories: Sequence[int] = (AUDIOBOOKS,),
    ) -> SearchAnswer:
        """Search the indexers of these ids, or all that are on (facts: Prowlarr v1, search).

        `author` and `title` go as such to indexers that can search books by them; the others get `query`. Usenet is
        left out. One indexer's failure is a report, never an empty answer.
        """
        asked, left_out = reports.chosen(await self.indexers(), indexer_ids, categories)
        found = await self._ask_all(_questions(query, author, title, asked), categories)
        counts = Counter(offer.indexer_id for offer in found.offers)
        silent = [indexer for indexer in asked if not counts[indexer.id]]
        troubles = await self._troubles_of(silent, found) if silent else {}
        return SearchAnswer(found.offers, reports.after_search(asked, counts, troubles) + left_out)

    async def torrent(self, link: str) -> bytes | Magnet:
        """Fetch what a release's `link` leads to, through Prowlarr (facts: Prowlarr v1, download proxy).

        Raises Refused for a link that is not Prowlarr's, is not valid any more, belongs to an indexer that is off, or
        leads to the tracker itself; Missing when release or indexer are gone; RateLimited while the indexer is blocked.
        """
        path, parameters = proxied(self._service, link)
        answer = await self._downloads.get(path, params=parameters, headers=self._headers)
        return torrent_of(self._service, answer)

    async def indexers(self) -> tuple[Indexer, ...]:
        """All indexers, the ones switched off too."""
        return await self._rows("indexer", indexer_of)

    async def indexer_statuses(self) -> tuple[Block, ...]:
        """The indexers that Prowlarr leaves alone for a while; the others are not listed."""
        return await self._rows("indexerstatus", block_of)

    async def status(self) -> SystemStatus:
        """Which Prowlarr this is."""
        answer = await self._json("api/v1/system/status")
        return row_of(self._service, answer, "a system status", system_status_of)

    async def health(self) -> tuple[HealthFinding, ...]:
        """What Prowlarr finds wrong with itself."""
        return await self._rows("health", finding_of)

    async def ping(self) -> None:
        """Return when Prowlarr is up; needs no key, so it says nothing about ours."""
        if await self._json("ping") != {"status": "OK"}:
            raise BadPayload(self._service, "a ping that is not OK")

    async def _ask_all(self, questions: Sequence[_Question], categories: Sequence[int]) -> _Found:
        """The answers to all questions; the failure of one is the trouble of its indexers, unless there is no other."""
        answers = await asyncio.gather(*(self._ask(each, categories) for each in questions), return_exceptions=True)
        found = [answer for answer in answers if isinstance(answer, _Found)]
        troubles: dict[int, Trouble] = {}
        for question, failure in zip(questions, answers, strict=True):
            if isinstance(failure, BaseException):
                if not (found and isinstance(failure, Unavailable)):
                    raise failure
                troubles |= _troubles(question, Trouble(failure.code, str(failure)))
        for each in found:
            troubles |= each.troubles
        times = [each.asked_at for each in found if each.asked_at]
        return _Found(_distinct(offer for each in found for offer in each.offers), troubles, min(times, default=None))

    async def _ask(self, question: _Question, categories: Sequence[int]) -> _Found:
        parameters: list[Parameter] = [
            ("query", question.text),
            ("type", question.type),
            *(("indexerIds", indexer.id) for indexer in question.indexers),
            *(("categories", category) for category in categories),
            ("limit", PAGE_ROWS),
            ("offset", 0),
        ]
        asking = _now()
        response = await self._client.get(
            "api/v1/search", params=parameters, headers=self._headers, timeout=SEARCH_SECONDS
        )
        if response.status_code == httpx.codes.BAD_REQUEST and "unavailable" in _message(response):
            return _Found((), _troubles(question, reports.ALL_UNAVAILABLE))
        return self._found(self._read(response), _asked_at(response, _now() - asking))

    def _found(self, answer: object, asked_at: datetime | None) -> _Found:
        """The offers of an answer; one row that cannot be read costs its indexer's report, not the others' rows."""
        if not isinstance(answer, list):
            raise BadPayload(self._service, "releases that are no list")
        offers, troubles = [], {}
        for row in answer:
            try:
                offers.append(row_of(self._service, row, "a release", offer_of))
            except BadPayload as unreadable:
                if isinstance(row, dict) and isinstance(number := row.get("indexerId"), int):
                    troubles[number] = Trouble(unreadable.code, "Its releases cannot be read.")
        return _Found(tuple(offer for offer in offers if offer), troubles, asked_at)

    async def _troubles_of(self, silent: Sequence[Indexer], found: _Found) -> dict[int, Trouble]:
        """What Prowlarr knows of indexers without releases; that it cannot say is no reason to lose the others'."""
        try:
            blocks, history = await asyncio.gather(self.indexer_statuses(), self._newest_queries())
        except IntegrationError:
            return {indexer.id: reports.SEARCH_FAILED for indexer in silent} | found.troubles
        unanswered = reports.not_answered(silent, history, found.asked_at)
        return unanswered | found.troubles | reports.blocked(blocks)

    async def _newest_queries(self) -> tuple[QueryRecord, ...]:
        newest_first = (("page", 1), ("pageSize", 100), ("sortKey", "date"), ("sortDirection", "descending"))
        response = await self._get("api/v1/history", (*newest_first, ("eventType", "indexerQuery")))
        return row_of(self._service, self._read(response), "a history", history_of)

    async def _rows(self, what: str, read: Callable[[Json], Row]) -> tuple[Row, ...]:
        return rows_of(self._service, await self._json(f"api/v1/{what}"), f"{what} rows", read)

    async def _json(self, path: str) -> object:
        return self._read(await self._get(path))

    async def _get(self, path: str, parameters: Sequence[Parameter] = ()) -> httpx.Response:
        return await self._client.get(path, params=list(parameters), headers=self._headers)

    def _read(self, response: httpx.Response) -> object:
        """The JSON of a successful answer; its `description` may hold a stack trace and is never read."""
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise AuthError(self._service, KEY_ADVICE)
        if response.is_server_error:
            raise Unavailable(self._service, f"error {response.status_code}")
        if response.is_client_error:
            reason = plain_reason(_message(response)) or f"status {response.status_code}"
            raise Refused(self._service, f"{reason}.")
        if not response.is_success:
            raise BadPayload(self._service, f"status {response.status_code}")
        try:
            return response.json()
        except ValueError:
            raise BadPayload(self._service, "something else than JSON") from None


def _questions(query: str, author: str | None, title: str | None, asked: Sequence[Indexer]) -> list[_Question]:
    """Group the indexers by the text they can make use of."""
    named = {key: _plain(value) for key, value in (("author", author), ("title", title)) if value and _plain(value)}
    tokens = " ".join(f"{{{key}:{value}}}" for key, value in named.items())
    by_name = tuple(indexer for indexer in asked if named and indexer.book_params >= named.keys())
    by_text = tuple(indexer for indexer in asked if indexer not in by_name)
    plain = _plain(query) or " ".join(named.values())
    questions = [_Question("book", tokens, by_name), _Question("search", plain, by_text)]
    return [question for question in questions if question.indexers]


def _troubles(question: _Question, trouble: Trouble) -> dict[int, Trouble]:
    return {indexer.id: trouble for indexer in question.indexers}


def _plain(text: str) -> str:
    """The text without braces, in which Prowlarr looks for tokens."""
    return " ".join(text.translate(BRACES).split())


def _distinct(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    return tuple({(offer.indexer_id, offer.guid): offer for offer in offers}.values())


def _asked_at(response: httpx.Response, seconds: float) -> datetime | None:
    """When a call began that took so long, by the server's clock: ours may differ."""
    try:
        answered_at = aware(parsedate_to_datetime(response.headers["Date"]))
    except (KeyError, ValueError):
        return None
    return answered_at - timedelta(seconds=seconds) - CLOCK_GRAIN


def _now() -> float:
    return asyncio.get_running_loop().time()


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("message") or body.get("title") or "") if isinstance(body, dict) else ""
