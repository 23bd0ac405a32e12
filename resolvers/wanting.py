"""Wanting a book, changing one's mind, and no longer wanting it: exactly the books that are named, and no other."""

from typing import Annotated, Any

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import jobs as job_rows
from library import models, quality_profiles, release_searches, wants
from library.errors import IdempotencyKeyReused
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.wants import NewBook
from resolvers.context import Info
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of
from resolvers.jobs import Job
from resolvers.permissions import IsMember
from resolvers.quality_rules import QualityRulesInput, given_rules
from resolvers.release_searches import ReleaseSearch, actor_of, job_search, start_search
from resolvers.wants import Want, visible_want


@strawberry.input(description="A book that the graph may not know yet; if it does, that one is meant.")
class NewBookInput:
    """Title and authors, and its place in a series."""

    title: str = strawberry.field(description="The title, without series and subtitle.")
    authors: list[str] = strawberry.field(description="The authors' names in order; at least one.")
    series: str | None = strawberry.field(default=None, description="The series it belongs to.")
    position: str | None = strawberry.field(default=None, description='Its place there: "2.5", "1-3", "Prequel".')


@strawberry.input(one_of=True, description="Which book is wanted: exactly one of these.")
class WantedBookInput:
    """A book's id, or what a new one is."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="A book of the graph.")
    new_book: NewBookInput | None = strawberry.field(
        default=strawberry.UNSET, description="A book that may not be in the graph yet."
    )


@strawberry.input(description="A book to want.")
class WantBookInput:
    """One book, and what would satisfy."""

    book: WantedBookInput = strawberry.field(description="Which book; no other is wanted by this.")
    quality_profile: strawberry.ID | None = strawberry.field(
        default=None, description="The profile it goes by; the viewer's own, or the default, when left out."
    )
    rules: QualityRulesInput | None = strawberry.field(
        default=None, description="What differs from the profile for this want."
    )
    grab_automatically: bool = strawberry.field(
        default=False, description="Whether the best release is taken unasked, from the profile's threshold on."
    )
    search: bool = strawberry.field(default=True, description="Whether to search for it at once.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same want, search and job."
    )


@strawberry.input(description="A want to close.")
class UnwantBookInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The want's id.")


@strawberry.input(description="What to change of a want; what is left out stays as it is.")
class UpdateWantInput:
    """A patch: absent is not null."""

    id: strawberry.ID = strawberry.field(description="The want's id.")
    quality_profile: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The profile it goes by; null: its user's, or the default."
    )
    rules: strawberry.Maybe[QualityRulesInput | None] = strawberry.field(
        description="Rules that differ from the profile, beside those it has; null takes all of its own away."
    )
    grab_automatically: strawberry.Maybe[bool] = strawberry.field(
        description="Whether the best release is taken unasked."
    )


@strawberry.type(description="A book that is wanted from now on, or was already.")
class WantBookPayload:
    """Exactly what is wanted by it."""

    wants: list[Want] = strawberry.field(description="Every want that this made or found: one.")
    job: Job | None = strawberry.field(description="The job that searches for it; null when none was asked for.")
    release_search: ReleaseSearch | None = strawberry.field(description="The search that the job fills.")


@strawberry.type(description="A want that nobody has any more.")
class UnwantBookPayload:
    """The want."""

    want: Want = strawberry.field(description="The want, closed; what is on its way for it arrives all the same.")


@strawberry.type(description="A changed want.")
class UpdateWantPayload:
    """The want."""

    want: Want = strawberry.field(description="The want as it is now.")


WantBookResult = Annotated[
    WantBookPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("WantBookResult", description="What is wanted, or why nothing is."),
]
UnwantBookResult = Annotated[
    UnwantBookPayload | NotFoundError,
    strawberry.union("UnwantBookResult", description="The want, or why it was not closed."),
]
UpdateWantResult = Annotated[
    UpdateWantPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("UpdateWantResult", description="The want, or why it was not changed."),
]


@strawberry.type
class WantMutation:
    """Mutations of wants."""

    @strawberry.mutation(
        description="Want one book, and search for it. Wanting it again gives the same want. Nothing else is ever "
        "wanted by this: no other book of its author or series.",
        permission_classes=[IsMember],
    )
    async def want_book(
        self,
        info: Info,
        input: Annotated[WantBookInput, strawberry.argument(description="Which book.")],  # noqa: A002 the contract's name
    ) -> WantBookResult:
        """Write the want, its search and its job."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            book_id = await _book(work, info, input.book)
            want = await _want(work, info, input, book_id)
            job, search = await _search(work, info, want, input.idempotency_key) if input.search else (None, None)
        return WantBookPayload(
            wants=[Want.of(want)],
            job=Job.of(job) if job is not None else None,
            release_search=ReleaseSearch.of(search) if search is not None else None,
        )

    @strawberry.mutation(description="Close a want: it is not searched for any more.", permission_classes=[IsMember])
    async def unwant_book(
        self,
        info: Info,
        input: Annotated[UnwantBookInput, strawberry.argument(description="Which want.")],  # noqa: A002 the contract's name
    ) -> UnwantBookResult:
        """Close it."""
        want_id = decode_id_of("Want", input.id)
        await visible_want(info.context, want_id)
        async with info.context.database.write() as session:
            want = await wants.unwant(session, want_id)
        return UnwantBookPayload(want=Want.of(want))

    @strawberry.mutation(
        description="Change what would satisfy a want; it is then searched for anew.", permission_classes=[IsMember]
    )
    async def update_want(
        self,
        info: Info,
        input: Annotated[UpdateWantInput, strawberry.argument(description="What to change.")],  # noqa: A002 the contract's name
    ) -> UpdateWantResult:
        """Write the change."""
        want_id = decode_id_of("Want", input.id)
        present = await visible_want(info.context, want_id)
        async with info.context.database.write() as session:
            want = await wants.change(session, want_id, _changes(input, present))
        return UpdateWantPayload(want=Want.of(want))


async def _book(work: Work, info: Info, which: WantedBookInput) -> int:
    """The book's id; a new one comes into the graph through the metadata gate, with everything that follows."""
    if which.id is not strawberry.UNSET:
        return decode_id_of("Book", str(which.id))
    given = which.new_book or NewBookInput(title="", authors=[])
    new = NewBook(title=given.title, authors=tuple(given.authors), series=given.series, position=given.position)
    viewer = info.context.viewer
    book, is_new = await wants.book_of(work.session, new, actor=viewer.name if viewer is not None else queue.SYSTEM)
    if is_new:
        await info.context.search.refresh_passages(work.session, [book.id])
        work.emit(LIBRARY_TOPIC, "BOOK_ADDED", book.id, {"title": book.title})
        work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
        await queue.embed_passages(work)
    return book.id


async def _want(work: Work, info: Info, given: WantBookInput, book_id: int) -> models.Want:
    profile_id = decode_id_of("QualityProfile", given.quality_profile) if given.quality_profile is not None else None
    if profile_id is not None:
        await quality_profiles.get(work.session, profile_id)
    wanting = await wants.want(
        work.session,
        book_id,
        created_by=actor_of(info),
        profile_id=profile_id,
        rules=given_rules(given.rules),
        grab_automatically=given.grab_automatically,
    )
    return wanting.want


async def _search(
    work: Work, info: Info, want: models.Want, key: str | None
) -> tuple[models.Job | None, models.ReleaseSearch]:
    """The search that the same request has started, or one that is going on, or a new one."""
    job = await job_rows.by_key(work.session, actor_of(info), key) if key is not None else None
    search = await job_search(work, job) if job is not None else None
    if job is not None and (search is None or search.want_id != want.id):
        raise IdempotencyKeyReused(key or "")
    if search is None and (search := await release_searches.going_on(work.session, want.id)) is not None:
        job = await work.session.get(models.Job, search.job_id) if search.job_id is not None else None
    if search is None:
        search = await release_searches.create(work.session, want=want, created_by=actor_of(info))
        job = await start_search(work, info, search, key)
        wants.search_began(want)
    return job, search


def _changes(given: UpdateWantInput, present: models.Want) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if given.quality_profile is not None:
        chosen = given.quality_profile.value
        values["quality_profile_id"] = decode_id_of("QualityProfile", chosen) if chosen is not None else None
    if given.rules is not None:
        own = given.rules.value
        values["rules"] = wants.with_rules(present, given_rules(own)) if own is not None else None
    if given.grab_automatically is not None:
        values["grab_automatically"] = given.grab_automatically.value
    return values
