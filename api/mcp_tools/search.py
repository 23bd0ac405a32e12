"""The tool that searches books and documents, and says how the question was understood."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from api.mcp_graph import Graph, payload
from api.mcp_tools.books import SECONDS_PER_HOUR, Brief, brief
from api.mcp_tools.documents import DocumentBrief, document_fields
from api.mcp_tools.tool import LONGEST_SNIPPET, Given, Report, Told, Tool, cut

MOST_HITS = 20

Kinds = Literal["books", "documents", "both"]


class SearchFor(Given):
    """What is looked for, and which of it."""

    query: Annotated[str, Field(min_length=1, max_length=1000, description="What to look for.")]
    kinds: Kinds = Field("both", description="What to find; `both` with a filter of books: books.")
    language: str | None = Field(None, max_length=35, description="Only this language, as a code such as `en`.")
    longest_hours: float | None = Field(None, gt=0, description="Books that play at most this long.")
    shortest_hours: float | None = Field(None, gt=0, description="Books that play at least this long.")
    owned: bool | None = Field(None, description="true: books with audio files here; false: others.")
    abridged: bool | None = Field(None, description="false: books said to be unabridged.")
    literally: bool = Field(default=False, description="true: understand no filters in `query`.")
    first: int = Field(8, ge=1, le=MOST_HITS, description="How many hits.")


class Hit(Told):
    """What was found: a book or a document."""

    rank: int
    score: float = Field(description="From 0 to 1; comparable within one answer only.")
    matched_by: list[str] = Field(description="VECTOR: by meaning. KEYWORD: by words.")
    snippet: str | None = Field(description="The sentence that fits best.")
    passage_id: str | None = Field(description="Where it stands, for `look_at_document` and `look_at_passage`.")
    book: Brief | None
    document: DocumentBrief | None


class Hits(Told):
    """What was found."""

    hits: list[Hit] = Field(description="Best first; empty: nothing fits.")
    understood: list[str] = Field(description="Filters in its words: applied, or why not.")
    searched_text: str = Field(description="What remained to search for.")
    complete: bool = Field(description="false: some texts are found by their words only, as yet.")


async def search(graph: Graph, given: SearchFor, _report: Report) -> Hits:
    """Find books and documents by meaning and words."""
    asked = {
        "query": given.query,
        "kinds": owner_kinds(given.kinds),
        "filter": _filter(given),
        "interpret": "OFF" if given.literally else "AUTO",
        "first": given.first,
    }
    found = payload((await graph.run("Search", asked))["semanticSearch"])
    return Hits(
        hits=[_hit(edge) for edge in found["edges"]],
        understood=[_understood(one) for one in found["interpretedFilters"]],
        searched_text=cut(found["searchedText"], LONGEST_SNIPPET) or "",
        complete=not found["info"]["stale"],
    )


def owner_kinds(kinds: Kinds) -> list[str] | None:
    """The kinds as the graph names them; None for both, of which filters then choose."""
    return {"books": ["BOOK"], "documents": ["DOCUMENT"], "both": None}[kinds]


def _filter(given: SearchFor) -> dict[str, object] | None:
    """A SearchFilter of what was given; None of nothing. A filter of books alone asks for books alone."""
    hours = {"lte": given.longest_hours, "gte": given.shortest_hours}
    seconds = {bound: value * SECONDS_PER_HOUR for bound, value in hours.items() if value is not None}
    of_books: dict[str, object] = {
        **({"durationSeconds": seconds} if seconds else {}),
        **({"owned": given.owned} if given.owned is not None else {}),
        **({"abridged": given.abridged} if given.abridged is not None else {}),
    }
    language = {"language": {"in": [given.language]}} if given.language is not None else {}
    document = language if not of_books or given.kinds == "documents" else {}
    book = {**language, **of_books}
    return {**({"book": book} if book else {}), **({"document": document} if document else {})} or None


def _hit(edge: Mapping[str, Any]) -> Hit:
    node, snippet, passage = edge["node"], edge["snippet"], edge["passage"]
    is_book = node["__typename"] == "Book"
    return Hit(
        rank=edge["rank"],
        score=round(edge["score"], 3),
        matched_by=edge["matchedBy"],
        snippet=cut(snippet["text"], LONGEST_SNIPPET) if snippet is not None else None,
        passage_id=passage["id"] if passage is not None else None,
        book=brief(node) if is_book else None,
        document=None if is_book else DocumentBrief(**document_fields(node)),
    )


def _understood(interpreted: Mapping[str, Any]) -> str:
    reason = interpreted["reason"]
    sentence = interpreted["sentence"] if interpreted["applied"] else f"Not applied: {interpreted['sentence']} {reason}"
    return cut(sentence, LONGEST_SNIPPET) or ""


SEARCH = Tool(
    name="search",
    title="Search the library",
    description="Find audiobooks and documents by what they are about, title or author; whole sentences are welcome, "
    "also with filters such as `under ten hours`. Gives ids, and the sentence of each that fits best.",
    given=SearchFor,
    told=Hits,
    call=search,
)
