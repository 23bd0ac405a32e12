"""Messages to people by any service that Apprise knows; its URLs hold credentials, so nothing of it is ever logged."""

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apprise
import httpx

from integrations.addresses import Resolve, connectable, resolve_name
from integrations.errors import Refused, Unavailable
from integrations.redaction import silence

_Result = TypeVar("_Result")

_SECONDS = 30.0
_THREADS = 2


class Mute(logging.Filter):
    """Drops everything: Apprise writes URLs into warnings and errors too."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 the library's signature
        """Let nothing pass."""
        return False


class AppriseMessages:
    """Sends in threads, as Apprise blocks; one for each process."""

    def __init__(self, plain_http_hosts: Collection[str] = (), *, resolve: Resolve = resolve_name) -> None:
        self._plain_http_hosts = plain_http_hosts
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")
        logging.getLogger("apprise").addFilter(Mute())
        silence("requests", "urllib3")

    async def send(self, name: str, url: str, *, title: str, body: str) -> None:
        """Tell a service; `name` is what errors call it. Raises Refused, Unavailable or InsecureAddress."""
        try:
            async with asyncio.timeout(_SECONDS):
                service = await self._run(_open, url)
                if service is None:
                    raise Refused(name, "Apprise does not know such a URL. Compare it with Apprise's documentation.")
                await self._check(name, url, service)
                is_sent = await self._run(_notify, service, title, body)
        except TimeoutError:
            raise Unavailable(name, f"no answer within {_SECONDS:.0f} s") from None
        if not is_sent:
            raise Refused(name, "Apprise could not deliver. Check its URL, and whether the service is up.")

    async def close(self) -> None:
        """Wait for no message any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., _Result], *values: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)

    async def _check(self, name: str, url: str, service: apprise.NotifyBase) -> None:
        """Raise InsecureAddress for credentials that would travel in the clear, except to a private network."""
        if not _is_plain(url, service) or not service.host:
            return
        try:
            await connectable(name, httpx.URL(scheme="http", host=service.host), self._plain_http_hosts, self._resolve)
        except OSError:
            raise Unavailable(name, "its name has no address") from None


def _open(url: str) -> apprise.NotifyBase | None:
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(service, apprise.NotifyBase):
        return None
    service.verify_certificate = True  # whatever the URL says
    return service


def _notify(service: apprise.NotifyBase, title: str, body: str) -> bool:
    try:
        return bool(service.notify(body=body, title=title))
    except Exception:  # noqa: BLE001 whatever a plug-in raises may hold its URL
        return False


def _is_plain(url: str, service: apprise.NotifyBase) -> bool:
    known = service.protocol or ()
    plain: set[str] = {known} if isinstance(known, str) else set(known)
    return url.partition("://")[0].lower() in plain and not service.secure
