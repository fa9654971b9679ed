"""What watches where, for everybody: what speaks through a source, and what stands near a place.

It is read from the register at most each ten seconds, whoever asks, and nobody is written down for asking. A Thing is told with its place
unless that could tell where somebody lives or is: of a source with data of people only what watches a public place is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tutela.errors import NotFound
from tutela.maths.cells import metres
from tutela.model.capability import Capability, Entered, PublicRegister
from tutela.model.figures import cell
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .catalogue import Known
from .ports import Clock
from .register_public import Registering

OLDEST = 10 * SECOND
OF_THE_STREET = frozenset({"camera", "counter"})
"""Kinds of Things that watch a public place, so that people are told where each of them stands, whatever its data is about."""

FURTHEST = 2000.0
"""Metres around a place that somebody can ask about."""

MOST = 200
"""Things that one answer tells: the nearest."""

FOUND = 40
"""Things that are found by a word."""


class Things(Protocol):
    """The Things of the register, and how many alerts of each type there ever were."""

    async def things(self) -> Sequence[Thing]: ...  # noqa: D102  told above
    async def alert_counts(self, timeline: str) -> Mapping[str, int]: ...  # noqa: D102  the same


@dataclass(frozen=True, slots=True)
class Observed:
    """What a source measures: the observed property with its unit, and of how many datastreams."""

    name: str
    unit: str
    datastreams: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A Thing where it stands, the sources that speak through it, and what they measure there."""

    thing: Thing
    place: Place
    sources: tuple[Source, ...]
    observed: tuple[str, ...]
    metres: int = 0


@dataclass(frozen=True, slots=True)
class Watcher:
    """A source as everybody may know it: its entry, what it measures, and what is noticed by it.

    `shown` of its Things stand in the list of what is near; of the others only the number is told.
    """

    entered: Entered
    observed: tuple[Observed, ...]
    feeds: tuple[Capability, ...]
    shown: int


@dataclass(frozen=True, slots=True)
class _Read:
    """The register's Things and datastreams at a moment, and how often each type of alert was raised."""

    at: int
    raised: Mapping[str, int]
    spots: tuple[Spot, ...]
    measured: dict[str, Counter[tuple[str, str]]]


@dataclass(slots=True, kw_only=True)
class Watching:
    """Tells it. Whatever there is not raises NotFound."""

    things: Things
    known: Known
    registering: Registering
    clock: Clock
    _last: _Read | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def source(self, name: str) -> tuple[Watcher, PublicRegister]:
        """One source, with the register that it stands in."""
        register, now = await self.registering.public(), await self._now()
        entered = next((one for one in register.sources if one.source.name == name), None)
        if entered is None:
            raise NotFound(f"the register has no source called {name[:60]!r}; /register lists those that there are")
        measured = now.measured.get(name, Counter())
        watcher = Watcher(
            entered=entered,
            observed=tuple(Observed(*what, count) for what, count in sorted(measured.items())),
            feeds=tuple(one for one in register.capabilities if set(one.purposes) & set(entered.source.purposes)),
            shown=sum(any(of.name == name for of in one.sources) for one in now.spots),
        )
        return watcher, register

    async def capability(self, name: str) -> tuple[Capability, PublicRegister]:
        """One capability, with the register that it stands in."""
        register = await self.registering.public()
        found = next((one for one in register.capabilities if one.name == name), None)
        if found is None:
            raise NotFound(f"the register has no capability called {name[:60]!r}; /register lists those that there are")
        return found, register

    async def thing(self, source: str, name: str) -> Spot:
        """One Thing that speaks through that source, where it may be told."""
        for one in (await self._now()).spots:
            if one.thing.name == name and any(of.name == source for of in one.sources):
                return one
        raise NotFound(f"nothing called {name[:60]!r} is shown of the source {source[:60]!r}")

    async def raised(self, name: str) -> str:
        """How many alerts a capability ever raised, as everybody may know it: fewer than ten are not told, more down to whole tens."""
        return cell((await self._now()).raised.get(name, 0))

    async def near(self, place: Place, reach: float) -> Sequence[Spot]:
        """What stands within so many metres, the nearest first."""
        found = [_at(one, metres(place, one.place)) for one in (await self._now()).spots]
        close = [one for one in found if one.metres <= min(reach, FURTHEST)]
        return sorted(close, key=lambda one: (one.metres, one.thing.name))[:MOST]

    async def called(self, words: str) -> Sequence[Spot]:
        """Those whose name has all of these words, in order of name."""
        wanted = words.casefold().split()
        found = [
            one
            for one in (await self._now()).spots
            if wanted and all(word in one.thing.name.casefold() for word in wanted)
        ]
        return sorted(found, key=lambda one: one.thing.name)[:FOUND]

    async def _now(self) -> _Read:
        async with self._reading:
            now = self.clock()
            if self._last is None or now - self._last.at >= OLDEST:
                await self.known.refresh()
                streams = self.known.whole().by_id.values()
                things, raised = await self.things.things(), await self.things.alert_counts(LIVE)
                self._last = _read(now, raised, things, streams, self.known.sources)
            return self._last


def _read(
    now: int,
    raised: Mapping[str, int],
    things: Iterable[Thing],
    streams: Iterable[Datastream],
    sources: Mapping[str, Source],
) -> _Read:
    of: dict[str, list[Datastream]] = {}
    measured: dict[str, Counter[tuple[str, str]]] = {}
    for stream in streams:
        of.setdefault(stream.thing, []).append(stream)
        measured.setdefault(stream.source, Counter())[stream.observed_property, stream.unit] += 1
    spots = [one for thing in things if (one := _spot(thing, of.get(thing.name, ()), sources)) is not None]
    return _Read(now, raised, tuple(spots), measured)


def _spot(thing: Thing, streams: Sequence[Datastream], sources: Mapping[str, Source]) -> Spot | None:
    """A Thing as everybody may see it; None when nobody may."""
    names = dict.fromkeys([thing.source, *(one.source for one in streams)])
    speak = tuple(sources[name] for name in names if name in sources)
    of_people = any(one.personal_data for one in speak)
    if thing.place is None or not speak or (of_people and thing.kind not in OF_THE_STREET):
        return None
    observed = tuple(sorted({one.observed_property for one in streams}))
    return Spot(thing=thing, place=thing.place, sources=speak, observed=observed)


def _at(spot: Spot, away: float) -> Spot:
    return Spot(spot.thing, spot.place, spot.sources, spot.observed, round(away))
