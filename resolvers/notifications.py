"""Notification targets in the graph: who is told what happens, and how it went; their addresses never come back."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.events import unit_of_work
from library import models, notifications
from library.models.accounts import Role
from library.models.integrations import NotificationKind
from library.notification_events import Topic
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import IsAdmin, has_role

describe_enum(
    NotificationKind,
    "How a notification travels.",
    {
        NotificationKind.WEBHOOK: "A POST of JSON, signed with the target's key.",
        NotificationKind.APPRISE: "A message by any service that Apprise knows.",
    },
    name="NotificationKind",
)
describe_enum(
    Topic,
    "What a target may want to be told.",
    {
        Topic.DOWNLOAD_DONE: "A download has arrived in the library.",
        Topic.DOWNLOAD_BLOCKED: "A download cannot go on now.",
        Topic.DOWNLOAD_FAILED: "A download cannot go on.",
        Topic.BOOK_ADDED: "The library has one book more.",
        Topic.INTEGRATION_NEEDS_ACTION: "Somebody else's server waits for its user.",
    },
    name="NotificationTopic",
)


@strawberry.type(description="Somebody who is told what happens. Address and key never come back.")
class NotificationTarget(Node):
    """A row of notification targets."""

    kind: NotificationKind = strawberry.field(description="How it is told.")
    name: str = strawberry.field(description="What it is called here.")
    topics: list[Topic] = strawberry.field(description="What it is told.")
    enabled: bool = strawberry.field(description="Whether it is told anything; many failures in a row switch it off.")
    failures: int = strawberry.field(description="Failed deliveries in a row.")
    retry_at: datetime | None = strawberry.field(description="When the next delivery is tried; null: at once.")
    last_success_at: datetime | None = strawberry.field(description="When it was last told something.")
    last_error: str | None = strawberry.field(description="Why the last delivery failed; null: it did not.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, row: models.NotificationTarget) -> "NotificationTarget":
        """View a row."""
        return cls(
            id=encode_id("NotificationTarget", row.id),
            kind=row.kind,
            name=row.name,
            topics=[Topic(topic) for topic in row.topics],
            enabled=row.enabled,
            failures=row.failures,
            retry_at=row.retry_at,
            last_success_at=row.last_success_at,
            last_error=row.last_error_message,
            created_at=row.created_at,
        )


async def notification_target_by_id(info: Info, target_id: int) -> NotificationTarget | None:
    """For `node(id:)`: administrators only."""
    if not has_role(info.context.viewer, Role.ADMIN):
        return None
    async with info.context.database.read() as session:
        row = await session.get(models.NotificationTarget, target_id)
    return NotificationTarget.of(row) if row is not None else None


@strawberry.type
class NotificationQuery:
    """Root fields over notification targets."""

    @strawberry.field(
        description="Who is told what happens, in the order they were made.", permission_classes=[IsAdmin]
    )
    async def notification_targets(self, info: Info) -> list[NotificationTarget] | None:
        """All of them; their number is small and chosen by administrators."""
        async with info.context.database.read() as session:
            return [NotificationTarget.of(row) for row in await notifications.all_targets(session)]


@strawberry.input(description="Who shall be told what. What is left out stays as it is.")
class SaveNotificationTargetInput:
    """A patch, or a new target."""

    id: strawberry.ID | None = strawberry.field(
        default=None, description="The target to change; left out: a new one, which needs `kind`, `name` and `url`."
    )
    kind: NotificationKind | None = strawberry.field(
        default=None, description="How it is told; it cannot be changed later."
    )
    name: str | None = strawberry.field(default=None, description="What it is called here.")
    url: str | None = strawberry.field(
        default=None,
        description="Where it is told: an https:// address (or http:// in a private network), or a URL of Apprise, "
        "such as ntfy://topic. It is sealed and never comes back.",
    )
    key: str | None = strawberry.field(
        default=None,
        description="What deliveries to a webhook are signed with, of at least 16 characters. Never comes back.",
    )
    topics: list[Topic] | None = strawberry.field(default=None, description="What it is told; a new one: everything.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it is told anything.")


@strawberry.input(description="Which target to forget.")
class RemoveNotificationTargetInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The target's id.")


@strawberry.input(description="Which target to try.")
class TestNotificationTargetInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The target's id.")


@strawberry.type(description="A saved target.")
class SaveNotificationTargetPayload:
    """The target."""

    target: NotificationTarget = strawberry.field(description="The target.")


@strawberry.type(description="A target that is gone.")
class RemoveNotificationTargetPayload:
    """What it was called."""

    removed_id: strawberry.ID = strawberry.field(description="The id it had.")
    name: str = strawberry.field(description="What it was called.")


@strawberry.type(description="A target that is told a trial within seconds.")
class TestNotificationTargetPayload:
    """The target."""

    target: NotificationTarget = strawberry.field(
        description="The target; a moment later its `lastSuccessAt` or `lastError` says how it went."
    )


SaveNotificationTargetResult = Annotated[
    SaveNotificationTargetPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("SaveNotificationTargetResult", description="The target, or why it cannot be so."),
]
RemoveNotificationTargetResult = Annotated[
    RemoveNotificationTargetPayload | NotFoundError,
    strawberry.union("RemoveNotificationTargetResult", description="What was removed, or that there is none."),
]
TestNotificationTargetResult = Annotated[
    TestNotificationTargetPayload | NotFoundError | ConflictError,
    strawberry.union("TestNotificationTargetResult", description="The target, or why it cannot be tried."),
]


@strawberry.type
class NotificationMutation:
    """Mutations of notification targets."""

    @strawberry.mutation(
        description="Tell somebody what happens from now on, or change how.", permission_classes=[IsAdmin]
    )
    async def save_notification_target(
        self,
        info: Info,
        input: Annotated[SaveNotificationTargetInput, strawberry.argument(description="Who, what and how.")],  # noqa: A002 the contract's name
    ) -> SaveNotificationTargetResult:
        """Write the row, its address and key sealed."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await (_create if input.id is None else _update)(info, work.session, input)
        return SaveNotificationTargetPayload(target=NotificationTarget.of(row))

    @strawberry.mutation(description="Tell somebody nothing any more.", permission_classes=[IsAdmin])
    async def remove_notification_target(
        self,
        info: Info,
        input: Annotated[RemoveNotificationTargetInput, strawberry.argument(description="Which target.")],  # noqa: A002 the contract's name
    ) -> RemoveNotificationTargetResult:
        """Delete the row with its address and key."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await notifications.remove(work.session, decode_id_of("NotificationTarget", input.id))
        return RemoveNotificationTargetPayload(removed_id=input.id, name=row.name)

    @strawberry.mutation(description="Send one target a trial, with the next delivery.", permission_classes=[IsAdmin])
    async def test_notification_target(
        self,
        info: Info,
        input: Annotated[TestNotificationTargetInput, strawberry.argument(description="Which target.")],  # noqa: A002 the contract's name
    ) -> TestNotificationTargetResult:
        """Write an event for this target alone."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            target_id = decode_id_of("NotificationTarget", input.id)
            row = await notifications.get(work.session, target_id, locked=True)
            work.events.append(notifications.for_trial(row))
        return TestNotificationTargetPayload(target=NotificationTarget.of(row))


async def _create(info: Info, session: AsyncSession, given: SaveNotificationTargetInput) -> models.NotificationTarget:
    if given.kind is None or given.name is None or given.url is None:
        raise notifications.UnusableTarget("needs `kind`, `name` and `url` when it is new")
    viewer = info.context.viewer
    return await notifications.create(
        session,
        info.context.seal,
        kind=given.kind,
        name=given.name,
        url=given.url,
        key=given.key,
        topics=given.topics if given.topics is not None else list(Topic),
        enabled=given.enabled is not False,
        created_by=viewer.actor if viewer is not None else "system",
    )


async def _update(info: Info, session: AsyncSession, given: SaveNotificationTargetInput) -> models.NotificationTarget:
    row = await notifications.get(session, decode_id_of("NotificationTarget", given.id or ""), locked=True)
    if given.kind not in {None, row.kind}:
        raise notifications.UnusableTarget("cannot become one of another kind")
    await notifications.update(
        session,
        info.context.seal,
        row,
        name=given.name,
        url=given.url,
        key=given.key,
        topics=given.topics,
        enabled=given.enabled,
    )
    return row
