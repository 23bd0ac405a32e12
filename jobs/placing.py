"""Placing files in the library: staged in a hidden folder of it, then all at once, overwriting nothing.

Every function may have been cut off before, at any point, and is then called again. What is ours is told by device,
inode and size as they were when it was staged, or by its hash; nothing else is ever replaced or taken away.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from library.import_errors import (
    CrossDevice,
    DiskFull,
    ImportBlocked,
    LeadsOut,
    SourceChanged,
    TargetExists,
    Unwritable,
)
from library.models.downloads import ImportMode

STAGING = ".shelfgraph-staging"  # the walker passes over hidden names
_CHUNK = 1024 * 1024
_NO_LINKS = frozenset({errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_IN_THE_WAY = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})
_WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o664


@dataclass(frozen=True, slots=True)
class Proof:
    """What tells a file of ours: `content_hash` only where the bytes went through our hands."""

    device: int
    inode: str
    size_bytes: int
    content_hash: str | None = None


def staging_folder(root: Path, import_id: int) -> Path:
    """The hidden folder in which the files of an import come together."""
    return root / STAGING / str(import_id)


def is_published(place: Path, proofs: Mapping[str, Proof]) -> bool:
    """Whether a folder holds every file as it was staged."""
    return bool(proofs) and all(is_ours(place / path, proof) for path, proof in proofs.items())


def stage(source: Path, staged: Path, size_bytes: int, mode: ImportMode, known: Proof | None) -> Proof:
    """Bring one file into the staging folder by the given way and no other; `known` is what an earlier try noted.

    MOVE links too where it can: the source is taken away only after everything is in its place.
    Raises CrossDevice, DiskFull, Unwritable and SourceChanged.
    """
    with told():
        staged.parent.mkdir(parents=True, exist_ok=True)
    if known is not None and is_ours(staged, known):
        return known
    status = _regular(source, size_bytes)
    with told():
        _remove(staged)  # half a try of ours: nobody else writes below the staging folder
        if mode is ImportMode.COPY or (mode is ImportMode.MOVE and not link(source, staged)):
            return copy(source, staged)
        if mode is ImportMode.HARDLINK and not link(source, staged):
            raise CrossDevice
    return Proof(status.st_dev, str(status.st_ino), status.st_size)


def write_new(content: bytes, staged: Path) -> Proof:
    """Write a sidecar into the staging folder as a file of its own. Raises DiskFull and Unwritable."""
    with told():
        staged.parent.mkdir(parents=True, exist_ok=True)
        _remove(staged)
        descriptor = os.open(staged, _WRITE_NEW, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return proof_of(staged, hashlib.sha256(content).hexdigest())


def aside(staged: Path) -> Path:
    """A name beside a staged file under which it is finished first; no try that was cut off knows it."""
    return staged.with_name(f".{secrets.token_hex(8)}{staged.suffix}")


def adopt(finished: Path, staged: Path) -> Proof:
    """Let a copy that was finished under another name be the staged file. Raises DiskFull and Unwritable."""
    with told():
        with finished.open("rb") as file:
            os.fsync(file.fileno())
        hashed = content_hash(finished)
        os.replace(finished, staged)  # noqa: PTH105 beside os.rename
        return proof_of(staged, hashed)


def remove_staged(place: Path) -> None:
    """Take a file of the staging folder away. Raises Unwritable."""
    with told():
        _remove(place)


def publish(root: Path, staging: Path, folder: str, proofs: Mapping[str, Proof]) -> None:
    """Let the staged folder appear at `folder` below the root, whole and at once.

    `proofs` are those of its files, by path in the folder; a folder that holds them all has been published before.
    Raises SourceChanged, TargetExists, LeadsOut, CrossDevice, DiskFull and Unwritable.
    """
    place = root / folder
    # A worker that was given up for dead may have published meanwhile, and what it left over is staged twice.
    if is_published(place, proofs):
        discard(staging)
        return
    if lost := next((path for path, proof in proofs.items() if not is_ours(staging / path, proof)), None):
        raise SourceChanged(lost)  # it appears whole or not at all
    with told():
        _remove_strangers(staging, proofs)
        _make_folders(root, PurePosixPath(folder).parent)
        for below in {staging, *((staging / path).parent for path in proofs)}:
            _sync(below)
        try:
            os.rename(staging, place)  # noqa: PTH104 POSIX: never onto a folder that holds something, nor a file
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                raise TargetExists(folder) from error
            if error.errno == errno.EXDEV:
                raise CrossDevice from error
            raise
        _sync(place.parent)
    with suppress(OSError):  # another import may be using it
        staging.parent.rmdir()


def discard(staging: Path) -> None:
    """Take a staging folder away with everything in it; all of it is ours."""
    with suppress(OSError):
        _remove_strangers(staging, {})
        staging.rmdir()
        staging.parent.rmdir()


def copy(source: Path, target: Path) -> Proof:
    """Copy a file under another name first, compare what came to the disk, and let it appear without overwriting.

    Raises SourceChanged, FileExistsError and OSError.
    """
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        written = _write_copy(source, part)
        if content_hash(part) != written:
            raise OSError(errno.EIO, "what was written does not read the same")
        _appear(part, target)
    finally:
        _remove(part)
    return proof_of(target, written)


def is_ours(place: Path, proof: Proof) -> bool:
    """Whether a file is one we placed: the same inode and size, or the same bytes."""
    try:
        status = place.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size != proof.size_bytes:
        return False
    if (status.st_dev, str(status.st_ino)) == (proof.device, proof.inode):
        return True
    try:
        return proof.content_hash is not None and content_hash(place) == proof.content_hash
    except OSError:
        return False


def proof_of(place: Path, hashed: str | None = None) -> Proof:
    """What tells this file. Raises OSError."""
    status = place.lstat()
    return Proof(status.st_dev, str(status.st_ino), status.st_size, hashed)


def link(source: Path, target: Path) -> bool:
    """Give a file a second name; False where the file systems cannot. Raises FileExistsError and OSError."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def content_hash(place: Path) -> str:
    """The hash of a file's bytes, as proofs hold it. Raises OSError."""
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def told() -> Iterator[None]:
    """Turn what the operating system refuses into the reason a user is told."""
    try:
        yield
    except ImportBlocked:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise Unwritable(error.strerror or type(error).__name__) from error


def _regular(source: Path, size_bytes: int) -> os.stat_result:
    try:
        status = source.lstat()
    except OSError as error:
        raise SourceChanged(source.name) from error
    if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
        raise SourceChanged(source.name)
    return status


def _appear(part: Path, target: Path) -> None:
    """Give a finished file its name, raising FileExistsError rather than overwriting."""
    try:
        linked = link(part, target)
    except PermissionError:  # what some file systems without hardlinks say
        linked = False
    if not linked:
        os.close(os.open(target, _WRITE_NEW, _MODE))  # the name is ours from here on
        os.replace(part, target)  # noqa: PTH105 beside os.open and os.link


def _write_copy(source: Path, part: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reading, os.fdopen(os.open(part, _WRITE_NEW, _MODE), "wb") as writing:
        before = os.fstat(reading.fileno())
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
        after = os.fstat(reading.fileno())
        # Else the comparison would read the page cache, not the disk.
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(writing.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceChanged(source.name)
    os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
    return digest.hexdigest()


def _make_folders(root: Path, folder: PurePosixPath) -> None:
    """Make the folders above an import one by one, never through a link that leads out of the root."""
    inside, place = root.resolve(), root
    for name in folder.parts:
        place = place / name
        try:
            place.mkdir()
        except FileExistsError:
            shown = place.relative_to(root).as_posix()
            if not place.resolve().is_relative_to(inside):
                raise LeadsOut(shown) from None
            if not place.is_dir():
                raise TargetExists(shown) from None
        else:
            _sync(place.parent)


def _remove_strangers(staging: Path, wanted: Iterable[str]) -> None:
    """Take away what earlier tries left in the staging folder, links themselves and never what they lead to."""
    kept = {staging / path for path in wanted}
    folders = kept | {parent for path in kept for parent in path.parents}
    for folder, names, files in os.walk(staging, topdown=False):
        for name in (*files, *names):
            place = Path(folder, name)
            if place in folders:
                continue
            if place.is_dir() and not place.is_symlink():
                place.rmdir()
            else:
                place.unlink()


def _remove(place: Path) -> None:
    place.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
