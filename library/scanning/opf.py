"""Reads OPF package files, as calibre and Audiobookshelf write them."""

from collections.abc import Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from library.scanning.cleaning import clean_line, clean_text
from library.scanning.dates import iso_date, year_of
from library.scanning.errors import SidecarBrokenError
from library.scanning.facts import BookFacts
from library.scanning.genres import MAX_GENRES
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language
from library.scanning.names import split_names, unique_names
from library.scanning.series import SeriesMention, merged, normal_position

_AUTHOR_ROLES = ("aut", "")
_ASIN_SCHEMES = frozenset({"asin", "amazon", "mobi-asin", "audible", "audible_asin"})


def facts_of_opf(data: bytes) -> BookFacts:
    """Return what an OPF file says; raises SidecarBrokenError for what is not XML or hides entities.

    Elements and attributes are told by their local names, because writers choose their own prefixes.
    """
    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SidecarBrokenError("well-formed XML", error) from error
    elements = list(root.iter())
    identifiers = [(_scheme(element), element.text or "") for element in _named(elements, "identifier")]
    published = _first_text(elements, "date")
    return BookFacts(
        title=_first_text(elements, "title") or None,
        subtitle=_first_text(elements, "subtitle") or None,
        authors=_people(elements, _AUTHOR_ROLES),
        series=_series(elements),
        description=clean_text(next((element.text or "" for element in _named(elements, "description")), "")) or None,
        language=normal_language(_first_text(elements, "language")),
        published_year=year_of(published),
        genres=_texts(elements, "subject")[:MAX_GENRES],
        tags=_texts(elements, "tag")[:MAX_GENRES],
        narrators=_people(elements, ("nrt",)),
        publisher=_first_text(elements, "publisher") or None,
        asin=next(
            (asin for scheme, text in identifiers if scheme in _ASIN_SCHEMES and (asin := normal_asin(text))), None
        ),
        isbn=next(
            (isbn for scheme, text in identifiers if scheme in ("isbn", "") and (isbn := normal_isbn(text))), None
        ),
        published_date=iso_date(published),
    )


def _local(name: object) -> str:
    # comments and processing instructions have a function for a name
    return name.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(name, str) else ""


def _named(elements: list[Element], name: str) -> Iterator[Element]:
    return (element for element in elements if _local(element.tag) == name)


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if _local(key) == name), "").strip()


def _texts(elements: list[Element], name: str) -> tuple[str, ...]:
    texts = (clean_line(element.text or "") for element in _named(elements, name))
    return tuple(dict.fromkeys(text for text in texts if text))


def _first_text(elements: list[Element], name: str) -> str:
    return next(iter(_texts(elements, name)), "")


def _scheme(element: Element) -> str:
    """Return an identifier's scheme; EPUB 3 writes it into the text (``urn:isbn:…``) instead."""
    text = (element.text or "").casefold()
    prefix = next((scheme for scheme in ("isbn", "asin") if f"{scheme}:" in text), "")
    if scheme := _attribute(element, "scheme").casefold() or prefix:
        element.text = (element.text or "").rpartition(":")[2]
    return scheme


def _people(elements: list[Element], roles: tuple[str, ...]) -> tuple[str, ...]:
    creators = [*_named(elements, "creator"), *_named(elements, "contributor")]
    # A contributor without a role is the program that wrote the file.
    wanted = (
        creator
        for creator in creators
        if (role := _attribute(creator, "role").lower()) in roles and (role or _local(creator.tag) == "creator")
    )
    return unique_names(name for creator in wanted for name in split_names(creator.text or ""))


def _series(elements: list[Element]) -> tuple[SeriesMention, ...]:
    """Return calibre's series: a name takes the index that follows it; a single one takes its index from anywhere."""
    metas = [(_attribute(meta, "name"), clean_line(_attribute(meta, "content"))) for meta in _named(elements, "meta")]
    metas = [(name, content) for name, content in metas if name in ("calibre:series", "calibre:series_index")]
    names = [content for name, content in metas if name == "calibre:series" and content]
    indexes = [content for name, content in metas if name == "calibre:series_index"]
    if len(names) == 1:
        return (SeriesMention(names[0], normal_position(next(iter(indexes), None))),)
    return merged(
        SeriesMention(content, normal_position(next_content) if next_name == "calibre:series_index" else None)
        for (name, content), (next_name, next_content) in pairwise([*metas, ("", "")])
        if name == "calibre:series" and content
    )
