"""What must hold of every download in the end, whatever was killed: read from rows, disk and client."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.campaign.offers import Offer
from tests.road.site import Site

ENDED = ("DONE", "FAILED", "CANCELLED", "REPLACED")


def rows(site: Site, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a select gives now."""
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement, values).fetchall()


def states(site: Site) -> dict[int, tuple[str, str | None, str | None]]:
    """State, reason and time of the next try of every download, by the id of its release."""
    found = rows(site, "SELECT release_id, state, reason_code, retry_at FROM downloads")
    return {release_id: (state, reason, retry_at) for release_id, state, reason, retry_at in found}


def history(site: Site, offer: Offer) -> list[str]:
    """Every step of a download and every job about it, for whoever looks for what went wrong."""
    downloads = rows(site, "SELECT * FROM downloads WHERE release_id = ?", offer.release_id)
    steps = rows(
        site,
        "SELECT c.created_at, c.from_state, c.to_state, c.code, c.message FROM download_changes c "
        "JOIN downloads d ON d.id = c.download_id WHERE d.release_id = ? ORDER BY c.id",
        offer.release_id,
    )
    jobs = [
        job
        for download in downloads
        for job in rows(
            site,
            "SELECT id, kind, state, attempts, error_code, error_message, created_at, finished_at FROM jobs "
            "WHERE json_extract(payload, '$.download_id') = ? ORDER BY id",
            download[0],
        )
    ]
    return [repr(line) for line in (*downloads, *steps, *jobs)]


def faults_of(site: Site, offer: Offer) -> list[str]:
    """Everything that is wrong with one download that has ended; nothing when it was imported exactly once."""
    downloads = rows(site, "SELECT id, state, info_hash FROM downloads WHERE release_id = ?", offer.release_id)
    if len(downloads) != 1:
        return [f"{len(downloads)} downloads"]
    download_id, state, info_hash = downloads[0]
    if (state, info_hash) != ("DONE", offer.info_hash):
        return [f"it is {state} with info-hash {info_hash}"]
    imports = rows(site, "SELECT id, state, folder FROM imports WHERE download_id = ?", download_id)
    if [row[1] for row in imports] != ["APPLIED"]:
        return [f"its imports are {imports}"]
    return [*_rows_at_fault(site, offer, download_id), *_files_at_fault(site, offer, imports[0][0], imports[0][2])]


def _rows_at_fault(site: Site, offer: Offer, download_id: int) -> Iterable[str]:
    arrivals = "SELECT count(*) FROM download_changes WHERE download_id = ? AND to_state = 'DONE'"
    if (done := rows(site, arrivals, download_id)[0][0]) != 1:
        yield f"it was DONE {done} times"
    copies = rows(
        site,
        "SELECT e.id, c.path, c.missing_since, count(a.id) FROM editions e JOIN copies c ON c.edition_id = e.id "
        "LEFT JOIN audio_files a ON a.copy_id = c.id WHERE e.book_id = ? GROUP BY c.id",
        offer.book_id,
    )
    if [(missing, files) for _, _, missing, files in copies] != [(None, len(offer.files))]:
        yield f"its book has the copies {copies}"
    editions = rows(site, "SELECT id FROM editions WHERE book_id = ?", offer.book_id)
    if len(editions) != 1:
        yield f"its book has {len(editions)} editions"


def _files_at_fault(site: Site, offer: Offer, import_id: int, folder: str) -> Iterable[str]:
    placed = rows(site, "SELECT source, target FROM imported_files WHERE import_id = ?", import_id)
    if {source for source, _ in placed if source} != set(offer.files):
        yield f"it placed {placed}"
        return
    there = set(tree(site.library / folder))
    expected = {os.fspath(Path(target).relative_to(folder)) for _, target in placed}
    if there != expected:
        yield f"its folder holds {sorted(there)}, not {sorted(expected)}"
        return
    for source, target in placed:
        if source:
            here, theirs = site.library / target, site.qbittorrent.downloads / source
            if here.read_bytes() != offer.files[source]:
                yield f"{target} is not what the torrent holds"
            if not here.samefile(theirs):
                yield f"{target} is not the client's file"


def faults_of_all(site: Site, offers: Sequence[Offer], sentinels: dict[str, str]) -> list[str]:
    """Everything that is wrong with what is there besides: strange files, torrents, grabs, downloads."""
    return [
        *_strange_files(site, sentinels),
        *_strange_torrents(site, offers),
        *_strange_counts(site, offers),
        *(f"{path} was changed" for path, known in sentinels.items() if _hash(site.folder / path) != known),
    ]


def _strange_files(site: Site, sentinels: dict[str, str]) -> Iterable[str]:
    placed = {path for (path,) in rows(site, "SELECT target FROM imported_files WHERE placed")}
    known = {os.fspath(Path(path).relative_to("library")) for path in sentinels if path.startswith("library/")}
    strange = set(tree(site.library)) - placed - known
    if strange:
        yield f"the library holds {sorted(strange)} besides"
    if list(site.library.glob(".*")):
        yield f"the library holds {[place.name for place in site.library.glob('.*')]}"


def _strange_torrents(site: Site, offers: Sequence[Offer]) -> Iterable[str]:
    torrents = _torrents(site)
    wanted = {offer.info_hash for offer in offers}
    if {torrent["hash"] for torrent in torrents} != wanted or len(torrents) != len(wanted):
        names = sorted(torrent["name"] for torrent in torrents)
        yield f"the client has {len(torrents)} torrents of {len(wanted)}: {names}"
    tags = [torrent["tags"] for torrent in torrents]
    if len(set(tags)) != len(tags):
        yield f"the client's tags are {tags}"


def _strange_counts(site: Site, offers: Sequence[Offer]) -> Iterable[str]:
    if (count := rows(site, "SELECT count(*) FROM downloads")[0][0]) != len(offers):
        yield f"{count} downloads were made of {len(offers)} requests"
    counted = rows(site, "SELECT coalesce(sum(used), 0) FROM daily_budgets WHERE name LIKE 'grabs:%'")[0][0]
    if counted != len(offers):
        yield f"{counted} grabs were counted for {len(offers)} downloads"


def _torrents(site: Site) -> list[dict[str, Any]]:
    client = site.qbittorrent
    with httpx.Client(base_url=f"{client.url}/api/v2", headers={"Referer": client.url}) as opened:
        opened.post("/auth/login", data={"username": client.username, "password": client.password})
        found: list[dict[str, Any]] = opened.get("/torrents/info").json()
    return found


def tree(folder: Path) -> list[str]:
    """The paths of all files below a folder, hidden ones too."""
    return [os.fspath(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()]


def hashes(site: Site, paths: Iterable[Path]) -> dict[str, str]:
    """The hash of each file, by its path below the site's folder."""
    return {os.fspath(path.relative_to(site.folder)): _hash(path) for path in paths}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "gone"
