"""A picture that somebody sends is decoded in a process of its own, with limits, and made anew: smaller, and without what a phone writes into it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tutela.backends.confined import GIGABYTE, Limits, confined
from tutela.errors import BadInput

PROGRAM = "from tutela.app.pictures_inside import main; main()"
LIMITS = Limits(memory=2 * GIGABYTE, output=4_000_000, cpu=20, seconds=30.0)
NO_PICTURE = "The photo can't be read. Send a JPEG, PNG or WebP, or none."

_one_by_one = asyncio.Semaphore(2)


async def clean(sent: bytes) -> bytes:
    """The picture as a JPEG of at most 1,024 pixels a side; raises BadInput for what is none."""
    async with _one_by_one:
        return await asyncio.to_thread(_cleaned, sent)


def _cleaned(sent: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tutela-picture-") as folder:
        given, made = Path(folder) / "given", Path(folder) / "made"
        given.write_bytes(sent)
        try:
            confined(PROGRAM, [], given, made, LIMITS, "the photo")
        except BadInput as wrong:
            raise BadInput(NO_PICTURE) from wrong
        return made.read_bytes()
