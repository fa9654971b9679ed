"""A level that is unusual for this hour of the week, in the city's zone.

Each row is judged by what `maths.usual` knew before its hour began. With a budget of false alarms (`maths.budget`) a result that
is beyond its bounds waits for the next tick, and is told if it is rare enough among all that was tested before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths import budget, found, hours, turns, usual
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

POOL, WAITING = "pool-", "waiting"
OF = {1: "", 24: ".daily", hours.WEEK: ".weekly"}
"""What is said of results that stand for an hour, a day, a week."""

FIELDS = usual.FIELDS | {
    "on": Field("?"),  # unusual now
    "told": Field("i8", NEVER),  # when it was last told
    "away": Field("?"),  # its newest result is not back within the bounds that end it; kept for a budget only
}


class _Case(msgspec.Struct, frozen=True):
    """A result beyond its bounds, and what it was judged by."""

    slot: int
    time: int
    result: float
    usual: float
    width: float
    hour: int
    weeks: int

    @property
    def score(self) -> float:
        """How many times as far off as it may be."""
        return abs(self.result - self.usual) / self.width


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of the datastreams; and, for a budget, of all that was tested, with the highest of each slot since the last tick."""

    slab: Slab
    pool: Slab
    waiting: Mapping[int, _Case] = field(default_factory=dict)


class Unusual(Noun, frozen=True, kw_only=True):
    """Unusual when a result is more than `beyond` spreads off the level of its hour of the week.

    `only`: observed properties (none: all). `weeks`: how many times an hour of the week must have
    come before it is judged. `release`: the share of `beyond` within which it is over. `memory`:
    weeks that level and spread remember. `least`: a difference that is never unusual, in the unit.
    `budget`: false alarms a day in the whole city (none: whatever is beyond is told, at once). What is beyond is then told at a tick, if it
    is so rare that no more are to be expected; until enough was tested to know that, nothing is.
    """

    word: ClassVar[str] = "unusual"
    version: ClassVar[int] = 2
    card: ClassVar[Card] = Card(
        finds="A result that is far from what this hour of the week usually brings.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
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
    budget: Annotated[float, msgspec.Meta(gt=0)] | None = None
    zone: str = "Europe/Helsinki"
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)

    def __post_init__(self) -> None:
        hours.zone(self.zone)

    def begin(self) -> _State:
        """Nothing is known."""
        return _State(Slab(FIELDS), budget.begin())

    def changed(self, state: _State) -> Mapping[str, bytes]:
        """The columns written since this was last asked, and what waits."""
        pool = {POOL + name: body for name, body in state.pool.changed()}
        waiting = {WAITING: msgspec.json.encode(list(state.waiting.values()))} if pool else {}
        return {**dict(state.slab.changed()), **pool, **waiting}

    def load(self, saved: Mapping[str, bytes]) -> _State:
        """The state that was saved."""
        waiting = msgspec.json.decode(saved.get(WAITING, b"[]"), type=list[_Case])
        pool = {name.removeprefix(POOL): body for name, body in saved.items() if name.startswith(POOL)}
        slab = {name: body for name, body in saved.items() if name in FIELDS}
        return _State(Slab.load(FIELDS, slab), Slab.load(budget.FIELDS, pool), {case.slot: case for case in waiting})

    def step(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...]]:
        """Each datastream's rows, hour after hour, all datastreams at once; and with a budget, at a tick, what is rare enough."""
        told: list[Detection] = []
        if seen.rows is not None and seen.slots is not None and seen.catalogue is not None:
            state, told = self._rows(
                state, seen.timeline, seen.catalogue, *self._mine(seen.rows, seen.slots, seen.catalogue)
            )
        if seen.tick is not None and seen.catalogue is not None and self.budget is not None:
            state, rare = self._settled(state, seen.tick, seen)
            told += rare
        return state, tuple(told)

    def _rows(
        self, state: _State, timeline: str, catalogue: Catalogue, rows: Rows, slots: Index
    ) -> tuple[_State, list[Detection]]:
        if "result" not in rows.values:
            return state, []
        told: list[Detection] = []
        known = usual.Usual(self.beyond, self.least, self.weeks, self.memory)
        span = hours.spans(catalogue.interval)
        hour = hours.begins(hours.hours(hours.zone(self.zone), rows.time), span[slots])
        for turn in turns.hourly(rows, slots, hour):
            state = replace(state, slab=known.begun(state.slab, turn, span))
            if self.budget is None:
                slab, which = self._judged(state.slab, turn)
                state = replace(state, slab=slab)
                told += (self._detection(timeline, catalogue, _case(slab, turn, row)) for row in which)
            else:
                state = self._weighed(state, turn, catalogue.interval)
            state = replace(state, slab=usual.summed(state.slab, turn))
        return state, told

    def _mine(self, rows: Rows, slots: Index, catalogue: Catalogue) -> tuple[Rows, Index]:
        if not self.only:
            return rows, slots
        codes = [code for code, name in enumerate(catalogue.properties) if name in self.only]
        mine = np.isin(catalogue.property_code[slots], codes)
        return rows.take(mine), slots[mine]

    def _sides(self, state: Slab, turn: turns.Turn) -> tuple[Flags, Flags]:
        """Which rows are beyond their bounds, and which are so near that it is over."""
        level, width = (state.take(name, turn.runs.slots) for name in ("usual", "width"))
        low, high = self._bounds(level, width)
        beyond = (turn.result < low[turn.run]) | (turn.result > high[turn.run])
        return beyond, np.abs(turn.result - level[turn.run]) <= (self.release * width)[turn.run]

    def _judged(self, state: Slab, turn: turns.Turn) -> tuple[Slab, list[int]]:
        """The rows that are to be told: each the first one beyond the bounds since it was last over."""
        beyond, back = self._sides(state, turn)
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

    def _weighed(self, state: _State, turn: turns.Turn, interval: Floats) -> _State:
        """With a budget: all rows that are not within something told are tested; the furthest of each datastream waits."""
        beyond, back = self._sides(state.slab, turn)
        slots, each = turn.runs.slots, turn.runs
        on = state.slab.take("on", slots)
        width = state.slab.take("width", slots)
        free = (np.isfinite(width) & ~on)[turn.run]
        for run in np.flatnonzero(on & each.having(back)).tolist():
            over = each.first[run] + int(np.argmax(back[each.first[run] : each.end[run]]))
            free[over + 1 : each.end[run]] = np.isfinite(width[run])
            on[run] = False
        cases = [_case(state.slab, turn, row) for row in np.flatnonzero(free & beyond).tolist()]
        waiting = dict(state.waiting)
        for case in cases:
            if case.slot not in waiting or case.score > waiting[case.slot].score:
                waiting[case.slot] = case
        stands = (np.nan_to_num(interval[slots]) * SECOND).astype(np.int64)[turn.run]
        since = int((turn.time - stands)[free].min(initial=budget.LATEST))
        scores = np.array([case.score for case in cases])
        return _State(
            state.slab.put(slots, on=on, away=~back[each.last]),
            budget.tested(state.pool, int(np.count_nonzero(free)), scores, since),
            waiting,
        )

    def _settled(self, state: _State, tick: int, seen: Seen) -> tuple[_State, list[Detection]]:
        """At a tick: of those that wait, the ones that are rare enough, by what was tested before. None waits longer."""
        assert seen.catalogue is not None and self.budget is not None  # noqa: S101,PT018  asked for by who calls
        doubted = set() if seen.doubted is None else set(seen.doubted.tolist())
        cases = [case for slot, case in sorted(state.waiting.items()) if slot not in doubted]
        scores = np.array([case.score for case in cases])
        level = self.budget / seen.catalogue.partitions
        pool, passed = budget.settled(state.pool, tick, scores, level)
        slots = np.array([case.slot for case in cases], np.int64)
        told = state.slab.take("told", slots)
        rare = [case for case, at in zip(cases, told.tolist(), strict=True) if case.score > passed and case.time > at]
        slab = state.slab
        if rare:
            slots = np.array([case.slot for case in rare], np.int64)
            slab = slab.put(slots, on=slab.take("away", slots), told=[case.time for case in rare])
        found_ = [self._rare(state.pool, seen.timeline, seen.catalogue, case, passed) for case in rare]
        return _State(slab, pool), found_

    def _bounds(self, level: Floats, width: Floats) -> tuple[Floats, Floats]:
        low, high = level - width, level + width
        if self.direction == "above":
            low = np.full_like(low, -np.inf)
        if self.direction == "below":
            high = np.full_like(high, np.inf)
        return low, high

    def _rare(self, pool: Slab, timeline: str, catalogue: Catalogue, case: _Case, passed: float) -> Detection:
        """What is told at a tick: it says among how many it was how rare."""
        more = {"tested": int(pool.take("tested", budget.ONE)[0]), "as_far": budget.reaching(pool, case.score)}
        return self._detection(timeline, catalogue, case, more, passed)

    def _detection(
        self,
        timeline: str,
        catalogue: Catalogue,
        case: _Case,
        more: Mapping[str, float | int] = {},
        passed: float = 1.0,
    ) -> Detection:
        """Had it been no further off than `passed` bounds, it would not have been told."""
        datastream = catalogue.id_of(case.slot)
        inputs: dict[str, float | int | str] = {
            "observed_property": catalogue.by_id[datastream].observed_property,
            "unit": catalogue.by_id[datastream].unit,
            "result": case.result,
            "usual": case.usual,
            "width": case.width,
            "hour_of_week": case.hour,
            "weeks": case.weeks,
            **more,
        }
        side, sign = ("above", 1.0) if case.result > case.usual else ("below", -1.0)
        rare = "-rare" if more else ""
        of = OF[int(hours.spans(catalogue.interval[[case.slot]])[0])]
        would = case.usual + sign * passed * case.width
        unless = ValueWas(datastream=datastream, time=case.time, column="result", was=case.result, would=would)
        return found.detection(
            self,
            timeline,
            Found(
                key=str(datastream),
                since=case.time,
                at=case.time,
                confidence=_confidence(self.beyond * case.score),
                why=Why(message=f"unusual.{side}{rare}{of}", inputs=inputs, unless=unless),
            ),
            found.on(catalogue, (datastream,)),
        )


def _case(state: Slab, turn: turns.Turn, row: int) -> _Case:
    """A row, and what it was judged by."""
    slot = turn.runs.slots[turn.run[row : row + 1]]
    hour = int(hours.of_week(turn.hour[turn.run[row]]))
    level, width, weeks = (state.take(name, slot)[0].item() for name in ("usual", "width", usual.columns(hour)[2]))
    return _Case(int(slot[0]), int(turn.time[row]), float(turn.result[row]), level, width, hour, weeks)


def _confidence(spreads: float) -> float:
    """No distribution puts more than 1/k² of its weight k standard deviations off (Chebyshev)."""
    return round(max(0.0, 1.0 - 1.0 / spreads / spreads), 3)


part = Unusual
