"""What each of the 168 hours of the week usually brings: a level and a spread for each datastream. Robust and seasonal.

What comes once a day is judged by the day of the week, and what comes once a week by every week (`hours.spans`).

Both are frozen while such an hour lasts. Its rows are summed up in the order they come, as deviations from the level, which count in
full up to `CLIP` spreads and no further (Huber 1964, "Robust estimation of a location parameter"), so that an event teaches
little; when the datastream's next hour begins, the sums move level and spread a little. A young hour's spread leans on the
datastream's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tutela.maths import hours, robust
from tutela.maths.runs import Flags, Index
from tutela.maths.slab import Field, Slab
from tutela.maths.turns import Turn

Floats = npt.NDArray[np.float64]

UNSET = -(1 << 31)  # an hour before all others
LARGE = 1e30  # values and deviations count up to it, so that sums stay finite
CLIP = 3.0  # spreads
STEADY = 8  # times that taught before anything is clipped, and a whole week of them
LEAN = 4  # weeks' worth of the datastream's own spread in the spread of one hour of the week
RECENT = 336  # hours over which the datastream's own spread is learnt

FIELDS = {
    "hour": Field("i4", UNSET),  # the local hour that is being summed up
    "rows": Field("i4"),  # how many rows it had
    "usual": Field("f8"),  # the level that they are judged by
    "width": Field("f8", np.inf),  # how far from it they may be; infinite: nothing is said yet
    "clip": Field("f8", LARGE),  # how far from it they count
    "sum": Field("f8"),  # of the clipped deviations, and of their sizes
    "size": Field("f8"),
    "own": Field("f4"),  # the datastream's own spread, whatever the hour
    "hours": Field("i4"),  # how many hours taught it
} | {
    f"{name}_{hour:03d}": Field(dtype)
    for hour in range(hours.WEEK)
    for name, dtype in (("level", "f4"), ("spread", "f4"), ("weeks", "u1"))
}


class Usual(NamedTuple):
    """How it is learnt: see the options of the detector `unusual`."""

    beyond: float
    least: float
    weeks: int
    memory: int

    def begun(self, state: Slab, turn: Turn, span: Index) -> Slab:
        """Where a new hour (or day, or week, by the `span` of a slot) begins: the old one is learnt, the new one's level frozen."""
        old = state.take("hour", turn.runs.slots).astype(np.int64)
        new = turn.hour != old
        if not new.any():
            return state
        over = np.flatnonzero(new & (old != UNSET))
        for hour, some in _by_hour_of_week(old[over]):
            state = self._learnt(state, turn.runs.slots[over[some]], hour)
        begun = np.flatnonzero(new)
        for hour, some in _by_hour_of_week(turn.hour[begun]):
            state = self._frozen(state, turn, begun[some], hour, span)
        return state

    def _learnt(self, state: Slab, slots: Index, hour: int) -> Slab:
        """What one hour's sums teach: the mean deviation moves its level, their mean size its spread."""
        level, spread, weeks = columns(hour)
        came, rows, taught = (state.take(name, slots).astype(np.int64) for name in (weeks, "rows", "hours"))
        mean, size = state.take("sum", slots) / rows, robust.NORMAL * state.take("size", slots) / rows
        own, again = state.take("own", slots).astype(np.float64), came > 0
        return state.put(
            slots,
            **{
                level: state.take("usual", slots) + mean / np.minimum(came + 1, self.memory),
                spread: _moved(state.take(spread, slots).astype(np.float64), size, np.clip(came, 1, self.memory)),
                weeks: np.minimum(came + 1, 255),
                "own": np.where(again, _moved(own, size, np.minimum(taught + 1, RECENT)), own),
                "hours": taught + again,
            },
        )

    def _frozen(self, state: Slab, turn: Turn, which: Index, hour: int, span: Index) -> Slab:
        """The level and the bounds of an hour, as they will be while it lasts."""
        slots, first = turn.runs.slots[which], turn.result[turn.runs.first[which]]
        level, spread, weeks = (state.take(name, slots).astype(np.float64) for name in columns(hour))
        spread = (weeks * spread + LEAN * state.take("own", slots).astype(np.float64)) / (weeks + LEAN)
        judged = (weeks >= self.weeks) & (spread > 0)
        steady = (state.take("hours", slots) >= np.maximum(hours.WEEK // span[slots], STEADY)) & (spread > 0)
        none = np.zeros(len(slots))
        return state.put(
            slots,
            hour=turn.hour[which],
            usual=np.where(weeks > 0, level, np.clip(first, -LARGE, LARGE)),
            width=np.where(judged, np.maximum(self.beyond * spread, self.least), np.inf),
            clip=np.where(steady, CLIP * spread, LARGE),
            rows=none,
            sum=none,
            size=none,
        )


def summed(state: Slab, turn: Turn) -> Slab:
    """The rows' clipped deviations added, one after the other, so that no cut between batches changes a bit."""
    slots = turn.runs.slots
    usual, clip, sum_, size = (state.take(name, slots) for name in ("usual", "clip", "sum", "size"))
    off = np.clip(turn.result - usual[turn.run], -clip[turn.run], clip[turn.run])
    np.add.at(sum_, turn.run, off)
    np.add.at(size, turn.run, np.abs(off))
    return state.put(slots, rows=state.take("rows", slots) + turn.runs.end - turn.runs.first, sum=sum_, size=size)


def columns(hour: int) -> tuple[str, str, str]:
    """The names of level, spread and weeks of one hour of the week."""
    return f"level_{hour:03d}", f"spread_{hour:03d}", f"weeks_{hour:03d}"


def _by_hour_of_week(hour: Index) -> Iterator[tuple[int, Flags]]:
    """Each hour of the week among them, and which of them are it."""
    of_week = hours.of_week(hour)
    for each in np.unique(of_week).tolist():
        yield each, of_week == each


def _moved(old: Floats, new: Floats, part: Floats | Index) -> Floats:
    """The old estimate, moved towards the new value by one part in so many."""
    return old + (new - old) / part
