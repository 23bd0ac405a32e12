"""The text files that lie beside audio and describe it: metadata.json, opf, nfo, desc.txt and reader.txt."""

import json
from html import escape

from demo.layouts import Blurb, Dialect, EditionPlan

LANGUAGE_NAMES = {"en": "English", "fr": "French", "de": "German", "es": "Spanish"}


def sidecars(plan: EditionPlan) -> dict[str, str]:
    """File name → text of every sidecar of the edition."""
    blurb = plan.recipe.blurb
    match blurb:
        case Blurb.METADATA_JSON:
            return {blurb.value: _metadata_json(plan)}
        case Blurb.OPF:
            return {blurb.value: _opf(plan)}
        case Blurb.NFO:
            return {blurb.value: _nfo(plan)}
        case Blurb.DESC_TXT:
            files = {blurb.value: plan.book.blurb + "\n"}
            if plan.recipe.dialect is Dialect.FOLDER:
                files["reader.txt"] = ", ".join(plan.edition.narrators) + "\n"
            return files
        case Blurb.DESCRIPTION | Blurb.COMMENT:
            return {}


def _metadata_json(plan: EditionPlan) -> str:
    book, edition = plan.book, plan.edition
    facts = {
        "tags": book.tags,
        "title": book.title,
        "subtitle": book.subtitle,
        "authors": book.authors,
        "narrators": edition.narrators,
        "series": [str(place) for place in book.series],
        "genres": book.genres,
        "publishedYear": f"{book.year:04}",
        "description": book.blurb,
        "language": LANGUAGE_NAMES[book.language],
        "abridged": edition.abridged,
    }
    return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"


def _opf(plan: EditionPlan) -> str:
    book, edition = plan.book, plan.edition
    lines = [
        _element("dc:title", book.title),
        *([_element("dc:subtitle", book.subtitle)] if book.subtitle else []),
        *(_element("dc:creator", author, ' opf:role="aut"') for author in book.authors),
        *(_element("dc:creator", narrator, ' opf:role="nrt"') for narrator in edition.narrators),
        _element("dc:date", f"{book.year:04}"),
        _element("dc:language", book.language),
        _element("dc:description", f"<p>{escape(book.blurb, quote=False)}</p>"),
        *(_element("dc:subject", genre) for genre in book.genres),
        *(_element("dc:tag", tag) for tag in book.tags),
    ]
    for place in book.series:
        lines.append(f'<meta name="calibre:series" content="{escape(place.series)}"/>')
        lines.append(f'<meta name="calibre:series_index" content="{escape(place.position)}"/>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="2.0">\n'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">\n'
        + "\n".join(lines)
        + "\n</metadata>\n</package>\n"
    )


def _element(name: str, text: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{escape(text, quote=False)}</{name}>"


def _nfo(plan: EditionPlan) -> str:
    book, edition = plan.book, plan.edition
    facts = [
        ("Title", book.title),
        ("Author", ", ".join(book.authors)),
        ("Read By", ", ".join(edition.narrators)),
        *(("Series Name", place.series) for place in book.series[:1]),
        *(("Position in Series", place.position) for place in book.series[:1]),
        ("Genre", ", ".join(book.genres)),
        ("Copyright", f"{book.year:04}"),
        ("Language", LANGUAGE_NAMES[book.language]),
        ("Unabridged", "No" if edition.abridged else "Yes"),
    ]
    lines = [f" {name + ':':<24}{text}" for name, text in facts]
    head = ["General Information", "===================", *lines]
    return "\n".join([*head, "", "Book Description", "================", book.blurb, ""])
