"""The relay of the second hop: what was committed is sent, and then the ticks that it belongs to.

Two ticks are told: what all detect partitions have worked off, for the correlate stage, and what all of those
have worked off, for the desk.

A fact is committed together with its outbox row, sent, and only then struck off. A crash in between
sends it again under the same id: JetStream drops it within its window, the stages after that by the
fact's own id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tutela.errors import EngineDown
from tutela.maths.ids import uuid_of
from tutela.model.flow import Outgoing

from . import hop
from .ports import Outbox, Streams
from .trace import UNTRACED, Traces, after, shared

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Relay:
    """`most` rows are read at once. Those of one subject share messages of some `pack` bytes: each costs an fsync.

    `told`: the last tick sent, by subject. It starts empty: telling a tick twice changes nothing.
    """

    outbox: Outbox
    streams: Streams
    most: int = 1000
    pack: int = 256 << 10
    told: dict[str, int] = field(default_factory=dict)
    traces: Traces = UNTRACED

    async def run(self) -> None:
        """Send for ever; woken by each commit."""
        while True:
            try:
                await self.turn()
            except EngineDown as down:
                LOG.warning("the outbox waits: %s", down)
                await asyncio.sleep(down.retry_after)
            else:
                await self.outbox.wait(1.0)

    async def turn(self) -> None:
        """Send all that is pending, then the ticks that were worked off before it was read."""
        ticks = {hop.second_ticks(name): at for name, at in (await self.outbox.ticks("detect")).items()}
        ticks |= {hop.settled(name): at for name, at in (await self.outbox.ticks("correlate")).items()}
        while rows := await self.outbox.pending(self.most):
            await self._send(rows)
            await self.outbox.sent([row.id for row in rows])
        for subject, at in ticks.items():
            if at > self.told.get(subject, 0):
                await self.streams.publish(subject, hop.tick(at), f"{subject}-{at}", {})
                self.told[subject] = at

    async def _send(self, rows: Sequence[Outgoing]) -> None:
        """Each subject in its order, the subjects beside one another."""
        by_subject: dict[str, list[Outgoing]] = {}
        for row in rows:
            by_subject.setdefault(row.subject, []).append(row)
        done = await asyncio.gather(*map(self._in_order, by_subject.values()), return_exceptions=True)
        for failed in done:  # only now that all have ended: none may still be writing when this is tried again
            if failed is not None:
                raise failed

    async def _in_order(self, rows: Sequence[Outgoing]) -> None:
        for own in self._packs(rows):
            id_, body = _packed(own)
            lines = [row.trace for row in own]
            causes = [trace for trace in dict.fromkeys(lines) if trace]
            with after(self.traces, causes, "hop", {"subject": own[0].subject, "facts": len(own)}) as span:
                await self.streams.publish(own[0].subject, body, id_, shared(span.trace, lines))

    def _packs(self, rows: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
        """The rows of each message."""
        own: list[Outgoing] = []
        size = 0
        for row in rows:
            if own and size + len(row.body) > self.pack:
                yield own
                own, size = [], 0
            own.append(row)
            size += len(row.body)
        yield own


def _packed(rows: Sequence[Outgoing]) -> tuple[str, bytes]:
    """A body with an id made from all that is in it: after a crash the same rows may be packed otherwise."""
    id_ = rows[0].id if len(rows) == 1 else uuid_of(*(row.id for row in rows))
    return id_, b"\n".join(row.body for row in rows)
