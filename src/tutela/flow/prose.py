"""What people write in their own words: notes, reasons, how an incident ended. It may name somebody, so it is sealed.

Each text is sealed by itself, in the bucket of the alert or incident that it is about, so that it can be
erased while the log still verifies. Where it is stored it stands as `sealed:KEY:BODY`; whoever may read the
record reads the words.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tutela.errors import Refused
from tutela.model.alert import Alert
from tutela.model.incident import Incident
from tutela.model.when import iso

from .ports import Keys

Work = TypeVar("Work", Alert, Incident)

ERASED = "(erased)"
HOUR = len("2026-11-25T08")
"""Characters of a time, up to its hour."""

_SEALED = re.compile(r"sealed:([\w-]+):([\w=-]+)")
_FIELDS = re.compile(rb'"(text|reason|disposition)":"(sealed:[\w-]+:[\w=-]+)"')


@dataclass(frozen=True, slots=True)
class Prose:
    """Seals words before they are stored, and opens them for whoever may read them."""

    keys: Keys

    async def kept(self, before: Alert | Incident | None, after: Alert | Incident) -> Alert | Incident:
        """As it is stored: what was written since `before` is sealed."""
        if isinstance(after, Alert):
            old = before.reason if isinstance(before, Alert) else None
            return msgspec.structs.replace(after, reason=await self._new(after, old, after.reason))
        was = before if isinstance(before, Incident) else None
        known = was.notes if was else ()
        written = [
            note if note in known else msgspec.structs.replace(note, text=await self._seal(after, note.text))
            for note in after.notes
        ]
        ended = await self._new(after, was.disposition if was else None, after.disposition)
        return msgspec.structs.replace(after, notes=tuple(written), disposition=ended)

    async def shown(self, work: Work) -> Work:
        """As people read it."""
        if isinstance(work, Alert):
            return msgspec.structs.replace(work, reason=await self._open(work.reason))
        notes = [msgspec.structs.replace(note, text=await self._open(note.text)) for note in work.notes]
        return msgspec.structs.replace(work, notes=tuple(notes), disposition=await self._open(work.disposition))

    async def told(self, body: bytes) -> bytes:
        """The JSON of an alert or incident with its words as people read them."""
        parts = []
        place = 0
        for found in _FIELDS.finditer(body):
            words = msgspec.json.encode(await self._open(found[2].decode()))
            parts += [body[place : found.start(2) - 1], words]
            place = found.end(2) + 1
        return b"".join([*parts, body[place:]])

    async def sealed(self, about: Alert | Incident, text: str) -> str:
        """Words about it that are stored elsewhere: as they are stored."""
        return await self._seal(about, text)

    async def kept_in(self, bucket: str, text: str) -> str:
        """Words that go with a bucket of their own: as they are stored."""
        key, body = await self.keys.seal(bucket, text.encode())
        return f"sealed:{key}:{urlsafe_b64encode(body).decode()}"

    async def words(self, text: str) -> str:
        """Words that are stored so, as people read them."""
        return await self._open(text) or ""

    async def _new(self, about: Alert | Incident, before: str | None, after: str | None) -> str | None:
        return after if after is None or after == before else await self._seal(about, after)

    async def _seal(self, about: Alert | Incident, text: str) -> str:
        return await self.kept_in(words_of(about), text)

    async def _open(self, text: str | None) -> str | None:
        found = _SEALED.fullmatch(text or "")
        if found is None:
            return text
        try:
            return (await self.keys.open(found[1], urlsafe_b64decode(found[2]))).decode()
        except Refused:
            return ERASED


def words_of(about: Alert | Incident) -> str:
    """The bucket of what people wrote about it."""
    kind = "alerts" if isinstance(about, Alert) else "incidents"
    return f"{about.purpose}/{kind}/{about.id}"


def hour_bucket(purpose: str, kind: str, at: int) -> str:
    """The bucket of what was told in one hour, of one kind."""
    return f"{purpose}/{kind}/{iso(at)[:HOUR]}"
