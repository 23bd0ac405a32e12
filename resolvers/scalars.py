"""Custom scalars, each with the document that specifies it."""

from datetime import datetime
from typing import NewType

import strawberry
from starlette.datastructures import UploadFile
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
ISBN = NewType("ISBN", str)
ASIN = NewType("ASIN", str)
URL = NewType("URL", str)
Upload = NewType("Upload", UploadFile)

_LARGEST = 2**63


def _parse_big_int(value: object) -> int:
    number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if number is None or not -_LARGEST <= number < _LARGEST:
        message = f"BigInt is a whole number of 64 bits, not {str(value)[:40]!r}."
        raise ValueError(message)
    return number


def _parse_time(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"DateTime is an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z, not {str(value)[:40]!r}."
        raise ValueError(message)
    return moment


def _parse_upload(value: object) -> object:
    if not isinstance(value, UploadFile):
        message = "Upload is a file of a multipart request, put in place by its `map`; it cannot be written in JSON."
        raise ValueError(message)  # noqa: TRY004 graphql-core reports ValueError as the client's mistake
    return value


def _never(value: object) -> object:
    message = f"Upload is for input only, not {type(value).__name__}."
    raise ValueError(message)


SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of up to 64 bits, as a JSON number; used for sizes in bytes.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
        serialize=int,
        parse_value=_parse_big_int,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time with offset, as in RFC 3339; the server writes UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=lambda moment: moment.isoformat(),
        parse_value=_parse_time,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file, sent in a multipart request with `operations` and `map`; only as a variable.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_never,
        parse_value=_parse_upload,
    ),
    URL: strawberry.scalar(
        name="URL",
        description="A URL, absolute or relative to the server's address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=str,
    ),
    ISBN: strawberry.scalar(
        name="ISBN",
        description="An international standard book number of 13 digits without hyphens; 10 digits are accepted.",
        specified_by_url="https://www.isbn-international.org/content/isbn-users-manual",
        serialize=str,
        parse_value=str,
    ),
    ASIN: strawberry.scalar(
        name="ASIN",
        description="An Amazon and Audible product id of ten capitals and digits.",
        specified_by_url="https://www.amazon.com/gp/seller/asin-upc-isbn-info.html",
        serialize=str,
        parse_value=str,
    ),
}
