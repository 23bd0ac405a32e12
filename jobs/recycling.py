"""Taking files of ours out of the library again: into the recycle folder, or back to where they were moved from."""

import enum
import errno
import os
from contextlib import suppress
from pathlib import Path

from jobs.placing import Proof, content_hash, copy, is_ours, link, told


class Taken(enum.Enum):
    """What became of a file that is to leave the library."""

    RECYCLED = "recycled"  # it lies in the recycle folder
    RETURNED = "returned"  # it lies where it came from
    GONE = "gone"  # somebody else has taken it away
    NOT_OURS = "not ours"  # another file has its name, or it was changed; it stays


def take_out(place: Path, proof: Proof, recycled: Path, source: Path | None) -> Taken:
    """Move a file of ours to `source` if that is given and free, else to `recycled`; overwrites nothing.

    Safe to run twice. Raises DiskFull and Unwritable.
    """
    if not is_ours(place, proof):
        return _what_happened(place, proof, recycled, source)
    with told():
        if source is not None and (not os.path.lexists(source) or _is_same(place, source)):
            _move(place, source)
            return Taken.RETURNED
        _move(place, recycled)
        return Taken.RECYCLED


def remove_empty_folders(root: Path, folder: Path) -> None:
    """Remove the folder of an import with the folders in it, and those above it, as far as they are empty."""
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(place).rmdir()
    with suppress(OSError):
        for parent in folder.parents:
            if parent == root or root not in parent.parents:
                return
            parent.rmdir()


def _what_happened(place: Path, proof: Proof, recycled: Path, source: Path | None) -> Taken:
    if os.path.lexists(place):
        return Taken.NOT_OURS
    if _may_be(recycled, proof):
        return Taken.RECYCLED
    return Taken.RETURNED if source is not None and _may_be(source, proof) else Taken.GONE


def _may_be(place: Path, proof: Proof) -> bool:
    # On another device it has another inode, and a hardlink was never hashed.
    try:
        return place.lstat().st_size == proof.size_bytes
    except OSError:
        return False


def _move(place: Path, to: Path) -> None:
    """Give a file another place, copying it where no link is possible; it leaves its old one last."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(to):
        if not link(place, to):
            copy(place, to)
    elif not _is_same(place, to):
        raise FileExistsError(errno.EEXIST, "a file of another import has its place", to.name)
    place.unlink()


def _is_same(place: Path, other: Path) -> bool:
    """Whether two names are one file, or two with the same bytes: a try before this one was cut off in between."""
    one, two = place.lstat(), other.lstat()
    if (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino):
        return True
    return one.st_size == two.st_size and content_hash(place) == content_hash(other)
