"""One release of the site, as a search gives it (facts: MyAnonamouse, search, row fields)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntFlag

from integrations.errors import BadPayload
from integrations.myanonamouse import values

VIP_CLASSES = frozenset({"VIP", "Elite VIP"})
SEED_SECONDS = 72 * 3600  # site rule 1.4: every torrent is seeded so long, within 30 days
MINIMUM_RATIO = 1.0  # site rule 1.4
_ASIN = re.compile(r"(?:ASIN:\s*)([A-Z0-9]{10})|(B0[A-Z0-9]{8})")
_ISBN = re.compile(r"(?:97[89])?\d{9}[\dX]")


class MediaType(Enum):
    """What a release is, by the number the site gives it."""

    AUDIOBOOK = 1
    EBOOK = 2
    MUSIC = 3
    RADIO = 4
    MANGA = 5
    COMIC = 6
    PERIODICAL = 7
    PERIODICAL_AUDIO = 8


# Rows from before the new category system only have these.
_MEDIA_BY_MAIN_CATEGORY = {
    13: MediaType.AUDIOBOOK,
    14: MediaType.EBOOK,
    15: MediaType.MUSIC,
    16: MediaType.RADIO,
}


class ContentFlags(IntFlag):
    """The bits of `browseflags`."""

    CRUDE_LANGUAGE = 2
    VIOLENCE = 4
    SOME_EXPLICIT = 8
    EXPLICIT = 16
    ABRIDGED = 32
    LGBT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What the site's own look into the files found; only detail look-ups have it. Chapters start at seconds."""

    duration_seconds: float | None
    format: str
    bit_rate: int | None
    bit_rate_mode: str
    channels: int | None
    sampling_rate: int | None
    chapters: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A release. The user's own download link, which answers carry, is a credential and is not here.

    `series` are pairs of name and position text; `vip_expires` is None for a permanent VIP torrent and for others;
    `my_snatched` and `personal_freeleech` are up to 20 minutes old on the site's side; `abridged` is the uploader's
    mark, and false says only that there is none.
    """

    id: int
    title: str
    authors: tuple[str, ...]
    narrators: tuple[str, ...]
    series: tuple[tuple[str, str], ...]
    category: int | None
    category_name: str
    media_type: MediaType | None
    file_types: tuple[str, ...]
    size_bytes: int | None
    files: int | None
    seeders: int
    leechers: int
    snatched: int
    added: datetime | None
    language: str
    abridged: bool
    tags: str
    isbn: str
    asin: str
    free: bool
    personal_freeleech: bool
    fl_vip: bool
    vip: bool
    vip_expires: datetime | None
    my_snatched: bool
    uploader: str
    thumbnail: str | None
    description: str
    media: MediaInfo | None

    @property
    def page(self) -> str:
        """The path of its page on the site."""
        return f"/t/{self.id}"


def is_free(row: Row, user_class: str) -> bool:
    """Whether taking it costs this user no ratio."""
    return row.free or row.personal_freeleech or (row.fl_vip and user_class in VIP_CLASSES)


def parse_row(service: str, raw: object) -> Row:
    """Read a row; raises BadPayload when it is none or has no id. Everything else may be missing."""
    torrent_id = values.whole(raw.get("id")) if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or torrent_id is None:
        raise BadPayload(service, "a release without an id")
    isbn, asin = _identifiers(raw.get("isbn"))
    thumbnail = str(raw.get("thumbnail"))
    return Row(
        id=torrent_id,
        title=values.text(raw.get("title")),
        authors=values.names(raw.get("author_info")),
        narrators=values.names(raw.get("narrator_info")),
        series=_series(raw.get("series_info")),
        category=values.whole(raw.get("category")),
        category_name=values.text(raw.get("catname")),
        media_type=_media_type(raw),
        file_types=tuple(values.text(raw.get("filetype")).lower().split()),
        size_bytes=values.size_bytes(raw.get("size")),
        files=values.whole(raw.get("numfiles")),
        seeders=values.whole(raw.get("seeders")) or 0,
        leechers=values.whole(raw.get("leechers")) or 0,
        snatched=values.whole(raw.get("times_completed")) or 0,
        added=values.moment(raw.get("added")),
        language=_language(raw),
        abridged=bool((values.whole(raw.get("browseflags")) or 0) & ContentFlags.ABRIDGED),
        tags=values.text(raw.get("tags")),
        isbn=isbn,
        asin=asin,
        free=values.flag(raw.get("free")),
        personal_freeleech=values.flag(raw.get("personal_freeleech")),
        fl_vip=values.flag(raw.get("fl_vip")),
        vip=values.flag(raw.get("vip")),
        vip_expires=values.unix_moment(raw.get("vip_expire")),
        my_snatched=values.flag(raw.get("my_snatched")),
        uploader=_uploader(raw),
        thumbnail=thumbnail if thumbnail.startswith("https://") else None,
        description=_description(raw.get("description")),
        media=_media(raw.get("mediainfo")),
    )


def _series(value: object) -> tuple[tuple[str, str], ...]:
    held = values.embedded(value)
    if not isinstance(held, Mapping):
        return ()
    pairs = (_series_place(entry) for entry in held.values())
    return tuple(pair for pair in pairs if pair[0])


def _series_place(entry: object) -> tuple[str, str]:
    if isinstance(entry, list):
        name, position, *_ = [*entry, "", ""]
        return values.text(name), values.text(position)
    return values.text(entry), ""


def _media_type(raw: Mapping[str, object]) -> MediaType | None:
    number = values.whole(raw.get("mediatype"))
    if number in {media.value for media in MediaType}:
        return MediaType(number)
    return _MEDIA_BY_MAIN_CATEGORY.get(values.whole(raw.get("main_cat")) or 0)


def _language(raw: Mapping[str, object]) -> str:
    code = values.text(raw.get("lang_code")).upper()
    return code or ("ENG" if values.whole(raw.get("language")) == 1 else "")


def _identifiers(value: object) -> tuple[str, str]:
    """The ISBN and the ASIN of one field, which holds either."""
    written = values.text(value).upper()
    if asin := _ASIN.search(written):
        return "", asin[1] or asin[2]
    isbn = _ISBN.fullmatch(re.sub(r"[\s-]", "", written.removeprefix("ISBN:")))
    return (isbn[0] if isbn else ""), ""


def _uploader(raw: Mapping[str, object]) -> str:
    """Who offers it: by name, or in the pair `ownership` is; "" for somebody anonymous."""
    if name := values.text(raw.get("owner_name")):
        return name
    pair = values.embedded(raw.get("ownership"))
    return values.text(pair[1]) if isinstance(pair, list) and len(pair) > 1 else ""


def _description(value: object) -> str:
    """The description as it was written, with its markup: whoever shows it cleans it."""
    return value if isinstance(value, str) else values.text(value)


def _media(value: object) -> MediaInfo | None:
    held = values.embedded(value)
    if not isinstance(held, Mapping):
        return None
    general, audio = _section(held, "General"), _section(held, "Audio1")
    return MediaInfo(
        duration_seconds=values.seconds(general.get("Duration")),
        format=values.text(audio.get("Format") or general.get("Format")),
        bit_rate=values.whole(audio.get("BitRate")),
        bit_rate_mode=values.text(audio.get("BitRate_Mode")),
        channels=values.whole(audio.get("Channels")),
        sampling_rate=values.whole(audio.get("SamplingRate")),
        chapters=_chapters(_section(held, "menu").get("extra")),
    )


def _section(held: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = held.get(name)
    return section if isinstance(section, Mapping) else {}


def _chapters(lines: object) -> tuple[tuple[float, str], ...]:
    """The chapters of lines such as "00:00:31.416: Chapter 1"."""
    if not isinstance(lines, list):
        return ()
    parted = (values.text(line).partition(": ") for line in lines)
    starts = ((values.seconds(start), title) for start, _, title in parted)
    return tuple((start, title) for start, title in starts if start is not None)
