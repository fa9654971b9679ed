"""Results that jump away and straight back, again and again: a loose contact, a fault in transmission.

A jump is isolated when a result is further than both its neighbours, and these are near each other. The smaller of the
two steps counts: the distance from the median of the three (Hampel 1974, "The influence curve and its role in robust
estimation", with the shortest window that there is). It is compared with what is usual for the datastream, learnt from
`BLOCK` results at a time, frozen while they last, and clipped, so that jumps teach little. Distances of nothing teach
nothing: else a datastream that rests between its steps would have none that is usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, Runs, runs
from tutela.maths.slab import Field, Slab, apart, together, wide
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.why import ValueWas, Why

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BLOCK = 16  # results
MEMORY = 16  # blocks that the usual distance remembers
BACK = 0.25  # of the jump, as far as its neighbours may be from each other
CLIP = 3.0  # times the usual distance, as far as one counts in it
LARGE = 1e30  # results count up to it, so that sums stay finite

SEEN = {
    "rows": 0.0,  # how many results there were
    "last": np.nan,  # the newest result, and the one before it
    "before": np.nan,
    "usual": 0.0,  # the usual distance from the median of three, frozen while a block lasts
    "sum": 0.0,  # of the clipped distances of the block that are not zero, and how many these are
    "some": 0.0,
    "far": np.inf,  # how far a jump is, frozen likewise
}
FIELDS = {
    "seen": wide("f8", SEEN),
    "level": Field("i4"),  # up by `apart` with each jump, down by one with each other result
    "on": Field("?"),  # the datastream is doubted
    "told": Field("i8", NEVER),  # when that was last told
}


@dataclass(frozen=True, slots=True)
class _Jump:
    """A row that told of the jump of the result before it, which is `back`; `first` is the one before that.

    `far`: how far a jump must be.
    """

    row: int
    first: float
    back: float
    far: float
    level: int


class Spiking(Noun, frozen=True, kw_only=True):
    """Doubted at the last of `spikes` isolated jumps with fewer than `apart` other results among them.

    Over when the level is back to nothing: `apart` results without a jump for each jump. `beyond`: how many times the
    usual distance a jump is. `least`: a distance that is never one, in the unit. `learn`: results before it is judged, in whole blocks.
    """

    word: ClassVar[str] = "spiking"
    version: ClassVar[int] = 2
    card: ClassVar[Card] = Card(
        finds="A datastream whose results jump away and straight back, again and again.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Tell a loose contact from short true events that come as often; doubt the first jumps before it is"
            " sure; see a jump that lasts two results; judge a datastream that always moves one way, or never."
        ),
        quality=True,
        options={"spikes": 2, "apart": 30, "learn": 16, "beyond": 8.0},
        fires=(
            *(Sample(at=60.0 * row, values={"result": 20.0 + row % 2}) for row in range(18)),
            *(Sample(at=1080.0 + 60.0 * row, values={"result": 20.0 + 30 * (row in (0, 4))}) for row in range(6)),
        ),
        near_miss=(
            *(Sample(at=60.0 * row, values={"result": 20.0 + row % 2}) for row in range(18)),
            *(Sample(at=1080.0 + 60.0 * row, values={"result": 20.0 + 30 * (row in (0, 4, 5))}) for row in range(7)),
        ),
    )

    name: str = "spiking"
    beyond: Annotated[float, msgspec.Meta(gt=1)] = 10.0
    least: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    spikes: Annotated[int, msgspec.Meta(ge=2, le=100)] = 4
    apart: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20
    learn: Annotated[int, msgspec.Meta(ge=BLOCK)] = 512
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.LIKELY)

    def begin(self) -> Slab:
        """Nothing was seen."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """What was found, without the rows that are doubted."""
        state, detections, _ = self.judge(state, seen)
        return state, detections

    def judge(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...], Flags | None]:
        """All datastreams at once; row by row those alone in which something jumped, or that are doubted."""
        rows, slots, catalogue = seen.rows, seen.slots, seen.catalogue
        if rows is None or slots is None or catalogue is None or "result" not in rows.values:
            return state, (), None
        each = runs(slots)
        known = apart([*SEEN], state.take("seen", each.slots))
        turn = _turned(each, np.clip(rows.result.astype(np.float64), -LARGE, LARGE), known)
        after, far = self._learnt(turn, known)
        state = state.put(each.slots, seen=together([*SEEN], after))
        jumps, due = turn.off > far, state.take("level", each.slots) > 0  # who is doubted has a level
        if jumps.any():
            jumps &= np.abs(turn.result - turn.before) <= BACK * turn.off
            due |= each.having(jumps)
        some = np.flatnonzero(due)
        if not len(some):
            return state, (), None
        doubted = np.zeros(len(rows), np.bool_)
        state, told = self._followed(state, each.take(some), rows.time, jumps, doubted)
        found_ = [
            _Jump(row, float(turn.before[row]), float(turn.last[row]), float(far[row]), level) for row, level in told
        ]
        detections = [self._detection(seen.timeline, catalogue, rows, jump) for jump in found_]
        return state, tuple(detections), doubted if doubted.any() else None

    def _learnt(self, turn: _Turn, known: Mapping[str, Array]) -> tuple[Mapping[str, Array], Floats]:
        """What is known after these rows, and of each row how far a jump was: it is frozen while a block lasts.

        Rows of the block that was begun come first, then those of the next one, for all datastreams at once.
        """
        each, off = turn.runs, turn.off
        begun = known["rows"].astype(np.int64)
        ended = begun + (each.end - each.first)
        run = each.by_row(np.arange(len(begun)))
        block = (np.arange(len(run)) + (begun % BLOCK - each.first).take(run)) // BLOCK
        after = {
            **known,
            "rows": ended.astype(np.float64),
            "last": turn.result[each.last],
            "before": turn.last[each.last],
        }
        far = np.empty(len(off))
        most = int(block.max(initial=0))
        for number in range(most + 1):
            own = np.flatnonzero(block == number) if most else slice(None)
            whose, away = run[own], off[own]
            far[own] = after["far"][whose]
            clip = np.where(after["usual"] > 0, CLIP * after["usual"], LARGE)
            sum_, count = after["sum"].copy(), after["some"].copy()
            np.add.at(sum_, whose, np.minimum(away, clip[whose]))
            np.add.at(count, whose, (away > 0).astype(np.float64))  # of one type: anything else is slow
            after |= {"sum": sum_, "some": count}
            over = np.flatnonzero(ended // BLOCK - begun // BLOCK > number)
            after |= self._over(after, over, (begun[over] // BLOCK + number + 1) * BLOCK)
        return after, far

    def _over(self, known: Mapping[str, Array], over: Index, rows: Index) -> Mapping[str, Array]:
        """Where a block is over, after so many rows, the usual distance moves by what it had, and so does how far a jump is."""
        old, sum_, some = (known[name][over] for name in ("usual", "sum", "some"))
        moved = old + (sum_ / np.maximum(some, 1.0) - old) / np.clip(rows // BLOCK, 1, MEMORY)
        usual, none = np.where(some > 0, moved, old), np.zeros(len(over))
        new = {"usual": usual, "far": self._far(rows, usual), "sum": none, "some": none}
        return {name: _with(known[name], over, values) for name, values in new.items()}

    def _far(self, rows: Index, usual: Floats) -> Floats:
        """How far a jump is at least; infinite where nothing is known yet."""
        judged = (rows >= self.learn) & (usual > 0)
        far: Floats = np.where(judged, np.maximum(self.beyond * usual, self.least), np.inf)
        return far

    def _followed(
        self, state: Slab, some: Runs, time: Index, jumps: Flags, doubted: Flags
    ) -> tuple[Slab, list[tuple[int, int]]]:
        """Row by row through these runs: how high the level is, who is doubted, and which rows are to be told, at what level."""
        told: list[tuple[int, int]] = []
        after = []
        columns = [state.take(name, some.slots).tolist() for name in ("level", "on", "told")]
        for first, end, *was in zip(some.first.tolist(), some.end.tolist(), *columns, strict=True):
            level, on, when = was
            for row in range(first, end):
                level = min(level + self.apart, self.spikes * self.apart) if jumps[row] else max(level - 1, 0)
                begins = not on and level > (self.spikes - 1) * self.apart
                if begins and time[row] > when:
                    when = int(time[row])
                    told.append((row, level))
                on = begins or (on and level > 0)
                doubted[row] = on
            after.append((level, on, when))
        level_, on_, told_ = zip(*after, strict=True)
        return state.put(some.slots, level=level_, on=on_, told=told_), told

    def _detection(self, timeline: str, catalogue: Catalogue, rows: Rows, jump: _Jump) -> Detection:
        """Had the result come back less far, the one before it would have been no isolated jump."""
        datastream, time = int(rows.datastream[jump.row]), int(rows.time[jump.row])
        known, result = catalogue.by_id[datastream], float(rows.result[jump.row])
        inputs: dict[str, float | int | str] = {
            "observed_property": known.observed_property,
            "unit": known.unit,
            "result": jump.back,
            "far": jump.far,
            "spikes": self.spikes,
            "level": jump.level,
        }
        unless = ValueWas(datastream=datastream, time=time, column="result", was=result, would=_less(jump, result))
        told = Found(
            key=str(datastream),
            since=time,
            at=time,
            confidence=round(1 - 1 / self.beyond, 3),
            why=Why(message="spiking.often", inputs=inputs, unless=unless),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


@dataclass(frozen=True, slots=True)
class _Turn:
    """The results of these rows, of each the one before it (`last`) and before that, and how far `last` is from the median of the three."""

    runs: Runs
    result: Floats
    last: Floats
    before: Floats
    off: Floats


def _turned(each: Runs, result: Floats, known: Mapping[str, Array]) -> _Turn:
    last, before = _rolled(result, each, known["last"], known["before"])
    here, there = last - before, last - result
    off = np.where(here * there > 0, np.minimum(np.abs(here), np.abs(there)), 0.0)
    return _Turn(each, result, last, before, off)


def _rolled(result: Floats, each: Runs, last: Floats, before: Floats) -> tuple[Floats, Floats]:
    """Of each row the result one row before it, and two rows before it, in its datastream."""
    one, two = np.empty_like(result), np.empty_like(result)
    one[1:] = result[:-1]
    one[each.first] = last
    two[1:] = one[:-1]
    two[each.first] = before
    return one, two


def _with(column: Array, places: Index, values: Floats) -> Array:
    """The column with other values at these places."""
    new = column.copy()
    new[places] = values
    return new


def _less(jump: _Jump, result: float) -> float:
    """Halfway beyond the last result on the way to the jump at which it would be one still."""
    sign = 1.0 if jump.back > result else -1.0
    edge = min(sign * (jump.first + BACK * jump.back) / (1 + BACK), sign * jump.back - jump.far)
    return result + 1.5 * (sign * edge - result)


part = Spiking
