"""Reads of units: their status and skills, and where they are for whoever has a duty that needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.resource import EmergencyResource
from tutela.model.when import SECOND
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .read_observations import ObservationReads
from .units import Units, question
from .whereabouts import POSITIONS, Seen, Whereabouts

STALE = 3
"""Expected intervals after which a position is stale."""


class Located(Noun, frozen=True, kw_only=True):
    """A unit and where it was last: `seen_at` in microseconds, `age` in seconds.

    All of them are absent where it told no position lately, or where the purpose may not see it. `stale`: the position is
    older than three of the intervals that the register expects.
    """

    unit: EmergencyResource
    place: Place | None = None
    seen_at: int | None = None
    age: float | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReads:
    """Units. Each method raises Refused, and leaves one event.

    A unit's position is where its crew is: who may see units, and not positions, sees them without. It is
    asked about as any position is: by the purposes, agency and retention of the source that tells it.
    """

    ledger: Ledger
    kept: Units
    observations: ObservationReads
    whereabouts: Whereabouts

    async def units(self, access: Access, timeline: str) -> Sequence[Located]:
        """All units that this purpose may see, in order of name, each with its newest place."""
        now, general = self.ledger.now, ask(access, Action.READ, "units", self.ledger.now)
        found = await self.kept.units(timeline)
        shown = await self.ledger.permitted(
            found, lambda one: question(access, Action.READ, one, now), general, timeline, "units"
        )
        located = await self._located(access, timeline, shown, now)
        places = sum(one.place is not None for one in located)
        await self.ledger.wrote(access, timeline, f"units, {places} with a place", (unit.id for unit in shown))
        return located

    async def unit(self, access: Access, id_: str) -> Located:
        """One unit with its newest place; raises NotFound."""
        unit, now, query = await self.kept.unit(id_), self.ledger.now, f"unit {id_}"
        await self.ledger.must(question(access, Action.READ, unit, now), unit.timeline, query)
        (located,) = await self._located(access, unit.timeline, (unit,), now)
        await self.ledger.wrote(access, unit.timeline, query, (id_,), persons=(id_,) if located.place else ())
        return located

    async def _located(
        self, access: Access, timeline: str, units: Sequence[EmergencyResource], now: int
    ) -> list[Located]:
        known = self.observations.known
        of_thing = known.moving({unit.thing for unit in units if unit.thing is not None})
        streams = {number: known.datastream(number) for number in of_thing}
        since = self._kept_since(access, timeline, {stream.source for stream in streams.values()})
        may = [number for number, stream in streams.items() if stream.source in since]
        found: dict[str, tuple[Datastream, Seen]] = {}
        for number, seen in (await self.whereabouts.of(timeline, may, now)).items():
            thing, stream = of_thing[number], streams[number]
            if seen.at >= since[stream.source] and (thing not in found or found[thing][1].at < seen.at):
                found[thing] = stream, seen
        return [_one(unit, found.get(unit.thing or ""), now) for unit in units]

    def _kept_since(self, access: Access, timeline: str, sources: set[str]) -> dict[str, int]:
        """Those of the sources whose positions may be read, and since when they are kept."""
        ask_of = self.observations.question
        may = [source for source in sources if self.ledger.may(ask_of(access, POSITIONS, source))]
        return {source: self.observations.kept_since(timeline, source) for source in may}


def _one(unit: EmergencyResource, found: tuple[Datastream, Seen] | None, now: int) -> Located:
    if found is None:
        return Located(unit=unit)
    stream, seen = found
    age = max(0, now - seen.at) / SECOND
    stale = stream.interval is not None and age > STALE * stream.interval
    return Located(unit=unit, place=seen.place, seen_at=seen.at, age=age, stale=stale)
