"""Files in a request: the GraphQL multipart request specification, bounded and spooled to disk while it arrives."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from api.operations import Operation, read_json, read_operation
from api.refusals import BodyTooLarge, MalformedRequest

MULTIPART = "multipart/form-data"
MAXIMUM_FILES = 10
_FIELDS = 2  # `operations` and `map`
_FRAME_BYTES = 64 * 1024  # boundaries and headers of the parts


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Sizes in bytes of all files together, and of the operation."""

    files: int
    operation: int


def is_multipart(content_type: str | None) -> bool:
    """Whether a request says that it is a form with files."""
    return (content_type or "").split(";")[0].strip().lower() == MULTIPART


async def read_upload(request: Request, limits: UploadLimits, stack: AsyncExitStack) -> Operation:
    """Read a form; its files are open until `stack` is closed.

    Raises:
        MalformedRequest: it is no such form, or its `map` leads to nowhere
        BodyTooLarge: it is over a limit

    """
    stream = _bounded(request, limits.files + limits.operation + _FRAME_BYTES)
    parser = MultiPartParser(
        request.headers, stream, max_files=MAXIMUM_FILES, max_fields=_FIELDS, max_part_size=limits.operation
    )
    try:
        form = await parser.parse()
    except (MultiPartException, MultipartParseError, KeyError) as error:
        raise MalformedRequest(f"The multipart body cannot be read ({_reason(error)}).") from error
    stack.push_async_callback(form.close)
    if sum(file.size or 0 for file in form.values() if isinstance(file, UploadFile)) > limits.files:
        raise BodyTooLarge(limits.files)
    operations = read_json(_text(form, "operations"), "`operations`")
    places = read_json(_text(form, "map"), "`map`")
    if not isinstance(operations, dict) or not isinstance(places, dict):
        raise MalformedRequest("`operations` and `map` must be JSON objects; batches are not accepted.")
    for name, paths in places.items():
        _put(operations, form.get(name), name, paths)
    return read_operation(operations)


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge(limit)
        yield chunk


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        raise MalformedRequest(f"The multipart body needs a field `{name}` with JSON.")
    return value


def _put(operations: dict[str, Any], file: object, name: str, paths: object) -> None:
    """Put a file where its paths lead: `variables.input.source.upload`, where the operation says null."""
    if not isinstance(file, UploadFile):
        raise MalformedRequest(f"`map` names {name[:40]!r}, but there is no such file.")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise MalformedRequest("`map` must give a list of paths for each file.")
    for path in paths:
        *way, last = path.split(".")
        place: Any = operations
        for step in way:
            place = _child(place, step, path)
        if way[:1] != ["variables"] or _child(place, last, path) is not None:
            raise MalformedRequest(f"`map` must lead to a variable that is null, not to {path[:80]!r}.")
        place[int(last) if isinstance(place, list) else last] = file


def _child(place: object, step: str, path: str) -> Any:
    if isinstance(place, dict) and step in place:
        return place[step]
    if isinstance(place, list) and step.isdecimal() and int(step[:6]) < len(place):
        return place[int(step[:6])]
    raise MalformedRequest(f"`map` leads to {path[:80]!r}, which is not in `operations`.")


def _reason(error: Exception) -> str:
    return getattr(error, "message", None) or type(error).__name__
