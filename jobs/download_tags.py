"""The tags by which our torrents are known in the client: one for all, and one for the download of this database."""

import re

SHELFGRAPH = "shelfgraph"
_IDENTITY_LETTERS = 8  # two databases at one client must not take each other's torrents for their own
_OF_DOWNLOAD = re.compile(rf"{SHELFGRAPH}-(?P<identity>[0-9a-f]{{{_IDENTITY_LETTERS}}})-(?P<id>\d+)")


def tags_of(identity: str, download_id: int) -> tuple[str, str]:
    """The tag of all and the tag of one download; `identity` is that of library.database."""
    return SHELFGRAPH, f"{SHELFGRAPH}-{identity[:_IDENTITY_LETTERS]}-{download_id}"


def download_of(tag: str, identity: str) -> int | None:
    """The download that a tag stands for; None for other tags, and those of other databases."""
    match = _OF_DOWNLOAD.fullmatch(tag)
    ours = match is not None and match["identity"] == identity[:_IDENTITY_LETTERS]
    return int(match["id"]) if match is not None and ours else None
