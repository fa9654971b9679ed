"""A level that is unusual for this hour of the week, in the city's zone. Robust and seasonal.

For each datastream and each of the 168 hours of the week it keeps a level and a spread, frozen while
such an hour lasts. Its rows are judged by what was known before, and summed up in the order they
come; when the datastream's next hour begins, the sums move level and spread a little. Deviations
count in full up to `CLIP` spreads and no further (Huber 1964, "Robust estimation of a location
parameter"), so that an event teaches little. A young hour's spread leans on the datastream's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths import found, hours, robust, turns
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import DAY, SECOND
from tutela.model.why import ValueWas, Why

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNSET = -(1 << 31)  # an hour before all others
LARGE = 1e30  # values and deviations count up to it, so that sums stay finite
CLIP = 3.0  # spreads
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
    "on": Field("?"),  # unusual now
    "told": Field("i8", NEVER),  # when it was last told
} | {
    f"{name}_{hour:03d}": Field(dtype)
    for hour in range(hours.WEEK)
    for name, dtype in (("level", "f4"), ("spread", "f4"), ("weeks", "u1"))
}


class Unusual(Noun, frozen=True, kw_only=True):
    """Unusual when a result is more than `beyond` spreads off the level of its hour of the week.

    `only`: observed properties (none: all). `weeks`: how many times an hour of the week must have
    come before it is judged. `release`: the share of `beyond` within which it is over. `memory`:
    weeks that level and spread remember. `least`: a difference that is never unusual, in the unit.
    """

    word: ClassVar[str] = "unusual"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A result that is far from what this hour of the week usually brings.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Say anything in its first weeks, or of a datastream that never varies; know holidays, weather"
            " or events; notice a change so slow that it learns it, or a result that comes after a newer one;"
            " tell what is dangerous: unusual is not bad."
        ),
        options={"weeks": 3},
        fires=(
            *(Sample(at=week * 7 * DAY / SECOND, values={"result": 20.0 + week % 2}) for week in range(4)),
            Sample(at=28 * DAY / SECOND, values={"result": 40.0}),
        ),
        near_miss=(
            *(Sample(at=week * 7 * DAY / SECOND, values={"result": 20.0 + week % 2}) for week in range(4)),
            Sample(at=28 * DAY / SECOND, values={"result": 24.0}),
        ),
    )

    name: str = "unusual"
    only: tuple[str, ...] = ()
    direction: Literal["above", "below", "both"] = "both"
    beyond: Annotated[float, msgspec.Meta(gt=0)] = 6.0
    release: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    weeks: Annotated[int, msgspec.Meta(ge=2, le=200)] = 8
    memory: Annotated[int, msgspec.Meta(ge=2, le=200)] = 8
    least: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    zone: str = "Europe/Helsinki"
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)

    def __post_init__(self) -> None:
        hours.zone(self.zone)

    def begin(self) -> Slab:
        """Nothing is known."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Each datastream's rows, hour after hour; all datastreams at once."""
        if seen.rows is None or seen.slots is None or seen.catalogue is None or "result" not in seen.rows.values:
            return state, ()
        rows, slots = self._mine(seen.rows, seen.slots, seen.catalogue)
        detections: list[Detection] = []
        for turn in turns.hourly(rows, slots, hours.hours(hours.zone(self.zone), rows.time)):
            state = self._begun(state, turn)
            state, told = self._judged(state, turn)
            detections += (self._detection(state, seen.timeline, seen.catalogue, turn, row) for row in told)
            state = _summed(state, turn)
        return state, tuple(detections)

    def _mine(self, rows: Rows, slots: Index, catalogue: Catalogue) -> tuple[Rows, Index]:
        if not self.only:
            return rows, slots
        codes = [code for code, name in enumerate(catalogue.properties) if name in self.only]
        mine = np.isin(catalogue.property_code[slots], codes)
        return rows.take(mine), slots[mine]

    def _begun(self, state: Slab, turn: turns.Turn) -> Slab:
        """Where a new hour begins: the old one is learnt, and the new one's level is frozen."""
        old = state.take("hour", turn.runs.slots).astype(np.int64)
        new = turn.hour != old
        if not new.any():
            return state
        over = np.flatnonzero(new & (old != UNSET))
        for hour, some in _by_hour_of_week(old[over]):
            state = self._learnt(state, turn.runs.slots[over[some]], hour)
        begun = np.flatnonzero(new)
        for hour, some in _by_hour_of_week(turn.hour[begun]):
            state = self._frozen(state, turn, begun[some], hour)
        return state

    def _learnt(self, state: Slab, slots: Index, hour: int) -> Slab:
        """What one hour's sums teach: the mean deviation moves its level, their mean size its spread."""
        level, spread, weeks = _columns(hour)
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

    def _frozen(self, state: Slab, turn: turns.Turn, which: Index, hour: int) -> Slab:
        """The level and the bounds of an hour, as they will be while it lasts."""
        slots, first = turn.runs.slots[which], turn.result[turn.runs.first[which]]
        level, spread, weeks = (state.take(name, slots).astype(np.float64) for name in _columns(hour))
        spread = (weeks * spread + LEAN * state.take("own", slots).astype(np.float64)) / (weeks + LEAN)
        judged = (weeks >= self.weeks) & (spread > 0)
        steady = (state.take("hours", slots) >= hours.WEEK) & (spread > 0)
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

    def _judged(self, state: Slab, turn: turns.Turn) -> tuple[Slab, list[int]]:
        """The rows that are to be told: each the first one beyond the bounds since it was last over."""
        usual, width = (state.take(name, turn.runs.slots) for name in ("usual", "width"))
        low, high = self._bounds(usual, width)
        beyond = (turn.result < low[turn.run]) | (turn.result > high[turn.run])
        back = np.abs(turn.result - usual[turn.run]) <= (self.release * width)[turn.run]
        on = state.take("on", turn.runs.slots)
        changing = np.flatnonzero(np.where(on, turn.runs.having(back), turn.runs.having(beyond)))
        if not len(changing):
            return state, []
        told = state.take("told", turn.runs.slots)
        rows = []
        for run in changing.tolist():
            for row in range(turn.runs.first[run], turn.runs.end[run]):
                if on[run]:
                    on[run] = not back[row]
                elif beyond[row]:
                    on[run] = True
                    if turn.time[row] > told[run]:  # one start has one detection
                        told[run] = turn.time[row]
                        rows.append(row)
        return state.put(turn.runs.slots[changing], on=on[changing], told=told[changing]), rows

    def _bounds(self, usual: Floats, width: Floats) -> tuple[Floats, Floats]:
        low, high = usual - width, usual + width
        if self.direction == "above":
            low = np.full_like(low, -np.inf)
        if self.direction == "below":
            high = np.full_like(high, np.inf)
        return low, high

    def _detection(self, state: Slab, timeline: str, catalogue: Catalogue, turn: turns.Turn, row: int) -> Detection:
        slot = turn.runs.slots[turn.run[row : row + 1]]
        hour = int(hours.of_week(turn.hour[turn.run[row]]))
        usual, width = float(state.take("usual", slot)[0]), float(state.take("width", slot)[0])
        result, time = float(turn.result[row]), int(turn.time[row])
        datastream = catalogue.id_of(int(slot[0]))
        inputs: dict[str, float | int | str] = {
            "observed_property": catalogue.by_id[datastream].observed_property,
            "unit": catalogue.by_id[datastream].unit,
            "result": result,
            "usual": usual,
            "width": width,
            "hour_of_week": hour,
            "weeks": int(state.take(_columns(hour)[2], slot)[0]),
        }
        side, would = ("above", usual + width) if result > usual else ("below", usual - width)
        unless = ValueWas(datastream=datastream, time=time, column="result", was=result, would=would)
        return found.detection(
            self,
            timeline,
            Found(
                key=str(datastream),
                since=time,
                at=time,
                confidence=_confidence(self.beyond * abs(result - usual) / width),
                why=Why(message=f"unusual.{side}", inputs=inputs, unless=unless),
            ),
            found.on(catalogue, (datastream,)),
        )


def _summed(state: Slab, turn: turns.Turn) -> Slab:
    """The rows' clipped deviations added, one after the other, so that no cut between batches changes a bit."""
    slots = turn.runs.slots
    usual, clip, sum_, size = (state.take(name, slots) for name in ("usual", "clip", "sum", "size"))
    off = np.clip(turn.result - usual[turn.run], -clip[turn.run], clip[turn.run])
    np.add.at(sum_, turn.run, off)
    np.add.at(size, turn.run, np.abs(off))
    return state.put(slots, rows=state.take("rows", slots) + turn.runs.end - turn.runs.first, sum=sum_, size=size)


def _by_hour_of_week(hour: Index) -> Iterator[tuple[int, Flags]]:
    """Each hour of the week among them, and which of them are it."""
    of_week = hours.of_week(hour)
    for each in np.unique(of_week).tolist():
        yield each, of_week == each


def _columns(hour: int) -> tuple[str, str, str]:
    return f"level_{hour:03d}", f"spread_{hour:03d}", f"weeks_{hour:03d}"


def _moved(old: Floats, new: Floats, part: Floats | Index) -> Floats:
    """The old estimate, moved towards the new value by one part in so many."""
    return old + (new - old) / part


def _confidence(spreads: float) -> float:
    """No distribution puts more than 1/k² of its weight k standard deviations off (Chebyshev)."""
    return round(max(0.0, 1.0 - 1.0 / spreads**2), 3)


part = Unusual
