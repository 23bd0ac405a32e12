"""Integrations in the graph: whether other servers are configured and well, and how they are configured."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import events, integration_health, integration_secrets, models
from library import integrations as rows
from library.integration_health import FindingLevel
from library.models.accounts import Role
from library.models.integrations import Circuit, IntegrationKind, IntegrationSource
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.integration_options import IntegrationOptions, IntegrationServiceInput, shown, taken_apart
from resolvers.nodes import Node
from resolvers.permissions import IsAdmin, IsMember, has_role
from resolvers.scalars import URL

if TYPE_CHECKING:
    from resolvers.jobs import Job

describe_enum(
    IntegrationKind,
    "Which service it is.",
    {
        IntegrationKind.PROWLARR: "Prowlarr, which asks many indexers.",
        IntegrationKind.MYANONAMOUSE: "MyAnonamouse, a tracker with an account that is cared for.",
        IntegrationKind.TORZNAB: "One indexer that speaks Torznab, such as one of Jackett.",
        IntegrationKind.QBITTORRENT: "qBittorrent, the download client.",
        IntegrationKind.OPENAI_COMPATIBLE: "A language model whose server speaks OpenAI's chat completions.",
        IntegrationKind.ANTHROPIC: "A language model of Anthropic's.",
    },
    name="IntegrationKind",
)
describe_enum(
    IntegrationSource,
    "Who configured it.",
    {
        IntegrationSource.ENVIRONMENT: "The environment of the server's processes; no mutation can change it.",
        IntegrationSource.MUTATION: "An administrator, by mutation.",
    },
    name="IntegrationSource",
)
describe_enum(
    Circuit,
    "Whether it is called at all.",
    {
        Circuit.CLOSED: "It is.",
        Circuit.OPEN: "It failed repeatedly and is left alone for a while.",
        Circuit.HALF_OPEN: "One call tries whether it is back.",
    },
    name="Circuit",
)
describe_enum(
    FindingLevel,
    "How bad it is what a check has found.",
    {
        FindingLevel.OK: "It is as it should be.",
        FindingLevel.WARNING: "It works, and could go wrong or better.",
        FindingLevel.ERROR: "It does not work.",
    },
    name="FindingLevel",
)


@strawberry.type(description="The last thing that went wrong with an integration.")
class IntegrationError:
    """Code and sentence."""

    code: str = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="How often an integration may still be called; all workers share it.")
class IntegrationBudget:
    """As last seen by a worker."""

    remaining: int = strawberry.field(description="Calls that may be made at once.")
    capacity: int = strawberry.field(description="Calls that may be made at once after a pause.")
    resets_at: datetime | None = strawberry.field(description="Until when nothing may be called; null: it may.")


@strawberry.type(description="Somebody else's server, with its health. Its credentials never come back.")
class Integration(Node):
    """A row of integrations."""

    kind: IntegrationKind = strawberry.field(description="Which service it is.")
    name: str = strawberry.field(description="What it is called here.")
    configured: bool = strawberry.field(description="Whether it has all the credentials it needs.")
    enabled: bool = strawberry.field(description="Whether it is used.")
    healthy: bool | None = strawberry.field(description="Whether it answers as it should; null: nobody has tried.")
    source: IntegrationSource = strawberry.field(description="Who configured it.")
    circuit: Circuit = strawberry.field(description="Whether it is called at all.")
    needs_action: str | None = strawberry.field(
        description="What only you can mend. While it is set, nothing calls this server; checking it tries once."
    )
    version: str | None = strawberry.field(description="Its version, as last seen.")
    last_success: datetime | None = strawberry.field(description="When it last answered as it should, to the minute.")
    last_error: IntegrationError | None = strawberry.field(description="What last went wrong, also if it is over.")
    budget: IntegrationBudget | None = strawberry.field(description="How often it may be called, as last seen.")
    checked_at: datetime | None = strawberry.field(description="When it was last checked.")
    row: strawberry.Private[models.Integration]

    @classmethod
    def of(cls, row: models.Integration, secret_names: Iterable[str]) -> "Integration":
        """View a row."""
        return cls(
            id=encode_id("Integration", row.id),
            kind=row.kind,
            name=row.name,
            configured=rows.is_configured(row.kind, secret_names),
            enabled=row.enabled,
            healthy=integration_health.is_healthy(row),
            source=row.source,
            circuit=row.circuit,
            needs_action=row.needs_action,
            version=row.seen.get("version"),
            last_success=row.last_success_at,
            last_error=_last_error(row),
            budget=_budget(row.seen.get("budget")),
            checked_at=row.checked_at,
            row=row,
        )

    @strawberry.field(description="Its address; null for all but administrators.")
    def url(self, info: Info) -> URL | None:
        """The address, for those who may know it."""
        return URL(self.row.url) if has_role(info.context.viewer, Role.ADMIN) else None

    @strawberry.field(description="What is set for it besides credentials; null for all but administrators.")
    def options(self, info: Info) -> IntegrationOptions | None:
        """The options, for those who may set them."""
        return shown(self.row.kind, self.row.options) if has_role(info.context.viewer, Role.ADMIN) else None


async def integration_by_id(info: Info, integration_id: int) -> Integration | None:
    """For `node(id:)` and results: members may see how it is."""
    if not has_role(info.context.viewer, Role.MEMBER):
        return None
    async with info.context.database.read() as session:
        row = await session.get(models.Integration, integration_id)
        names = await integration_secrets.secret_names(session, [integration_id])
    return Integration.of(row, names[integration_id]) if row is not None else None


@strawberry.type(description="One thing that a check of an integration has looked at.")
class IntegrationFinding:
    """Code, level and sentence."""

    code: str = strawberry.field(description="What was found, for programs.")
    level: FindingLevel = strawberry.field(description="How bad it is.")
    message: str = strawberry.field(description="What was found and what to do, for people.")


@strawberry.type(description="What a check of an integration has found.")
class IntegrationCheckResult:
    """Findings in the order in which they were made."""

    findings: list[IntegrationFinding] = strawberry.field(description="Everything that was looked at.")
    integration_id: strawberry.Private[int]

    @classmethod
    def of(cls, *, integration_id: int, findings: list[dict[str, Any]]) -> "IntegrationCheckResult":
        """View a job's result."""
        made = [IntegrationFinding(**{**finding, "level": FindingLevel(finding["level"])}) for finding in findings]
        return cls(integration_id=integration_id, findings=made)

    @strawberry.field(description="The integration as it is now; null when it has been removed.")
    async def integration(self, info: Info) -> Integration | None:
        """The integration."""
        return await integration_by_id(info, self.integration_id)


@strawberry.type
class IntegrationQuery:
    """Root fields over integrations."""

    @strawberry.field(
        description="The servers that this one works with, in the order they were configured.",
        permission_classes=[IsMember],
    )
    async def integrations(self, info: Info) -> list[Integration] | None:
        """All of them; their number is small and chosen by administrators."""
        async with info.context.database.read() as session:
            found = await rows.all_integrations(session)
            names = await integration_secrets.secret_names(session, [row.id for row in found])
        return [Integration.of(row, names[row.id]) for row in found]


@strawberry.input(description="How a server is reached and used. What is left out stays as it is.")
class ConfigureIntegrationInput:
    """A patch, or a new integration."""

    service: IntegrationServiceInput = strawberry.field(description="Which kind it is, with credentials and options.")
    id: strawberry.ID | None = strawberry.field(
        default=None, description="The integration to change; left out: the one of this name, or a new one."
    )
    name: str | None = strawberry.field(default=None, description="What it is called; its kind's name when left out.")
    url: str | None = strawberry.field(
        default=None,
        description="Its address, without credentials, `?` and `#`. For another server, give the credentials anew.",
    )
    enabled: bool | None = strawberry.field(default=None, description="Whether it is used; a new one is.")
    check: bool = strawberry.field(default=True, description="Whether to check it at once.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same check."
    )


@strawberry.input(description="Which integration to check.")
class CheckIntegrationInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The integration's id.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.input(description="Which integration to remove, with its credentials.")
class RemoveIntegrationInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The integration's id.")


@strawberry.input(description="Which integration to switch on or off.")
class SetIntegrationEnabledInput:
    """An id and a wish."""

    id: strawberry.ID = strawberry.field(description="The integration's id.")
    enabled: bool = strawberry.field(description="Whether it shall be used.")


@strawberry.type(description="A configured integration.")
class ConfigureIntegrationPayload:
    """The integration and its check."""

    integration: Integration = strawberry.field(description="The integration.")
    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] | None = strawberry.field(
        description="Its check; null when none was asked for."
    )


@strawberry.type(description="A check that was started, or the one that is going on already.")
class CheckIntegrationPayload:
    """The job."""

    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(description="The check.")


@strawberry.type(description="An integration that is gone.")
class RemoveIntegrationPayload:
    """What it was called."""

    removed_id: strawberry.ID = strawberry.field(description="The id it had.")
    name: str = strawberry.field(description="What it was called.")


@strawberry.type(description="An integration that was switched on or off.")
class SetIntegrationEnabledPayload:
    """The integration."""

    integration: Integration = strawberry.field(description="The integration.")


ConfigureIntegrationResult = Annotated[
    ConfigureIntegrationPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("ConfigureIntegrationResult", description="The integration, or why it cannot be so."),
]
CheckIntegrationResult = Annotated[
    CheckIntegrationPayload | NotFoundError | ConflictError,
    strawberry.union("CheckIntegrationResult", description="The check, or why there is none."),
]
RemoveIntegrationResult = Annotated[
    RemoveIntegrationPayload | NotFoundError | ConflictError,
    strawberry.union("RemoveIntegrationResult", description="What was removed, or why it stays."),
]
SetIntegrationEnabledResult = Annotated[
    SetIntegrationEnabledPayload | NotFoundError,
    strawberry.union("SetIntegrationEnabledResult", description="The integration, or that there is none."),
]


@strawberry.type
class IntegrationMutation:
    """Mutations of integrations."""

    @strawberry.mutation(
        description="Configure a server that this one works with. Credentials are sealed and never come back.",
        permission_classes=[IsAdmin],
    )
    async def configure_integration(
        self,
        info: Info,
        input: Annotated[ConfigureIntegrationInput, strawberry.argument(description="Which, and how.")],  # noqa: A002 the contract's name
    ) -> ConfigureIntegrationResult:
        """Write the row and its secrets, start a check."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to Integration

        kind, options, secrets = taken_apart(input.service)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await rows.configure(
                work.session,
                info.context.seal,
                kind=kind,
                source=IntegrationSource.MUTATION,
                integration_id=decode_id_of("Integration", input.id) if input.id is not None else None,
                name=input.name,
                url=input.url,
                options=options,
                secrets=secrets,
                enabled=input.enabled,
            )
            job = await _check(work, info, row.id, input.idempotency_key) if input.check else None
            integration = await _told(work, row)
        return ConfigureIntegrationPayload(integration=integration, job=Job.of(job) if job is not None else None)

    @strawberry.mutation(
        description="Find out what is wrong with an integration, if anything.", permission_classes=[IsAdmin]
    )
    async def check_integration(
        self,
        info: Info,
        input: Annotated[CheckIntegrationInput, strawberry.argument(description="Which integration.")],  # noqa: A002 the contract's name
    ) -> CheckIntegrationResult:
        """Start a check."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to Integration

        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await rows.get(work.session, decode_id_of("Integration", input.id))
            job = await _check(work, info, row.id, input.idempotency_key)
        return CheckIntegrationPayload(job=Job.of(job))

    @strawberry.mutation(
        description="Forget an integration and its credentials. One with purchases or downloads can only be disabled.",
        permission_classes=[IsAdmin],
    )
    async def remove_integration(
        self,
        info: Info,
        input: Annotated[RemoveIntegrationInput, strawberry.argument(description="Which integration.")],  # noqa: A002 the contract's name
    ) -> RemoveIntegrationResult:
        """Delete the row."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await rows.remove(work.session, decode_id_of("Integration", input.id))
            work.emit(events.INTEGRATIONS_TOPIC, "REMOVED", row.id, {"name": row.name})
        return RemoveIntegrationPayload(removed_id=encode_id("Integration", row.id), name=row.name)

    @strawberry.mutation(description="Switch an integration on or off.", permission_classes=[IsAdmin])
    async def set_integration_enabled(
        self,
        info: Info,
        input: Annotated[SetIntegrationEnabledInput, strawberry.argument(description="Which integration.")],  # noqa: A002 the contract's name
    ) -> SetIntegrationEnabledResult:
        """Change the row."""
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row_id = decode_id_of("Integration", input.id)
            row = await rows.set_enabled(work.session, row_id, enabled=input.enabled)
            integration = await _told(work, row)
        return SetIntegrationEnabledPayload(integration=integration)


async def _check(work: Work, info: Info, integration_id: int, idempotency_key: str | None) -> models.Job:
    viewer = info.context.viewer
    creator = viewer.actor if viewer is not None else queue.SYSTEM
    return await queue.check_integration(work, integration_id, created_by=creator, idempotency_key=idempotency_key)


async def _told(work: Work, row: models.Integration) -> Integration:
    """The changed row as it is shown, and an event of it."""
    work.emit(events.INTEGRATIONS_TOPIC, "CHANGED", row.id, integration_health.summary(row))
    names = await integration_secrets.secret_names(work.session, [row.id])
    return Integration.of(row, names[row.id])


def _last_error(row: models.Integration) -> IntegrationError | None:
    if row.last_error_at is None:
        return None
    return IntegrationError(code=row.last_error_code or "", message=row.last_error_message or "", at=row.last_error_at)


def _budget(seen: dict[str, Any] | None) -> IntegrationBudget | None:
    if seen is None:
        return None
    resets_at = datetime.fromisoformat(seen["resets_at"]) if seen["resets_at"] is not None else None
    return IntegrationBudget(remaining=seen["remaining"], capacity=seen["capacity"], resets_at=resets_at)
