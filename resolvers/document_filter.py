"""Which documents: a typed filter turned into one SQL condition, and orders into sort keys."""

import enum

import sqlalchemy as sa
import strawberry

from library.models.documents import Document
from library.pagination import SortKey
from library.text_search import fold
from resolvers.book_filter import MAXIMUM_LIST, MAXIMUM_TEXT, CodeFilter, FilterTooLarge, OrderDirection
from resolvers.descriptions import describe_enum
from resolvers.document_formats import DocumentFormat
from resolvers.ids import decode_id_of


@strawberry.input(description="Which documents. All conditions given must hold.")
class DocumentFilter:
    """Translated by `document_condition`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="The document is one of these.")
    sources: list[strawberry.ID] | None = strawberry.field(default=None, description="It is read from one of these.")
    formats: list[DocumentFormat] | None = strawberry.field(default=None, description="It was written in one of these.")
    language: CodeFilter | None = strawberry.field(default=None, description="The language, as a code such as `en`.")
    path_starts_with: str | None = strawberry.field(default=None, description="Its path begins with this.")
    missing: bool | None = strawberry.field(default=None, description="Whether its file is gone.")
    unreadable: bool | None = strawberry.field(default=None, description="Whether its file cannot be read now.")


class DocumentOrderField(enum.Enum):
    """What documents can be ordered by."""

    TITLE = "TITLE"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    SIZE_BYTES = "SIZE_BYTES"


describe_enum(
    DocumentOrderField,
    "What documents can be ordered by.",
    {
        DocumentOrderField.TITLE: "The title without its leading article.",
        DocumentOrderField.CREATED_AT: "When it was first read.",
        DocumentOrderField.UPDATED_AT: "When it was last read.",
        DocumentOrderField.SIZE_BYTES: "The size of its file.",
    },
    name="DocumentOrderField",
)


@strawberry.input(description="One level of an order; ties are broken by the next level and in the end by id.")
class DocumentOrder:
    """A field and a direction."""

    field: DocumentOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


_COLUMNS = {
    DocumentOrderField.TITLE: Document.sort_title,
    DocumentOrderField.CREATED_AT: Document.created_at,
    DocumentOrderField.UPDATED_AT: Document.updated_at,
    DocumentOrderField.SIZE_BYTES: Document.size_bytes,
}


def document_order(order_by: list[DocumentOrder] | None) -> tuple[SortKey, ...]:
    """Sort keys of an order, ending in the id; by title when nothing is asked for."""
    asked = {level.field: level for level in reversed(order_by or [DocumentOrder(field=DocumentOrderField.TITLE)])}
    keys = [
        SortKey(_COLUMNS[level.field], descending=level.direction is OrderDirection.DESC)
        for level in reversed(asked.values())
    ]
    return (*keys, SortKey(Document.id))


def document_condition(given: DocumentFilter | None) -> sa.ColumnElement[bool]:
    """The condition of a filter; raises FilterTooLarge, MalformedId or WrongIdType."""
    if given is None:
        return sa.true()
    conditions: list[sa.ColumnElement[bool]] = []
    if given.ids is not None:
        conditions.append(Document.id.in_(_ids("Document", given.ids)))
    if given.sources is not None:
        conditions.append(Document.source_id.in_(_ids("DocumentSource", given.sources)))
    if given.formats is not None:
        conditions.append(Document.format.in_(given.formats))
    if given.language is not None:
        conditions.extend(_language(given.language))
    if given.path_starts_with is not None:
        conditions.append(Document.path.startswith(_text(given.path_starts_with), autoescape=True))
    if given.missing is not None:
        conditions.append(Document.missing_since.is_not(None) == given.missing)
    if given.unreadable is not None:
        conditions.append(Document.problem_code.is_not(None) == given.unreadable)
    return sa.and_(sa.true(), *conditions)


def title_condition(search: str | None) -> sa.ColumnElement[bool]:
    """Each word of a search stands in the title, whatever case and accents."""
    words = fold(_text(search or "")).split()
    return sa.and_(sa.true(), *(Document.sort_title.contains(word, autoescape=True) for word in words))


def _language(given: CodeFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if given.in_ is not None:
        conditions.append(Document.language.in_(_bounded(given.in_)))
    if given.exists is not None:
        conditions.append(Document.language.is_not(None) == given.exists)
    return conditions


def _ids(kind: str, ids: list[strawberry.ID]) -> list[int]:
    return [decode_id_of(kind, value) for value in _bounded(ids)]


def _bounded(values: list[str] | list[strawberry.ID]) -> list[str] | list[strawberry.ID]:
    if len(values) > MAXIMUM_LIST:
        raise FilterTooLarge("values in one list", MAXIMUM_LIST)
    return values


def _text(value: str) -> str:
    if len(value) > MAXIMUM_TEXT:
        raise FilterTooLarge("characters in one text", MAXIMUM_TEXT)
    return value.replace("\0", "")
