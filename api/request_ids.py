"""How a request is recognised again in the logs: its id, and the trace it belongs to."""

import re
import uuid
from collections.abc import Mapping

REQUEST_ID_HEADER = "X-Request-Id"

# Short and plain, so that a client's id can be neither a log line of its own nor a header.
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# W3C Trace Context, version 00; zeros mean "no trace".
TRACEPARENT = re.compile(r"00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-[0-9a-f]{2}")


def request_id_of(headers: Mapping[str, str]) -> str:
    """Take the client's id when it is plain, else make one."""
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex


def trace_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Read `traceparent` into what the log lines carry; nothing when it is absent or malformed."""
    found = TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return {"trace_id": found["trace"], "parent_span_id": found["span"]} if found else {}
