"""Other people's servers: how they are reached, how they are, what they may still be asked; and tracker accounts."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class IntegrationKind(enum.StrEnum):
    """Which service it is."""

    PROWLARR = "PROWLARR"
    MYANONAMOUSE = "MYANONAMOUSE"
    TORZNAB = "TORZNAB"  # Jackett and others
    QBITTORRENT = "QBITTORRENT"
    OPENAI_COMPATIBLE = "OPENAI_COMPATIBLE"  # a language model: OpenAI, Ollama, llama.cpp, vLLM, LM Studio and others
    ANTHROPIC = "ANTHROPIC"  # a language model


class IntegrationSource(enum.StrEnum):
    """Who configured it: the environment wins over a mutation."""

    ENVIRONMENT = "ENVIRONMENT"
    MUTATION = "MUTATION"


class Circuit(enum.StrEnum):
    """Whether it is called at all."""

    CLOSED = "CLOSED"  # it is
    OPEN = "OPEN"  # it failed too often and is left alone for a while
    HALF_OPEN = "HALF_OPEN"  # one call tries whether it is back


class Integration(Table):
    """Somebody else's server, as configured and as last seen."""

    __tablename__ = "integrations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[IntegrationKind] = mapped_column(enum_text(IntegrationKind), index=True)
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what is no secret, by kind
    enabled: Mapped[bool] = mapped_column(default=True)
    source: Mapped[IntegrationSource] = mapped_column(enum_text(IntegrationSource))
    last_success_at: Mapped[datetime | None]
    last_error_at: Mapped[datetime | None]
    last_error_code: Mapped[str | None] = mapped_column(sa.String(60))
    last_error_message: Mapped[str | None]
    needs_action: Mapped[str | None]  # what only the user can mend: while it is set, nothing calls this server
    circuit: Mapped[Circuit] = mapped_column(enum_text(Circuit), default=Circuit.CLOSED)
    seen: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # version, free space, budget: as last seen
    checked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class IntegrationSecret(Table):
    """A credential of an integration, sealed with the server's key; nobody reads it back through the graph."""

    __tablename__ = "integration_secrets"

    integration_id: Mapped[int] = mapped_column(sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    sealed: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(default=now)


class DailyBudget(Table):
    """How often something was done on a day (UTC): survives restarts, unlike the buckets in Valkey."""

    __tablename__ = "daily_budgets"

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)  # "grabs:3", "searches:3"
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class TrackerAccount(Table):
    """What a tracker says of the user's account, and what we hold ourselves to because of it."""

    __tablename__ = "tracker_accounts"

    integration_id: Mapped[int] = mapped_column(sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str | None]
    user_class: Mapped[str | None]
    ratio: Mapped[float | None]  # None: not known, or nothing downloaded yet
    uploaded_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    downloaded_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    points: Mapped[int | None]
    wedges: Mapped[int | None]
    vip_until: Mapped[datetime | None]
    unsatisfied: Mapped[int | None]  # None: not known, which is not 0
    unsatisfied_limit: Mapped[int | None]
    connectable: Mapped[bool | None]
    frozen_until: Mapped[datetime | None]  # the tracker gives no torrent before
    below_floor: Mapped[bool] = mapped_column(
        default=False
    )  # until the ratio has recovered only free releases are taken
    announces_rejected: Mapped[bool] = mapped_column(
        default=False
    )  # the client's address is not the tracker's idea of it
    fetched_at: Mapped[datetime | None]


class PurchaseKind(enum.StrEnum):
    """What can be had for a tracker's points or wedges."""

    WEDGE = "WEDGE"  # a freeleech wedge, for points
    VIP = "VIP"  # VIP time, for points
    UPLOAD = "UPLOAD"  # upload credit, for points
    PERSONAL_FREELEECH = "PERSONAL_FREELEECH"  # one torrent, for a wedge


class PurchaseState(enum.StrEnum):
    """What became of a purchase."""

    ESTIMATED = "ESTIMATED"  # a dry run: nothing was spent
    PENDING = "PENDING"  # about to be sent; after a crash nobody knows whether it was
    DONE = "DONE"  # the tracker said yes
    REFUSED = "REFUSED"  # the tracker, or the budget, said no
    UNKNOWN = "UNKNOWN"  # sent, and no answer came: the account shows whether it counted


class Purchase(Table):
    """Something bought, or nearly bought, at a tracker; irreversible, so every one is kept."""

    __tablename__ = "purchases"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    integration_id: Mapped[int] = mapped_column(sa.ForeignKey("integrations.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id", ondelete="SET NULL"))
    kind: Mapped[PurchaseKind] = mapped_column(enum_text(PurchaseKind))
    state: Mapped[PurchaseState] = mapped_column(enum_text(PurchaseState))
    release_id: Mapped[int | None] = mapped_column(sa.ForeignKey("releases.id"))
    amount: Mapped[int | None]  # GB of upload credit
    points: Mapped[int] = mapped_column(default=0)  # price in points
    wedges: Mapped[int] = mapped_column(default=0)  # price in wedges
    maximum_points: Mapped[int]  # the budget the user set for it
    maximum_wedges: Mapped[int]
    message: Mapped[str | None]
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class NotificationKind(enum.StrEnum):
    """How a notification travels."""

    WEBHOOK = "WEBHOOK"  # a signed POST of JSON
    APPRISE = "APPRISE"  # any service that Apprise knows


class NotificationTarget(Table):
    """Where events are sent to; its place in the events is kept, so that a crash repeats but never skips."""

    __tablename__ = "notification_targets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[NotificationKind] = mapped_column(enum_text(NotificationKind))
    name: Mapped[str] = mapped_column(unique=True)
    sealed_url: Mapped[str]  # Apprise puts credentials into URLs
    sealed_key: Mapped[str | None]  # what webhooks are signed with
    topics: Mapped[list[str]] = mapped_column(Json)
    enabled: Mapped[bool] = mapped_column(default=True)
    delivered_event_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    retry_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_error_message: Mapped[str | None]
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
