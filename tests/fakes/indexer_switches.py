"""The bad behaviours of a fake server, set by attribute or over HTTP, for `make fakes` and tests alike."""

import asyncio
from dataclasses import asdict, dataclass, fields

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Switches:
    """Everything off is the good case; `POST /fake/switches` takes a JSON object of these names."""

    refuse_key: bool = False  # no key is the right one
    hang: bool = False  # no answer while this is on
    server_error: bool = False  # status 500 to everything
    page: bool = False  # a sign-in page of some proxy instead of answers
    blocked_seconds: int = 0  # answers 429, to be tried again after so long; indexers only to downloads

    async def let_go(self) -> None:
        """Wait while `hang` is on."""
        while self.hang:
            await asyncio.sleep(0.02)

    def set(self, **values: object) -> None:
        """Set by name; raises KeyError for an unknown one and TypeError for a value of another kind."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if not isinstance(value, known[name]):
                raise TypeError(name)
        for name, value in values.items():
            setattr(self, name, value)


@dataclass
class IndexerSwitches(Switches):
    """The bad behaviours of an indexer."""

    empty: bool = False  # an error inside that looks like an answer without releases
    gone: bool = False  # downloads are answered 410 or 404
    magnet: bool = False  # downloads lead to a magnet address
    to_tracker: bool = False  # downloads lead to the tracker's own site


def switches_route(switches: Switches) -> Route:
    """`/fake/switches`: GET shows them, POST sets some."""

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            try:
                switches.set(**await request.json())
            except (KeyError, TypeError, ValueError) as wrong:
                return JSONResponse({"error": f"no such switch or value: {wrong}"}, 400)
        return JSONResponse(_shown(switches))

    return Route("/fake/switches", answer, methods=["GET", "POST"])


def _shown(switches: Switches) -> dict[str, object]:
    return {name: sorted(value) if isinstance(value, set) else value for name, value in asdict(switches).items()}
