"""The Torznab API of one indexer: what it can, what it offers, and its torrents."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from ipaddress import ip_address

import httpx

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, RateLimited, Refused, Unavailable
from integrations.offers import (
    AUDIOBOOKS,
    PAGE_ROWS,
    IndexerReport,
    IndexerStatus,
    Magnet,
    SearchAnswer,
    magnet,
    require_torrent,
)
from integrations.torznab.feed import (
    KEY_ADVICE,
    LIMIT_SECONDS,
    Capabilities,
    capabilities_of,
    document,
    offers_of,
)

SEARCH_SECONDS = 60.0
NAMES = frozenset({"author", "title"})


class Torznab:
    """An indexer at the client's base address, which is that of its feed, with or without `/api` at the end.

    The key is a parameter by protocol, so no address is ever put into an error. `download_hosts` are hosts beside its
    own that its links may lead to. Every method raises Unavailable, RateLimited, AuthError, Refused or BadPayload.
    """

    def __init__(
        self, client: httpx.AsyncClient, service: str, api_key: str, *, download_hosts: Collection[str] = ()
    ) -> None:
        self._client = client
        self._service = service
        self._api_key = api_key
        self._download_hosts = frozenset(download_hosts)
        self._capabilities: Capabilities | None = None

    async def capabilities(self) -> Capabilities:
        """What the indexer can do; asked once."""
        if self._capabilities is None:
            answer = await self._get({"t": "caps"})
            self._capabilities = capabilities_of(self._service, document(self._service, answer.content))
        return self._capabilities

    async def search(
        self,
        query: str,
        *,
        author: str | None = None,
        title: str | None = None,
        categories: Sequence[int] = (AUDIOBOOKS,),
    ) -> SearchAnswer:
        """Search by author and title where the indexer can, else by `query` (facts: Torznab, t=book and t=search)."""
        named = {key: value for key, value in (("author", author), ("title", title)) if value}
        can = await self.capabilities()
        by_name = named and can.can_search_books and can.book_params >= named.keys()
        question = {"t": "book", **named} if by_name else {"t": "search", "q": query or " ".join(named.values())}
        answer = await self._get(
            {
                **question,
                "cat": ",".join(str(category) for category in categories),
                "limit": str(PAGE_ROWS),
                "extended": "1",
            }
        )
        offers = offers_of(self._service, document(self._service, answer.content))
        status = IndexerStatus.OK if offers else IndexerStatus.EMPTY
        return SearchAnswer(offers, (IndexerReport(0, self._service, status, len(offers)),))

    async def torrent(self, link: str) -> bytes | Magnet:
        """Fetch what a release's `link` leads to; a redirect is followed to a magnet address only.

        Raises Refused for a link to a foreign host, and Missing when the release is gone.
        """
        if link.startswith("magnet:"):
            return magnet(self._service, link)
        response = await self._client.get(self._reachable(link))
        if response.is_redirect:
            return self._redirected(response.headers.get("Location", ""))
        self._require_success(response)
        if response.content.lstrip()[:1] == b"<":
            document(self._service, response.content)
        return require_torrent(self._service, response.content)

    async def _get(self, parameters: dict[str, str]) -> httpx.Response:
        secret = {"apikey": self._api_key} if self._api_key else {}
        response = await self._client.get(self._api(), params=parameters | secret, timeout=SEARCH_SECONDS)
        if response.is_redirect:
            # Jackett shows its sign-in page to whom it does not know.
            raise AuthError(self._service, KEY_ADVICE)
        self._require_success(response)
        return response

    def _api(self) -> httpx.URL:
        base = self._client.base_url
        path = base.path.rstrip("/")
        return base.copy_with(path=path if path.endswith("/api") else f"{path}/api")

    def _reachable(self, link: str) -> httpx.URL:
        """The address to fetch a link from.

        A proxy writes the name it was called by into its links. A name or address that means something only inside
        somebody's network is taken for its own: what it leads to is asked of the configured address.
        """
        try:
            address = httpx.URL(link)
        except httpx.InvalidURL:
            raise BadPayload(self._service, "a link that is no address") from None
        base = self._client.base_url
        if address.scheme not in {"http", "https"} or not address.host:
            raise BadPayload(self._service, "a link that is no address")
        if address.host in self._download_hosts:
            return address
        if address.host == base.host or _is_local(address.host):
            return address.copy_with(scheme=base.scheme, host=base.host, port=base.port)
        raise Refused(
            self._service,
            f"its link leads to {address.host}. Let the indexer hand out torrents itself, or allow that host.",
            code="FOREIGN_LINK",
        )

    def _redirected(self, target: str) -> Magnet:
        if target.startswith("magnet:"):
            return magnet(self._service, target)
        raise Refused(
            self._service,
            "it sends us to the tracker itself instead of handing out the torrent.",
            code="REDIRECTS_TO_TRACKER",
        )

    def _require_success(self, response: httpx.Response) -> None:
        """Raise what a status means; an error in XML says more than the status it comes with."""
        if response.is_success:
            return
        if response.content.lstrip()[:1] == b"<" and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            with suppress(BadPayload):
                document(self._service, response.content)
        raise self._failure(response)

    def _failure(self, response: httpx.Response) -> IntegrationError:
        failure: IntegrationError
        match response.status_code:
            case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
                failure = AuthError(self._service, KEY_ADVICE)
            case httpx.codes.NOT_FOUND | httpx.codes.GONE:
                failure = Missing(self._service, "such release")
            case httpx.codes.TOO_MANY_REQUESTS:
                wait = response.headers.get("Retry-After", "")
                failure = RateLimited(self._service, float(wait) if wait.isdecimal() else LIMIT_SECONDS)
            case status if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                failure = Unavailable(self._service, f"error {status}")
            case status:
                failure = BadPayload(self._service, f"status {status}")
        return failure


def _is_local(host: str) -> bool:
    """Whether the host is a private or loopback address, or a name without a domain as containers have them."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".local")
    return address.is_private or address.is_loopback
