"""The city's map for everybody: the file of its tiles, read by ranges, and pictures of it for pages that run no script.

It is public data of OpenStreetMap and says nothing of anybody, so nobody is asked who they are, and the policies have nothing to decide.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Protocol

from litestar import Response, Router, get
from litestar.response import Stream

from tutela.model.area import Area
from tutela.model.mapped import MapMark, MapRing

from .problem import Asked, Problem

AT = "/map/city.pmtiles"
KIND = "application/vnd.pmtiles"
PIECE = 262_144
"""Bytes that are read at a time."""
CACHED = "public, max-age=3600"
"""A map changes when somebody builds it anew; its `ETag` tells a reader in the middle of it."""
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class CityMap(Protocol):
    """The map of this instance; `app/city_map.py` has it."""

    def file(self) -> Path:
        """Where its tiles are; raises NotFound."""

    def svg(
        self,
        area: Area,
        marks: Sequence[MapMark] = (),
        rings: Sequence[MapRing] = (),
        *,
        title: str = "Map",
        name: str = "map",
        size: tuple[int, int] = (720, 400),
    ) -> str:
        """A picture, as an `<svg>` to stand in a page that links `/static/map.css`; raises NotFound."""


def routes(here: CityMap) -> Router:
    """The router that the app mounts."""

    @get(AT)
    async def tiles(request: Asked) -> Response[Problem] | Stream | Response[None]:
        """The map's tiles, all or the range that is asked for (RFC 9110 §14)."""
        file = here.file()
        size, tag = await asyncio.to_thread(_stands, file)
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": CACHED}
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, status_code=304, headers=headers)
        wanted = _wanted(request, size, tag)
        if wanted is None:
            return Stream(_bytes(file, 0, size), media_type=KIND, headers=headers | {"Content-Length": str(size)})
        first, last = wanted
        if first > last:
            return _beyond(size)
        told = {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(last + 1 - first)}
        return Stream(_bytes(file, first, last + 1), status_code=206, media_type=KIND, headers=headers | told)

    return Router("/", route_handlers=[tiles], include_in_schema=False)


def _stands(file: Path) -> tuple[int, str]:
    now = file.stat()
    return now.st_size, _tag(file, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=4)
def _tag(file: Path, changed: int, size: int) -> str:
    """Of the content: the same on every server that has the same map."""
    del changed, size
    with file.open("rb") as opened:
        return f'"{file_digest(opened, "sha256").hexdigest()[:32]}"'


def _wanted(request: Asked, size: int, tag: str) -> tuple[int, int] | None:
    """The first and the last byte that are asked for; None for all, and for what is no range or not of this file (`If-Range`)."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", tag) != tag or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        return max(0, size - int(asked[2])), size - 1
    return int(asked[1]), min(size - 1, int(asked[2] or size))


def _beyond(size: int) -> Response[Problem]:
    detail = f"the map has {size} bytes; ask for a range within them, such as bytes=0-16383"
    problem = Problem(type="tutela:BadRange", title="Bad range", status=416, detail=detail)
    return Response(
        problem,
        status_code=416,
        media_type="application/problem+json",
        headers={"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"},
    )


async def _bytes(file: Path, first: int, end: int) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        opened.seek(first)
        for at in range(first, end, PIECE):
            yield await asyncio.to_thread(opened.read, min(PIECE, end - at))


part = routes
