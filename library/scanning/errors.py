"""What can be wrong with a folder or a file, one class per meaning.

ScanError
├── RootUnavailableError      the library root itself cannot be listed
├── FolderUnreadableError     a folder below it cannot be listed
├── NameNotTextError          a file or folder name is not valid UTF-8
├── FileUnreadableError       the operating system refuses the file
├── EmptyFileError            the file has no bytes
├── UnsupportedFormatError    the content is no audio format that can be read
├── UnreadableAudioError      the format is known, the content is damaged
├── ReadingTimedOutError      reading took too long and was ended
├── ReadingCrashedError       reading ended the process that did it
├── ReadingOutOfMemoryError   reading wanted more memory than allowed
├── SidecarTooLargeError      a sidecar is larger than any real one
└── SidecarBrokenError        a sidecar cannot be parsed
"""

import os
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be read, and why.

    ``path`` is relative to the library root and valid text; ``code`` is stable; ``reason`` is a sentence
    for the owner, without absolute paths.
    """

    path: str
    code: str
    reason: str


class ScanError(Exception):
    """Something a scan met and reports instead of stopping."""

    code: ClassVar[str] = "SCAN_FAILED"

    def problem(self, path: str) -> Problem:
        """Return this error as a row to report for the file or folder at ``path``."""
        return Problem(path=readable(path), code=self.code, reason=str(self))


class RootUnavailableError(ScanError):
    """The library root cannot be listed, so nothing is known about what is in it."""

    code = "ROOT_UNAVAILABLE"

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"The library root cannot be listed ({_why(cause)}); check that it is mounted and readable.")


class FolderUnreadableError(ScanError):
    """A folder cannot be listed, so nothing is known about what is below it."""

    code = "FOLDER_UNREADABLE"

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"The folder cannot be listed ({_why(cause)}); give Shelfgraph the right to read it.")


class NameNotTextError(ScanError):
    """A name is not valid UTF-8 and could neither be stored nor shown."""

    code = "NAME_NOT_TEXT"

    def __init__(self) -> None:
        super().__init__("The name is not valid UTF-8 (the odd bytes are shown as \\xNN); rename it and scan again.")


class FileUnreadableError(ScanError):
    """The operating system refuses to open or read a file."""

    code = "FILE_UNREADABLE"

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"The file cannot be read ({_why(cause)}); check its rights and the disk.")


class EmptyFileError(ScanError):
    """A file has no bytes: usually a copy or download that did not finish."""

    code = "EMPTY_FILE"

    def __init__(self) -> None:
        super().__init__("The file is empty; copy or download it again.")


class UnsupportedFormatError(ScanError):
    """The content is no audio format that can be read."""

    code = "UNSUPPORTED_FORMAT"

    def __init__(self, suffix: str) -> None:
        super().__init__(
            f"The content is no audio that can be read, although the name ends in '{suffix}'; convert it to m4b or mp3."
        )


class UnreadableAudioError(ScanError):
    """The audio format is known but its content is damaged."""

    code = "UNREADABLE_AUDIO"

    def __init__(self, format_name: str, cause: BaseException) -> None:
        # mutagen raises some errors without a text
        detail = " ".join(str(cause).split())[:200] or "its headers make no sense"
        super().__init__(f"The {format_name} audio is damaged or cut off ({detail}); replace the file.")


class ReadingTimedOutError(ScanError):
    """Reading a file took too long and was ended."""

    code = "READING_TIMED_OUT"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Reading did not end within {seconds:g} seconds; check the disk, or replace the file.")


class ReadingCrashedError(ScanError):
    """Reading a file ended the process that did it."""

    code = "READING_CRASHED"

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"Reading ended the reading process (exit code {exit_code}); replace the file.")


class ReadingOutOfMemoryError(ScanError):
    """Reading a file wanted more memory than a reading process may take."""

    code = "READING_OUT_OF_MEMORY"

    def __init__(self) -> None:
        super().__init__("Reading needs more memory than is allowed; the file's header is damaged, replace the file.")


class SidecarTooLargeError(ScanError):
    """A sidecar is larger than any real one."""

    code = "SIDECAR_TOO_LARGE"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The sidecar has {size_bytes} bytes, more than the {limit_bytes} allowed; shorten it.")


class SidecarBrokenError(ScanError):
    """A sidecar cannot be parsed."""

    code = "SIDECAR_BROKEN"

    def __init__(self, expected: str, cause: BaseException | str) -> None:
        detail = " ".join(str(cause).split())[:200]
        super().__init__(f"The sidecar is not {expected} ({detail}); correct or remove it.")


def readable(path: str) -> str:
    r"""Return ``path`` as valid text: bytes that were not UTF-8 become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _why(cause: OSError) -> str:
    # str(OSError) would repeat the absolute path
    return cause.strerror or type(cause).__name__
