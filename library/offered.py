"""Offers of indexers, and which of them are one and the same: by tracker's number, by info-hash, by title and size."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from library.releases import Decision, ReleaseFacts
from library.text_search import text_key

SAME_SIZE = 0.01  # indexers round sizes, each in its own way


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A release as one indexer offers it, with what it says of itself.

    `place` tells it from the indexer's other offers. It and `link` may be credentials: the first is kept only hashed,
    the second only sealed. `link` None: the torrent is fetched from the tracker by `tracker_torrent_id`.
    """

    integration_id: int
    indexer: str
    place: str = field(repr=False)
    title: str
    facts: ReleaseFacts
    link: str | None = field(default=None, repr=False)
    info_hash: str | None = None
    tracker_torrent_id: int | None = None
    page_url: str | None = None
    published_at: datetime | None = None

    @property
    def key(self) -> str:
        """What names the same offer in every search."""
        if self.tracker_torrent_id is not None:
            return f"mam:{self.tracker_torrent_id}"
        if self.info_hash is not None:
            return f"hash:{self.info_hash}"
        digest = hashlib.sha256(f"{self.indexer}\n{self.place}".encode()).hexdigest()
        return f"offer:{self.integration_id}:{digest[:40]}"

    @property
    def is_native(self) -> bool:
        """Whether the tracker itself said it, which knows most."""
        return self.tracker_torrent_id is not None and self.link is None


@dataclass(frozen=True, slots=True)
class Judged:
    """An offer and the decision on it."""

    offer: Offered
    decision: Decision


@dataclass(slots=True, eq=False)
class Standing:
    """What tells a release of a search from others; `row_id` None: it is not written yet."""

    row_id: int | None
    key: str
    info_hash: str | None
    title: str
    size_bytes: int | None
    indexer: str
    tracker_torrent_id: int | None


class Shelf:
    """The releases a search has found so far, by everything that may show an offer to be one of them."""

    def __init__(self, known: Iterable[Standing]) -> None:
        self._by_key: dict[str, Standing] = {}
        self._by_hash: dict[str, Standing] = {}
        self._by_title: defaultdict[str, list[Standing]] = defaultdict(list)
        for standing in known:
            self._add(standing)

    def place(self, offer: Offered) -> Standing:
        """The release that an offer is; it is added where there is none like it."""
        known = self._find(offer)
        if known is None:
            known = Standing(
                row_id=None,
                key=offer.key,
                info_hash=offer.info_hash,
                title=offer.title,
                size_bytes=offer.facts.size_bytes,
                indexer=offer.indexer,
                tracker_torrent_id=offer.tracker_torrent_id,
            )
            self._add(known)
        return known

    def _add(self, standing: Standing) -> None:
        self._by_key[standing.key] = standing
        if standing.info_hash is not None:
            self._by_hash.setdefault(standing.info_hash, standing)
        self._by_title[_title_key(standing.title)].append(standing)

    def _find(self, offer: Offered) -> Standing | None:
        if (known := self._by_key.get(offer.key)) is not None:
            return known
        if offer.info_hash is not None and (known := self._by_hash.get(offer.info_hash)) is not None:
            return known
        return next((one for one in self._by_title[_title_key(offer.title)] if _looks_the_same(one, offer)), None)


@lru_cache(maxsize=8_192)
def _title_key(title: str) -> str:
    """A long answer is kept in pieces, and each is compared with all that is there already."""
    return text_key(title)


def _looks_the_same(one: Standing, offer: Offered) -> bool:
    """Whether title and size make two offers one: only of two indexers, and where nothing says otherwise.

    A private tracker's torrent is never another indexer's, and taking it has another cost.
    """
    size = offer.facts.size_bytes
    if offer.indexer == one.indexer or not size or not one.size_bytes:
        return False
    if one.tracker_torrent_id is not None or offer.tracker_torrent_id is not None:
        return False
    if one.info_hash is not None and offer.info_hash is not None:
        return False
    return abs(size - one.size_bytes) <= SAME_SIZE * max(size, one.size_bytes)
