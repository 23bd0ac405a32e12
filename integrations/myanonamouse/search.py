"""A search: what is asked, and what its answer holds (facts: MyAnonamouse, search)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from integrations.errors import BadPayload, Refused
from integrations.myanonamouse.rows import Row, parse_row
from integrations.offers import plain_reason

PATH = "/tor/js/loadSearchJSONbasic.php"
AUDIOBOOKS = 13
ENGLISH = 1
SMALLEST_PAGE = 5
LARGEST_PAGE = 100  # nobody has seen more work
_NOTHING = "Nothing returned, out of"
_NO_WORDS = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for: all the words, in any of the fields. Sizes are bytes; `start` is the row to begin with."""

    text: str
    fields: tuple[str, ...] = ("title", "author", "narrator", "series")
    main_categories: tuple[int, ...] = (AUDIOBOOKS,)
    categories: tuple[int, ...] = ()
    languages: tuple[int, ...] = ()
    search_type: str = "all"
    min_seeders: int | None = None
    min_size_bytes: int | None = None
    max_size_bytes: int | None = None
    limit: int = LARGEST_PAGE
    start: int = 0

    @property
    def words(self) -> str:
        """The text without the marks that mean something to the site's search; "" leaves nothing to ask."""
        return _NO_WORDS.sub(" ", self.text).strip()

    def body(self) -> dict[str, object]:
        """The request, as its JSON."""
        tor: dict[str, object] = {
            "text": self.words,
            "srchIn": list(self.fields),
            "searchType": self.search_type,
            "searchIn": "torrents",
            "main_cat": list(self.main_categories),
            "cat": [str(category) for category in self.categories] or ["0"],
            "browseFlagsHideVsShow": "0",
            "startDate": "",
            "endDate": "",
            "hash": "",
            "sortType": "default",
            "startNumber": self.start,
            **self._limits(),
        }
        page = min(max(self.limit, SMALLEST_PAGE), LARGEST_PAGE)
        return {"tor": tor, "perpage": page, "thumbnail": "true", "isbn": "true"}

    def keeps(self, row: Row) -> bool:
        """Whether a row is within the limits: the site is known to overlook some of them."""
        if self.min_seeders is not None and row.seeders < self.min_seeders:
            return False
        if row.size_bytes is None:
            return True
        too_small = self.min_size_bytes is not None and row.size_bytes < self.min_size_bytes
        return not too_small and (self.max_size_bytes is None or row.size_bytes <= self.max_size_bytes)

    def _limits(self) -> dict[str, object]:
        """Only what is limited: an empty list of languages breaks the search."""
        limits: dict[str, object] = {
            "browse_lang": list(self.languages) or None,
            "minSeeders": self.min_seeders,
            "minSize": self.min_size_bytes,
            "maxSize": self.max_size_bytes,
        }
        if self.min_size_bytes is not None or self.max_size_bytes is not None:
            limits["unit"] = 1
        return {name: value for name, value in limits.items() if value is not None}


def by_id(torrent_id: int) -> dict[str, object]:
    """The request for one release by its id, with everything known about it."""
    return _detail({"id": torrent_id})


def by_hash(info_hash: str) -> dict[str, object]:
    """The request for one release by its torrent's info-hash in hex."""
    return _detail({"hash": info_hash.lower()})


def parse_answer(service: str, body: object) -> list[Row]:
    """Read the rows; "Nothing returned" is no error, any other error is, and so is an answer without rows."""
    if not isinstance(body, Mapping):
        raise BadPayload(service, "a search answer that is no object")
    reason = body.get("error") or body.get("message")
    if reason and str(reason).startswith(_NOTHING):
        return []
    if reason:
        raise Refused(service, plain_reason(str(reason)))
    rows = body.get("data")
    if not isinstance(rows, list):
        raise BadPayload(service, "a search answer without rows")
    return [parse_row(service, raw) for raw in rows]


def _detail(tor: dict[str, object]) -> dict[str, object]:
    wanted = {"searchType": "all", "searchIn": "torrents", "cat": ["0"], "startNumber": 0}
    extras = {"thumbnail": "true", "isbn": "true", "description": "true", "mediaInfo": "true"}
    return {"tor": wanted | tor, "perpage": SMALLEST_PAGE, **extras}
