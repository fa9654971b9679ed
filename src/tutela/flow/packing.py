"""How a bundle of evidence becomes one file: a zip without compression, without times, in the order of its manifest.

The same parts give the same bytes. It is opened again only to derive a redacted one from it.
"""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from tutela.errors import BadInput
from tutela.model import note
from tutela.model.event import Checkpoint
from tutela.model.evidence import MANIFEST, NOTE, Part, canonical, listed, signing

from . import stamp
from .cosign import Verifies

Signs = Callable[[bytes], Awaitable[bytes]]
"""Signs with the log's key."""

Stamps = stamp.Stamps

BEGAN = (1980, 1, 1, 0, 0, 0)
UNIX, PLAIN_FILE = 3, 0o100644 << 16


async def packed(
    said: Mapping[str, object], parts: Sequence[Part], key: str, signs: Signs, stamps: Stamps | None = None
) -> bytes:
    """The file. `said`: what the manifest says besides its files; `key`: the log's public key as note tools take it."""
    said, parts = await stamp.stamped({**said, "log": key}, parts, stamps)
    manifest = canonical({**said, "files": [listed(part) for part in parts]})
    origin, public = note.decoded_key(key, note.ED25519, "a log")
    text = signing(origin, manifest)
    # The line is that of any signed note: name, key id and signature.
    signature = await signs(text)
    point = Checkpoint(origin=origin, epoch=0, size=0, root=b"", at=0, signature=signature)
    signed = text + b"\n" + note.line(point, public).encode()
    return await to_thread(zipped, [(MANIFEST, manifest), (NOTE, signed), *((part.path, part.body) for part in parts)])


def zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    """These files, in this order, in the one way that there is."""
    made = BytesIO()
    with ZipFile(made, "w") as into:
        for name, body in files:
            entry = ZipInfo(name, BEGAN)
            entry.create_system, entry.external_attr = UNIX, PLAIN_FILE
            into.writestr(entry, body)
    return made.getvalue()


def opened(raw: bytes, key: str, verifies: Verifies) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files of a bundle that this log signed; raises BadInput for any other, or one that was changed."""
    try:
        with ZipFile(BytesIO(raw)) as zip_:
            _as_ours(zip_, len(raw))
            bodies = {name: zip_.read(name) for name in zip_.namelist()}
        manifest, signed = bodies.pop(MANIFEST), bodies.pop(NOTE)
        origin, public = note.decoded_key(key, note.ED25519, "a log")
        point = Checkpoint(origin=origin, epoch=0, size=0, root=b"", at=0, signature=_signature(signed))
        text = signing(origin, manifest)
        good = signed == text + b"\n" + note.line(point, public).encode() and verifies(public, point.signature, text)
        said: dict[str, Any] = json.loads(manifest) if good else {}
    except (BadZipFile, KeyError, ValueError, NotImplementedError, EOFError) as wrong:
        raise BadInput(f"this is no bundle of evidence that can be read: {wrong}; check it with verify.py") from wrong
    named = {one["path"]: one["sha256"] for one in said.get("files", ())}
    if not good or {name: sha256(body).hexdigest() for name, body in bodies.items()} != named:
        raise BadInput("this log did not sign that bundle, or it was changed since; verify.py says which part")
    return said, bodies


def _as_ours(zip_: ZipFile, size: int) -> None:
    """Raise BadZipFile, before anything is unpacked, for what would become larger than it came: ours are never compressed."""
    entries = zip_.infolist()
    if any(one.compress_type != ZIP_STORED for one in entries) or sum(one.file_size for one in entries) > size:
        raise BadZipFile("its files are packed otherwise than in any bundle of ours")


def _signature(signed: bytes) -> bytes:
    line = signed.decode("ascii", "replace").splitlines()[-1] if signed else ""
    return note.signature_of(line)
