"""Recorded streams drawn from a seed: weeks of observations, or a day of facts. Something happens in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tutela.flow.detector import Detector
from tutela.model.card import Card
from tutela.model.flow import Fact
from tutela.model.place import Place
from tutela.model.when import HOUR, MINUTE, SECOND

from .examples import PROPERTY, START, fact_of, kind_of, world_of
from .stage import CENTRE, Item, Observed, Ticked, Told, World

WEEKS = 5
CATEGORIES = ("EMS: fall", "Fire: smoke", "Police: noise")
KINDS = ("call", "call", "threshold", "people-many", "another")


def of_facts(card: Card) -> bool:
    """Whether a detector is one of the second hop."""
    return card.key in {"cell", "city"}


def ticks(card: Card) -> bool:
    """Whether a detector of the second hop judges on ticks: its example has one."""
    return any(sample.tick for sample in card.fires)


def world(detector: Detector) -> World:
    """Some datastreams of two sources, one observation an hour each."""
    of = getattr(detector, "observed_property", PROPERTY)
    return World(property=of, size=size_of(detector.card), interval=3600.0, kind=kind_of(detector.card))


def size_of(card: Card) -> int:
    """Five datastreams; of Things of which it takes many, half as many again as its example has."""
    return max(5, world_of(card).size * 3 // 2) if kind_of(card) == "positions" else 5


def stream(detector: Detector, seed: int, start: int = START) -> list[Item]:
    """What a detector of that sort could be given."""
    if kind_of(detector.card) == "positions":
        return positions(seed, start, size=size_of(detector.card))
    if not of_facts(detector.card):
        return observations(seed, start)
    told = facts(seed, start)
    return ticked(told, seed, start) if ticks(detector.card) else list(told)


def ticked(told: Sequence[Told], seed: int, start: int) -> list[Item]:
    """The facts and some more calls that crowd; a tick each hour, and calls that come after the tick of their hour."""
    items: list[Item] = []
    for item in sorted((*told, *_crowding(seed, start)), key=lambda one: one.fact.at - one.fact.at % MINUTE):
        if item.fact.at >= start + HOUR:
            start += (item.fact.at - start) // HOUR * HOUR
            items.append(Ticked(start))
        items.append(item)
    return [*items, Ticked(start + HOUR)]


def _crowding(seed: int, start: int) -> list[Told]:
    """Three times in a day, ten calls within a kilometre and two hours, where few come else."""
    chance = np.random.default_rng(seed)
    told = []
    for hour in (4, 9, 14):
        place = {"lat": CENTRE.lat + 0.2 * chance.random(), "lon": CENTRE.lon + 0.1}
        for number, at in enumerate(
            sorted(chance.integers(start + hour * HOUR, start + (hour + 2) * HOUR, 10).tolist())
        ):
            near = {"lat": place["lat"] + 0.003 * chance.random(), "lon": place["lon"]}
            told.append(Told(fact_of({"noun": "call", "id": f"crowd-{hour}-{number}", "place": near}, at)))
    return told


def observations(seed: int, start: int = START, weeks: int = WEEKS, size: int = 5) -> list[Item]:
    """Weeks of hourly values with peaks, gaps, an outage of one source, and sensors that lie; a tick every hour."""
    chance = np.random.default_rng(seed)
    hours = weeks * 168
    values = _values(chance, hours, size)
    there = chance.random((hours, size)) > 0.03
    for gap in chance.integers(200, hours - 10, 6).tolist():
        there[gap : gap + 8, chance.integers(size)] = False
    outage = int(chance.integers(300, hours - 10))
    there[outage : outage + 8, ::2] = False
    minute = chance.integers(0, 59 * MINUTE, (hours, size))
    _spoil(chance, values)
    items: list[Item] = []
    for hour in range(hours):
        at = start + hour * HOUR
        here = [slot for slot in np.argsort(minute[hour]).tolist() if there[hour, slot]]
        items += [Observed(slot, at + int(minute[hour, slot]), float(values[hour, slot])) for slot in here]
        items.append(Ticked(at + HOUR))
    return items


def positions(seed: int, start: int = START, days: int = 2, size: int = 5) -> list[Item]:
    """Days of Things that go to and fro through the middle of the world, every ten minutes or so, and sometimes rest."""
    chance = np.random.default_rng(seed)
    steps = days * 144
    pace = np.where(chance.random((steps, size)) < 0.15, 0.0, chance.uniform(0.0, 0.6, (steps, size)))
    way, side = np.cumsum(pace, axis=0), chance.uniform(0.0, 2 * np.pi, size)
    far = 600.0 * np.sin(way) + 8.0 * chance.standard_normal((steps, size))
    there = chance.random((steps, size)) > 0.05
    items: list[Item] = []
    for step in range(steps):
        at = start + step * 10 * MINUTE
        for slot in np.flatnonzero(there[step]).tolist():
            north, east = far[step, slot] * np.cos(side[slot]), far[step, slot] * np.sin(side[slot])
            place = Place(lat=CENTRE.lat + float(north) / 111_195.0, lon=CENTRE.lon + float(east) / 55_300.0)
            items.append(Observed(slot, at + int(chance.integers(9 * MINUTE)), place=place))
        if step % 3 == 2:
            items.append(Ticked(at + 10 * MINUTE))
    return items


def _values(chance: np.random.Generator, hours: int, size: int) -> npt.NDArray[np.float64]:
    hour = np.arange(hours)[:, None] + np.arange(size)
    values = 30.0 + 8.0 * np.sin(hour * 2 * np.pi / 24) + 2.0 * chance.standard_t(4, (hours, size))
    values += np.where(chance.random((hours, size)) < 0.02, chance.uniform(20.0, 90.0, (hours, size)), 0.0)
    return np.asarray(values.round(2), np.float64)


def _spoil(chance: np.random.Generator, values: npt.NDArray[np.float64]) -> None:
    """Two sensors stick for a day, another drifts away in the last third, and each tells nonsense once."""
    hours, size = values.shape
    stuck, drifting = chance.permutation(size)[:2].tolist(), int(chance.integers(size))
    for slot in stuck:
        since = int(chance.integers(hours // 3, hours - 30))
        values[since : since + 24, slot] = values[since, slot]
    values[hours * 2 // 3 :, drifting] += np.linspace(0.0, 30.0, hours - hours * 2 // 3).round(2)
    values[chance.integers(0, hours, size), np.arange(size)] = -999.0


def facts(seed: int, start: int = START, many: int = 400) -> list[Told]:
    """A day of calls and detections around four places, bursts among them; some nowhere, some a little out of order."""
    chance = np.random.default_rng(seed)
    burst = np.arange(many) % 50 >= 42
    times = start + np.cumsum(np.where(burst, 20.0, chance.exponential(200.0, many)) * SECOND).astype(np.int64)
    times -= np.where(chance.random(many) < 0.1, chance.integers(0, 300 * SECOND, many), 0)
    return [
        Told((_alarm if alarm else _fact)(chance, f"fact-{number:05d}", at))
        for number, (at, alarm) in enumerate(zip(times.tolist(), burst.tolist(), strict=True))
    ]


def _alarm(chance: np.random.Generator, id_: str, at: int) -> Fact:
    """A call among others about the same thing."""
    north, east = (0.0001 * chance.standard_normal(2)).tolist()
    place = {"lat": CENTRE.lat + north, "lon": CENTRE.lon + east}
    return fact_of({"noun": "call", "id": id_, "place": place, "category": "Fire: smoke"}, at)


def _fact(chance: np.random.Generator, id_: str, at: int) -> Fact:
    spot, kind = int(chance.integers(4)), str(chance.choice(KINDS))
    north, east = (0.001 * chance.standard_normal(2)).tolist()
    place = {"lat": CENTRE.lat + 0.02 * spot + north, "lon": CENTRE.lon + 2 * east}
    if kind == "call":
        category = str(chance.choice(CATEGORIES))
        return fact_of({"noun": "call", "id": id_, "place": place, "category": category}, at)
    said: dict[str, object] = {"noun": "detection", "id": id_, "type": kind, "sources": [f"source-{spot}", kind]}
    if chance.random() < 0.1:
        return fact_of({**said, "place": None, "cell": 0}, at)
    return fact_of({**said, "place": place, "datastreams": [spot + 1]}, at)
