"""A subscription over a WebSocket, read one event after the other."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.processes import ADMIN_TOKEN
from tests.road.site import Site

PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 60.0


@dataclass
class Following:
    """The open subscription to one field, and everything it has told."""

    site: Site
    name: str
    connection: ClientConnection = field(repr=False)
    told: list[Any] = field(default_factory=list)
    is_over: bool = False

    def next(self) -> Any:
        """The next event; None when the subscription has completed."""
        while not self.is_over:
            text = str(self.connection.recv(timeout=SECONDS))
            self.site.answers.append(text)
            message = json.loads(text)
            assert message["type"] in {"next", "complete", "ping", "connection_ack"}, message
            if message["type"] == "next":
                assert "errors" not in message["payload"], message
                self.told.append(message["payload"]["data"][self.name])
                return self.told[-1]
            self.is_over = message["type"] == "complete"
        return None

    def until(self, condition: Callable[[Any], object]) -> Any:
        """The first event from now on that is so."""
        while (event := self.next()) is not None:
            if condition(event):
                return event
        message = f"{self.name} has completed: {self.told[-1:]}"
        raise AssertionError(message)

    def to_the_end(self) -> list[Any]:
        """All events until it completes."""
        while self.next() is not None:
            pass
        return self.told


@contextmanager
def following(site: Site, name: str, query: str, **variables: object) -> Iterator[Following]:
    """Subscribe to the field `name` until the block ends."""
    url = site.url.replace("http://", "ws://") + "/graphql"
    with connect(url, subprotocols=[PROTOCOL]) as connection:
        followed = Following(site, name, connection)
        authorization = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        connection.send(json.dumps({"type": "connection_init", "payload": authorization}))
        payload = {"query": query, "variables": variables}
        connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        yield followed
