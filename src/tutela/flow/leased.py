"""One leased partition at work: fetch, turn, commit, over and over, until the lease is lost.

While a commit runs, the next turn is worked out already. What was committed before a crash is worked
off again from the snapshot on, to get the state back; its effects are there, so they are dropped.

A message that can't be worked off after `TRIES` tries is set aside as a dead letter, and the partition
goes on: nobody else's data waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from tutela.errors import BadInput
from tutela.maths.ids import uuid_of
from tutela.model.dead_letter import AGAIN, DeadLetter, was
from tutela.model.event import Event
from tutela.model.flow import Effects, Lease, Message, encode
from tutela.model.noun import Noun

from .ports import DeadLetters, Reader, Turns
from .stage import Fold
from .trace import HEADERS

LOG = logging.getLogger(__name__)

TRIES = 3
POISON = (BadInput, ValueError, LookupError, ArithmeticError)
"""What bytes that nobody foresaw can raise in code that only thinks. Anything else stops the worker."""

ONE_SENDING = ("Nats-", AGAIN, *HEADERS)
"""So begin the headers that the server makes something of, and others that belong to one sending."""

LONGEST = 1000
"""Characters of what a letter says."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds, and how much at once.

    `beat`: heartbeat, renewal of leases, taking and giving back. `pause`: from one fetch to the next when the
    first brought less than it might; up to `slower` times as long where the work takes a larger share of that time than
    `share`: most of a turn costs the same whatever it brings, so many partitions that are busy take fewer, larger ones. `idle`: how long a fetch waits when there is nothing else to do.
    `commit`: from one commit to the next when there is something to tell, `progress` when there is not.
    `newest`: between two writes of the newest values. `most`: messages in one fetch. `held`: turns and events
    that may wait for a commit; with more, no more is fetched.
    """

    beat: float = 0.5
    pause: float = 0.2
    slower: float = 2.5
    share: float = 0.02
    idle: float = 5.0
    commit: float = 0.25
    progress: float = 1.0
    newest: float = 1.0
    most: int = 32
    held: int = 5000


class Unreadable(Noun, frozen=True, kw_only=True):
    """Body of `dead-letter@1`: which message was set aside, by whom and why. What it said is in the letter."""

    letter: str
    source: str
    reason: str
    says: str


class Facts(Turns, DeadLetters, Protocol):
    """What one partition's work needs of PostgreSQL."""


class Leased:
    """One partition. `run` ends by raising only: Fenced, EngineDown, Conflict or Broken, from the engines."""

    def __init__(self, lease: Lease, fold: Fold, reader: Reader, facts: Facts, rhythm: Rhythm, saves: float) -> None:
        self._lease, self._fold, self._reader, self._facts = lease, fold, reader, facts
        self._rhythm, self._saves = rhythm, saves
        self._sequence = lease.sequence
        self._waiting: list[Effects] = []
        self._committing: asyncio.Task[None] | None = None
        self._unshown = self._unsaved = False
        self._committed = self._shown = -inf
        # Partitions that begin together do not save together.
        self._saved = _now() - saves * (lease.partition % 16) / 16

    async def run(self) -> None:
        """Work until something is raised."""
        try:
            while True:
                begun = _now()
                messages = await self._reader.fetch(self._rhythm.most, self._patience())
                came = _now()
                await self._work(messages)
                worked = _now() - came
                await self._commit()
                if len(messages) < self._rhythm.most:
                    await asyncio.sleep(max(0.0, begun + self._pause(worked) - _now()))
        finally:
            if self._committing is not None:
                self._committing.cancel()
                await asyncio.gather(self._committing, return_exceptions=True)

    def _pause(self, worked: float) -> float:
        """From one fetch to the next, when the work of the first took so long."""
        return min(max(self._rhythm.pause, worked / self._rhythm.share), self._rhythm.pause * self._rhythm.slower)

    def _patience(self) -> float:
        """How long a fetch may wait: something else may be due meanwhile."""
        if self._waiting or self._committing:
            return self._rhythm.pause
        return self._rhythm.beat if self._unshown or self._unsaved else self._rhythm.idle

    async def _work(self, messages: Sequence[Message]) -> None:
        """First what is committed already, for the state alone; then what is new."""
        old = [message for message in messages if message.sequence <= self._lease.sequence]
        new = messages[len(old) :]
        if old:
            await self._turn(old)
        if new:
            self._waiting += await self._turn(new)
            self._sequence = new[-1].sequence
            self._unshown = self._unsaved = True

    async def _turn(self, messages: Sequence[Message]) -> list[Effects]:
        try:
            return [await self._fold.turn(messages)]
        except POISON as wrong:
            LOG.warning("%s: one of %d messages can't be worked off: %s", _name(self._lease), len(messages), wrong)
        return [await self._alone(message) for message in messages]

    async def _alone(self, message: Message, tries: int = 2) -> Effects:
        """The effects of one message, of which there are none when it has to be set aside."""
        try:
            return await self._fold.turn((message,))
        except POISON as wrong:
            if tries < TRIES:
                return await self._alone(message, tries + 1)
            if message.sequence > self._lease.sequence:
                await self._facts.dead(*_set_aside(self._lease, message, wrong))
            return Effects(sequence=message.sequence)

    async def _commit(self) -> None:
        """Take in the last commit when it is done (or too much waits for it), and begin the next when it is due."""
        if self._committing is not None and (self._committing.done() or self._full()):
            await self._committing
            self._committing = None
        if self._committing is None and self._due():
            effects = await self._gathered()
            self._committing = asyncio.create_task(self._facts.commit(self._lease, effects))

    def _full(self) -> bool:
        return sum(1 + len(effects.events) for effects in self._waiting) > self._rhythm.held

    def _due(self) -> bool:
        now = _now()
        if now < self._committed + self._rhythm.commit:
            return False
        tell = any(effects or effects.ticked is not None for effects in self._waiting)
        old = bool(self._waiting) and now >= self._committed + self._rhythm.progress
        return tell or old or self._to_show(now) or (self._saves > 0 and self._to_save(now))

    def _to_show(self, now: float) -> bool:
        return self._unshown and now >= self._shown + self._rhythm.newest

    def _to_save(self, now: float) -> bool:
        return self._unsaved and now >= self._saved + self._saves

    async def _gathered(self) -> Effects:
        """All that waits, with the newest values and a snapshot when those are due."""
        now = self._committed = _now()
        effects = joined(self._waiting, self._sequence)
        self._waiting = []
        if self._to_show(now):
            effects = replace(effects, newest=self._fold.newest())
            self._shown, self._unshown = now, False
        if self._to_save(now):
            effects = replace(effects, snapshot=await self._fold.save())
            self._saved, self._unsaved = now, False
        return effects


def joined(effects: Sequence[Effects], sequence: int) -> Effects:
    """The effects of several turns as those of one, up to that sequence."""
    late: Counter[int] = Counter()
    for one in effects:
        late.update(one.late)
    return Effects(
        sequence=sequence,
        ticked=max((one.ticked for one in effects if one.ticked is not None), default=None),
        events=tuple(event for one in effects for event in one.events),
        detections=tuple(detection for one in effects for detection in one.detections),
        outgoing=tuple(row for one in effects for row in one.outgoing),
        alerts=tuple(alert for one in effects for alert in one.alerts),
        late=dict(late),
    )


def _set_aside(lease: Lease, message: Message, wrong: Exception) -> tuple[list[DeadLetter], list[Event]]:
    """A message as a dead letter, with its event. Whoever does it again makes the same; one that was a letter, is it.

    Several may read one message, as partition 0 does those of all for the city: they make one letter, since it is sent again once
    for all. Of its stream there is one message of that sequence, and its subject says the stream.
    """
    source = _name(lease)
    id_, tries = was(message.headers) or (uuid_of("dead-letter", message.subject, message.sequence), 0)
    letter = DeadLetter(
        id=id_,
        source=source,
        at=message.at,
        reason="unreadable",
        says=plain(
            f"message {message.sequence} of {message.subject} could not be worked off in {TRIES} tries: {wrong}"
        ),
        body=message.body,
        key=plain(message.headers["Key"]) if "Key" in message.headers else None,
        subject=plain(message.subject),
        headers={name: text for name, text in message.headers.items() if not name.startswith(ONE_SENDING)},
        tries=tries,
    )
    event = Event(
        id=uuid_of("dead-letter@1", id_, *((tries,) if tries else ())),
        at=message.at,
        by=lease.stage,
        cause=uuid_of("letter@1", id_, tries) if tries else None,
        kind="dead-letter@1",
        timeline=lease.timeline,
        body=encode(Unreadable(letter=id_, source=source, reason=letter.reason, says=letter.says)),
        subject=id_,
    )
    return [letter], [event]


def plain(text: str) -> str:
    """What nobody foresaw may hold anything: the text without what can't be printed (or stored)."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:LONGEST])


def _name(lease: Lease) -> str:
    return f"{lease.timeline} {lease.stage} {lease.partition}"


def _now() -> float:
    return asyncio.get_running_loop().time()
