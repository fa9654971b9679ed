"""The live figures of the register as everybody gets them: signed by the log's key, and their hash an event of the log.

They are counted anew at most each ten seconds, whoever asks. Their hash becomes an event at most once an hour, so that being looked at does
not make the log grow.
"""

from __future__ import annotations

import asyncio
import csv
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO

from tutela.maths.ids import uuid_of
from tutela.model import note
from tutela.model.event import Checkpoint, Event
from tutela.model.figures import SignedFigures, canonical_of, lines, signing
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR, SECOND

from .counting import Counting
from .packing import Signs

KIND = "register-figures@1"
SUBJECT = "register-figures"
BY = "register"
OLDEST = 10 * SECOND


class Hashed(Noun, frozen=True, kw_only=True):
    """Body of `register-figures@1`: figures with this hash were signed."""

    sha256: str


@dataclass(slots=True, kw_only=True)
class Figuring:
    """Signs what is counted. `key` is the log's public key as note tools take it."""

    counting: Counting
    key: str
    signs: Signs
    _read: SignedFigures | None = None
    _written: int = -1
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def signed(self) -> SignedFigures:
        """The figures, at most ten seconds old."""
        async with self._reading:
            now = self.counting.clock()
            if self._read is None or now - self._read.figures.at >= OLDEST:
                figures = await self.counting.counted()
                body = canonical_of(figures)
                digest = sha256(body).hexdigest()
                self._read = SignedFigures(figures=figures, sha256=digest, note=await self._note(body))
                await self._write(digest, now)
            return self._read

    async def table(self) -> str:
        """The same as CSV. The last line signs all lines before it: the note, in base64."""
        figures = (await self.signed()).figures
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([("section", "what", "value"), *lines(figures)])
        signed = b64encode((await self._note(text.getvalue().encode())).encode()).decode()
        return f"{text.getvalue()}signature,note,{signed}\n"

    async def _note(self, body: bytes) -> str:
        origin, public = note.decoded_key(self.key, note.ED25519, "a log")
        text = signing(origin, body)
        point = Checkpoint(origin=origin, epoch=0, size=0, root=b"", at=0, signature=await self.signs(text))
        return f"{text.decode()}\n{note.line(point, public)}"

    async def _write(self, digest: str, now: int) -> None:
        """Once in each hour: of several processes the first one's stands."""
        hour = now // HOUR
        if hour == self._written:
            return
        event = Event(
            id=uuid_of(KIND, hour),
            at=now,
            by=BY,
            cause=None,
            kind=KIND,
            timeline=LIVE,
            body=encode(Hashed(sha256=digest)),
            subject=SUBJECT,
        )
        await self.counting.kept.append([event])
        self._written = hour
