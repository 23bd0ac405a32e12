"""Checking a download client: whether it lets us in, where it saves, and whether that reaches the library."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from integrations.qbittorrent import QBittorrent
from jobs.findings import Checked
from jobs.integrations import Opened
from library import path_mapping, roots
from library.database import Database
from library.integration_options import QBittorrentOptions
from library.models.downloads import ImportMode
from library.models.editions import LibraryRoot
from library.path_mapping import UnsafePath

_GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as this machine sees it."""

    device: int
    free_bytes: int
    writable: bool


async def check_qbittorrent(opened: Opened[QBittorrent], database: Database) -> Checked:
    """Sign in, and compare what it says of its folders with this machine's."""
    checked = Checked()
    options = QBittorrentOptions.model_validate(opened.integration.options)
    versions = await opened.client.versions()
    checked.seen["version"] = versions.program
    checked.ok("SIGNED_IN", f"qBittorrent {versions.program} answers and lets us in.")
    await _check_category(opened.client, options, checked)
    save_path = options.save_path or await opened.client.default_save_path()
    async with database.read() as session:
        known = list(await roots.all_roots(session))
    await _check_folders(save_path, options, _targets(known, options, checked), checked)
    return checked


def check_target(
    root: LibraryRoot, folder: Folder | None, downloads: Folder, options: QBittorrentOptions, checked: Checked
) -> None:
    """Whether downloads can be imported into a library root."""
    if folder is None:
        checked.error("LIBRARY_NOT_FOUND", f"The library root {root.name!r} is not there. Check that it is mounted.")
    elif not folder.writable:
        checked.error("LIBRARY_UNWRITABLE", f"Nothing can be written into {root.name!r}. Check its permissions.")
    elif options.mode is ImportMode.HARDLINK and folder.device != downloads.device:
        checked.error(
            "CROSS_DEVICE",
            f"Its folder and the library root {root.name!r} are on two file systems, so no hardlink is possible. Put "
            "both on one, as one mount in a container, or import by COPY.",
        )
    else:
        checked.ok("LIBRARY_ROOT", f"Downloads can be imported into {root.name!r} by {options.mode}.")


async def _check_category(client: QBittorrent, options: QBittorrentOptions, checked: Checked) -> None:
    if options.category in await client.categories():
        checked.ok("CATEGORY", f"It has the category {options.category!r}.")
    else:
        checked.ok("CATEGORY", f"The category {options.category!r} is made with the first download.")


def _targets(known: Sequence[LibraryRoot], options: QBittorrentOptions, checked: Checked) -> list[LibraryRoot]:
    """The library roots that downloads may be imported into."""
    if not known:
        checked.error("NO_LIBRARY_ROOT", "There is no library root to import into. Add one with `addLibraryRoot`.")
    if options.root_id is None:
        return list(known)
    chosen = [root for root in known if root.id == options.root_id]
    if known and not chosen:
        checked.error("UNKNOWN_LIBRARY_ROOT", "The library root in its options is gone. Choose another one.")
    return chosen


async def _check_folders(
    save_path: str, options: QBittorrentOptions, targets: Sequence[LibraryRoot], checked: Checked
) -> None:
    mappings = path_mapping.mappings_of(options.model_dump(mode="json"))
    try:
        ours = path_mapping.to_ours(save_path, mappings)
    except UnsafePath as error:
        checked.error("SAVE_PATH_UNSAFE", str(error))
        return
    downloads = await anyio.to_thread.run_sync(_folder, ours)
    if downloads is None:
        checked.error(
            "SAVE_PATH_NOT_FOUND",
            f"qBittorrent saves in {save_path!r}, and no such folder is seen here. Give a path mapping from its name "
            "there to its name here, and check that it is mounted and readable.",
        )
        return
    checked.ok("SAVE_PATH", f"Its folder {save_path!r} is seen here.")
    _check_space(downloads, options, checked)
    for root in targets:
        check_target(root, await anyio.to_thread.run_sync(_folder, root.path), downloads, options, checked)


def _check_space(downloads: Folder, options: QBittorrentOptions, checked: Checked) -> None:
    free, reserve = downloads.free_bytes / _GIGABYTE, options.free_space_reserve_bytes / _GIGABYTE
    if free < reserve:
        checked.warn("LITTLE_SPACE", f"{free:.1f} GB are free where it saves; {reserve:.1f} GB must stay. Make room.")
    else:
        checked.ok("SPACE", f"{free:.1f} GB are free where it saves.")


def _folder(path: str) -> Folder | None:
    try:
        folder = Path(path)
        if not folder.is_dir():
            return None
        return Folder(folder.stat().st_dev, shutil.disk_usage(folder).free, os.access(folder, os.W_OK | os.X_OK))
    except (OSError, ValueError):
        return None
