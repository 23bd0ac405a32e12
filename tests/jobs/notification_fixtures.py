"""A receiver of webhooks on loopback, targets, and what delivers to them on a clock of the test's own."""

import hashlib
import hmac
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from integrations.apprise_messages import AppriseMessages
from integrations.http import Outside
from jobs.events import Bus, unit_of_work
from jobs.notifications import Notifying
from library import notifications
from library.database import Database
from library.models.integrations import NotificationKind, NotificationTarget
from library.notification_events import Topic
from library.sealing import Seal
from tests.integrations.outside_world import Clock

KEY = "key-that-the-receiver-knows-too"
SEAL = Seal(["a-key-of-the-tests-with-more-than-32-letters"])


@dataclass
class Receiver:
    """A real HTTP server: what came, and what it answers from now on."""

    url: str = ""
    status: int = 204
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, Any]]:
        """The bodies that were accepted, each delivery id once."""
        bodies = [orjson.loads(body) for headers, body in self.received if headers["status"] == "204"]
        return list({body["delivery"]: body for body in bodies}.values())

    def signatures_hold(self) -> bool:
        """Whether each delivery is signed with the key, over its time and its body."""
        for headers, body in self.received:
            at, _, given = headers["x-shelfgraph-signature"].removeprefix("t=").partition(",v1=")
            expected = hmac.new(KEY.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(given, expected):
                return False
        return bool(self.received)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append((headers | {"status": str(receiver.status)}, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook/secret-path"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@asynccontextmanager
async def notifying(database: Database, redis_url: str, clock: Clock, holder: str = "w") -> AsyncIterator[Notifying]:
    """What delivers, on the test's clock."""
    outside = Outside(redis_url, user_agent="Shelfgraph/test", clock=clock, sleep=clock.sleep)
    apprise = AppriseMessages()
    yield Notifying(
        database=database,
        outside=outside,
        apprise=apprise,
        seal=SEAL,
        holder=holder,
        clock=lambda: datetime.fromtimestamp(clock(), UTC),
    )
    await apprise.close()
    await outside.close()


async def add_target(
    database: Database, url: str, *topics: Topic, kind: NotificationKind = NotificationKind.WEBHOOK, name: str = "Home"
) -> int:
    """A target that wants these topics, or all."""
    async with database.write() as session:
        target = await notifications.create(
            session,
            SEAL,
            kind=kind,
            name=name,
            url=url,
            key=KEY if kind is NotificationKind.WEBHOOK else None,
            topics=topics or list(Topic),
            enabled=True,
            created_by="user:1",
        )
    return target.id


async def target_now(database: Database, target_id: int) -> NotificationTarget:
    """A target as it is now."""
    async with database.read() as session:
        return await notifications.get(session, target_id)


async def tell_of_books(database: Database, bus: Bus, *titles: str) -> None:
    """Books that are added, each in a transaction of its own."""
    for number, title in enumerate(titles, start=1):
        async with unit_of_work(database, bus) as work:
            work.emit("library", "BOOK_ADDED", number, {"title": title})
