"""The fake MyAnonamouse's releases: which of them a search finds, and how they are written."""

import html
import re
from collections.abc import Mapping
from typing import Any

import orjson

from tests.fakes.catalogue import CatalogueEntry

Json = dict[str, Any]
ABRIDGED = 32
DOWNLOAD_CREDENTIAL = "fake-user-download-credential"
_AUDIOBOOKS = 13
_WORD = re.compile(r"\w+")
_LEGACY_KEYS = _WORD.findall(
    "id language main_cat category catname size numfiles vip free fl_vip personal_freeleech added title filetype "
    "author_info narrator_info series_info seeders leechers times_completed owner owner_name my_snatched bookmarked "
    "lang_code tags w cat dl"
)


def matches(entry: CatalogueEntry, tor: Mapping[str, Any], *, ignores_limits: bool) -> bool:
    """Whether a search for `tor` finds the entry: every word in some of the fields, and within the limits."""
    if tor.get("id") and int(tor["id"]) != entry.id:
        return False
    if tor.get("hash") and tor["hash"].lower() != entry.info_hash:
        return False
    words = set(_WORD.findall(str(tor.get("text", "")).casefold()))
    return (
        words <= _words(entry, tor.get("srchIn") or ("title", "author"))
        and _in_categories(entry, tor)
        and _of_type(entry, tor.get("searchType", "all"))
        and (ignores_limits or _within(entry, tor))
    )


def written(entry: CatalogueEntry, request: Mapping[str, Any], *, snatched: bool, personal_freeleech: bool) -> Json:
    """Write the row as the live site does; `request` says which of the optional fields it has."""
    row: Json = {
        "id": entry.id,
        "added": f"{entry.added:%Y-%m-%d %H:%M:%S}",
        "author_info": _people(entry.authors, 501),
        "bookmarked": None,
        "browseflags": ABRIDGED if entry.abridged else 0,
        "main_cat": _AUDIOBOOKS,
        "category": entry.category,
        "catname": entry.category_name,
        "mediatype": 1,
        "maincat": 1,
        "categories": "[45]",
        "cat": f"<a href='/tor/browse.php?tor[cat][]={entry.category}' class='newCatTor'></a>",
        "comments": 2,
        "dl": DOWNLOAD_CREDENTIAL,
        "filetype": entry.filetype,
        "fl_vip": int(entry.fl_vip),
        "free": int(entry.free),
        "lang_code": entry.language,
        "language": 1 if entry.language == "ENG" else 2,
        "leechers": entry.leechers,
        "my_snatched": int(snatched),
        "narrator_info": _people(entry.narrators, 777),
        "numfiles": entry.files,
        "owner": 4242,
        "owner_name": "example_uploader",
        "personal_freeleech": int(personal_freeleech),
        "seeders": entry.seeders,
        "series_info": _series(entry.series),
        "size": fancy_size(entry.size_bytes),
        "tags": _as_php(entry.tags),
        "thumbnail": f"https://cdn.myanonamouse.net/t/p/small/{entry.id}.webp",
        "times_completed": entry.snatched,
        "title": _as_php(html.escape(entry.title)),
        "vip": int(entry.vip),
        "vip_expire": 0,
        "w": entry.id,
        **_details(entry),
    }
    return {name: value for name, value in row.items() if name in _asked(request)}


def as_legacy(row: Json, size_bytes: int) -> Json:
    """The row as older answers have it: text for numbers, false for flags, sizes in digits."""
    flags = {"personal_freeleech": bool(row["personal_freeleech"]), "my_snatched": bool(row["my_snatched"])}
    older = row | {"size": size_bytes}
    texts = {name: str(older[name]) if isinstance(older[name], int) else older[name] for name in older}
    return {name: flags.get(name, texts.get(name)) for name in _LEGACY_KEYS if name in row}


def fancy_size(count: float) -> str:
    """The size as the site writes it."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def _asked(request: Mapping[str, Any]) -> set[str]:
    """The names of the fields that the answer has."""
    optional = {"dlLink": ["dl"], "description": ["description"], "isbn": ["isbn"], "mediaInfo": ["mediainfo"]}
    optional["thumbnail"] = ["thumbnail"]
    always = set(_LEGACY_KEYS) - {"dl"} | {
        "browseflags",
        "mediatype",
        "maincat",
        "categories",
        "comments",
        "vip_expire",
    }
    named = {name for parameter, names in optional.items() if parameter in request for name in names}
    return always | named | ({"ownership"} if "mediaInfo" in request else set())


def _details(entry: CatalogueEntry) -> Json:
    media = {
        "General": {"Title": entry.title, "Format": "MPEG-4", "Duration": entry.duration},
        "Audio1": {
            "Format": "AAC LC",
            "BitRate": str(entry.bit_rate),
            "BitRate_Mode": "CBR",
            "Channels": "2",
            "SamplingRate": "44100",
        },
        "menu": {"extra": ["00:00:00.000: Opening Credits", "00:00:31.416: Chapter 1"]},
    }
    return {
        "isbn": entry.isbn,
        "description": entry.description,
        "ownership": orjson.dumps([4242, "example_uploader"]).decode(),
        "mediainfo": orjson.dumps(media).decode(),
    }


def _people(names: tuple[str, ...], first_id: int) -> str:
    people = {str(number): html.escape(name) for number, name in enumerate(names, first_id)}
    return orjson.dumps(people).decode() if people else ""


def _series(series: tuple[tuple[str, str], ...]) -> str:
    entries = {
        str(number): [html.escape(name), position, 1.0] if position else [html.escape(name), ""]
        for number, (name, position) in enumerate(series, 3001)
    }
    return orjson.dumps(entries).decode() if entries else ""


def _as_php(text: str) -> str | int:
    """PHP makes numbers of texts that look like one."""
    return int(text) if text.isdigit() else text


def _words(entry: CatalogueEntry, fields: list[str] | Mapping[str, Any] | tuple[str, ...]) -> set[str]:
    texts = {
        "title": entry.title,
        "author": " ".join(entry.authors),
        "narrator": " ".join(entry.narrators),
        "series": " ".join(name for name, _ in entry.series),
        "description": entry.description,
        "fileTypes": entry.filetype,
        "tags": entry.tags,
    }
    return {word for field in fields for word in _WORD.findall(texts.get(field, "").casefold())}


def _in_categories(entry: CatalogueEntry, tor: Mapping[str, Any]) -> bool:
    main = {int(category) for category in tor.get("main_cat", ())}
    categories = {int(category) for category in tor.get("cat", ())} - {0}
    languages = {int(language) for language in tor.get("browse_lang", ())}
    language = 1 if entry.language == "ENG" else 2
    return (
        (not main or _AUDIOBOOKS in main)
        and (not categories or entry.category in categories)
        and (not languages or language in languages)
    )


def _of_type(entry: CatalogueEntry, search_type: str) -> bool:
    kinds = {
        "active": entry.seeders > 0,
        "inactive": entry.seeders == 0,
        "fl": entry.free,
        "fl-VIP": entry.free or entry.fl_vip,
        "VIP": entry.vip,
        "nVIP": not entry.vip,
    }
    return kinds.get(search_type, True)


def _within(entry: CatalogueEntry, tor: Mapping[str, Any]) -> bool:
    unit = int(tor.get("unit") or 1)
    counts = (("Seeders", entry.seeders, 1), ("Leechers", entry.leechers, 1), ("Snatched", entry.snatched, 1))
    for name, count, scale in (*counts, ("Size", entry.size_bytes, unit)):
        least, most = tor.get(f"min{name}"), tor.get(f"max{name}")
        if (least is not None and count < int(least) * scale) or (most is not None and count > int(most) * scale):
            return False
    return True
