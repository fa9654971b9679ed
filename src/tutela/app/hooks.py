"""What webhooks are posted to: the connection of the source, its standard, and the way in."""

from __future__ import annotations

from dataclasses import dataclass, field

from tutela.app.connections import opened
from tutela.app.core import Core, clock
from tutela.errors import BadInput, NotFound
from tutela.flow.gateway import Gateway
from tutela.flow.hearing import UNREADABLE, Hearing
from tutela.flow.line import SAMPLE, Read
from tutela.model.flow import Receipt, Refusal
from tutela.model.heard import Heard
from tutela.model.register import Kept
from tutela.model.when import SECOND

PART = "webhook"
HOLDS = SECOND
"""For so long (microseconds) the connections are known without asking."""


@dataclass(slots=True)
class Hooks:
    """Takes bodies. What the connections say is read anew each second, at most."""

    core: Core
    gateway: Gateway
    _kept: dict[str, Kept] = field(default_factory=dict)
    _reads: dict[str, tuple[Kept, Read]] = field(default_factory=dict)
    _hearings: dict[str, Hearing] = field(default_factory=dict)
    _at: int = -HOLDS

    async def take(self, source: str, body: bytes) -> Receipt:
        """One body of that source; returns when what was taken is durable. Raises BadInput when it can't be read, which is counted."""
        read = await self._read(source)
        core = self.core
        if source not in self._hearings:
            self._hearings[source] = Hearing(source, core.facts, core.known, self.gateway.give, clock)
        hearing = self._hearings[source]
        try:
            heard = await read(body, "")
        except BadInput as wrong:
            await hearing.hear(Heard(refused=(Refusal(UNREADABLE, wrong.message, 1, body[:SAMPLE]),)))
            raise
        return await hearing.hear(heard)

    async def _read(self, source: str) -> Read:
        if clock() - self._at >= HOLDS:
            entered = await self.core.facts.connections()
            self._kept = {one.connection.source: one for one in entered if one.connection.part == PART}
            self._at = clock()
        kept = self._kept.get(source)
        if kept is None:
            raise NotFound(
                f"{source} has no webhook; enter it with [connection] part = {PART!r} and a standard that reads what you send"
            )
        if source not in self._reads or self._reads[source][0] != kept:
            self._reads[source] = kept, (await opened(kept, self.core.keys)).read
            self._hearings.pop(source, None)
        return self._reads[source][1]
