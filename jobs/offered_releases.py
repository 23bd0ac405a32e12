"""What indexers answer, read as offers with facts: the tracker's own rows, and those of Prowlarr and Torznab."""

from dataclasses import fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from integrations.myanonamouse import Row
from integrations.offers import Offer
from library.models.integrations import Integration, IntegrationKind
from library.offered import Offered
from library.releases import ReleaseFacts, merge, read_tags, read_title
from library.scanning.cleaning import clean_line, raw_text
from library.scanning.languages import normal_language
from library.scanning.series import SeriesMention, normal_position

_FREE = frozenset({"freeleech"})
_LONGEST_TEXT = 500
_MOST_NAMED = 50  # authors, narrators, formats, series
_MOST_BYTES = 2**62
_MOST_COUNTED = 2**31 - 1  # what a column holds
# Parameters of pages that are the user's own, as trackers call them.
_CREDENTIALS = frozenset(
    {
        "apikey",
        "api_key",
        "auth",
        "authkey",
        "jackett_apikey",
        "key",
        "passkey",
        "pid",
        "rsskey",
        "sig",
        "token",
        "torrent_pass",
        "uid",
    }
)


def of_row(row: Row, tracker: Integration) -> Offered:
    """A row of the tracker itself."""
    stated = ReleaseFacts(
        title=row.title,
        authors=row.authors,
        narrators=row.narrators,
        series=tuple(SeriesMention(name, normal_position(position)) for name, position in row.series),
        formats=row.file_types,
        bit_rate_kbps=round(row.media.bit_rate / 1000) if row.media is not None and row.media.bit_rate else None,
        duration_seconds=row.media.duration_seconds if row.media is not None else None,
        language=normal_language(row.language),
        abridged=True if row.abridged else None,  # without the uploader's mark nothing is said
        files=row.files,
        size_bytes=row.size_bytes,
        seeders=row.seeders,
        leechers=row.leechers,
        is_free=row.free,
        is_free_for_me=row.personal_freeleech,
        is_free_for_vip=row.fl_vip,
    )
    return Offered(
        integration_id=tracker.id,
        indexer=tracker.name,
        place=str(row.id),
        title=row.title,
        facts=_bounded(merge(stated, read_tags(row.tags))),
        tracker_torrent_id=row.id,
        page_url=f"{tracker.url}{row.page}",
        published_at=row.added,
    )


def of_offer(offer: Offer, integration: Integration) -> Offered:
    """An offer of one of Prowlarr's indexers, or of a Torznab indexer."""
    return Offered(
        integration_id=integration.id,
        indexer=indexer_name(integration, offer.indexer),
        place=raw_text(offer.guid),
        title=offer.title,
        facts=_bounded(merge(_stated(offer), read_title(offer.title))),
        link=offer.link.encode(errors="replace").decode(),
        info_hash=offer.info_hash,
        tracker_torrent_id=_bounded_value("tracker_torrent_id", offer.mam_torrent_id),
        page_url=public_page(offer.info_url),
        published_at=offer.published,
    )


def indexer_name(integration: Integration, indexer: str) -> str:
    """What an indexer is called in reports and beside releases: Prowlarr's are many."""
    return f"{integration.name}: {indexer}" if integration.kind is IntegrationKind.PROWLARR else integration.name


def public_page(address: str | None) -> str | None:
    """The address of a release's page, unless it could let its reader in as the user."""
    try:
        parts = urlsplit(address or "")
        given = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or given & _CREDENTIALS:
        return None
    return raw_text(address or "")


def _bounded(facts: ReleaseFacts) -> ReleaseFacts:
    """The facts as rows can hold them: an indexer may answer anything, and none may spoil the search for the others."""
    return replace(facts, **{each.name: _bounded_value(each.name, getattr(facts, each.name)) for each in fields(facts)})


def _bounded_value(name: str, value: Any) -> Any:
    match value:
        case str():
            return clean_line(value, _LONGEST_TEXT)
        case tuple():
            return tuple(_bounded_value(name, one) for one in value[:_MOST_NAMED])
        case SeriesMention():
            position = clean_line(value.position, _LONGEST_TEXT) if value.position is not None else None
            return SeriesMention(clean_line(value.name, _LONGEST_TEXT), position)
        case int() | float():
            most = _MOST_BYTES if name == "size_bytes" else _MOST_COUNTED
            return value if 0 <= value <= most else None
    return value


def _stated(offer: Offer) -> ReleaseFacts:
    book = offer.book
    return ReleaseFacts(
        title=book.title if book is not None else "",
        authors=book.authors if book is not None else (),
        language=normal_language(book.languages[0]) if book is not None and book.languages else None,
        formats=book.filetypes if book is not None else (),
        files=offer.files,
        size_bytes=offer.size_bytes or None,
        seeders=offer.seeders,
        leechers=offer.leechers,
        is_free=bool(_FREE & set(offer.flags)),
        is_free_for_vip=book is not None and book.vip,
    )
