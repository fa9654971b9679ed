"""The public register, from what is at work and what people wrote: it can't disagree with the system, since it is asked of it.

Sources and rules are read from their own register, detectors from those that the workers make. What only people can say is an event of the
log: `register-words@1`, the newest for each system. It is read again at most each ten seconds, and says how old it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from tutela.errors import BadInput
from tutela.maths.ids import uuid_of
from tutela.model.arming import COMMENTS, lives
from tutela.model.arming import SUBJECT as ARMING
from tutela.model.capability import Capability, Entered, PublicRegister, Words
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.paper import SUBJECT as PAPERS
from tutela.model.paper import filed
from tutela.model.register import Source, Thing
from tutela.model.rule import Armed
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .at_work import needed, now_of, standing
from .ports import Clock, Log

KIND = "register-words@1"
OLDEST = 10 * SECOND
RULES = "rules"
"""What stands as the system of the rules that people armed."""

OPTIONAL = ("system", "alternatives_considered")
_words = msgspec.json.Decoder(Words).decode


class Register(Protocol):
    """What is entered: see `ports.Register`."""

    async def sources(self) -> Sequence[Source]: ...  # noqa: D102  told above
    async def things(self) -> Sequence[Thing]: ...  # noqa: D102  the same


class Rules(Protocol):
    """The rules that are kept."""

    async def rules(self) -> Sequence[Armed]: ...  # noqa: D102  told above


@dataclass(slots=True)
class Registering:
    """`capabilities` are those of these rules and of all systems, as a worker would make them now."""

    register: Register
    rules: Rules
    log: Log
    capabilities: Callable[[Iterable[Armed]], Sequence[Capability]]
    city: str
    version: str
    clock: Clock
    _read: PublicRegister | None = None
    _made: tuple[tuple[Armed, ...], tuple[Capability, ...]] | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def public(self) -> PublicRegister:
        """All of it, at most ten seconds old."""
        async with self._reading:
            if self._read is None or self.clock() - self._read.at >= OLDEST:
                self._read = await self._now()
            return self._read

    async def write(self, words: Words, by: str) -> bool:
        """Keep what people say of a system; whether that is new. Raises BadInput for a system that is not at work."""
        systems = {RULES, *(one.system for one in self.capabilities(()))}
        if words.system not in systems:
            raise BadInput(f"no system is called {words.system!r}; there are: {', '.join(sorted(systems))}")
        if await self._said(words.system) == words:
            return False
        body, now = encode(words), self.clock()
        await self.log.append(
            [
                Event(
                    id=uuid_of(KIND, words.system, body, now),
                    at=now,
                    by=by,
                    cause=None,
                    kind=KIND,
                    timeline=LIVE,
                    body=body,
                    subject=_subject(words.system),
                )
            ]
        )
        self._read = None
        return True

    async def needed(self) -> Sequence[tuple[Capability, tuple[str, ...]]]:
        """Each capability, with the kinds of papers that it needs."""
        armed = tuple(one for one in await self.rules.rules() if one.since is not None)
        if self._made is None or self._made[0] != armed:
            self._made = (armed, tuple(self.capabilities(armed)))
        found = self._made[1]
        words = {system: await self._said(system) for system in sorted({one.system for one in found})}
        return [(of, needed(of, words[of.system])) for of in found]

    async def _now(self) -> PublicRegister:
        pairs = await self.needed()
        capabilities = tuple(of for of, _ in pairs)
        words = [await self._said(system) for system in sorted({one.system for one in capabilities})]
        found = lives([*await self.log.about(ARMING), *await self.log.about(COMMENTS)])
        papers = filed(await self.log.about(PAPERS))
        now = self.clock()
        return PublicRegister(
            city=self.city,
            version=self.version,
            at=now,
            sources=tuple(await self._entered()),
            capabilities=capabilities,
            words=tuple(words),
            missing={one.system: missing(one) for one in words},
            states=tuple(standing(now_of(of, needs, found.get(of.name), papers, now)) for of, needs in pairs),
        )

    async def _entered(self) -> Sequence[Entered]:
        kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for thing in await self.register.things():
            kinds[thing.source][thing.kind] += 1
        return [
            Entered(source=source, things=dict(sorted(kinds[source.name].items())))
            for source in await self.register.sources()
        ]

    async def _said(self, system: str) -> Words:
        told = [event for event in await self.log.about(_subject(system)) if event.kind == KIND]
        return _words(told[-1].body) if told else Words(system=system)


def missing(words: Words) -> tuple[str, ...]:
    """What nobody has said yet of what the registers ask for."""
    return tuple(name for name in words.__struct_fields__ if name not in OPTIONAL and not getattr(words, name))


def _subject(system: str) -> str:
    return f"register/{system}"
