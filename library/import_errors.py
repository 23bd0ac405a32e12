"""What keeps a complete download out of the library, one class per meaning.

ImportBlocked
├── NotFetched           nobody knows yet which files there will be
├── FilesNotFound        nothing is where the client says it is: most likely a path mapping is missing
├── FilesDiffer          names or sizes are not those of the torrent
├── FilesUnreadable      audio that cannot be decoded
├── NoAudio              there is nothing to listen to, or it is packed
├── DurationDiffers      much longer or shorter than the book that was meant
├── NoLibrary            there is no library root to import into
├── LibraryGone          the one that was chosen is no longer there
├── CrossDevice          no hardlink is possible between download and library
├── TargetExists         something that is not ours is in the way
├── LeadsOut             a link in the library leads out of it
├── DiskFull             no space in the library
├── Unwritable           no right to write there
├── SourceChanged        a file changed while it was imported
└── NothingToScan        placed, but the library finds no audiobook in it

Each becomes the `Reason` of a BLOCKED download: no absolute paths, only the ends of them.
"""

from collections.abc import Sequence
from typing import ClassVar

from library.downloads import Reason, ReasonCode
from library.scanning.errors import Problem

ABRIDGED = -0.15  # so much shorter than the whole is most likely cut down
_NAMED = 3  # so many files are named, the others counted


class ImportBlocked(Exception):
    """An import that cannot go on; `passes` says whether the hindrance may go away by itself."""

    code: ClassVar[ReasonCode] = ReasonCode.UNEXPECTED
    passes: ClassVar[bool] = False

    def __str__(self) -> str:
        """What is wrong; the hint beside it is for `reason`."""
        return str(self.args[0])

    @property
    def reason(self) -> Reason:
        """Why the download is blocked, and what can be done."""
        return Reason(self.code, str(self), *self.args[1:])


class NotFetched(ImportBlocked):
    """A download whose torrent is not there yet."""

    code = ReasonCode.FILES_NOT_FOUND
    passes = True

    def __init__(self) -> None:
        super().__init__("Its torrent has not been fetched yet, so its files are not known.", "Ask again later.")


class FilesNotFound(ImportBlocked):
    """None of the files is where the client says; paths are shown by their ends."""

    code = ReasonCode.FILES_NOT_FOUND
    passes = True

    def __init__(self, theirs: str, ours: str, suggested: str | None) -> None:
        if suggested:
            hint = f"Add a path mapping to the download client: {theirs} there is {suggested} here."
        else:
            hint = (
                f"The client's {theirs} is looked for as {ours} on this server. "
                "Mount that folder here, or correct the client's path mappings."
            )
        super().__init__("The download is complete, but its files are not where they are looked for.", hint)


class FilesDiffer(ImportBlocked):
    """Some files are missing, of another size, or no regular files."""

    code = ReasonCode.FILES_DIFFER
    passes = True

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            f"Not all files are as the torrent lists them: {_listed(problems)}.",
            "Let the client check the torrent again; it fetches what is missing.",
        )


class FilesUnreadable(ImportBlocked):
    """Audio that is damaged."""

    code = ReasonCode.FILES_UNREADABLE

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            f"Some audio cannot be decoded: {_listed(problems)}.",
            "Choose another release, or retry with warnings ignored to import it all the same.",
        )


class NoAudio(ImportBlocked):
    """Nothing to listen to; `archives` are packed files that might hold it."""

    code = ReasonCode.NO_AUDIO

    def __init__(self, archives: Sequence[str]) -> None:
        if archives:
            super().__init__(
                f"The audio is packed in archives ({_names(archives)}), which are not unpacked.",
                "Choose a release with plain audio files.",
            )
        else:
            super().__init__("There is no audio file in it.", "Choose another release.")


class DurationDiffers(ImportBlocked):
    """Another recording than the one that was meant, most likely; lengths in seconds."""

    code = ReasonCode.DURATION_DIFFERS

    def __init__(self, heard: float, expected: float) -> None:
        share = (heard - expected) / expected
        what = "it may be another recording" if share > ABRIDGED else "it may be abridged or incomplete"
        super().__init__(
            f"It lasts {_length(heard)}, the edition that was meant {_length(expected)} ({share:+.0%}): {what}.",
            "Choose another release, or retry with warnings ignored if this is the right one.",
        )


class NoLibrary(ImportBlocked):
    """No library root to import into."""

    code = ReasonCode.NOT_CONFIGURED

    def __init__(self) -> None:
        super().__init__(
            "There is no library root to import into.",
            "Add one with `addLibraryRoot`, or name one in the download client's options, then retry.",
        )


class LibraryGone(ImportBlocked):
    """The library root that was chosen has been removed; another one is never taken in its place."""

    code = ReasonCode.NOT_CONFIGURED

    def __init__(self) -> None:
        super().__init__(
            "The library root that was chosen for this import is no longer there.",
            "Choose another one in the download client's options, then retry.",
        )


class CrossDevice(ImportBlocked):
    """No hardlink between download and library."""

    code = ReasonCode.CROSS_DEVICE

    def __init__(self) -> None:
        super().__init__(
            "Download and library are on two file systems, or on one that knows no hardlinks.",
            "Put both on one file system (in containers: below one mount) and retry, or cancel this download and "
            "request the release again with the mode COPY or MOVE.",
        )


class TargetExists(ImportBlocked):
    """Something at the target that is not ours; `target` relative to the root."""

    code = ReasonCode.TARGET_EXISTS

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target!r} exists in the library already, and nothing in it is overwritten.",
            "Rename or remove what is there, then retry.",
        )


class LeadsOut(ImportBlocked):
    """A link in the library that leads out of it; `target` relative to the root."""

    code = ReasonCode.LIBRARY_UNWRITABLE

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target!r} leads out of the library, so nothing is placed there.",
            "Replace the link by a folder, or add the place it leads to as a library root.",
        )


class DiskFull(ImportBlocked):
    """No space in the library."""

    code = ReasonCode.DISK_FULL
    passes = True

    def __init__(self) -> None:
        super().__init__("There is no space left for it in the library.", "Make room; it is tried again by itself.")


class Unwritable(ImportBlocked):
    """No right to write in the library."""

    code = ReasonCode.LIBRARY_UNWRITABLE
    passes = True

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The library cannot be written to ({why}).",
            "Give the server's user the right to write there, or check the disk; it is tried again by itself.",
        )


class SourceChanged(ImportBlocked):
    """A file that is not what it was when it was verified; `path` relative to the save path."""

    code = ReasonCode.FILES_DIFFER
    passes = True

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path!r} vanished or changed while it was imported.",
            "Let the client check the torrent again, then retry.",
        )


class NothingToScan(ImportBlocked):
    """Placed, but no audiobook is found there."""

    code = ReasonCode.SCAN_FAILED
    passes = True

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"The files lie in {folder!r}, but no audiobook could be read from it.",
            "Look at the files there; the next scan or a retry reads them again.",
        )


def _listed(problems: Sequence[Problem]) -> str:
    told = [f"{problem.path!r}: {problem.reason.rstrip('.')}" for problem in problems[:_NAMED]]
    return "; ".join([*told, *_rest(problems)])


def _names(paths: Sequence[str]) -> str:
    return ", ".join([*map(repr, paths[:_NAMED]), *_rest(paths)])


def _rest(items: Sequence[object]) -> list[str]:
    return [f"{len(items) - _NAMED} more"] if len(items) > _NAMED else []


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes else f"{seconds:.1f} s"
