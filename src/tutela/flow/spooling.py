"""Calls are taken while the log can't be written (governance G33): kept beside it, and told to it as soon as it can be.

All else is refused then: nothing is done here that isn't written down. A call for help is the exception: it waits in a
spool of its own, sealed and on the disk before it is answered, and goes by the same id as it will in the log. Telling one twice
is telling it once, so that a crash between the two loses none and doubles none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from tutela.errors import BadInput, Conflict, EngineDown, Quarantined, TutelaError
from tutela.maths.ids import uuid_of
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.telling import Telling, word_of

from .once import tell, there
from .ports import Clock, Keys, Log
from .record import Recorder, bucket_of, told_id

LOG = logging.getLogger(__name__)

SPOOLED = frozenset({"call"})
"""What is taken although it can't be written into the log yet: somebody's life may depend on it."""

PATIENCE = 5.0
"""Seconds for which the log is waited for."""

EVERY = 2.0


class Spool(Protocol):
    """What waits, oldest first, each with its name, sealed on the disk. `put` returns when it is there; `done` removes that one."""

    async def count(self) -> int: ...  # noqa: D102  told above

    async def put(self, plain: bytes) -> None: ...  # noqa: D102  told above
    async def waiting(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102  the same
    async def done(self, name: str) -> None: ...  # noqa: D102  the same


class Late(Noun, frozen=True, kw_only=True):
    """Body of `spooled@1`: a call was taken then (microseconds), while the log could not be written, and is in it now.

    `refused` is the name of the error for which the log did not take it as it was; what was told is sealed in `told` then (base64), with `key`.
    """

    call: str
    at: int
    refused: str = ""
    key: str = ""
    told: bytes = b""


class Spooled(Noun, frozen=True, kw_only=True):
    """What waits: what was told, and when it came."""

    at: int
    told: Telling


read_spooled = msgspec.json.Decoder(Spooled).decode


@dataclass(slots=True)
class Spooling:
    """The facts' door, with the spool behind it. `waits`: how many calls lie there; `told` is called with each change of it."""

    recorder: Recorder
    spool: Spool
    keys: Keys
    log: Log
    clock: Clock
    told: Callable[[int], None]
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def tell(self, told: Telling) -> str:
        """As `Recorder.tell`; a call that the log can't take now is on the disk when this returns."""
        if word_of(told) not in SPOOLED:
            return await self.recorder.tell(told)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.recorder.tell(told)
        except (EngineDown, TimeoutError) as down:
            LOG.error("ALARM: the log can't be written (%s); a call is taken into the spool beside it", down)  # noqa: TRY400  not a fault of ours
            await self.spool.put(encode(Spooled(at=self.clock(), told=told)))
            self.told(await self.spool.count())
            return told_id(self.keys, told)

    async def run(self) -> None:
        """Tell the log what waits, for ever; what lies there from before a restart too."""
        while True:
            try:
                await self.drain()
            except TutelaError as wrong:  # whatever it is, the doors stay open
                LOG.warning("what waits in the spool can't be told to the log yet: %s", wrong)
            await self.rest(EVERY)

    async def drain(self) -> int:
        """How many the log has taken; raises EngineDown when it can't be written yet: all of them wait on then."""
        taken, waiting = 0, await self.spool.waiting()
        for name, line in waiting:
            try:
                kept = read_spooled(line)
            except msgspec.MsgspecError as wrong:
                LOG.error("ALARM: %s in the spool can't be read (%s); it waits for somebody to look", name, wrong)  # noqa: TRY400  told with its place
                continue
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._into_the_log(kept)
            except TimeoutError as late:
                raise EngineDown(f"the log took nothing within {PATIENCE:.0f} seconds") from late
            await self.spool.done(name)
            taken += 1
        self.told(await self.spool.count())
        if taken:
            LOG.warning("%d calls that were taken while the log could not be written are in it now", taken)
        return taken

    async def _into_the_log(self, kept: Spooled) -> None:
        says = Late(call=told_id(self.keys, kept.told), at=kept.at)
        try:
            await self.recorder.tell(kept.told)
        except (BadInput, Quarantined, Conflict) as wrong:  # it was promised that it is kept
            if isinstance(wrong, Conflict) and not await there(self.log, says.call):
                raise EngineDown(f"somebody else was first, and it is tried again: {wrong}") from wrong
            LOG.error("ALARM: the log refuses a call that was taken into the spool: %s", wrong)  # noqa: TRY400  told with its reason
            key, sealed = await self.keys.seal(bucket_of(kept.told), encode(kept.told))
            says = msgspec.structs.replace(says, refused=type(wrong).__name__, key=key, told=sealed)
        id_ = uuid_of("spooled@1", says.call, kept.at)
        await tell(self.log, "spooled@1", id_, says, about=says.call, by=kept.told.source, at=self.clock())
