"""A simulated day on real Things: readings, counts, calls, reports and posts that a city like this might send.

Everything here is made up and says so: its register entries carry `simulated`, and so does each screen that
shows it. It is sent through the public HTTP door like any device's data. What is staged is written in a
plan (`staging/day.toml`); its time and place are drawn from a seed, and detectors never see either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tutela.model.card import Card
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing
from tutela.model.staged import Staged
from tutela.model.when import MINUTE, SECOND, iso

from ._meters import ENTRIES, METERS, Meter, Sky, meters
from ._plan import On, Staging, off, places, plan
from ._said import EVERY as OFTEN
from ._said import ORDINARY, Told

__all__ = ["ENTRIES", "City", "Moment", "On", "Staging", "Told", "plan"]

FIRST = 20 * SECOND
"""After the origin the first staged event begins."""

EVERY = 3 * MINUTE
"""From one staged event to the next, give or take; some last longer, so several may be on."""

Sun = Callable[[Place, int], float]
"""How high the sun stands at a place and time (microseconds), in degrees."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the city sends in one second: by source and kind, the lines; and what people tell."""

    lines: dict[tuple[str, str], list[dict[str, object]]]
    told: tuple[Told, ...]


class City:
    """A simulated city: the same seed, Things and second give the same data. `sun` tells how high it stands."""

    name = "simulated"
    card = Card(
        finds="Made-up readings, counts, calls, reports and posts of a demonstration city, on real places. It is a simulation.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Tell anything about the real city.",
    )

    def __init__(self, things: Sequence[Thing], seed: int, origin: int, stagings: Sequence[Staging], sun: Sun) -> None:
        self.things, self.seed, self.origin, self.sun = tuple(things), seed, origin, sun
        self.streams = meters(things)
        self.meter = {(meter.thing, meter.observed_property): meter for meter in METERS}
        self.kind_of = {thing.name: thing.kind for thing in things}
        self.stagings = tuple(stagings)
        self.places = {staging.what: places(staging, things, self.streams) for staging in stagings}
        self._changed: dict[int, frozenset[str]] = {}

    def event(self, number: int) -> On:
        """The staged event of that number. All are staged in turn, each round in an order of its own."""
        round_, place = divmod(number, len(self.stagings))
        order = [0, *np.random.default_rng((self.seed, round_)).permutation(range(1, len(self.stagings))).tolist()]
        staging = self.stagings[order[place]]
        chance = np.random.default_rng((self.seed, round_, place))
        late = int(chance.integers(0, 40)) * SECOND if number else 0
        begins = self.origin + FIRST + number * EVERY + late
        where = self.places[staging.what]
        return On(staging, number, begins, begins + staging.lasts * SECOND, where[int(chance.integers(len(where)))])

    def on(self, at: int) -> tuple[On, ...]:
        """The staged events that are on at that time, by number."""
        newest = (at - self.origin - FIRST) // EVERY
        events = (self.event(number) for number in range(max(0, newest - self._span()), newest + 1))
        return tuple(event for event in events if event.at <= at < event.until)

    def over(self, after: int, at: int) -> tuple[Staged, ...]:
        """The staged events that ended after that time, up to `at`."""
        newest = (at - self.origin - FIRST) // EVERY
        events = (self.event(number) for number in range(max(0, newest - self._span(at - after)), newest + 1))
        return tuple(event.noun for event in events if after < event.until <= at)

    def _span(self, more: int = 0) -> int:
        """So many events ago began the first that may have gone on for so long (microseconds)."""
        return (max(staging.lasts for staging in self.stagings) * SECOND + more) // EVERY + 2

    def moment(self, at: int) -> Moment:
        """All that the city sends in the second that begins at `at` (whole seconds)."""
        second = at // SECOND
        chance = np.random.default_rng((self.seed, second))
        on, sky = self.on(at), Sky(self.seed, at, self._height(at))
        lines: dict[tuple[str, str], list[dict[str, object]]] = {}
        for number, stream in enumerate(self.streams):
            meter = self.meter[self.kind_of[stream.thing], stream.observed_property]
            if (second + number) % meter.every:
                continue
            value = self._staged(stream, [one for one in on if stream.name in self._of(one)], meter, sky, chance)
            if value is None:
                continue
            result = max(0, round(value)) if stream.kind == "counts" else round(max(0.0, value), 2)
            line: dict[str, object] = {
                "datastream": stream.name,
                "phenomenonTime": iso(at),
                "result": result,
                "unit": stream.unit,
            }
            lines.setdefault((stream.source, stream.kind), []).append(line)
        return Moment(lines, (*self._ordinary(at, chance), *self._cued(at, on)))

    def _of(self, event: On) -> frozenset[str]:
        """The datastreams that an event changes."""
        found = self._changed.get(event.number)
        if found is None:
            found = frozenset(stream.name for stream in self.streams if event.of(stream, event.place))
            self._changed = {**dict(list(self._changed.items())[-20:]), event.number: found}
        return found

    def _height(self, at: int) -> float:
        """How high the sun stands over the city's first Thing that has a place; it does so over all of them, nearly."""
        place = next((thing.place for thing in self.things if thing.place), None)
        return 90.0 if place is None else self.sun(place, at)

    def _staged(
        self, stream: Datastream, on: Sequence[On], meter: Meter, sky: Sky, chance: np.random.Generator
    ) -> float | None:
        """The value, with what is staged there; None where nothing is said."""
        share = sky.share(stream.observed_property, stream.thing)
        value = meter.low + (meter.high - meter.low) * share + float(chance.normal()) * meter.noise
        for event in on:
            staging, observed = event.staging, stream.observed_property
            if staging.silences == stream.source:
                return None
            if observed in staging.freezes:
                value = meter.low + (meter.high - meter.low) / 3
            value = staging.sets.get(observed, value + staging.adds.get(observed, 0.0))
        return value

    def _ordinary(self, at: int, chance: np.random.Generator) -> Iterator[Told]:
        """What people tell on any day."""
        for word, said in ORDINARY.items():
            if chance.random() < 1 / OFTEN[word]:
                category, words = said[int(chance.integers(len(said)))]
                thing = self.things[int(chance.integers(len(self.things)))]
                if thing.place:
                    yield Told(word, f"{word}-{at // SECOND}", at, thing.place, category, words)

    def _cued(self, at: int, on: Sequence[On]) -> Iterator[Told]:
        """What they tell of what is staged."""
        second = at // SECOND
        for event in on:
            for number, (word, cue) in enumerate(event.staging.cues):
                if event.at // SECOND + cue.after == second:
                    place = off(event.place, cue.off, np.random.default_rng((self.seed, event.number, number)))
                    id_ = f"{event.staging.what}-{event.number}-{number}-{second}"
                    yield Told(word, id_, at, place, cue.category, cue.said)


part = City
