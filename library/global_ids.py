"""Global ids, as the graph and notifications name rows: opaque to clients, stable for ever."""

import base64


def global_id(kind: str, row_id: int) -> str:
    """The global id of a row of a type of the graph."""
    return base64.urlsafe_b64encode(f"{kind}:{row_id}".encode()).decode().rstrip("=")
