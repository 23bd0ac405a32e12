"""Covers over HTTP: scaled once per width, kept in the data directory, cached by clients for ever."""

import asyncio
import os
import re
import tempfile
from pathlib import Path

import anyio
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from api.auth import Authenticator
from library.covers import path_of
from library.errors import TokenRefused

WIDTHS = (100, 200, 400, 800, 1200)  # few sizes: a hostile client cannot fill the disk with scaled copies
_HASH = re.compile(r"[0-9a-f]{16,64}")
_QUALITY = 82
_AT_ONCE = 2  # decoding a large picture takes memory


class Covers:
    """Serves `/covers/{content_hash}?width=N` to those who may read the library."""

    def __init__(self, folder: Path, authenticator: Authenticator, *, demo: bool) -> None:
        self._folder = folder
        self._authenticator = authenticator
        self._demo = demo
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)

    @property
    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("/covers/{content_hash}", self.serve, methods=["GET", "HEAD"])]

    async def serve(self, request: Request) -> Response:
        """Answer with the picture; 304 when the client has it, 404 when there is none."""
        await self._check_access(request)
        content_hash = request.path_params["content_hash"]
        if not _HASH.fullmatch(content_hash):
            raise HTTPException(404, "There is no such cover.")
        width = served_width(request.query_params.get("width"))
        headers = {
            "ETag": f'"{content_hash}-{width}"',
            "Cache-Control": f"{'public' if self._demo else 'private'}, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        scaled = await self._scaled(content_hash, width)
        return FileResponse(scaled, media_type="image/webp", headers=headers)

    async def _check_access(self, request: Request) -> None:
        try:
            viewer = await self._authenticator.viewer_of_request(request)
        except TokenRefused as error:
            raise HTTPException(401, str(error)) from None
        if viewer is None and not self._demo:
            raise HTTPException(401, "Sign in first.")

    async def _scaled(self, content_hash: str, width: int) -> Path:
        original = path_of(self._folder, content_hash)
        place = self._folder / "scaled" / content_hash[:2] / f"{content_hash}-{width}.webp"
        if not await asyncio.to_thread(place.exists):
            if not await asyncio.to_thread(original.exists):
                raise HTTPException(404, "There is no such cover.")
            await anyio.to_thread.run_sync(scale, original, place, width, limiter=self._limiter)
        return place


def served_width(asked: str | None) -> int:
    """The smallest width the server makes that is not below the one asked for."""
    wanted = int(asked) if asked is not None and re.fullmatch(r"\d{1,5}", asked) else WIDTHS[2]
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


def scale(original: Path, place: Path, width: int) -> None:
    """Write a WebP of at most this width; complete or absent at every moment. Blocks."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(original) as picture:
        picture.draft("RGB", (width, width * 4))
        picture.thumbnail((width, width * 4))
        handle, temporary = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(file, "WEBP", quality=_QUALITY)
    Path(temporary).replace(place)
