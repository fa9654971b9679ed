"""Hours of the week in a city's zone, for whole columns of times.

The zone's table is read once, from the pinned `tzdata` distribution and never from the machine's own,
so that every machine counts the same hours. Whoever needs it in a step reads it when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.model.when import DAY, EPOCH, HOUR, SECOND

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEEK = 168
MONDAY = 3 * 24
"""1970 began on a Thursday: so many hours after a Monday."""
UNTIL = datetime(2100, 1, 1, tzinfo=EPOCH.tzinfo)


@dataclass(frozen=True, slots=True)
class Zone:
    """Offsets from UTC, in microseconds: `offset[i]` holds from `since[i - 1]` up to `since[i]`.

    True from 1970 to 2100; before and after, the first and the last offset go on.
    """

    name: str
    since: Ints
    offset: Ints


@cache
def zone(name: str) -> Zone:
    """The table of a zone such as "Europe/Helsinki"; raises BadInput when tzdata has none of that name."""
    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            rules = ZoneInfo.from_file(file, name)
    except (OSError, ValueError) as wrong:
        raise BadInput(f"there is no zone called {name!r}; write it like 'Europe/Helsinki'") from wrong
    since, offset = [], [_offset(rules, EPOCH)]
    day = EPOCH
    while day < UNTIL:
        after = day + timedelta(days=1)
        if _offset(rules, after) != offset[-1]:
            since.append(_turn(rules, day))
            offset.append(_offset(rules, after))
        day = after
    return Zone(name, np.array(since, np.int64), np.array(offset, np.int64))


def _offset(rules: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(rules).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)


def _turn(rules: ZoneInfo, before: datetime) -> int:
    """The first second within a day that has another offset, in microseconds since 1970."""
    low, high, old = 0, DAY // SECOND, _offset(rules, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(rules, before + timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return (before - EPOCH) // timedelta(microseconds=1) + high * SECOND


def hours(zone: Zone, time: Ints) -> Ints:
    """The number of the local hour that each time (microseconds UTC) lies in, counted from 1970.

    When clocks go back, the hour that comes twice has one number: it is one long hour.
    """
    if not len(time):
        return time
    first, last = np.searchsorted(zone.since, [time.min(), time.max()], side="right")
    which = first if first == last else np.searchsorted(zone.since, time, side="right")
    local: Ints = (time + zone.offset[which]) // HOUR
    return local


def of_week(hour: Ints) -> Ints:
    """The hour of the week of such a number: 0 is Monday from midnight to one."""
    return (hour + MONDAY) % WEEK


def spans(interval: Floats) -> Ints:
    """How many hours a result stands for that comes each `interval` seconds: one, a day's or a week's.

    What is told once a day or once a week has no hour of its own: where times are told in UTC, clocks that go forward
    would part summer's results from winter's.
    """
    weekly, daily = interval >= WEEK * 3600.0, interval >= 24 * 3600.0  # an unknown one is neither
    return np.where(weekly, WEEK, np.where(daily, 24, 1)).astype(np.int64)


def begins(hour: Ints, span: Ints) -> Ints:
    """The first hour of the day or the week that each hour lies in, by spans."""
    return hour - (hour + MONDAY) % span
