"""Torznab's XML, read into rows of our own: capabilities, releases and errors."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, RateLimited, Refused, Unavailable
from integrations.offers import (
    NamedBook,
    Offer,
    aware,
    mam_torrent_id,
    named_book,
    normal_info_hash,
    plain_reason,
)

KEY_ADVICE = "Enter the API key that belongs to this indexer."
LIMIT_SECONDS = 3600.0  # request limits are counted by the day or hour, and nobody says since when

_LEECH_FLAGS = {"0": "freeleech", "0.5": "halfleech", "0.25": "halfleech", "0.75": "halfleech"}


@dataclass(frozen=True)
class Capabilities:
    """What the indexer can do (facts: Torznab, t=caps); params are the ones it searches books by."""

    title: str
    can_search: bool
    can_search_books: bool
    book_params: frozenset[str]
    categories: tuple[int, ...]
    limit: int | None


def document(service: str, body: bytes) -> Element:
    """The root of an answer. Raises what an `<error>` means, and BadPayload for anything that is not plain XML."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        raise BadPayload(service, "something else than XML") from None
    if root.tag == "error":
        raise _failure(service, root.get("code", ""), plain_reason(root.get("description", "")))
    return root


def capabilities_of(service: str, root: Element) -> Capabilities:
    """Read `<caps>`."""
    if root.tag != "caps":
        raise BadPayload(service, "something else than its capabilities")
    server, limits = root.find("server"), root.find("limits")
    books, search = root.find("searching/book-search"), root.find("searching/search")
    params = books.get("supportedParams", "") if books is not None else ""
    return Capabilities(
        title=(server.get("title") if server is not None else None) or "",
        can_search=search is None or search.get("available") == "yes",
        can_search_books=books is not None and books.get("available") == "yes",
        book_params=frozenset(filter(None, (param.strip() for param in params.split(",")))),
        categories=tuple(_number(each.get("id")) or 0 for each in root.findall("categories//*[@id]")),
        limit=_number(limits.get("max")) if limits is not None else None,
    )


def offers_of(service: str, root: Element) -> tuple[Offer, ...]:
    """Read the items of an RSS channel; those that lead to no torrent are left out."""
    channel = root.find("channel") if root.tag == "rss" else None
    if channel is None:
        raise BadPayload(service, "something else than a feed")
    return tuple(offer for item in channel.findall("item") if (offer := _offer(service, item)))


class _Attributes:
    """The `torznab:attr` of an item; some servers write them in newznab's namespace, so that is not compared."""

    def __init__(self, item: Element) -> None:
        self._pairs = [
            (each.get("name", "").lower(), each.get("value", "")) for each in item if _local(each.tag) == "attr"
        ]

    def first(self, *names: str) -> str | None:
        return next((value for name, value in self._pairs if name in names and value), None)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self._pairs if each == name and value]


def _offer(service: str, item: Element) -> Offer | None:
    attributes = _Attributes(item)
    title, link = _text(item, "title"), _link(item, attributes)
    if not title or not link:
        return None
    info_url = _text(item, "comments")
    guid = _text(item, "guid") or info_url or link
    mam_id = mam_torrent_id(guid, info_url)
    seeders, peers = _number(attributes.first("seeders")), _number(attributes.first("peers"))
    return Offer(
        guid=guid,
        indexer_id=0,
        indexer=_text(item, "jackettindexer") or _text(item, "prowlarrindexer") or service,
        title=title,
        link=link,
        size_bytes=_size(item, attributes),
        files=_number(_text(item, "files") or attributes.first("files")),
        grabs=_number(_text(item, "grabs") or attributes.first("grabs")),
        seeders=seeders,
        leechers=max(peers - seeders, 0) if peers is not None and seeders is not None else None,
        published=_moment(_text(item, "pubDate")),
        categories=_categories(item, attributes),
        flags=_flags(attributes),
        info_url=info_url,
        info_hash=normal_info_hash(attributes.first("infohash")),
        mam_torrent_id=mam_id,
        book=_book(attributes) or named_book(title, is_mam=mam_id is not None),
    )


def _link(item: Element, attributes: _Attributes) -> str | None:
    """Where the torrent is: a file is preferred to a magnet address, because its content is known before the grab."""
    enclosure = item.find("enclosure")
    links = (enclosure.get("url") if enclosure is not None else None, _text(item, "link"))
    magnet = attributes.first("magneturl")
    return next((link for link in links if link and not link.startswith("magnet:")), None) or magnet or links[0]


def _size(item: Element, attributes: _Attributes) -> int:
    enclosure = item.find("enclosure")
    length = enclosure.get("length") if enclosure is not None else None
    said = (_number(text) for text in (attributes.first("size"), _text(item, "size"), length))
    return next((size for size in said if size and size > 0), 0)


def _categories(item: Element, attributes: _Attributes) -> tuple[int, ...]:
    texts = [*attributes.all("category"), *(each.text or "" for each in item.findall("category"))]
    numbers = (_number(text) for text in texts)
    return tuple(dict.fromkeys(number for number in numbers if number))


def _flags(attributes: _Attributes) -> tuple[str, ...]:
    """Factors and tags in Prowlarr's words: what is downloaded counts little or not at all, uploads count twice."""
    download, upload = attributes.first("downloadvolumefactor"), attributes.first("uploadvolumefactor")
    leech = _LEECH_FLAGS.get(_factor(download))
    if leech == "freeleech" and _factor(upload) == "0":
        leech = "neutralleech"
    doubled = "doubleupload" if _factor(upload) == "2" else None
    flags = [leech, doubled, *(tag.lower() for tag in attributes.all("tag"))]
    return tuple(dict.fromkeys(flag for flag in flags if flag))


def _book(attributes: _Attributes) -> NamedBook | None:
    title, author = attributes.first("booktitle", "title"), attributes.first("author")
    if not title:
        return None
    languages = tuple(language.lower() for language in attributes.all("language"))
    return NamedBook(title, tuple(name.strip() for name in (author or "").split(",") if name.strip()), languages)


def _failure(service: str, code: str, reason: str) -> IntegrationError:
    """What an error's number means (facts: Newznab error codes); Prowlarr puts HTTP status codes there."""
    number = _number(code) or 0
    kinds: tuple[tuple[Iterable[int], Callable[[], IntegrationError]], ...] = (
        ((100, 101, 102, 401), lambda: AuthError(service, KEY_ADVICE)),
        ((300, 404), lambda: Missing(service, "such release")),
        ((410,), lambda: Refused(service, f"{reason or 'this indexer is off'}.", code="INDEXER_DISABLED")),
        ((429, 500, 501), lambda: RateLimited(service, LIMIT_SECONDS)),
        ((900,), lambda: Unavailable(service, reason or "an error inside")),
        ((910,), lambda: Refused(service, f"{reason or 'its API is off'}.", code="API_DISABLED")),
    )
    found = next((make() for numbers, make in kinds if number in numbers), None)
    return found or Refused(service, f"{reason or f'error {number}'}.")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text(item: Element, tag: str) -> str | None:
    text = item.findtext(tag)
    return text.strip() or None if text else None


def _number(text: str | None) -> int | None:
    with suppress(ValueError):
        return int((text or "").strip())
    return None


def _factor(text: str | None) -> str:
    with suppress(ValueError):
        return f"{float(text or ''):g}"
    return ""


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return aware(parsedate_to_datetime(text)) if text else None
    return None
