"""Tools about books: searching, what is like one, and looking at one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from api.mcp_graph import Data, Graph, ToolFailed, payload
from api.mcp_tools.tool import LONGEST_SNIPPET, LONGEST_TEXT, Given, Id, Report, Told, Tool, cut
from library.errors import ErrorCode

MOST_BOOKS = 20
_HOUR = 3600.0
_NO_BOOK = "There is no book with this id (any more). Take ids from `search`."

Exclusion = Literal["SAME_SERIES", "SAME_AUTHOR", "SAME_NARRATOR", "OWNED", "NOT_OWNED"]


class SearchFor(Given):
    """What is looked for, and which of it."""

    query: Annotated[
        str, Field(min_length=1, max_length=1000, description="What to look for: a sentence, a title, an author.")
    ]
    language: str | None = Field(None, max_length=35, description="Only this language, as a code such as `en`.")
    longest_hours: float | None = Field(None, gt=0, description="Only books that play at most this long.")
    shortest_hours: float | None = Field(None, gt=0, description="Only books that play at least this long.")
    owned: bool | None = Field(None, description="true: only books with audio files here; false: only others.")
    abridged: bool | None = Field(None, description="false: only what is said to be unabridged.")
    first: int = Field(8, ge=1, le=MOST_BOOKS, description="How many hits.")


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


class Hit(Told):
    """A book that was found."""

    rank: int
    score: float = Field(description="From 0 to 1; comparable within one answer only.")
    matched_by: list[str] = Field(description="VECTOR: by meaning. KEYWORD: by words.")
    snippet: str | None = Field(description="The sentence of its text that fits best.")
    book: Brief


class Hits(Told):
    """What was found."""

    hits: list[Hit] = Field(description="Best first; empty: nothing fits.")
    complete: bool = Field(description="false: some books are found by their words only, as yet.")


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


async def search(graph: Graph, given: SearchFor, _report: Report) -> Hits:
    """Find books by meaning and words."""
    data = await graph.run("Search", {"query": given.query, "filter": _filter(given), "first": given.first})
    found = payload(data["semanticSearch"])
    return Hits(hits=[_hit(edge) for edge in found["edges"]], complete=not found["info"]["stale"])


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


def _filter(given: SearchFor) -> dict[str, object] | None:
    """A SearchFilter of what was given; None of nothing."""
    hours = {"lte": given.longest_hours, "gte": given.shortest_hours}
    seconds = {bound: value * _HOUR for bound, value in hours.items() if value is not None}
    book: dict[str, object] = {
        **({"language": {"in": [given.language]}} if given.language is not None else {}),
        **({"durationSeconds": seconds} if seconds else {}),
        **({"owned": given.owned} if given.owned is not None else {}),
        **({"abridged": given.abridged} if given.abridged is not None else {}),
    }
    return {"book": book} if book else None


def _book(data: Data) -> Mapping[str, Any]:
    book: Mapping[str, Any] | None = data["book"]
    if book is None:
        raise ToolFailed(ErrorCode.NOT_FOUND, _NO_BOOK)
    return book


def _hit(edge: Mapping[str, Any]) -> Hit:
    return Hit(
        rank=edge["rank"],
        score=round(edge["score"], 3),
        matched_by=edge["matchedBy"],
        snippet=cut(edge["snippet"]["text"], LONGEST_SNIPPET) if edge["snippet"] else None,
        book=_brief(edge["node"]),
    )


def _kin(similar: Mapping[str, Any]) -> Kin:
    return Kin(
        rank=similar["rank"],
        score=round(similar["score"], 3),
        reasons=similar["reasons"],
        shared_tags=similar["sharedTags"],
        book=_brief(similar["book"]),
    )


def _brief(book: Mapping[str, Any]) -> Brief:
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
    return round(seconds / _HOUR, 1)


SEARCH = Tool(
    name="search",
    title="Search the library",
    description="Find audiobooks by what they are about, by title or by author; whole sentences are welcome. "
    "Gives books with ids, and the sentence of each that fits best.",
    given=SearchFor,
    told=Hits,
    call=search,
)
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
