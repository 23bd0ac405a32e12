"""Quality profiles: rules under a name, for wants and users to choose."""

from datetime import datetime
from typing import Annotated

import strawberry

from library import models
from library import quality_profiles as profile_rows
from library.errors import BadInput, Conflict
from library.models.accounts import Role
from library.pagination import Page
from library.releases import QualityProfile as Rules
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import IsMember, has_role, refuse
from resolvers.quality_rules import QualityRules, QualityRulesInput, given_rules


class NameMissing(BadInput):
    """A new profile without a name."""

    def __init__(self) -> None:
        super().__init__("A new quality profile needs a `name`.")


class NobodyToChoose(Conflict):
    """The operator's token, which stands for no user."""

    def __init__(self) -> None:
        super().__init__("The operator's token belongs to no user. Sign in as one to choose a quality profile.")


@strawberry.type(description="Rules for releases under a name.")
class QualityProfile(Node):
    """A row of quality profiles."""

    name: str = strawberry.field(description="Its name.")
    rules: QualityRules = strawberry.field(description="Which releases are accepted, and what they get points for.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    row: strawberry.Private[models.QualityProfile]

    @classmethod
    def of(cls, row: models.QualityProfile) -> "QualityProfile":
        """View a row."""
        return cls(
            id=encode_id("QualityProfile", row.id),
            name=row.name,
            rules=QualityRules.of(Rules.from_json(row.rules)),
            created_at=row.created_at,
            updated_at=row.updated_at,
            row=row,
        )

    @strawberry.field(description="Whether the viewer may change it: who made it, and administrators.")
    def is_mine(self, info: Info) -> bool:
        """By the row's creator."""
        return _may_change(info, self.row)


async def quality_profile_by_id(info: Info, profile_id: int) -> QualityProfile | None:
    """For `node(id:)`; every member may choose every profile."""
    if not has_role(info.context.viewer, Role.MEMBER):
        return None
    row = await info.context.loaders.quality_profile.load(profile_id)
    return QualityProfile.of(row) if row is not None else None


@strawberry.input(description="A quality profile to make or to change.")
class SaveQualityProfileInput:
    """A patch where an id is given."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Which one to change; null makes a new one.")
    name: str | None = strawberry.field(default=None, description="Its name; needed for a new one.")
    rules: QualityRulesInput | None = strawberry.field(default=None, description="Its rules.")


@strawberry.input(description="Which quality profile to remove.")
class RemoveQualityProfileInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The profile's id.")


@strawberry.input(description="Which quality profile the viewer goes by.")
class SetMyQualityProfileInput:
    """An id, or none."""

    quality_profile: strawberry.ID | None = strawberry.field(
        default=None, description="The profile of the viewer's wants and searches that name none; null: the default."
    )


@strawberry.type(description="A quality profile that was made or changed.")
class SaveQualityProfilePayload:
    """The profile."""

    quality_profile: QualityProfile = strawberry.field(description="The profile as it is now.")


@strawberry.type(description="A quality profile that was removed.")
class RemoveQualityProfilePayload:
    """Its id."""

    removed_id: strawberry.ID = strawberry.field(description="The id it had.")


@strawberry.type(description="The quality profile that the viewer goes by from now on.")
class SetMyQualityProfilePayload:
    """The profile."""

    quality_profile: QualityProfile | None = strawberry.field(description="The profile; null: the default.")


SaveQualityProfileResult = Annotated[
    SaveQualityProfilePayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("SaveQualityProfileResult", description="The profile, or why it was not saved."),
]
RemoveQualityProfileResult = Annotated[
    RemoveQualityProfilePayload | NotFoundError | ConflictError,
    strawberry.union("RemoveQualityProfileResult", description="What was removed, or why it was not."),
]
SetMyQualityProfileResult = Annotated[
    SetMyQualityProfilePayload | NotFoundError | ConflictError,
    strawberry.union("SetMyQualityProfileResult", description="The profile, or why it was not chosen."),
]


@strawberry.type
class ProfileQuery:
    """Root fields over quality profiles."""

    @strawberry.field(description="All quality profiles, by name.", permission_classes=[IsMember])
    async def quality_profiles(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[QualityProfile] | None:
        """A page of profiles."""
        return await connect(info, profile_rows.by_name(), Page.of(first, after, last, before), QualityProfile.of)

    @strawberry.field(
        description="The rules that judge releases where neither want nor search names a profile.",
        permission_classes=[IsMember],
    )
    async def my_quality_rules(self, info: Info) -> QualityRules | None:
        """The viewer's own, or the default."""
        viewer = info.context.viewer
        async with info.context.database.read() as session:
            rules = await profile_rows.effective(session, actor=viewer.actor if viewer is not None else "")
        return QualityRules.of(rules)


@strawberry.type
class ProfileMutation:
    """Mutations of quality profiles."""

    @strawberry.mutation(
        description="Make a quality profile, or change one that the viewer made; administrators change any.",
        permission_classes=[IsMember],
    )
    async def save_quality_profile(
        self,
        info: Info,
        input: Annotated[SaveQualityProfileInput, strawberry.argument(description="The profile.")],  # noqa: A002 the contract's name
    ) -> SaveQualityProfileResult:
        """Write the row."""
        rules = given_rules(input.rules)
        async with info.context.database.write() as session:
            if input.id is None:
                if input.name is None:
                    raise NameMissing
                row = await profile_rows.create(session, input.name, rules, created_by=_actor(info))
            else:
                profile_id = decode_id_of("QualityProfile", input.id)
                _check_change(info, await profile_rows.get(session, profile_id))
                row = await profile_rows.update(session, profile_id, name=input.name, rules=rules)
        return SaveQualityProfilePayload(quality_profile=QualityProfile.of(row))

    @strawberry.mutation(
        description="Remove a quality profile that no want goes by; users who had chosen it are back at the default.",
        permission_classes=[IsMember],
    )
    async def remove_quality_profile(
        self,
        info: Info,
        input: Annotated[RemoveQualityProfileInput, strawberry.argument(description="Which profile.")],  # noqa: A002 the contract's name
    ) -> RemoveQualityProfileResult:
        """Delete the row."""
        profile_id = decode_id_of("QualityProfile", input.id)
        async with info.context.database.write() as session:
            _check_change(info, await profile_rows.get(session, profile_id))
            await profile_rows.remove(session, profile_id)
        return RemoveQualityProfilePayload(removed_id=input.id)

    @strawberry.mutation(
        description="Choose the quality profile of the viewer's wants and searches that name none.",
        permission_classes=[IsMember],
    )
    async def set_my_quality_profile(
        self,
        info: Info,
        input: Annotated[SetMyQualityProfileInput, strawberry.argument(description="Which profile.")],  # noqa: A002 the contract's name
    ) -> SetMyQualityProfileResult:
        """Write the choice."""
        user_id = info.context.viewer.user_id if info.context.viewer is not None else None
        if user_id is None:
            raise NobodyToChoose
        chosen = decode_id_of("QualityProfile", input.quality_profile) if input.quality_profile is not None else None
        async with info.context.database.write() as session:
            row = await profile_rows.set_for_user(session, user_id, chosen)
        return SetMyQualityProfilePayload(quality_profile=QualityProfile.of(row) if row is not None else None)


def _actor(info: Info) -> str:
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else ""


def _may_change(info: Info, row: models.QualityProfile) -> bool:
    return has_role(info.context.viewer, Role.ADMIN) or row.created_by == _actor(info)


def _check_change(info: Info, row: models.QualityProfile) -> None:
    if not _may_change(info, row):
        refuse(info.context.viewer, Role.ADMIN)
