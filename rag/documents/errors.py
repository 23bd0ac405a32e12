"""Why a document cannot be read, one class per meaning.

DocumentError
├── UnsupportedFormatError    no reader for what the name ends in
├── NotTextError              the content is no text, whatever the name says
├── BrokenDocumentError       the format is known, the content is damaged
├── EncryptedDocumentError    a password or DRM is in the way
├── DocumentTooLargeError     more bytes than allowed
├── TooManyPagesError         more pages than allowed
├── TextTooLongError          more text than allowed
├── ArchiveBombError          an archive that unpacks to more than any real book
├── UnsafeXmlError            entities that would read other files or fill the memory
├── NothingToReadError        no text in it, such as a scan without recognised text
├── FileVanishedError         gone between listing and reading
├── FileRefusedError          the operating system refuses it
├── OutsideFolderError        a link leads out of the folder
├── ReadingTimedOutError      reading took too long and was ended
├── ReadingCrashedError       reading ended the process that did it
└── ReadingOutOfMemoryError   reading wanted more memory than allowed
"""

from typing import ClassVar


class DocumentError(Exception):
    """A document that cannot be read; its sentence has no absolute path."""

    code: ClassVar[str] = "DOCUMENT_UNREADABLE"


class UnsupportedFormatError(DocumentError):
    """No reader for what the name ends in."""

    code = "UNSUPPORTED_FORMAT"

    def __init__(self, suffix: str, known: str) -> None:
        shown = f"A name that ends in '{suffix}'" if suffix else "A name without an ending"
        super().__init__(f"{shown} tells no format that can be read; convert it to one of {known}.")


class NotTextError(DocumentError):
    """The content is no text, whatever the name says."""

    code = "NOT_TEXT"

    def __init__(self) -> None:
        super().__init__("The content is no text although its name says so; rename the file to what it is.")


class BrokenDocumentError(DocumentError):
    """The format is known, the content is damaged."""

    code = "BROKEN_DOCUMENT"

    def __init__(self, format_name: str, cause: BaseException | str) -> None:
        detail = " ".join(str(cause).split())[:200] or type(cause).__name__
        super().__init__(f"The {format_name} is damaged or cut off ({detail}); replace the file.")


class EncryptedDocumentError(DocumentError):
    """A password or DRM is in the way."""

    code = "ENCRYPTED_DOCUMENT"

    def __init__(self, format_name: str) -> None:
        super().__init__(f"The {format_name} is encrypted; give a copy without password or DRM.")


class DocumentTooLargeError(DocumentError):
    """More bytes than allowed."""

    code = "DOCUMENT_TOO_LARGE"

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes, more than the {limit_bytes} allowed; split or shorten it.")


class TooManyPagesError(DocumentError):
    """More pages than allowed."""

    code = "TOO_MANY_PAGES"

    def __init__(self, pages: int, limit: int) -> None:
        super().__init__(f"The document has {pages} pages, more than the {limit} allowed; split it.")


class TextTooLongError(DocumentError):
    """More text than allowed."""

    code = "TEXT_TOO_LONG"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The document has more than the {limit} characters of text allowed; split it.")


class ArchiveBombError(DocumentError):
    """An archive that unpacks to more than any real book."""

    code = "ARCHIVE_BOMB"

    def __init__(self, what: str) -> None:
        super().__init__(f"The archive {what}, as no real book does; it was not unpacked.")


class UnsafeXmlError(DocumentError):
    """Entities that would read other files or fill the memory."""

    code = "UNSAFE_XML"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' defines XML entities, which are never resolved; remove them from the file.")


class NothingToReadError(DocumentError):
    """No text in it."""

    code = "NOTHING_TO_READ"

    def __init__(self, *, is_scan: bool = False) -> None:
        if is_scan:
            super().__init__("The pages hold no text, only pictures; run text recognition (OCR) over the file.")
        else:
            super().__init__("The document holds no text; copy or write it again.")


class FileVanishedError(DocumentError):
    """Gone between listing and reading."""

    code = "FILE_VANISHED"

    def __init__(self) -> None:
        super().__init__("The file was gone when it was to be read; ingest again if it is back.")


class FileRefusedError(DocumentError):
    """The operating system refuses it."""

    code = "FILE_UNREADABLE"

    def __init__(self, cause: OSError) -> None:
        reason = cause.strerror or type(cause).__name__
        super().__init__(f"The file cannot be read ({reason}); check its rights and the disk.")


class OutsideFolderError(DocumentError):
    """A link leads out of the folder."""

    code = "OUTSIDE_FOLDER"

    def __init__(self) -> None:
        super().__init__("The file is a link that leads out of the folder; put the file itself there.")


class ReadingTimedOutError(DocumentError):
    """Reading took too long and was ended."""

    code = "READING_TIMED_OUT"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Reading did not end within {seconds:g} seconds; check the disk, or split the file.")


class ReadingCrashedError(DocumentError):
    """Reading ended the process that did it."""

    code = "READING_CRASHED"

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"Reading ended the reading process (exit code {exit_code}); replace the file.")


class ReadingOutOfMemoryError(DocumentError):
    """Reading wanted more memory than allowed."""

    code = "READING_OUT_OF_MEMORY"

    def __init__(self) -> None:
        super().__init__("Reading needs more memory than is allowed; split or replace the file.")
