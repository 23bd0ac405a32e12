"""Asking for a search: for a want, a book, or free text; a job asks the indexers."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from jobs.events import Work, unit_of_work
from library import books, models, release_searches, wants
from library import jobs as job_rows
from library.errors import IdempotencyKeyReused
from resolvers.context import Info
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of
from resolvers.jobs import Job
from resolvers.permissions import IsMember
from resolvers.release_searches import ReleaseSearch, actor_of, job_search, start_search
from resolvers.wants import visible_want


@strawberry.input(one_of=True, description="What is looked for: exactly one of these.")
class ReleaseSearchBy:
    """A want, a book, or words."""

    want: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A want of the viewer's: its book, by its rules."
    )
    book: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="A book of the graph.")
    text: str | None = strawberry.field(
        default=strawberry.UNSET, description="Words, all of which a release must have; up to 200 characters."
    )


@strawberry.input(description="A search for releases.")
class SearchReleasesInput:
    """What, by which rules."""

    by: ReleaseSearchBy = strawberry.field(description="What is looked for.")
    quality_profile: strawberry.ID | None = strawberry.field(
        default=None, description="The profile that judges; the want's or the viewer's own when left out."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same search and job."
    )


@strawberry.type(description="A search that was started.")
class SearchReleasesPayload:
    """The job and the search it fills."""

    job: Job = strawberry.field(description="The job that asks the indexers.")
    release_search: ReleaseSearch = strawberry.field(
        description="The search: read it, or follow it by `releaseSearchUpdated`, as the indexers answer."
    )


SearchReleasesResult = Annotated[
    SearchReleasesPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("SearchReleasesResult", description="The search, or why there is none."),
]


@strawberry.type
class ReleaseMutation:
    """Mutations that search for releases."""

    @strawberry.mutation(
        description="Ask all indexers for releases of a want, a book, or free text; nothing is taken by that, except "
        "for a want that grabs automatically.",
        permission_classes=[IsMember],
    )
    async def search_releases(
        self,
        info: Info,
        input: Annotated[SearchReleasesInput, strawberry.argument(description="What to search.")],  # noqa: A002 the contract's name
    ) -> SearchReleasesResult:
        """Write the search and its job."""
        asked = _asked(input.by)
        if asked.want_id is not None:
            await visible_want(info.context, asked.want_id)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            job, search = await _known(work, info, asked, input) or await _start(work, info, asked, input)
        return SearchReleasesPayload(job=Job.of(job), release_search=ReleaseSearch.of(search))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for: one of these."""

    want_id: int | None = None
    book_id: int | None = None
    text: str | None = None

    def is_of(self, search: models.ReleaseSearch) -> bool:
        """Whether a search looks for it."""
        if self.want_id is not None or search.want_id is not None:
            return self.want_id == search.want_id
        return self.book_id == search.book_id and (self.book_id is not None or self.text == search.text)


def _asked(by: ReleaseSearchBy) -> _Asked:
    if by.want is not strawberry.UNSET:
        return _Asked(want_id=decode_id_of("Want", str(by.want)))
    if by.book is not strawberry.UNSET:
        return _Asked(book_id=decode_id_of("Book", str(by.book)))
    return _Asked(text=release_searches.usable_text(str(by.text)))


async def _known(
    work: Work, info: Info, asked: _Asked, given: SearchReleasesInput
) -> tuple[models.Job, models.ReleaseSearch] | None:
    """What the same request has started already; raises IdempotencyKeyReused when its key stands for another."""
    if given.idempotency_key is None:
        return None
    job = await job_rows.by_key(work.session, actor_of(info), given.idempotency_key)
    if job is None:
        return None
    search = await job_search(work, job)
    if search is None or not asked.is_of(search):
        raise IdempotencyKeyReused(given.idempotency_key)
    return job, search


async def _start(
    work: Work, info: Info, asked: _Asked, given: SearchReleasesInput
) -> tuple[models.Job, models.ReleaseSearch]:
    profile_id = decode_id_of("QualityProfile", given.quality_profile) if given.quality_profile is not None else None
    search = await release_searches.create(
        work.session,
        created_by=actor_of(info),
        want=await wants.get(work.session, asked.want_id) if asked.want_id is not None else None,
        book=await books.get(work.session, asked.book_id) if asked.book_id is not None else None,
        text=asked.text,
        profile_id=profile_id,
    )
    return await start_search(work, info, search, given.idempotency_key), search
