"""Which media type answers a request: the Accept and Content-Type headers, read as RFC 9110 says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class MediaType(StrEnum):
    """What the endpoint can answer with."""

    JSON = "application/json"
    GRAPHQL = "application/graphql-response+json"
    EVENT_STREAM = "text/event-stream"
    HTML = "text/html"


# The first is what `*/*`, or no Accept at all, means.
ANSWERS = (MediaType.JSON, MediaType.GRAPHQL, MediaType.EVENT_STREAM)


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header: `type` may be `*/*` or `text/*`; `position` counts from 0."""

    type: str
    quality: float
    position: int

    @property
    def specificity(self) -> int:
        """0 for `*/*`, 1 for `text/*`, 2 for `text/html`."""
        return 2 - self.type.count("*")

    def covers(self, media_type: str) -> bool:
        """Whether the media type falls into this range."""
        main, _, sub = self.type.partition("/")
        wanted_main, _, wanted_sub = media_type.partition("/")
        return main in {"*", wanted_main} and sub in {"*", wanted_sub}


def negotiate(accept: str | None, offers: Sequence[MediaType] = ANSWERS) -> MediaType | None:
    """Choose the offer the client likes best: by quality, then by its order in the header, then by ours.

    The most specific range decides an offer's quality, so `application/json;q=0, */*` refuses JSON.
    Returns None when nothing offered is acceptable.
    """
    if not accept or not accept.strip():
        return offers[0]
    ranges = media_ranges(accept)
    ranked = [(found, offer) for offer in offers if (found := _range_for(offer, ranges)) and found.quality > 0]
    if not ranked:
        return None
    return min(ranked, key=lambda pair: (-pair[0].quality, pair[0].position))[1]


def media_ranges(accept: str) -> list[MediaRange]:
    """Split an Accept header; an unreadable quality counts as 1, as if it were not there."""
    entries = [entry for entry in accept.split(",") if entry.strip()]
    return [_media_range(entry, position) for position, entry in enumerate(entries)]


def is_json(content_type: str | None) -> bool:
    """Whether a body of this Content-Type is JSON in UTF-8."""
    media_type, parameters = _split_parameters(content_type or "")
    return media_type == "application/json" and parameters.get("charset", "utf-8").lower() == "utf-8"


def _range_for(offer: MediaType, ranges: Sequence[MediaRange]) -> MediaRange | None:
    covering = [entry for entry in ranges if entry.covers(offer)]
    return max(covering, key=lambda entry: entry.specificity, default=None)


def _media_range(entry: str, position: int) -> MediaRange:
    media_type, parameters = _split_parameters(entry)
    return MediaRange(media_type, _quality(parameters.get("q", "1")), position)


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


def _split_parameters(value: str) -> tuple[str, dict[str, str]]:
    media_type, *parameters = (part.strip() for part in value.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    return media_type.lower(), {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
