"""Editing books by hand: every value passes the metadata gate, is recorded, and is searchable at once."""

from typing import Annotated, Any

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import books as book_rows
from library import metadata
from library.errors import BadInput, NotFound
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.metadata import Entity
from library.models import Book as BookRow
from library.models import Edition as EditionRow
from library.models.metadata import EntityKind
from resolvers.books import Book, Edition
from resolvers.context import Info
from resolvers.errors import BadInputError, NotFoundError
from resolvers.ids import decode_id, decode_id_of
from resolvers.metadata_fields import camel_case
from resolvers.permissions import IsMember
from resolvers.scalars import ASIN, ISBN


@strawberry.input(description="A place in a series.")
class SeriesPositionInput:
    """Name and position."""

    name: str = strawberry.field(description="The series' name.")
    position: str | None = strawberry.field(default=None, description='The place as written: "2.5", "1-3", "Prequel".')


@strawberry.input(
    description="What to change of a book. A field left out stays as it is; null clears it for good, scans included."
)
class UpdateBookInput:
    """A patch: absent is not null."""

    id: strawberry.ID = strawberry.field(description="The book's id.")
    title: strawberry.Maybe[str] = strawberry.field(description="The title.")
    subtitle: strawberry.Maybe[str | None] = strawberry.field(description="The subtitle.")
    authors: strawberry.Maybe[list[str] | None] = strawberry.field(description="The authors' names in order.")
    series: strawberry.Maybe[list[SeriesPositionInput] | None] = strawberry.field(description="Its places in series.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is about, as plain text.")
    language: strawberry.Maybe[str | None] = strawberry.field(description="Its language, as a code such as `en`.")
    published_year: strawberry.Maybe[int | None] = strawberry.field(description="The year it was first published.")
    genres: strawberry.Maybe[list[str] | None] = strawberry.field(description="Its genres.")
    tags: strawberry.Maybe[list[str] | None] = strawberry.field(description="The owner's own words for it.")
    lock: bool = strawberry.field(default=True, description="Keep scans and providers from changing what is edited.")


@strawberry.input(description="What to change of an edition. A field left out stays as it is; null clears it for good.")
class UpdateEditionInput:
    """A patch: absent is not null."""

    id: strawberry.ID = strawberry.field(description="The edition's id.")
    narrators: strawberry.Maybe[list[str] | None] = strawberry.field(description="The narrators' names in order.")
    publisher: strawberry.Maybe[str | None] = strawberry.field(description="Who published it.")
    asin: strawberry.Maybe[ASIN | None] = strawberry.field(description="Its Amazon or Audible id.")
    isbn: strawberry.Maybe[ISBN | None] = strawberry.field(description="Its ISBN.")
    language: strawberry.Maybe[str | None] = strawberry.field(description="Its language, as a code such as `en`.")
    published_date: strawberry.Maybe[str | None] = strawberry.field(description="A year, month or day, as in ISO 8601.")
    abridged: strawberry.Maybe[bool | None] = strawberry.field(description="Whether it is shortened.")
    dramatized: strawberry.Maybe[bool | None] = strawberry.field(description="Whether it is played by a cast.")
    lock: bool = strawberry.field(default=True, description="Keep scans and providers from changing what is edited.")


@strawberry.input(description="Fields to lock or unlock.")
class LockFieldsInput:
    """A book or an edition, and names of its fields."""

    id: strawberry.ID = strawberry.field(description="Id of a book or an edition.")
    fields: list[str] = strawberry.field(description="Names of fields, as `metadata { name }` gives them.")
    locked: bool = strawberry.field(
        default=True, description="True keeps them as they are; false lets the best source decide anew."
    )


@strawberry.type(description="An edited book.")
class UpdateBookPayload:
    """The book."""

    book: Book = strawberry.field(description="The book as it is now.")
    changed_fields: list[str] = strawberry.field(description="Names of the fields whose value has changed.")


@strawberry.type(description="An edited edition.")
class UpdateEditionPayload:
    """The edition."""

    edition: Edition = strawberry.field(description="The edition as it is now.")
    changed_fields: list[str] = strawberry.field(description="Names of the fields whose value has changed.")


Described = Annotated[
    Book | Edition, strawberry.union("Described", description="What has fields: a book or an edition.")
]


@strawberry.type(description="Fields that were locked or unlocked.")
class LockFieldsPayload:
    """The book or edition."""

    node: Described = strawberry.field(description="The book or edition as it is now.")
    changed_fields: list[str] = strawberry.field(
        description="Names of fields whose value has changed, because unlocking let another source win."
    )


UpdateBookResult = Annotated[
    UpdateBookPayload | BadInputError | NotFoundError,
    strawberry.union("UpdateBookResult", description="The book, or why nothing was changed."),
]
UpdateEditionResult = Annotated[
    UpdateEditionPayload | BadInputError | NotFoundError,
    strawberry.union("UpdateEditionResult", description="The edition, or why nothing was changed."),
]
LockFieldsResult = Annotated[
    LockFieldsPayload | BadInputError | NotFoundError,
    strawberry.union("LockFieldsResult", description="What was locked, or why nothing was changed."),
]


class NotDescribed(BadInput):
    """An id of something that has no fields."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"A {kind} has no fields to lock. Give the id of a book or an edition.")


@strawberry.type
class EditMutation:
    """Mutations of metadata."""

    @strawberry.mutation(description="Change fields of a book by hand.", permission_classes=[IsMember])
    async def update_book(
        self,
        info: Info,
        input: Annotated[UpdateBookInput, strawberry.argument(description="What to change.")],  # noqa: A002 the contract's name
    ) -> UpdateBookResult:
        """Write the edit through the gate."""
        entity = Entity(EntityKind.BOOK, decode_id_of("Book", input.id))
        async with unit_of_work(info.context.database, info.context.bus) as work:
            values = _given(input, _BOOK_FIELDS)
            changed = await metadata.edit(work.session, entity, values, actor=_actor(info), lock_fields=input.lock)
            book = await book_rows.get(work.session, entity.id)
            await _book_changed(work, info, book, changed)
        return UpdateBookPayload(book=Book.of(book), changed_fields=[camel_case(name) for name in changed])

    @strawberry.mutation(description="Change fields of an edition by hand.", permission_classes=[IsMember])
    async def update_edition(
        self,
        info: Info,
        input: Annotated[UpdateEditionInput, strawberry.argument(description="What to change.")],  # noqa: A002 the contract's name
    ) -> UpdateEditionResult:
        """Write the edit through the gate."""
        entity = Entity(EntityKind.EDITION, decode_id_of("Edition", input.id))
        async with unit_of_work(info.context.database, info.context.bus) as work:
            values = _given(input, _EDITION_FIELDS)
            changed = await metadata.edit(work.session, entity, values, actor=_actor(info), lock_fields=input.lock)
            edition = await _edition(work, entity.id)
            await _book_changed(work, info, await book_rows.get(work.session, edition.book_id), changed)
        return UpdateEditionPayload(edition=Edition.of(edition), changed_fields=[camel_case(name) for name in changed])

    @strawberry.mutation(
        description="Lock fields against scans and providers, or unlock them.", permission_classes=[IsMember]
    )
    async def lock_fields(
        self,
        info: Info,
        input: Annotated[LockFieldsInput, strawberry.argument(description="Which fields.")],  # noqa: A002 the contract's name
    ) -> LockFieldsResult:
        """Lock or unlock through the gate."""
        kind, row_id = decode_id(input.id)
        if kind.upper() not in EntityKind.__members__:
            raise NotDescribed(kind)
        entity = Entity(EntityKind[kind.upper()], row_id)
        names = [_snake_case(name) for name in input.fields]
        async with unit_of_work(info.context.database, info.context.bus) as work:
            changed = await metadata.lock(work.session, entity, names, locked=input.locked, actor=_actor(info))
            edition = await _edition(work, row_id) if entity.kind is EntityKind.EDITION else None
            book = await book_rows.get(work.session, edition.book_id if edition is not None else row_id)
            await _book_changed(work, info, book, changed)
        return LockFieldsPayload(
            node=Edition.of(edition) if edition is not None else Book.of(book),
            changed_fields=[camel_case(name) for name in changed],
        )


_BOOK_FIELDS = tuple(metadata.BOOK_FIELDS)
_EDITION_FIELDS = tuple(metadata.EDITION_FIELDS)


def _given(patch: UpdateBookInput | UpdateEditionInput, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that were sent, null or not."""
    sent = {name: getattr(patch, name) for name in names}
    return {name: _plain(maybe.value) for name, maybe in sent.items() if maybe is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, SeriesPositionInput):
        return {"name": value.name, "position": value.position}
    return value


async def _edition(work: Work, edition_id: int) -> EditionRow:
    row = await work.session.get(EditionRow, edition_id, populate_existing=True)
    if row is None:
        raise NotFound("edition", edition_id)
    return row


async def _book_changed(work: Work, info: Info, book: BookRow, changed: list[str]) -> None:
    """Bring the book's passages up to date in the same transaction and tell everybody."""
    await work.session.refresh(book)
    if not changed:
        return
    await info.context.search.refresh_passages(work.session, [book.id])
    work.emit(LIBRARY_TOPIC, "BOOK_UPDATED", book.id, {"title": book.title})
    work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
    await queue.embed_passages(work)


def _actor(info: Info) -> str:
    viewer = info.context.viewer
    return viewer.name if viewer is not None else "anonymous"


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name[:100])
