"""How nouns look to people: shapes, ages, places, numbers. Pure: time and zone come in as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from zoneinfo import ZoneInfo

from tutela.flow.desk import DESK
from tutela.flow.read import Observed
from tutela.model.alert import Alert
from tutela.model.people import Agent
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, moment

SHAPES = {1: "◆", 2: "▲", 3: "■", 4: "●"}
"""Never colour alone: each priority has a shape, a number and a colour (console.md §1.2)."""

PRIORITIES = ((10_000, 1), (2_500, 2), (900, 3))
"""The lowest rank of each priority, so that priorities never contradict the order of the queue; see `flow.bundle`."""

AGES = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
UNITS = {"1": "", "1/min": "/min", "ug/m3": "µg/m³", "Cel": "°C"}
NAMES = {"pm25": "PM2.5", "pm10": "PM10", "no2": "NO₂", "o3": "O₃", "so2": "SO₂", "co2": "CO₂", "co": "CO"}
"""Observed properties whose name is no word."""

STATUSES = {"Enroute": "En route"}
"""Statuses whose words are not where their capitals are."""

STALE = 3
"""Expected intervals after which a value is stale."""

SHOWN = 12
"""Datastreams that a table of newest values shows of each observed property."""


def priority(alert: Alert) -> int:
    """1, the most pressing, to 4."""
    return next((number for least, number in PRIORITIES if alert.rank >= least), 4)


def ago(at: int, now: int) -> str:
    """How long ago, in its largest unit; what is to come is now."""
    passed = max(0, now - at)
    length, unit = next((one for one in AGES if passed >= one[0]), AGES[-1])
    return f"{passed // length} {unit}"


def clock(at: int, zone: str, now: int | None = None) -> str:
    """The time in the city; with its day when it is not the day of `now`."""
    there = moment(at).astimezone(ZoneInfo(zone))
    today = now is None or moment(now).astimezone(ZoneInfo(zone)).date() == there.date()
    return there.strftime("%H:%M:%S" if today else "%d %b %H:%M")


def day(at: int, zone: str) -> str:
    """The day in the city, with its year."""
    return f"{moment(at).astimezone(ZoneInfo(zone)):%Y-%m-%d}"


def who(by: str, me: Agent) -> str:
    """Who did it. People go by their ids: their names are sealed, and not everybody's to read."""
    if by == me.id:
        return "you"
    return "the desk, by itself" if by == DESK else f"colleague {by[:8]}"


def where(place: Place | None) -> str:
    """A place as people copy it into a map."""
    return "" if place is None else f"{place.lat:.5f}, {place.lon:.5f}"


def number(value: float) -> str:
    """A measured number with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def title(name: str) -> str:
    """A name of ours, such as a type of alert or an observed property, as a heading."""
    words = NAMES.get(name, name).replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def status(name: str) -> str:
    """A status of EIDO's manner of writing, such as `OutOfService`, in words."""
    return STATUSES.get(name) or title(
        "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    )


def unit(code: str) -> str:
    """A UCUM unit as people write it."""
    return UNITS.get(code, code)


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value of a datastream; `stale` when it is older than three of its intervals."""

    datastream: Datastream
    at: int
    result: float
    stale: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The newest values of one observed property: `shown` are the stale ones, oldest first, and then the highest."""

    name: str
    unit: str
    count: int
    low: float
    middle: float
    high: float
    newest: int
    stale: int
    shown: tuple[Value, ...]


def groups(observed: Sequence[Observed], now: int) -> list[Group]:
    """Newest values by observed property and unit, in order of name."""
    found: dict[tuple[str, str], list[Value]] = {}
    for part in observed:
        rows = zip(part.datastreams, part.rows.time.tolist(), part.rows.result.tolist(), strict=True)
        for datastream, at, result in rows:
            value = Value(datastream, at, result, _stale(datastream, at, now))
            found.setdefault((datastream.observed_property, datastream.unit), []).append(value)
    return [_group(*key, values) for key, values in sorted(found.items())]


def _stale(datastream: Datastream, at: int, now: int) -> bool:
    return datastream.interval is not None and now - at > STALE * datastream.interval * SECOND


def _group(name: str, unit_: str, values: list[Value]) -> Group:
    results = [value.result for value in values]
    order = sorted(values, key=lambda value: (not value.stale, value.at if value.stale else -value.result))
    return Group(
        name=name,
        unit=unit(unit_),
        count=len(values),
        low=min(results),
        middle=median(results),
        high=max(results),
        newest=max(value.at for value in values),
        stale=sum(value.stale for value in values),
        shown=tuple(order[:SHOWN]),
    )
