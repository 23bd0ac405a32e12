"""What an indexer offers, whichever protocol it was asked in, and who answered a search and how."""

import base64
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from integrations.errors import BadPayload

AUDIOBOOKS = 3030  # the standard category "Audio/Audiobook"
PAGE_ROWS = 100
LONGEST_REASON = 200

_MAM_PAGE = re.compile(r"https://www\.myanonamouse\.net/t/(\d+)")
_BUILT = re.compile(r"(?P<name>.+) \[(?!VIP\])(?P<flags>[^\[\]]+)\](?P<vip> \[VIP\])?")
# Some file types are as short as a language, and stand alone where the language is not known.
_LANGUAGE = re.compile(r"(?!AAC|OGG|PDF|WAV|WMA)[A-Z]{2,3}")
# Tried at the beginning of a word only: at each of its letters, a long word would take minutes.
_ADDRESS = re.compile(r"(?<![\w+.-])[\w+.-]+://\S+|magnet:\S+")
_MARKUP = re.compile(r"<[^<>]*>")
_HEX_HASH = re.compile(r"[0-9a-fA-F]{40}")
_BASE32_HASH = re.compile(r"[A-Za-z2-7]{32}")


class IndexerStatus(StrEnum):
    """How one indexer took part in a search."""

    OK = "OK"  # it answered, with releases
    EMPTY = "EMPTY"  # it answered: it has nothing that matches
    FAILED = "FAILED"  # it was asked and gave no answer, or one that cannot be read
    DISABLED = "DISABLED"  # it was not asked: switched off, or of another protocol


@dataclass(frozen=True)
class IndexerReport:
    """One indexer's part in a search; `error_code` and `message` are None when it answered."""

    indexer_id: int
    name: str
    status: IndexerStatus
    found: int = 0
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class NamedBook:
    """The book as the indexer names it, apart from its release's title; codes and file types in lower case."""

    title: str
    authors: tuple[str, ...]
    languages: tuple[str, ...] = ()
    filetypes: tuple[str, ...] = ()
    vip: bool = False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One release as one indexer offers it.

    `indexer_id` is 0 where the indexer is asked directly. `size_bytes` is 0 and counts are None when not said.
    `flags` are Prowlarr's words (freeleech, halfleech, neutralleech, doubleupload, internal, exclusive, scene).
    `link` is a secret: it carries a key of the user. So may `guid`, where an indexer gives its download address for it.
    """

    guid: str = field(repr=False)
    indexer_id: int
    indexer: str
    title: str
    link: str = field(repr=False)
    size_bytes: int = 0
    files: int | None = None
    grabs: int | None = None
    seeders: int | None = None
    leechers: int | None = None
    published: datetime | None = None
    categories: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()
    info_url: str | None = None
    info_hash: str | None = None
    protocol: str = "torrent"
    mam_torrent_id: int | None = None
    book: NamedBook | None = None


@dataclass(frozen=True)
class SearchAnswer:
    """The releases found, and a report for each indexer that was to be asked."""

    releases: tuple[Offer, ...]
    reports: tuple[IndexerReport, ...]


@dataclass(frozen=True)
class Magnet:
    """A torrent given by address only; `uri` may name trackers with the user's key in them."""

    info_hash: str
    uri: str = field(repr=False)


def magnet(service: str, uri: str) -> Magnet:
    """Read a `magnet:` address; BadPayload when it names no BitTorrent v1 info-hash."""
    with suppress(ValueError):
        for topic in parse_qs(urlsplit(uri).query).get("xt", ()):
            if info_hash := normal_info_hash(topic.removeprefix("urn:btih:")):
                return Magnet(info_hash, uri)
    raise BadPayload(service, "a magnet address without an info-hash")


def normal_info_hash(text: str | None) -> str | None:
    """Forty lower-case hex digits of an info-hash in hex or base32; None for anything else."""
    text = (text or "").strip()
    if _BASE32_HASH.fullmatch(text):
        return base64.b32decode(text.upper()).hex()
    return text.lower() if _HEX_HASH.fullmatch(text) else None


def require_torrent(service: str, body: bytes) -> bytes:
    """Give `body` back when it looks like a torrent file; BadPayload for a page, an error text or a cut-off file."""
    if body[:1] == b"d" and body.rstrip()[-1:] == b"e" and b"4:infod" in body:
        return body
    raise BadPayload(service, "something else than a torrent file")


def mam_torrent_id(*addresses: str | None) -> int | None:
    """Read the torrent's number at MyAnonamouse from the address of its page."""
    for address in addresses:
        if match := _MAM_PAGE.match(address or ""):
            return int(match[1])
    return None


def named_book(title: str, *, is_mam: bool) -> NamedBook | None:
    """Take apart `{title} by {author, …} [{LANG} / {FILETYPES}] [VIP]`, as MyAnonamouse's releases are titled.

    Language, file types and authors may each be missing there; of other indexers only the whole form is believed.
    """
    match = _BUILT.fullmatch(title)
    if match is None:
        return None
    book, by, authors = match["name"].rpartition(" by ")
    flags = [flag.strip() for flag in match["flags"].split("/")]
    if not is_mam and (len(flags) != 2 or not by or not _LANGUAGE.fullmatch(flags[0])):  # noqa: PLR2004 language and types
        return None
    languages = [flag for flag in flags[:1] if _LANGUAGE.fullmatch(flag)]
    filetypes = [word for flag in flags[len(languages) :] for word in flag.split()]
    return NamedBook(
        title=book if by else authors,
        authors=tuple(name.strip() for name in authors.split(",")) if by else (),
        languages=tuple(language.lower() for language in languages),
        filetypes=tuple(filetype.lower() for filetype in filetypes),
        vip=bool(match["vip"]),
    )


def plain_reason(text: str) -> str:
    """Another server's words on one line, without markup and addresses: these hold keys."""
    words = _ADDRESS.sub("…", _MARKUP.sub(" ", text))
    return " ".join(words.split())[:LONGEST_REASON].rstrip(" .")


def aware(moment: datetime) -> datetime:
    """The moment in UTC; services that name no zone mean UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
