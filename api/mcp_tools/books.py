"""Tools about books: what is like one, and looking at one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from api.mcp_graph import Data, Graph, ToolFailed
from api.mcp_tools.tool import LONGEST_TEXT, Given, Id, Report, Told, Tool, cut
from library.errors import ErrorCode

MOST_BOOKS = 20
SECONDS_PER_HOUR = 3600.0
_NO_BOOK = "There is no book with this id (any more). Take ids from `search`."

Exclusion = Literal["SAME_SERIES", "SAME_AUTHOR", "SAME_NARRATOR", "OWNED", "NOT_OWNED"]


class SimilarTo(Given):
    """A book, and what of its kin would be no news."""

    book_id: Annotated[Id, Field(description="`id` of a book, as `search` gives it.")]
    exclude: list[Exclusion] = Field(default=[], max_length=5, description="Books that would be no news.")
    first: int = Field(8, ge=1, le=MOST_BOOKS, description="How many books.")


class WhichBook(Given):
    """A book."""

    book_id: Annotated[Id, Field(description="`id` of a book, as `search` and `similar_books` give it.")]


class Brief(Told):
    """A book in a list."""

    id: str = Field(description="For `look_at_book`, `similar_books`, `search_releases` and `want_book`.")
    title: str
    authors: list[str]
    series: list[str] = Field(description="Series with the book's place in each.")
    hours: float = Field(description="Playing time of its longest owned edition; 0 where none is owned.")
    owned: bool = Field(description="Whether its audio files are here.")


class Kin(Told):
    """A similar book."""

    rank: int
    score: float = Field(description="From 0 to 1; comparable within one answer only.")
    reasons: list[str]
    shared_tags: list[str]
    book: Brief


class AllKin(Told):
    """Books like one."""

    like: str = Field(description="The title of the book they are like.")
    books: list[Kin] = Field(description="Best first.")


class EditionTold(Told):
    """A recording."""

    id: str
    narrators: list[str]
    publisher: str | None
    language: str | None
    published: str | None
    asin: str | None
    isbn: str | None
    abridged: bool | None = Field(description="null: nobody says.")
    dramatized: bool | None = Field(description="null: nobody says.")
    hours: float = Field(description="Playing time; 0 without files.")


class BookTold(Brief):
    """A book by itself."""

    subtitle: str | None
    description: str | None = Field(description="What it is about; cut after 2000 characters, with a note.")
    language: str | None
    published_year: int | None
    tags: list[str]
    editions: list[EditionTold]


async def similar_books(graph: Graph, given: SimilarTo, _report: Report) -> AllKin:
    """Find books like one."""
    asked = {"id": given.book_id, "first": given.first, "exclude": list(given.exclude)}
    book = _book(await graph.run("SimilarBooks", asked))
    if book["similar"] is None:
        raise ToolFailed(ErrorCode.PROVIDER_UNAVAILABLE, "Search is warming up. Try again in a minute.")
    return AllKin(like=book["title"], books=[_kin(one) for one in book["similar"]])


async def look_at_book(graph: Graph, given: WhichBook, _report: Report) -> BookTold:
    """Look at one book."""
    book = _book(await graph.run("LookAtBook", {"id": given.book_id}))
    return BookTold(
        **_brief_fields(book),
        subtitle=book["subtitle"],
        description=cut(book["description"], LONGEST_TEXT),
        language=book["language"],
        published_year=book["publishedYear"],
        tags=_names(book["tags"]),
        editions=[_edition(edition) for edition in book["editions"]],
    )


def _book(data: Data) -> Mapping[str, Any]:
    book: Mapping[str, Any] | None = data["book"]
    if book is None:
        raise ToolFailed(ErrorCode.NOT_FOUND, _NO_BOOK)
    return book


def _kin(similar: Mapping[str, Any]) -> Kin:
    return Kin(
        rank=similar["rank"],
        score=round(similar["score"], 3),
        reasons=similar["reasons"],
        shared_tags=similar["sharedTags"],
        book=brief(similar["book"]),
    )


def brief(book: Mapping[str, Any]) -> Brief:
    """View a book with the fields of the fragment Brief."""
    return Brief(**_brief_fields(book))


def _brief_fields(book: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": book["id"],
        "title": book["title"],
        "authors": _names(book["authors"]),
        "series": [_place(entry) for entry in book["series"]],
        "hours": _hours(book["durationSeconds"]),
        "owned": book["owned"],
    }


def _edition(edition: Mapping[str, Any]) -> EditionTold:
    return EditionTold(
        id=edition["id"],
        narrators=_names(edition["narrators"]),
        publisher=edition["publisher"],
        language=edition["language"],
        published=edition["publishedDate"],
        asin=edition["asin"],
        isbn=edition["isbn"],
        abridged=edition["abridged"],
        dramatized=edition["dramatized"],
        hours=_hours(edition["durationSeconds"]),
    )


def _names(rows: list[Mapping[str, str]]) -> list[str]:
    return [row["name"] for row in rows]


def _place(entry: Mapping[str, Any]) -> str:
    name = (entry["series"] or {}).get("name", "")
    return f"{name} #{entry['position']}" if entry["position"] else name


def _hours(seconds: float) -> float:
    return round(seconds / SECONDS_PER_HOUR, 1)


SIMILAR_BOOKS = Tool(
    name="similar_books",
    title="Books like one",
    description="Find books of the library that are like a given one, with the reasons.",
    given=SimilarTo,
    told=AllKin,
    call=similar_books,
)
LOOK_AT_BOOK = Tool(
    name="look_at_book",
    title="Look at a book",
    description="Read what is known of one book: description, series, tags, and its recordings with narrators.",
    given=WhichBook,
    told=BookTold,
    call=look_at_book,
)
