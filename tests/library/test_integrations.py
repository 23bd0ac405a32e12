"""Integrations as rows: what may be configured, what a patch keeps, and who wins."""

from typing import Any

import pytest
import sqlalchemy as sa

from library import integration_secrets, integrations
from library.database import Database
from library.errors import BadInput, NotFound
from library.integration_options import InvalidOption, UnknownOption
from library.integrations import (
    ConfiguredByEnvironment,
    EnvironmentIntegration,
    IntegrationInUse,
    IntegrationNameTaken,
    KindChanged,
    SecretMissing,
    SecretsForOtherServer,
    UnknownSecret,
    UnusableUrl,
)
from library.models import Integration, IntegrationSecret, Purchase
from library.models.integrations import IntegrationKind, IntegrationSource, PurchaseKind, PurchaseState
from library.naming import TemplateInvalid
from library.sealing import Seal

SEAL = Seal(["a key of at least thirty-two characters"])
MUTATION, ENVIRONMENT = IntegrationSource.MUTATION, IntegrationSource.ENVIRONMENT
PROWLARR, TRACKER = IntegrationKind.PROWLARR, IntegrationKind.MYANONAMOUSE
CLIENT = IntegrationKind.QBITTORRENT
KEY = {"api_key": "k3y-of-prowlarr"}


async def configure(database: Database, kind: IntegrationKind = PROWLARR, **given: Any) -> Integration:
    """Configure by mutation unless told otherwise."""
    async with database.write() as session:
        return await integrations.configure(session, SEAL, kind=kind, **({"source": MUTATION} | given))


async def start(database: Database, *given: EnvironmentIntegration) -> list[str]:
    """Start a process with this environment; gives the names of what changed."""
    async with database.write() as session:
        return [row.name for row in await integrations.from_environment(session, SEAL, given)]


async def secrets(database: Database, integration_id: int) -> dict[str, str]:
    """What is kept, opened."""
    async with database.read() as session:
        return await integration_secrets.secrets_of(session, SEAL, integration_id)


async def test_a_new_integration_has_its_kinds_name_and_options_and_sealed_secrets(database: Database) -> None:
    row = await configure(database, url="http://127.0.0.1:9696/", secrets=KEY, options={"indexer_ids": [7]})
    assert (row.name, row.url, row.options, row.enabled, row.source) == (
        "Prowlarr",
        "http://127.0.0.1:9696",
        {"indexer_ids": [7], "categories": [3030]},
        True,
        MUTATION,
    )
    assert await secrets(database, row.id) == KEY
    async with database.read() as session:
        sealed = (await session.scalars(sa.select(IntegrationSecret.sealed))).all()
    assert len(sealed) == 1
    assert KEY["api_key"] not in sealed[0]


async def test_what_a_patch_leaves_out_stays(database: Database) -> None:
    row = await configure(database, url="http://127.0.0.1:9696", secrets=KEY, options={"indexer_ids": [7]})
    same = await configure(database, name="Prowlarr", options={"categories": [3000]}, enabled=False)
    assert (same.id, same.url, same.options, same.enabled) == (
        row.id,
        row.url,
        {"indexer_ids": [7], "categories": [3000]},
        False,
    )
    assert same.updated_at > row.updated_at
    assert await secrets(database, row.id) == KEY
    again = await configure(database, integration_id=row.id, name="Books", secrets={"api_key": "other"})
    assert (again.id, again.name, again.enabled) == (row.id, "Books", False)
    assert await secrets(database, row.id) == {"api_key": "other"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("prowlarr:9696", "http://"),
        ("ftp://prowlarr", "http://"),
        ("http://", "name a host"),
        ("http://user:hunter22@prowlarr", "no password"),
        ("http://prowlarr/?apikey=hunter22", "API key has an input"),
        ("http://[prowlarr", "not an address"),
        ("http://prowlarr:99999999", "not an address"),
    ],
)
async def test_an_address_that_is_none_is_refused_without_repeating_it(database: Database, url: str, why: str) -> None:
    with pytest.raises(UnusableUrl, match=why) as refused:
        await configure(database, url=url, secrets=KEY)
    assert "hunter22" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "given", "error", "said"),
    [
        (PROWLARR, {"url": "http://p"}, SecretMissing, "api_key"),
        (PROWLARR, {"url": "http://p", "secrets": {"api_key": " "}}, SecretMissing, "api_key"),
        (PROWLARR, {"secrets": KEY}, UnusableUrl, "is missing"),
        (TRACKER, {}, SecretMissing, "mam_id"),
        (PROWLARR, {"url": "http://p", "secrets": {**KEY, "mam_id": "x"}}, UnknownSecret, "'mam_id'"),
        (PROWLARR, {"url": "http://p", "secrets": KEY, "options": {"colour": 1}}, UnknownOption, "`colour`"),
        (
            CLIENT,
            {"url": "http://q", "options": {"naming_template": "{title} {"}},
            TemplateInvalid,
            "belongs to no field",
        ),
        (CLIENT, {"url": "http://q", "options": {"mode": "SYMLINK"}}, InvalidOption, "`mode`"),
        (
            CLIENT,
            {"url": "http://q", "options": {"path_mappings": [{"theirs": "/d"}]}},
            InvalidOption,
            "`path_mappings.0.ours`",
        ),
        (PROWLARR, {"url": "http://p", "secrets": KEY, "name": " "}, BadInput, "`name`"),
    ],
)
async def test_what_cannot_be_configured_is_named(
    database: Database, kind: IntegrationKind, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await configure(database, kind, **given)
    async with database.read() as session:
        assert await integrations.all_integrations(session) == []


async def test_credentials_are_never_sent_to_another_server_unasked(database: Database) -> None:
    row = await configure(database, url="http://127.0.0.1:9696", secrets=KEY)
    with pytest.raises(SecretsForOtherServer, match="api_key"):
        await configure(database, integration_id=row.id, url="http://evil.example")
    moved = await configure(database, integration_id=row.id, url="http://127.0.0.1:9696/prowlarr")
    assert moved.url == "http://127.0.0.1:9696/prowlarr"
    elsewhere = await configure(database, integration_id=row.id, url="https://prowlarr.example", secrets=KEY)
    assert elsewhere.url == "https://prowlarr.example"


async def test_names_are_unique_and_kinds_stay(database: Database) -> None:
    row = await configure(database, url="http://p", secrets=KEY)
    other = await configure(database, url="http://p2", secrets=KEY, name="Second")
    with pytest.raises(IntegrationNameTaken):
        await configure(database, integration_id=other.id, name="Prowlarr")
    with pytest.raises(KindChanged):
        await configure(database, CLIENT, integration_id=row.id, url="http://q")
    with pytest.raises(NotFound):
        await configure(database, integration_id=999)


async def test_the_environment_wins_over_mutations(database: Database) -> None:
    row = await configure(database, url="http://p", secrets=KEY, options={"indexer_ids": [7]})
    given = EnvironmentIntegration(PROWLARR, "http://prowlarr.lan:9696", {"api_key": "from the environment"})
    assert await start(database, given) == ["Prowlarr"]
    assert await start(database, given) == []
    with pytest.raises(ConfiguredByEnvironment, match="SHELFGRAPH_"):
        await configure(database, integration_id=row.id, options={"indexer_ids": [9]})
    async with database.write() as session:
        with pytest.raises(ConfiguredByEnvironment):
            await integrations.remove(session, row.id)
        kept = await integrations.get(session, row.id)
    assert (kept.url, kept.options["indexer_ids"], kept.source) == ("http://prowlarr.lan:9696", [7], ENVIRONMENT)
    assert await secrets(database, row.id) == {"api_key": "from the environment"}
    assert await start(database) == ["Prowlarr"]
    freed = await configure(database, integration_id=row.id, options={"indexer_ids": [9]})
    assert freed.source is MUTATION


async def test_a_new_seed_ends_what_the_old_session_had_become(database: Database) -> None:
    first, second = (EnvironmentIntegration(TRACKER, "", {"mam_id": seed}) for seed in ("seed-1", "seed-2"))
    await start(database, first)
    async with database.write() as session:
        row = (await integrations.of_kind(session, TRACKER))[0]
        assert row.url == "https://www.myanonamouse.net"
        assert await integration_secrets.store_rotated(session, SEAL, row.id, "rotated", seed="seed-1")
        row.needs_action = "Make a new session."
    assert await start(database, first) == []
    assert await secrets(database, row.id) == {"mam_id": "seed-1", "mam_id_current": "rotated"}
    assert await start(database, second) == ["MyAnonamouse"]
    assert await secrets(database, row.id) == {"mam_id": "seed-2"}
    async with database.write() as session:
        assert (await integrations.get(session, row.id)).needs_action is None
        assert not await integration_secrets.store_rotated(session, SEAL, row.id, "late", seed="seed-1")
    assert await secrets(database, row.id) == {"mam_id": "seed-2"}


async def test_removing_takes_the_secrets_along_and_keeps_purchases(database: Database) -> None:
    row = await configure(database, url="http://p", secrets=KEY)
    tracker = await configure(database, TRACKER, secrets={"mam_id": "seed"})
    async with database.write() as session:
        session.add(
            Purchase(
                integration_id=tracker.id,
                kind=PurchaseKind.WEDGE,
                state=PurchaseState.DONE,
                maximum_points=0,
                maximum_wedges=0,
                created_by="operator",
            )
        )
    async with database.write() as session:
        await integrations.remove(session, row.id)
        with pytest.raises(IntegrationInUse, match="purchases"):
            await integrations.remove(session, tracker.id)
    async with database.read() as session:
        assert [each.id for each in await integrations.all_integrations(session)] == [tracker.id]
        assert await integration_secrets.secret_names(session, [row.id, tracker.id]) == {
            row.id: frozenset(),
            tracker.id: frozenset({"mam_id"}),
        }


async def test_what_is_off_is_left_out_unless_asked_for(database: Database) -> None:
    row = await configure(database, url="http://p", secrets=KEY)
    async with database.write() as session:
        await integrations.set_enabled(session, row.id, enabled=False)
        assert await integrations.of_kind(session, PROWLARR) == []
        assert [each.id for each in await integrations.of_kind(session, PROWLARR, enabled=False)] == [row.id]


async def test_secrets_sealed_with_a_lost_key_count_as_not_given(database: Database) -> None:
    row = await configure(database, url="http://p", secrets=KEY)
    lost = Seal(["another key of thirty-two characters"])
    async with database.write() as session:
        assert await integration_secrets.secrets_of(session, lost, row.id) == {}
        with pytest.raises(SecretMissing):
            await integrations.configure(session, lost, kind=PROWLARR, source=MUTATION, integration_id=row.id)
