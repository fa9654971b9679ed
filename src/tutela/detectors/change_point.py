"""A level that has changed and stays changed, by less than any single result would show: a two-sided CUSUM.

Each result's distance from the level of its hour of the day, in the datastream's own spreads, is summed up less a
slack (`maths/cusum.py`). Level and spread are learnt as in `unusual`: frozen while an hour lasts, then moved a little
by its clipped sums. The height at which a change is told follows from how many days may pass between two false
alarms of one datastream, by Siegmund's approximation, for results that are independent and normal. Results seldom are:
one that is high is followed by another, and sums of them wander as if the spread were wider. It is widened by that
much: by (1 + r) / (1 - r) in its square, for a correlation r of each result with the one before it, learnt likewise
(Johnson and Bagshaw 1974, "The effect of serial correlation on the performance of CUSUM tests"). After a change was
told, nothing is told until the sum is back to nothing: until the change is over, or learnt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths import cusum, found, hours, robust, turns
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

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNSET = -(1 << 31)  # an hour before all others
LARGE = 1e30
STEADY = 24  # hours before anything is clipped
RECENT = 336  # hours over which the spread is learnt
CLOSEST = 0.99
"""A correlation counts up to it: the spread is widened up to 14 times."""
SIDES = (("up", 1.0), ("down", -1.0))

FIELDS = {
    "hour": Field("i4", UNSET),  # the local hour that is being summed up
    "rows": Field("i4"),  # how many rows it had
    "usual": Field("f8"),  # the level, and the spread, that they are judged by; infinite: nothing is said yet
    "spread": Field("f8", np.inf),
    "clip": Field("f8", LARGE),  # how far from the level they count in what is learnt
    "sum": Field("f8"),  # of the clipped deviations, and of their sizes
    "size": Field("f8"),
    "own": Field("f4"),  # the spread as it is learnt
    "hours": Field("i4"),  # how many hours taught it
    "last": Field("f8"),  # the clipped deviation of the newest row
    "square": Field("f8"),  # the sum of the squares of such, and of the products with the ones before them
    "product": Field("f8"),
    "variance": Field("f8"),  # the same two as they are learnt; their ratio is the correlation
    "covariance": Field("f8"),
    "height": Field("i8"),  # beyond which a change is told
    "up": Field("i8"),  # the two sums, and since when they are above nothing
    "down": Field("i8"),
    "up_since": Field("i8", NEVER),
    "down_since": Field("i8", NEVER),
    "up_told": Field("?"),  # the change that they show was told
    "down_told": Field("?"),
} | {f"{name}_{hour:02d}": Field(dtype) for hour in range(24) for name, dtype in (("level", "f4"), ("days", "u1"))}


@dataclass(frozen=True, slots=True)
class _Change:
    """The row at which a change is told: its place in the turn, the sum before it, and since when that rose."""

    row: int
    side: str
    before: int
    since: int


class ChangePoint(Noun, frozen=True, kw_only=True):
    """A change when the sum of distances, each less `slack` spreads, is higher than chance brings it in `apart` days.

    `only`: observed properties (none: all). `slack`: half the smallest change worth telling, in spreads. `clip`: how far
    one result counts, in spreads. `days`: how often an hour of the day must have come before it is judged. `memory`:
    days that its level remembers. `unknown`: seconds between results where the register knows no interval.
    """

    word: ClassVar[str] = "change_point"
    version: ClassVar[int] = 2
    card: ClassVar[Card] = Card(
        finds="A level that has changed and stays changed, by less than a single result would show.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Keep to its number of false alarms where results depend on more than the one before them; tell a small change"
            " where they depend much on it; know weekends, holidays or seasons from changes; say anything in its first"
            " days, or of a datastream that never varies."
        ),
        options={"days": 3, "apart": 1.0},
        fires=(
            *(Sample(at=day * DAY / SECOND, values={"result": 20.0 + day % 2}) for day in range(5)),
            *(Sample(at=5 * DAY / SECOND + 60 * row, values={"result": 25.0}) for row in range(3)),
        ),
        near_miss=(
            *(Sample(at=day * DAY / SECOND, values={"result": 20.0 + day % 2}) for day in range(5)),
            *(Sample(at=5 * DAY / SECOND + 60 * row, values={"result": 25.0 - 5 * (row % 2)}) for row in range(3)),
        ),
    )

    name: str = "change-point"
    only: tuple[str, ...] = ()
    slack: Annotated[float, msgspec.Meta(gt=0, le=5)] = 0.5
    clip: Annotated[float, msgspec.Meta(gt=0, le=100)] = 4.0
    apart: Annotated[float, msgspec.Meta(gt=0)] = 365.0
    days: Annotated[int, msgspec.Meta(ge=2, le=200)] = 7
    memory: Annotated[int, msgspec.Meta(ge=2, le=200)] = 14
    unknown: Annotated[float, msgspec.Meta(gt=0)] = 600.0
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
            state = self._begun(state, turn, seen.catalogue)
            known = {name: state.take(name, turn.runs.slots) for name in ("usual", "spread", "height")}
            off = np.clip(turn.result, -LARGE, LARGE) - known["usual"][turn.run]
            units = cusum.whole(off / known["spread"][turn.run], self.clip)
            for side, sign in SIDES:
                step = cusum.steps(units, self.slack, down=sign < 0)
                state, changes = self._judged(state, turn, known["height"], step, side)
                detections += (self._detection(seen.timeline, seen.catalogue, turn, known, each) for each in changes)
            state = _summed(state, turn, known["usual"])
        return state, tuple(detections)

    def _mine(self, rows: Rows, slots: Index, catalogue: Catalogue) -> tuple[Rows, Index]:
        if not self.only:
            return rows, slots
        codes = [code for code, name in enumerate(catalogue.properties) if name in self.only]
        mine = np.isin(catalogue.property_code[slots], codes)
        return rows.take(mine), slots[mine]

    def _begun(self, state: Slab, turn: turns.Turn, catalogue: Catalogue) -> Slab:
        """Where a new hour begins: the old one is learnt, and what the new one is judged by is frozen."""
        old = state.take("hour", turn.runs.slots).astype(np.int64)
        new = turn.hour != old
        if not new.any():
            return state
        over = np.flatnonzero(new & (old != UNSET))
        for hour, some in _by_hour_of_day(old[over]):
            state = self._learnt(state, turn.runs.slots[over[some]], hour)
        begun = np.flatnonzero(new)
        for hour, some in _by_hour_of_day(turn.hour[begun]):
            state = self._frozen(state, turn, begun[some], hour, catalogue)
        return state

    def _learnt(self, state: Slab, slots: Index, hour: int) -> Slab:
        """What one hour's sums teach: the mean deviation moves its level, their mean size the spread."""
        level, days = f"level_{hour:02d}", f"days_{hour:02d}"
        came, rows, taught = (state.take(name, slots).astype(np.int64) for name in (days, "rows", "hours"))
        mean, size = state.take("sum", slots) / rows, robust.NORMAL * state.take("size", slots) / rows
        own, again = state.take("own", slots).astype(np.float64), came > 0
        part = again / np.minimum(taught + 1, RECENT)
        together = {
            name: state.take(name, slots) + part * (state.take(sum_, slots) / rows - state.take(name, slots))
            for name, sum_ in (("variance", "square"), ("covariance", "product"))
        }
        return state.put(
            slots,
            **together,
            **{
                level: state.take("usual", slots) + mean / np.minimum(came + 1, self.memory),
                days: np.minimum(came + 1, 255),
                "own": own + part * (size - own),
                "hours": taught + again,
            },
        )

    def _frozen(self, state: Slab, turn: turns.Turn, which: Index, hour: int, catalogue: Catalogue) -> Slab:
        """Level, spread and height of an hour, as they will be while it lasts."""
        slots, first = turn.runs.slots[which], turn.result[turn.runs.first[which]]
        level, days = (state.take(name, slots).astype(np.float64) for name in (f"level_{hour:02d}", f"days_{hour:02d}"))
        spread = state.take("own", slots).astype(np.float64)
        judged = (days >= self.days) & (spread > 0)
        steady = (state.take("hours", slots) >= STEADY) & (spread > 0)
        none = np.zeros(len(slots))
        return state.put(
            slots,
            hour=turn.hour[which],
            usual=np.where(days > 0, level, np.clip(first, -LARGE, LARGE)),
            spread=np.where(judged, spread * _wider(state, slots), np.inf),
            clip=np.where(steady, self.clip * spread, LARGE),
            height=self._height(catalogue.interval[slots]),
            rows=none,
            sum=none,
            size=none,
            square=none,
            product=none,
        )

    def _height(self, interval: Floats) -> Index:
        """How high a sum may be, by how many results come in the days between two false alarms."""
        every, which = np.unique(np.where(np.isnan(interval), self.unknown, interval), return_inverse=True)
        high = [cusum.height(max(self.apart * DAY / SECOND / each, 10.0), self.slack) for each in every.tolist()]
        height: Index = np.rint(np.array(high) * cusum.UNIT).astype(np.int64)[which]
        return height

    def _judged(
        self, state: Slab, turn: turns.Turn, height: Index, step: Index, side: str
    ) -> tuple[Slab, list[_Change]]:
        """One side's sums, all datastreams at once; row by row those alone that are above their height, or were."""
        each, slots = turn.runs, turn.runs.slots
        before, since, told = (state.take(name, slots) for name in (side, f"{side}_since", f"{side}_told"))
        sums = cusum.sums(before, step, each, turn.run)
        after = np.where(sums.nothing >= 0, turn.time[sums.nothing], since)
        state = state.put(slots, **{side: sums.high[each.last], f"{side}_since": after})
        some = np.flatnonzero(told | each.having(sums.high > height[turn.run]))
        if not len(some):
            return state, []
        changes: list[_Change] = []
        followed = []
        for run in some.tolist():
            high, rise, on, most = (column[run].item() for column in (before, since, told, height))
            for row in range(each.first[run], each.end[run]):
                was, high = high, min(max(high + int(step[row]), 0), 2 * most)
                if high > most and not on:
                    on = True
                    changes.append(_Change(row, side, was, rise if rise != NEVER else int(turn.time[row])))
                if not high and turn.time[row] > rise:  # one start has one detection
                    on, rise = False, int(turn.time[row])
            followed.append((high, rise, on))
        columns = zip((side, f"{side}_since", f"{side}_told"), zip(*followed, strict=True), strict=True)
        return state.put(slots[some], **dict(columns)), changes

    def _detection(
        self, timeline: str, catalogue: Catalogue, turn: turns.Turn, known: Mapping[str, Array], change: _Change
    ) -> Detection:
        """Had this result been as far off as the height leaves room for, the sum would not be above it."""
        run = int(turn.run[change.row])
        usual, spread, height = (known[name][run].item() for name in ("usual", "spread", "height"))
        datastream, result = catalogue.id_of(int(turn.runs.slots[run])), float(turn.result[change.row])
        stream, time = catalogue.by_id[datastream], int(turn.time[change.row])
        inputs: dict[str, float | int | str] = {
            "observed_property": stream.observed_property,
            "unit": stream.unit,
            "result": result,
            "usual": usual,
            "spread": spread,
            "since": change.since,
            "sum": change.before / cusum.UNIT,
            "height": height / cusum.UNIT,
            "apart": self.apart,
        }
        room = (height - change.before - 0.5) / cusum.UNIT + self.slack
        unless = ValueWas(
            datastream=datastream,
            time=time,
            column="result",
            was=result,
            would=usual + dict(SIDES)[change.side] * room * spread,
        )
        told = Found(
            key=f"{datastream}/{change.side}",
            since=change.since,
            at=time,
            confidence=0.9,
            why=Why(
                message=f"change_point.{'above' if change.side == 'up' else 'below'}", inputs=inputs, unless=unless
            ),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


def _wider(state: Slab, slots: Index) -> Floats:
    """How many times the spread counts, as results depend on the ones before them."""
    variance = state.take("variance", slots)
    close = np.divide(state.take("covariance", slots), variance, out=np.zeros(len(slots)), where=variance > 0)
    close = np.clip(close, 0.0, CLOSEST)
    wider: Floats = np.sqrt((1 + close) / (1 - close))
    return wider


def _summed(state: Slab, turn: turns.Turn, usual: Floats) -> Slab:
    """The rows' clipped deviations added, one after the other, so that no cut between batches changes a bit."""
    slots, each = turn.runs.slots, turn.runs
    clip = state.take("clip", slots)
    off = np.clip(turn.result - usual[turn.run], -clip[turn.run], clip[turn.run])
    before = np.roll(off, 1)
    before[each.first] = state.take("last", slots)
    sums = {name: state.take(name, slots) for name in ("sum", "size", "square", "product")}
    for sum_, of in zip(sums.values(), (off, np.abs(off), off * off, off * before), strict=True):
        np.add.at(sum_, turn.run, of)
    return state.put(slots, rows=state.take("rows", slots) + each.end - each.first, last=off[each.last], **sums)


def _by_hour_of_day(hour: Index) -> Iterator[tuple[int, Flags]]:
    """Each hour of the day among them, and which of them are it."""
    of_day = hours.of_week(hour) % 24
    for each in np.unique(of_day).tolist():
        yield each, of_day == each


part = ChangePoint
