"""Rows of the way from a want to an import, and of the servers it leads over, for the table of access."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import (
    answers,
    documents,
    downloads,
    integrations,
    models,
    notifications,
    quality_profiles,
    release_searches,
    wants,
)
from library.documents import NewSection, NewText
from library.downloads import Reason, ReasonCode
from library.models.downloads import DownloadState, ImportMode, ImportState
from library.models.integrations import (
    IntegrationKind,
    IntegrationSource,
    NotificationKind,
    PurchaseKind,
    PurchaseState,
)
from library.models.jobs import JobKind, JobState
from library.models.passages import OwnerKind
from library.notification_events import Topic
from library.passages import NewPassage, replace_passages
from library.releases import ReleaseFacts
from library.sealing import Seal

_TO_DONE = ("GRABBING", "DOWNLOADING", "VERIFYING", "IMPORTING", "IMPORTED", "ENRICHING", "DONE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the library it happens, and who asked for it."""

    book_id: int
    edition_id: int
    root_id: int
    owner: str


async def fill(session: AsyncSession, seal: Seal, place: Place) -> dict[str, Any]:
    """Write one row of each kind; the rows by the words of the table."""
    servers = await _servers(session, seal, place)
    profile = await quality_profiles.create(session, "House", {}, created_by=place.owner)
    wanted = (await wants.want(session, place.book_id, created_by=place.owner)).want
    search = await release_searches.create(session, want=wanted, created_by=place.owner)
    offers = [await _release(session, search, f"Crusoe, offer {number}") for number in range(4)]
    going_on, failed, done = [await _request(session, offer, place, servers["Integration"]) for offer in offers[1:]]
    _enter(session, going_on, _TO_DONE[:2])
    downloads.fail(session, failed, Reason(ReasonCode.RELEASE_GONE, "It is gone.", "Take another."))
    _enter(session, done, _TO_DONE)
    done.seeding_seconds = done.seeding_goal_seconds
    found = models.DownloadFile(download_id=going_on.id, position=1, path="Crusoe/1.mp3", size_bytes=1)
    session.add(found)
    placed = await _import(session, done, place)
    asked = await answers.create(session, "Is there an island?", [], [], created_by=place.owner)
    job = models.Job(
        kind=JobKind.GRAB_DOWNLOAD,
        payload={"download_id": going_on.id},
        created_by=place.owner,
        state=JobState.SUCCEEDED,
        result={"download_id": going_on.id},
    )
    session.add(job)
    await session.flush()
    return (
        (await _documents(session, place))
        | servers
        | {
            "QualityProfile": profile,
            "Want": wanted,
            "ReleaseSearch": search,
            "Release": offers[0],
            "Download": going_on,
            "DownloadChange": await session.scalar(
                sa.select(models.DownloadChange).where(models.DownloadChange.download_id == going_on.id).limit(1)
            ),
            "DownloadFile": found,
            "FailedDownload": failed,
            "DoneDownload": done,
            "Import": placed,
            "ImportedFile": await session.scalar(sa.select(models.ImportedFile)),
            "GrabJob": job,
            "Answer": asked,
        }
    )


async def _documents(session: AsyncSession, place: Place) -> dict[str, Any]:
    source = await documents.add_place(
        session, Path("/guides/crusoe"), is_folder=True, watched=False, actor=place.owner
    )
    text = NewText(
        path="crusoe.md",
        title="Crusoe",
        url=None,
        format=models.DocumentFormat.MARKDOWN,
        language="en",
        text="Alone.",
        sections=[NewSection(0, (), 0, 6)],
        content_hash="0" * 64,
        size_bytes=6,
        modified_at=None,
    )
    document = await documents.write(session, source.id, None, text)
    passage = NewPassage(0, "Crusoe", "Alone.", "1" * 64, 0, 6)
    await replace_passages(session, OwnerKind.DOCUMENT, {document.id: [passage]}, cut="whole")
    return {
        "DocumentSource": source,
        "Document": document,
        "DocumentSection": await session.scalar(sa.select(models.DocumentSection)),
        "Passage": await session.scalar(sa.select(models.Passage)),
    }


async def _servers(session: AsyncSession, seal: Seal, place: Place) -> dict[str, Any]:
    source = IntegrationSource.MUTATION
    client = await integrations.configure(
        session,
        seal,
        kind=IntegrationKind.QBITTORRENT,
        source=source,
        url="http://127.0.0.1:8080",
        secrets={"username": "reader", "password": "sealed"},
    )
    tracker = await integrations.configure(
        session, seal, kind=IntegrationKind.MYANONAMOUSE, source=source, secrets={"mam_id": "sealed"}
    )
    unused = await integrations.configure(
        session,
        seal,
        kind=IntegrationKind.PROWLARR,
        source=source,
        url="http://127.0.0.1:9696",
        secrets={"api_key": "sealed"},
    )
    session.add(models.TrackerAccount(integration_id=tracker.id, username="reader", points=50_000))
    bought = models.Purchase(
        integration_id=tracker.id,
        kind=PurchaseKind.WEDGE,
        state=PurchaseState.DONE,
        maximum_points=50_000,
        maximum_wedges=0,
        created_by=place.owner,
    )
    session.add(bought)
    told = await notifications.create(
        session,
        seal,
        kind=NotificationKind.WEBHOOK,
        name="Hook",
        url="https://hooks.example/here",
        key="a-key-of-more-than-16-characters",
        topics=list(Topic),
        enabled=True,
        created_by=place.owner,
    )
    await session.flush()
    return {"Integration": client, "UnusedIntegration": unused, "Purchase": bought, "NotificationTarget": told}


async def _release(session: AsyncSession, search: models.ReleaseSearch, title: str) -> models.Release:
    release = models.Release(
        search_id=search.id,
        key=title,
        indexer="Public",
        title=title,
        size_bytes=1,
        facts=ReleaseFacts(title=title).to_json(),
        accepted=True,
        score=1.0,
        cost="FREE",
        decision={"accepted": True, "score": 1.0, "cost": "FREE", "components": [], "rejections": []},
    )
    session.add(release)
    await session.flush()
    return release


async def _request(
    session: AsyncSession, release: models.Release, place: Place, client: models.Integration
) -> models.Download:
    download = await downloads.request(
        session,
        release,
        created_by=place.owner,
        mode=ImportMode.HARDLINK,
        book_id=place.book_id,
        root_id=place.root_id,
    )
    download.client_id, download.info_hash = client.id, f"{download.id:040x}"
    return download


def _enter(session: AsyncSession, download: models.Download, through: tuple[str, ...]) -> None:
    for state in through:
        downloads.move(session, download, DownloadState[state])


async def _import(session: AsyncSession, download: models.Download, place: Place) -> models.Import:
    placed = models.Import(
        download_id=download.id,
        book_id=place.book_id,
        edition_id=place.edition_id,
        root_id=place.root_id,
        folder="Daniel Defoe/Crusoe",
        mode=ImportMode.HARDLINK,
        state=ImportState.APPLIED,
    )
    session.add(placed)
    await session.flush()
    file = models.ImportedFile(import_id=placed.id, source="1.mp3", target="Daniel Defoe/Crusoe/1.mp3", size_bytes=1)
    session.add(file)
    await session.flush()
    return placed
