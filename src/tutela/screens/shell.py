"""The console at `/console/`: the files that were built, each in the shortest form that the browser takes.

The page is for whoever is signed in; its script and style are the same for everybody, and hold nothing of the city. What
the console shows, it asks of the API like everybody else. Files with a hash in their name never change, and are kept.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tutela.errors import NotFound

from . import paper
from .guard import Guard
from .problem import HANDLERS, Asked

BUILT = Path(__file__).parent / "built"
INDEX = "index.html"
FOREVER = "public, max-age=31536000, immutable"
PACKED = {".br": "br", ".gz": "gzip"}
"""What ends in which way is packed how (RFC 9110 8.4.1); the better one first."""

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".md": "text/markdown"}
"""Said by us: machines differ in what they think of these."""


@dataclass(frozen=True, slots=True)
class Built:
    """One file: whole, and packed under the name of how."""

    whole: bytes
    kind: str
    etag: str
    packed: Mapping[str, bytes] = field(default_factory=dict)

    def answer(self, request: Asked, caching: str) -> Response[bytes]:
        """The file, or that the browser has it."""
        headers = {"ETag": self.etag, "Cache-Control": caching, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self.etag:
            return Response(b"", status_code=304, headers=headers)
        takes = {one.split(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
        for how, body in self.packed.items():
            if how in takes:
                return Response(body, media_type=self.kind, headers={**headers, "Content-Encoding": how})
        return Response(self.whole, media_type=self.kind, headers=headers)


def built(folder: Path = BUILT) -> dict[str, Built]:
    """All files by their path; none where the console was not built."""
    return {
        path.relative_to(folder).as_posix(): _built(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in PACKED and not path.name.startswith(".")
    }


def _built(path: Path) -> Built:
    whole = path.read_bytes()
    beside = {how: path.with_name(path.name + ending) for ending, how in PACKED.items()}
    return Built(
        whole=whole,
        kind=TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        etag=f'"{sha256(whole).hexdigest()[:32]}"',
        packed={how: file.read_bytes() for how, file in beside.items() if file.exists()},
    )


def routes(guard: Guard, folder: Path = BUILT) -> Router:
    """The router that the app mounts."""
    files = built(folder)

    @get(["/", "/{screen:str}"], exception_handlers=paper.HANDLERS)
    async def page(request: Asked) -> Response[bytes]:
        """The console, at whatever screen its address names; the script says so when there is none."""
        await guard.person(request, opens=True)
        if INDEX not in files:
            raise NotFound("the console was not built into this installation: `make web` builds it; `/` works without")
        return files[INDEX].answer(request, "no-cache")

    @get("/assets/{name:str}", sync_to_thread=False)
    def asset(request: Asked, name: FromPath[str]) -> Response[bytes]:
        """A script, a style, a font."""
        found = files.get(f"assets/{name}")
        if found is None:
            raise NotFoundException("the console has no such file; reload the page: a newer one may be there")
        return found.answer(request, FOREVER)

    return Router("/console", route_handlers=[page, asset], include_in_schema=False, exception_handlers=HANDLERS)


part = routes
