"""Makes one account of a book out of the tags of all its files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from library.scanning.cleaning import clean_line
from library.scanning.dates import iso_date, year_of
from library.scanning.facts import BookFacts
from library.scanning.genres import split_genres
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language
from library.scanning.names import Credit, authors_of, narrators_of, split_credits, unique_names
from library.scanning.series import SeriesMention, marked_mentions, merged, normal_position, paired_mentions
from library.scanning.tags import FileTags
from library.scanning.titles import abridgement, clean_title, edition_hints, is_dramatized, stated_series

Value = TypeVar("Value")

# One file's own title may be its book's or its chapter's.
FILE_TITLE_CONFIDENCE = 0.6
# Of 415 titles of a real collection that end like "X - Series, Book 7", 397 name the series as its owner does.
STATED_SERIES_CONFIDENCE = 0.6
COMMENT_CONFIDENCE = 0.5
FULL_CAST_CONFIDENCE = 0.6

# Where narrators stand, the most used convention first (facts 3.7).
_NARRATOR_TAGS = ("composer", "narrator", "performer")
_DATE_TAGS = ("originaldate", "date", "releasedate")
_RELEASE_TAGS = ("releasedate", "date")
_EDITION_TAGS = ("abridged", "unabridged", "format", "edition", "version")
_TRUE = frozenset({"1", "true", "yes", "y"})
_FALSE = frozenset({"0", "false", "no", "n"})


def facts_of_tags(files: Sequence[FileTags]) -> BookFacts:
    """Return what the tags of all the files of one item say, in no particular order of files.

    Of a field with one value the one most files give is taken, the first among equals; lists are joined.
    """
    raw_title, title_confidence = _raw_title(files)
    series, series_confidence = _series(files, raw_title)
    authors = _authors(files)
    narrators = _narrators(files, authors)
    description, description_confidence = _description(files)
    dramatized, dramatized_confidence = _dramatized(files, raw_title, narrators)
    return BookFacts(
        title=clean_title(_without_subtitle(raw_title, files), series) or None,
        subtitle=_most_common(files, "subtitle"),
        authors=authors,
        series=series,
        description=description,
        language=_first(normal_language(text) for text in _values(files, "language")),
        published_year=_first(year_of(text) for name in _DATE_TAGS for text in _ranked(files, name)),
        genres=split_genres(_values(files, "genre")),
        narrators=narrators,
        publisher=_most_common(files, "publisher"),
        asin=_first(normal_asin(text) for text in _values(files, "asin", "audible_asin", "cdek")),
        isbn=_first(normal_isbn(text) for text in _values(files, "isbn")),
        abridged=_abridged(files, raw_title),
        dramatized=dramatized,
        published_date=_first(iso_date(text) for name in _RELEASE_TAGS for text in _ranked(files, name)),
        unsure={
            **title_confidence,
            **series_confidence,
            **description_confidence,
            **dramatized_confidence,
        },
    )


def _values(files: Sequence[FileTags], *names: str) -> list[str]:
    """Return the different values of the tags ``names`` over all files, tag by tag in the given order."""
    every = (value for name in names for file in files for value in file.tags.get(name, ()))
    return list(dict.fromkeys(every))


def _ranked(files: Sequence[FileTags], name: str) -> list[str]:
    """Return the first value of the tag ``name`` of each file, the one most files give first."""
    counts = Counter(file.tags[name][0] for file in files if file.tags.get(name))
    return [value for value, _ in counts.most_common()]


def _most_common(files: Sequence[FileTags], name: str) -> str | None:
    return next(iter(_ranked(files, name)), None)


def _first(values: Iterable[Value | None]) -> Value | None:
    return next((value for value in values if value is not None), None)


def _raw_title(files: Sequence[FileTags]) -> tuple[str, dict[str, float]]:
    if album := _most_common(files, "album"):
        return album, {}
    titles = _ranked(files, "title")
    if len(titles) == 1:
        return titles[0], {"title": FILE_TITLE_CONFIDENCE}
    return "", {}


def _without_subtitle(title: str, files: Sequence[FileTags]) -> str:
    """Take "Title: Subtitle" apart where the subtitle has its own tag, as Audiobookshelf writes albums."""
    subtitle = _most_common(files, "subtitle")
    if subtitle and title.casefold().endswith(f": {subtitle}".casefold()):
        return title[: -len(subtitle) - 2]
    return title


def _credits(files: Sequence[FileTags], *names: str) -> list[Credit]:
    found = chain.from_iterable(split_credits(value) for value in _values(files, *names))
    return list(dict.fromkeys(found))


def _authors(files: Sequence[FileTags]) -> tuple[str, ...]:
    """Return the authors: an author tag, else the artist, else the album artist.

    Artists that differ from file to file, or are the stated narrators, give way to the album artist.
    """
    if authors := authors_of(_credits(files, "author")):
        return unique_names(authors)
    artists, album_artists = authors_of(_credits(files, "artist")), authors_of(_credits(files, "albumartist"))
    varying = len(_ranked(files, "artist")) > 1 and len(_ranked(files, "albumartist")) == 1
    narrators = {credit.name.casefold() for credit in _credits(files, "narrator", "composer")}
    if album_artists and (varying or {name.casefold() for name in artists} <= narrators):
        return unique_names(album_artists)
    # "Author, Narrator" in the artist tag
    stated = _credits(files, "narrator")
    readers = {credit.name.casefold() for credit in stated}
    return unique_names([name for name in artists if name.casefold() not in readers] or artists or album_artists)


def _narrators(files: Sequence[FileTags], authors: tuple[str, ...]) -> tuple[str, ...]:
    """Return the narrators of all tags that carry them.

    A composer or performer tag that names nobody but authors is a copy of the author, not a self-narrated book;
    a narrator tag is believed even then.
    """
    written = {author.casefold() for author in authors}
    found = []
    for name in _NARRATOR_TAGS:
        names = narrators_of(_credits(files, name), without_role=True)
        if name == "narrator" or {one.casefold() for one in names} - written:
            found.extend(names)
    with_role = narrators_of(_credits(files, "artist", "albumartist", "author"), without_role=False)
    return unique_names([*found, *with_role])


def _series(files: Sequence[FileTags], title: str) -> tuple[tuple[SeriesMention, ...], dict[str, float]]:
    per_file = (_series_of_file(file) for file in _distinct(files))
    if found := merged(chain.from_iterable(per_file)):
        return found, {}
    stated = stated_series(title)
    return ((stated,), {"series": STATED_SERIES_CONFIDENCE}) if stated else ((), {})


def _distinct(files: Sequence[FileTags]) -> list[FileTags]:
    """Return one file of each set that says the same of its series: a book of 500 files says it once."""
    names = ("movement", "movementnumber", "series", "series-part", "part", "show", "episode_id", "grouping")
    return list({tuple(file.tags.get(name) for name in names): file for file in reversed(files)}.values())[::-1]


def _series_of_file(file: FileTags) -> list[SeriesMention]:
    tags = file.tags
    # Apple's movement number is 0 where it is not set, and holds no 2.5, for which tone writes PART.
    movement_number = [number for number in tags.get("movementnumber", ()) if normal_position(number) != "0"]
    position = [*tags.get("series-part", ()), *tags.get("part", ())] or movement_number
    movement = paired_mentions(tags.get("movement", ()), movement_number or position)
    series = paired_mentions(tags.get("series", ()), position or tags.get("episode_id", ()))
    tone = paired_mentions(tags.get("movement", ()), tags.get("part", ()))
    show = paired_mentions(tags.get("show", ()), tags.get("episode_id", ()) or position)
    grouping = [found for text in tags.get("grouping", ()) for found in marked_mentions(text)]
    return [*movement, *tone, *series, *show, *grouping]


def _description(files: Sequence[FileTags]) -> tuple[str | None, dict[str, float]]:
    """Return the longest description, as the short atom is cut at 255 characters; else the comment, less sure."""
    if texts := _values(files, "description", "longdescription"):
        return max(texts, key=len), {}
    comments = _values(files, "comment")
    # Comments that differ per file describe files.
    return (comments[0], {"description": COMMENT_CONFIDENCE}) if len(comments) == 1 else (None, {})


def _abridged(files: Sequence[FileTags], title: str) -> bool | None:
    told = [_told_abridged(name, value) for name in _EDITION_TAGS for value in _values(files, name)]
    noted = [edition_hints(text)[0] for text in (title, *_values(files, "album"), *_values(files, "subtitle"))]
    return _first([*told, *noted])


def _told_abridged(name: str, value: str) -> bool | None:
    answer = value.casefold()
    if name in ("abridged", "unabridged") and answer in _TRUE | _FALSE:
        return (answer in _TRUE) == (name == "abridged")
    return abridgement(value)


def _dramatized(
    files: Sequence[FileTags], title: str, narrators: tuple[str, ...]
) -> tuple[bool | None, dict[str, float]]:
    texts = [title, *_values(files, "album", "subtitle", "format", "edition", "publisher", "genre")]
    if any(is_dramatized(text) for text in texts):
        return True, {}
    if any(is_dramatized(clean_line(name)) for name in narrators):
        return True, {"dramatized": FULL_CAST_CONFIDENCE}
    return None, {}
