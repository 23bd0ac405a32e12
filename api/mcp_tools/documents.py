"""Tools about documents: reading one at a place, and reading a passage that a search or an answer names."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from api.mcp_graph import Data, Graph, ToolFailed
from api.mcp_tools.tool import LONGEST_NAME, LONGEST_PIECE, LONGEST_TEXT, Given, Id, Report, Told, Tool, cut
from library.errors import ErrorCode

MOST_SECTIONS = 40
_NO_DOCUMENT = "There is no document with this id (any more). Take ids from `search` or `ask`."
_NO_PASSAGE = "There is no passage with this id (any more): texts that change get new ones. Search again."
_ELSEWHERE = "The passage is not of this document. Take both ids from one hit or one citation."
_RANGE_UPSIDE_DOWN = "`end` must be greater than `start`."


class WhichText(Given):
    """A document, and where in it."""

    document_id: Annotated[Id, Field(description="`id` of a document, as `search` and `ask` give it.")]
    passage_id: Id | None = Field(None, description="Read around this passage of it.")
    start: int = Field(0, ge=0, description="Without a passage: read from this character of its text.")
    end: int | None = Field(None, ge=1, description="Without a passage: read up to this character, which is left out.")


class WhichPassage(Given):
    """A passage."""

    passage_id: Annotated[Id, Field(description="`passage_id` of a hit or a citation.")]


class DocumentBrief(Told):
    """A document in a list."""

    id: str = Field(description="For `look_at_document`.")
    title: str
    path: str
    url: str | None = Field(description="Where it says it can be read.")


class SectionTold(Told):
    """A section's place."""

    headings: str = Field(description="The headings that lead to it.")
    start: int = Field(description="Give it as `start` to read it.")


class DocumentTold(DocumentBrief):
    """A document, and a piece of its text."""

    format: str
    language: str | None
    missing: bool = Field(description="Whether its file is gone; it is found by no search then.")
    sections: list[SectionTold] = Field(description="The first 40, in reading order.")
    more_sections: int = Field(description="How many more there are.")
    text: str = Field(description="The piece, word for word.")
    start: int = Field(description="Where the piece begins, in characters of the whole text.")
    end: int = Field(description="Where it ends.")
    length: int = Field(description="Of the whole text.")
    note: str | None = Field(description="What is left out, and how to read on; null: nothing.")


class PassageTold(Told):
    """A passage, and what it is of."""

    passage_id: str
    context: str = Field(description="Title and headings, or facts of a book.")
    text: str
    start: int = Field(description="Its place in the document's text or the book's description.")
    end: int
    document: DocumentBrief | None = Field(description="null: it is of a book, or of what is gone.")
    book_id: str | None
    book_title: str | None


async def look_at_document(graph: Graph, given: WhichText, _report: Report) -> DocumentTold:
    """Read a document at a place."""
    if given.end is not None and given.end <= given.start:
        raise ToolFailed(ErrorCode.BAD_USER_INPUT, _RANGE_UPSIDE_DOWN)
    asked = {
        "id": given.document_id,
        # A variable that is not used must be an id all the same.
        "passage": given.passage_id or given.document_id,
        "aroundPassage": given.passage_id is not None,
        "sections": MOST_SECTIONS,
    }
    data = await graph.run("LookAtDocument", asked)
    document = data["document"]
    if document is None:
        raise ToolFailed(ErrorCode.NOT_FOUND, _NO_DOCUMENT)
    length, sections = len(document["text"]), document["sections"]
    start, end = _around(_passage_of(data), length) if given.passage_id is not None else _range(given, length)
    return DocumentTold(
        **document_fields(document),
        format=document["format"],
        language=document["language"],
        missing=document["missingSince"] is not None,
        sections=[_section(one) for one in sections["nodes"]],
        more_sections=sections["totalCount"] - len(sections["nodes"]),
        text=document["text"][start:end],
        start=start,
        end=end,
        length=length,
        note=_note(start, end, length),
    )


async def look_at_passage(graph: Graph, given: WhichPassage, _report: Report) -> PassageTold:
    """Read one passage."""
    passage = (await graph.run("LookAtPassage", {"id": given.passage_id}))["node"]
    if not passage:  # of a node of another type nothing is asked
        raise ToolFailed(ErrorCode.NOT_FOUND, _NO_PASSAGE)
    document, book = passage["document"], passage["book"] or {}
    return PassageTold(
        passage_id=passage["id"],
        context=cut(passage["header"], LONGEST_TEXT) or "",
        text=cut(passage["text"], LONGEST_PIECE) or "",
        start=passage["start"],
        end=passage["end"],
        document=DocumentBrief(**document_fields(document)) if document is not None else None,
        book_id=book.get("id"),
        book_title=cut(book.get("title"), LONGEST_NAME),
    )


def document_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a DocumentBrief, of a document with id, title, path and url."""
    return {
        "id": document["id"],
        "title": cut(document["title"], LONGEST_NAME) or "",
        "path": cut(document["path"], LONGEST_NAME) or "",
        "url": cut(document["url"], LONGEST_NAME),
    }


def _passage_of(data: Data) -> Mapping[str, Any]:
    """The passage that is read around; raises ToolFailed for none, and for one of another text."""
    passage: Mapping[str, Any] | None = data["node"]
    if not passage:
        raise ToolFailed(ErrorCode.NOT_FOUND, _NO_PASSAGE)
    if (passage["document"] or {}).get("id") != data["document"]["id"]:
        raise ToolFailed(ErrorCode.BAD_USER_INPUT, _ELSEWHERE)
    return passage


def _around(passage: Mapping[str, Any], length: int) -> tuple[int, int]:
    """The range with the passage in its middle."""
    spare = max(0, LONGEST_PIECE - (passage["end"] - passage["start"]))
    start = max(0, passage["start"] - spare // 2)
    return start, min(length, start + LONGEST_PIECE)


def _range(given: WhichText, length: int) -> tuple[int, int]:
    """The range that was asked for, as far as the text and a short answer go."""
    start = min(given.start, length)
    asked = given.end if given.end is not None else length
    return start, max(start, min(asked, length, start + LONGEST_PIECE))


def _note(start: int, end: int, length: int) -> str | None:
    if (start, end) == (0, length):
        return None
    before = f"{start} characters stand before this piece"
    after = f"{length - end} after it" + (f"; read on with start={end}" if end < length else "")
    return f"[…cut: {before}, {after}]"


def _section(section: Mapping[str, Any]) -> SectionTold:
    return SectionTold(headings=cut(" › ".join(section["headings"]), LONGEST_NAME) or "", start=section["start"])


LOOK_AT_DOCUMENT = Tool(
    name="look_at_document",
    title="Look at a document",
    description="Read a document of the knowledge base, at most 4000 characters of it at once: from its beginning, "
    "around a passage, or a range; with the headings of its sections and where they begin.",
    given=WhichText,
    told=DocumentTold,
    call=look_at_document,
)
LOOK_AT_PASSAGE = Tool(
    name="look_at_passage",
    title="Look at a passage",
    description="Read a passage that a search or an answer names, and which document or book it is a piece of.",
    given=WhichPassage,
    told=PassageTold,
    call=look_at_passage,
)
