"""Wants in the graph: one book each, what would satisfy it, and how the search for it goes."""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
import strawberry

from library import models, quality_profiles, wants
from library.errors import NotFound
from library.models.accounts import Role
from library.models.releases import Want as WantRow
from library.models.releases import WantState
from library.pagination import Keyset, Page, SortKey
from resolvers.books import Book, Edition
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Context, Info, Viewer
from resolvers.descriptions import describe_enum
from resolvers.ids import encode_id
from resolvers.nodes import Node
from resolvers.permissions import IsMember, has_role
from resolvers.quality_profiles import QualityProfile
from resolvers.quality_rules import QualityRules
from resolvers.release_searches import ReleaseSearch
from resolvers.releases import may_see

describe_enum(
    WantState,
    "Where a want stands.",
    {
        WantState.OPEN: "It is searched for now and then.",
        WantState.SATISFIED: "An edition that fits is in the library; by profile, a better one is still looked for.",
        WantState.CLOSED: "Nobody wants it any more.",
    },
    name="WantState",
)


@strawberry.type(description="A standing wish for one book.")
class Want(Node):
    """A row of wants."""

    state: WantState = strawberry.field(description="Where it stands.")
    grab_automatically: bool = strawberry.field(
        description="Whether the best release is taken unasked, from the profile's threshold on."
    )
    searches: int = strawberry.field(description="How many searches in a row found nothing that fits.")
    last_searched_at: datetime | None = strawberry.field(description="When it was last searched for.")
    next_search_at: datetime | None = strawberry.field(description="When it is searched for next; null: no more.")
    created_at: datetime = strawberry.field(description="When it was made.")
    closed_at: datetime | None = strawberry.field(description="When it was closed.")
    row: strawberry.Private[WantRow]

    @classmethod
    def of(cls, row: WantRow) -> "Want":
        """View a row."""
        return cls(
            id=encode_id("Want", row.id),
            state=row.state,
            grab_automatically=row.grab_automatically,
            searches=row.searches,
            last_searched_at=row.last_searched_at,
            next_search_at=row.next_search_at,
            created_at=row.created_at,
            closed_at=row.closed_at,
            row=row,
        )

    @strawberry.field(description="The book.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.row.book_id)
        return Book.of(row) if row is not None else None

    @strawberry.field(description="The edition that satisfied it.")
    async def edition(self, info: Info) -> Edition | None:
        """The edition, by its loader."""
        edition_id = self.row.edition_id
        row = await info.context.loaders.edition.load(edition_id) if edition_id is not None else None
        return Edition.of(row) if row is not None else None

    @strawberry.field(description="The profile it goes by; null: its user's, or the default.")
    async def quality_profile(self, info: Info) -> QualityProfile | None:
        """The profile, by its loader."""
        profile_id = self.row.quality_profile_id
        row = await info.context.loaders.quality_profile.load(profile_id) if profile_id is not None else None
        return QualityProfile.of(row) if row is not None else None

    @strawberry.field(description="The rules that hold for it: its own over those of its profile.")
    async def rules(self, info: Info) -> QualityRules | None:
        """The rules, put together from what the loaders give."""
        loaders = info.context.loaders
        user_id = quality_profiles.user_of(self.row.created_by)
        if self.row.quality_profile_id is not None:
            profile = await loaders.quality_profile.load(self.row.quality_profile_id)
        else:
            profile = next(iter(await loaders.profile_of_user.load(user_id)), None) if user_id is not None else None
        return QualityRules.of(quality_profiles.combined(profile, self.row))

    @strawberry.field(description="The newest search for it that is kept.")
    async def last_search(self, info: Info) -> ReleaseSearch | None:
        """The search, by its loader."""
        rows = await info.context.loaders.last_search_of_want.load(self.row.id)
        return ReleaseSearch.of(rows[0]) if rows and may_see(info.context.viewer, rows[0].created_by) else None


async def visible_want(context: Context, want_id: int) -> WantRow:
    """A want the viewer may see; raises NotFound also for the others."""
    async with context.database.read() as session:
        row = await wants.get(session, want_id)
    if not may_see(context.viewer, row.created_by):
        raise NotFound("want", want_id)
    return row


async def want_by_id(info: Info, want_id: int) -> Want | None:
    """For `node(id:)`."""
    row = await info.context.loaders.want.load(want_id)
    return Want.of(row) if row is not None and may_see(info.context.viewer, row.created_by) else None


@strawberry.type
class WantQuery:
    """Root fields over wants."""

    @strawberry.field(
        description="Wants, newest first: all for administrators, their own for members.",
        permission_classes=[IsMember],
    )
    async def wants(
        self,
        info: Info,
        states: Annotated[
            list[WantState] | None, strawberry.argument(description="In one of these states; in any when left out.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Want] | None:
        """A page of wants."""
        keyset = _visible_wants(info.context.viewer, states)
        return await connect(info, keyset, Page.of(first, after, last, before), Want.of)


def _visible_wants(viewer: Viewer | None, states: list[WantState] | None) -> Keyset:
    select = sa.select(models.Want)
    if viewer is None or not has_role(viewer, Role.ADMIN):
        select = select.where(models.Want.created_by == (viewer.actor if viewer is not None else ""))
    if states is not None:
        select = select.where(models.Want.state.in_(states))
    return Keyset(select, (SortKey(models.Want.id, descending=True),))
