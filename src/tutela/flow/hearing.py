"""What a message says, taken in: what is new of it is defined in the register, its values become rows for the gateway.

A source that is fetched from or listened to names its Things and Datastreams itself. It may define as many as `Caps`
allow, and only under names that no other source has. What it may not define is refused with its values, by itself.
Values that lie ahead, such as a road that closes tonight, are left out until then, and the receipt tells when they are due.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from tutela.errors import BadInput, Conflict, EngineDown, Refused
from tutela.maths.cells import cell_of
from tutela.model.flow import Give, Offer, Receipt, Refusal
from tutela.model.heard import Heard, Value
from tutela.model.kinds import kind
from tutela.model.register import Datastream, Thing
from tutela.model.rows import Numbers, Rows
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR
from tutela.policy.purposes import purpose_of

from .catalogue import Known
from .entering import AHEAD, define, quarantined
from .ports import Clock, Register

LOG = logging.getLogger(__name__)

TOO_MANY, CHANGING, NOT_DEFINED, UNREADABLE = "too-many", "changing", "not-defined", "unreadable"
WHOLE = float(1 << 53)
"""Beyond this a number does not tell every whole number apart."""

AGES = 1 << 62
"""Microseconds."""

Why = tuple[str, str]
"""Why a datastream can't be defined: the reason in one word, and the sentence."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How many datastreams a source may have, and how many definitions it may change in an hour."""

    datastreams: int = 10_000
    changes: int = 1_000


USUAL = Caps()


class Hearing:
    """The way in for what messages of one source say."""

    def __init__(
        self, source: str, register: Register, known: Known, give: Give, clock: Clock, caps: Caps = USUAL
    ) -> None:
        self._source, self._register, self._known = source, register, known
        self._give, self._clock, self._caps = give, clock, caps
        self._things: dict[str, Thing] = {}
        self._barred: dict[str, Why] = {}
        self._owned: int | None = None
        self._hour, self._changes = 0, 0
        self._one_by_one = asyncio.Lock()

    async def hear(self, heard: Heard) -> Receipt:
        """Take in one message; returns when all that was accepted of it is durable.

        Raises EngineDown or Overloaded when it can't be taken now (hear it again, all of it: what was stored already is
        not shown twice), and Quarantined when the source has no entry.
        """
        if self._known.ended(self._source, self._clock()):
            no = quarantined(len(heard.values) + sum(refusal.count for refusal in heard.refused))
            return await self._give(Offer(self._source, LIVE, None, (no,)))
        streams = {stream.name: self._placed(stream) for stream in heard.datastreams}
        async with self._one_by_one:
            barred = await self._define(heard.things, list(streams.values()))
        values, due = self._by_now(heard.values)
        blocks, refused = self._blocks(values, streams, barred)
        refusals = (*heard.refused, *refused)
        if not blocks:
            receipt = await self._give(Offer(self._source, LIVE, None, refusals))
            return replace(receipt, due=due)
        first, *rest = blocks
        offers = [Offer(self._source, LIVE, first, refusals), *(Offer(self._source, LIVE, rows) for rows in rest)]
        receipts = await asyncio.gather(*(self._give(offer) for offer in offers))
        return Receipt(sum(one.accepted for one in receipts), tuple(no for one in receipts for no in one.refused), due)

    def _by_now(self, values: Sequence[Value]) -> tuple[Sequence[Value], int | None]:
        """The values that the gate takes by now, and when the first of the others is due."""
        until = self._clock() + AHEAD
        ahead = [value.time for value in values if until < value.time < AGES]
        if not ahead:
            return values, None
        return [value for value in values if not until < value.time < AGES], min(ahead) - AHEAD

    async def _define(self, things: Sequence[Thing], streams: Sequence[Datastream]) -> dict[str, Why]:
        """Define what is new or changed and may be; the datastreams that may not, with the reason."""
        self._turn()
        barred = {stream.name: self._barred[stream.name] for stream in streams if stream.name in self._barred}
        due, over = self._due([stream for stream in streams if stream.name not in barred])
        new = [thing for thing in things if self._untold(thing)]
        new = new[: max(0, self._caps.datastreams - len(self._things))]
        if due or new:
            barred |= await self._entered(new, due)
            await self._known.refresh()
        return barred | over

    def _placed(self, stream: Datastream) -> Datastream:
        """The datastream with the place that the register has of it, where the message tells none."""
        number = None if stream.place else self._known.number(stream.name)
        return stream if number is None else msgspec.structs.replace(stream, place=self._known.datastream(number).place)

    def _untold(self, thing: Thing) -> bool:
        """Whether something new is told of a Thing; a place or properties that are left out are nothing new."""
        last = self._things.get(thing.name)
        return last is None or last != msgspec.structs.replace(
            thing, place=thing.place or last.place, properties=thing.properties or last.properties
        )

    def _due(self, streams: Iterable[Datastream]) -> tuple[list[Datastream], dict[str, Why]]:
        """Those to be defined now, and those over a cap."""
        due: list[Datastream] = []
        over: dict[str, Why] = {}
        for stream in streams:
            number = self._known.number(stream.name)
            if number is None:
                why = (
                    None
                    if self._room()
                    else (TOO_MANY, f"{self._source} has {self._caps.datastreams} datastreams; {_MORE}")
                )
            elif self._same(stream, self._known.datastream(number)):
                continue
            else:
                why = (
                    None if self._change() else (CHANGING, f"{self._source} changes its datastreams too often; {_LESS}")
                )
            if why is None:
                due.append(stream)
            else:
                over[stream.name] = why
        return due, over

    def _same(self, stream: Datastream, kept: Datastream) -> bool:
        """Whether it is defined as it is kept."""
        entry = self._known.sources.get(self._source)
        if stream.source != self._source or entry is None or (stream.purpose and stream.purpose not in entry.purposes):
            return False
        given = {"id": kept.id, "version": kept.version, "changed": kept.changed}
        worked_out = {"cell": cell_of(stream.place), "purpose": purpose_of(stream, entry)}
        return msgspec.structs.replace(stream, **given, **worked_out) == kept

    def _room(self) -> bool:
        """Room for one more datastream of this source, which is taken."""
        owned = self._known.owned(self._source) if self._owned is None else self._owned
        self._owned = owned + (owned < self._caps.datastreams)
        return owned < self._caps.datastreams

    def _change(self) -> bool:
        """One more change in this hour, which is counted."""
        self._changes += 1
        return self._changes <= self._caps.changes

    def _turn(self) -> None:
        """With each hour counts begin anew, and what was wrong may be tried again: somebody may have put it right."""
        hour = self._clock() // HOUR
        if hour != self._hour:
            self._hour, self._changes, self._owned = hour, 0, None
            self._barred.clear()

    async def _entered(self, things: Sequence[Thing], streams: Sequence[Datastream]) -> dict[str, Why]:
        """Define all at once; when one of them is wrong, each by itself. Those that are wrong are not tried again in this hour."""
        try:
            await self._all(things, streams)
        except (BadInput, Conflict):
            wrong = {thing.name: why for thing in things if (why := await self._one([thing], []))}
            barred = {stream.name: wrong[stream.thing] for stream in streams if stream.thing in wrong}
            for stream in streams:
                if stream.name not in barred and (why := await self._one([], [stream])):
                    barred[stream.name] = why
            self._bar(barred)
            return barred
        return {}

    def _bar(self, barred: dict[str, Why]) -> None:
        if len(self._barred) > self._caps.datastreams:  # names that are made up must not fill the memory
            self._barred.clear()
        self._barred |= barred

    async def _one(self, things: Sequence[Thing], streams: Sequence[Datastream]) -> Why | None:
        """Why this one can't be defined, if so."""
        try:
            await self._all(things, streams)
        except (BadInput, Conflict, Refused) as wrong:
            LOG.warning("%s speaks of what it can't define: %s", self._source, wrong)
            return NOT_DEFINED, wrong.message
        return None

    async def _all(self, things: Sequence[Thing], streams: Sequence[Datastream]) -> None:
        named = {one.name: one.source for one in things} | {one.name: one.source for one in streams}
        for name, source in named.items():
            if source != self._source:
                raise BadInput(f"{name}: {self._source} can't define it for {source}; leave it to that source")
        try:
            await define(self._register, things, streams, self._source, self._clock(), heard=True)
        except Conflict as wrong:
            if "name" in wrong.where:
                raise
            raise EngineDown(wrong.message) from wrong  # two transactions met: nothing is wrong with what is defined
        for thing in things:
            last = self._things.get(thing.name, thing)
            self._things[thing.name] = msgspec.structs.replace(
                thing, place=thing.place or last.place, properties=thing.properties or last.properties
            )

    def _blocks(
        self, values: Iterable[Value], streams: dict[str, Datastream], barred: dict[str, Why]
    ) -> tuple[list[Rows], list[Refusal]]:
        """The rows of each kind, and how many values were refused for which reason."""
        refused: Counter[Why] = Counter()
        kinds: dict[str, list[Value]] = {}
        for value in values:
            stream = streams.get(value.datastream)
            if stream is None:
                refused[
                    UNREADABLE, "a value of a datastream that the message does not define; this standard is at fault"
                ] += 1
            elif stream.name in barred:
                refused[barred[stream.name]] += 1
            else:
                kinds.setdefault(stream.kind, []).append(value)
        blocks = [self._rows(name, own, refused) for name, own in kinds.items()]
        refusals = [Refusal(reason, says, count) for (reason, says), count in refused.items()]
        return [rows for rows in blocks if len(rows)], refusals

    def _rows(self, name: str, values: Sequence[Value], refused: Counter[Why]) -> Rows:
        """The rows of one kind; what is no number of that kind is refused."""
        columns = kind(name).columns
        whole = [column for column, (_, dtype) in enumerate(columns) if dtype.startswith("i")]
        good = []
        for value in values:
            if not abs(value.time) < AGES:
                refused[UNREADABLE, "a time is whole microseconds since 1970, and this one is beyond all ages"] += 1
            elif len(value.columns) != len(columns):
                refused[UNREADABLE, f"{name} have {len(columns)} columns, not {len(value.columns)}"] += 1
            elif any(not _is_whole(value.columns[column]) for column in whole):
                refused[UNREADABLE, f"{name} are whole numbers below 2^53; round them, or define readings"] += 1
            else:
                good.append(value)
        ids = np.array([self._known.number(value.datastream) or 0 for value in good], np.int32)
        times = np.array([value.time for value in good], np.int64)
        table = np.array([value.columns for value in good], np.float64).reshape(len(good), len(columns))
        numbers: dict[str, Numbers] = {one: table[:, at].astype(dtype) for at, (one, dtype) in enumerate(columns)}
        return Rows(name, ids, times, numbers)


_MORE = "those that come new are refused; enter it as several sources, or let its standard read fewer"
_LESS = "what it changes more in this hour is refused; look at why its unit, place or interval does not stay"


def _is_whole(number: float) -> bool:
    return abs(number) < WHOLE and number == int(number)
