"""Logs: one set-up for structlog and the standard library, request ids, and no secret in any line.

Every line passes twice: values whose key names a secret are replaced wherever they are nested, and everything that
looks like one is replaced in strings, also in tracebacks and in what a value looks like when it is finally written.
"""

import logging
import re
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from api.request_ids import REQUEST_ID_HEADER, request_id_of, trace_of

log = structlog.get_logger(__name__)

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(r"(token|password|passwd|secret|authorization|cookies?|api[_-]?key|passkey)$", re.IGNORECASE)
_PATTERNS = (
    # Our own tokens; the hints that lists show are shorter.
    (re.compile(r"\bsg_[A-Za-z0-9_-]{16,}"), f"sg_{REDACTED}"),
    # The user name stays, it tells which account failed.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@\"'\\]*:)[^\s/\"'\\]+@", re.IGNORECASE), rf"\1{REDACTED}@"),
    (re.compile(r"\b(bearer)\s+[^\s\"'\\,;]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    # Headers of several words: to the end of the line or of the quoted string.
    (
        re.compile(
            r"\b((?:set-)?cookie|(?:proxy-)?authorization)(\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\"'\\\r\n]+", re.IGNORECASE
        ),
        rf"\1\2{REDACTED}",
    ),
    (
        re.compile(
            r"((?:token|password|passwd|secret|api[_-]?key|passkey)\\?[\"']?\s*[:=]\s*\\?[\"']?)(?!\[redacted)[^\s\"'\\&;,)\]}]+",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)
_DEEPEST = 8
# Who logs at the level of the settings; libraries speak up from WARNING on, unless one debugs.
_OURS = ("__main__", "api", "demo", "integrations", "jobs", "library", "migrations", "rag", "resolvers")
# Libraries that may have set up handlers of their own before us, past which nothing would be redacted.
_SELF_WILLED = ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", "alembic")
_QUIET_PATHS = ("/health/", "/playground/assets/")


class Redaction:
    """Removes secrets from log lines: known ones to the letter, others by what they are called or look like."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: list[str] = []
        for secret in secrets:
            self.keep(secret)

    def keep(self, secret: str) -> None:
        """Remove one more secret from now on."""
        if secret and secret not in self._known:
            self._known = sorted([*self._known, secret], key=len, reverse=True)

    def text(self, text: str) -> str:
        """Replace every secret in a string."""
        for secret in self._known:
            text = text.replace(secret, REDACTED)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """Replace every secret in a value, however deeply it is nested."""
        if isinstance(value, str):
            return self.text(value)
        if depth < _DEEPEST and isinstance(value, Mapping):
            return {key: self._entry(key, entry, depth) for key, entry in value.items()}
        if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self.value(entry, depth + 1) for entry in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(repr(value))

    def process_event(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Redact an event before it is rendered (a structlog processor)."""
        return {key: self._entry(key, value, 0) for key, value in event.items()}

    def _entry(self, key: object, value: Any, depth: int) -> Any:
        if value is not None and _SECRET_KEY.search(str(key)):
            return REDACTED
        return self.value(value, depth + 1)


class RequestLog:
    """ASGI middleware: gives every request an id, and writes one `request` event when it ends.

    The event has the path without its query string, which may hold a sign-in code or a search.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        # Whoever answers reads the id from the request, and finds there the one that the log lines carry.
        asked = MutableHeaders(raw=list(scope["headers"]))
        asked[REQUEST_ID_HEADER] = request_id
        status: list[int] = []

        async def send_with_id(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            if "status" in message or message["type"] == "websocket.close":
                status.append(int(message.get("status", message.get("code", 1000))))  # some give an enum's member
            await send(message)

        started = time.perf_counter()
        with bound_contextvars(request_id=request_id, **trace_of(headers)):
            try:
                await self._app({**scope, "headers": asked.raw}, receive, send_with_id)
            finally:
                _write_request(scope, status[0] if status else None, time.perf_counter() - started)


def configure(
    *, level: str, as_json: bool, stream: TextIO = sys.stderr, secrets: Iterable[str] = (), colors: bool | None = None
) -> Redaction:
    """Send all logs of this process, the libraries' included, to one stream.

    `level` is a name such as INFO; `secrets` are values that must never be written, such as the break-glass token.
    The redaction that is returned can be told of more of them while the process runs.
    """
    redaction = Redaction(secrets)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared_processors(), structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redaction.process_event,
            _renderer(as_json=as_json, colors=stream.isatty() if colors is None else colors),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactedLines(formatter, redaction))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper() if level.upper() in ("DEBUG", "ERROR", "CRITICAL") else logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    for name in _SELF_WILLED:
        own = logging.getLogger(name)
        own.handlers, own.propagate = [], True
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return redaction


class _RedactedLines(logging.Formatter):
    """Looks at the finished line once more, for what only rendering has brought to light."""

    def __init__(self, formatter: logging.Formatter, redaction: Redaction) -> None:
        super().__init__()
        self._formatter = formatter
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        return self._redaction.text(self._formatter.format(record))


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(*, as_json: bool, colors: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(default=repr)
    # Plain tracebacks: the pretty ones show local variables, secrets among them.
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _write_request(scope: Scope, status: int | None, seconds: float) -> None:
    path = scope["path"]
    write = log.debug if path.startswith(_QUIET_PATHS) else log.info
    method = scope.get("method", "WEBSOCKET")
    write("request", method=method, path=path, status=status, milliseconds=round(seconds * 1000, 1))
