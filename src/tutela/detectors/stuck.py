"""A result that stays the same for longer than its own past makes plausible: stuck, frozen or covered.

A stay is a stretch of results that do not differ. What is normal is learnt from the datastream itself: how long its
stays are. One that moves seldom by nature, or spends most of its time at rest, is never called stuck. Among n past
stays, the next one is the longest with a chance of one in n + 1, if they come in no order; `factor` adds to that.
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
from tutela.maths.runs import NEVER, Runs, runs
from tutela.maths.slab import Field, Slab, apart, together, wide
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import DAY, SECOND
from tutela.model.why import ValueWas, Why

Array = npt.NDArray[Any]
Columns = Mapping[str, Array]
Flags = npt.NDArray[np.bool_]

GRAIN = 1e-6
"""Results that differ by less than this, as a share of their size or of one, are the same."""

STAY = {
    "time": 0,  # when the newest result was made
    "since": NEVER,  # since when it has not moved
    "rows": 0,  # how many results told it since
    "begun": NEVER,  # when the datastream was first seen
    "moves": 0,  # how often it moved
    "longest": 0,  # its longest stay, and how long it was in stays beyond `hold`, in microseconds
    "rest": 0,
}
FIELDS = {
    "value": Field("f8", np.nan),  # the newest result
    "stay": wide("i8", STAY),
    "on": Field("?"),  # it is doubted
}


@dataclass(slots=True)
class _Stay:
    """Where one datastream stands while its rows are worked off one after the other; see `FIELDS` and `STAY`."""

    value: float
    time: int
    since: int
    rows: int
    begun: int
    moves: int
    longest: int
    rest: int
    on: bool


class Stuck(Noun, frozen=True, kw_only=True):
    """Doubted when it has not moved for `hold` seconds and `factor` times its longest stay, until it moves.

    `rows`: how many results must have told it. `learn`: days before it is judged, and `moves`: how often it must have
    moved by then. `still`: the share of its time in stays beyond `hold` at which it is still by nature.
    """

    word: ClassVar[str] = "stuck"
    version: ClassVar[int] = 2
    card: ClassVar[Card] = Card(
        finds="A datastream whose results have not moved for longer than they ever did.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Tell a stuck sensor from a rest that is longer than any before; notice one that trembles in its last"
            " digit, or one that was stuck from its first day; judge what moves seldom by nature."
        ),
        quality=True,
        options={"hold": 14_400.0, "rows": 4, "learn": 0.2, "moves": 5, "factor": 2.0},
        fires=(
            *(Sample(at=3600.0 * hour, values={"result": 20.0 + hour % 2}) for hour in range(6)),
            *(Sample(at=3600.0 * hour, values={"result": 22.5}) for hour in range(6, 11)),
        ),
        near_miss=(
            *(Sample(at=3600.0 * hour, values={"result": 20.0 + hour % 2}) for hour in range(6)),
            *(Sample(at=3600.0 * hour, values={"result": 22.5}) for hour in range(6, 10)),
            Sample(at=36_000.0, values={"result": 22.6}),
        ),
    )

    name: str = "stuck"
    hold: Annotated[float, msgspec.Meta(gt=0)] = 21_600.0
    factor: Annotated[float, msgspec.Meta(ge=1)] = 3.0
    rows: Annotated[int, msgspec.Meta(ge=2)] = 10
    learn: Annotated[float, msgspec.Meta(ge=0)] = 14.0
    moves: Annotated[int, msgspec.Meta(ge=1)] = 100
    still: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.LIKELY)

    @property
    def _held(self) -> int:
        return int(self.hold * SECOND)

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
        """All stays at once; row by row those datastreams alone in which somebody may be stuck."""
        rows, slots, catalogue = seen.rows, seen.slots, seen.catalogue
        if rows is None or slots is None or catalogue is None or "result" not in rows.values:
            return state, (), None
        each = runs(slots)
        known = {
            "value": state.take("value", each.slots),
            **apart([*STAY], state.take("stay", each.slots)),
            "on": state.take("on", each.slots),
        }
        after, suspect = self._stays(known, each, rows)
        state = state.put(each.slots, value=after["value"], stay=together([*STAY], after))
        if not suspect.any():
            return state, (), None
        some = each.take(suspect)
        stays = [_Stay(*row) for row in zip(*(column[suspect].tolist() for column in known.values()), strict=True)]
        doubted, detections = np.zeros(len(rows), np.bool_), []
        for stay, first, end in zip(stays, some.first.tolist(), some.end.tolist(), strict=True):
            for row in range(first, end):
                before, time, result = stay.value, int(rows.time[row]), float(rows.result[row])
                if self._follow(stay, time, result):
                    detections.append(
                        self._detection(seen.timeline, catalogue, stay, int(rows.datastream[row]), before)
                    )
                doubted[row] = stay.on
        told = {name: np.array([getattr(stay, name) for stay in stays]) for name in known}
        state = state.put(some.slots, value=told["value"], stay=together([*STAY], told), on=told["on"])
        return state, tuple(detections), doubted

    def _stays(self, known: Columns, each: Runs, rows: Rows) -> tuple[Columns, Flags]:
        """The columns after these rows, and by run whether somebody may be stuck in it: there they are not right yet."""
        time, result = rows.time, rows.result.astype(np.float64)
        before = _rolled(result, known["value"], each)
        with np.errstate(over="ignore"):  # between absurd numbers is an infinite way
            still = np.abs(result - before) <= GRAIN * np.maximum(1.0, np.abs(before))  # not of the first: NaN
        new, due = known["begun"] == NEVER, np.zeros(len(each.slots), np.bool_)
        ended = np.where(still[each.first] | new, 0, known["time"] - known["since"])
        after = {
            "value": result[each.last],
            "time": time[each.last],
            "since": time[each.last],
            "rows": np.ones(len(new), np.int64),
            "begun": np.where(new, time[each.first], known["begun"]),
            "moves": known["moves"] + (each.end - each.first),
            "longest": np.maximum(known["longest"], ended),
            "rest": known["rest"] + np.where(ended > self._held, ended, 0),
        }
        if still.any():
            stays = _rests(known, each, time, np.flatnonzero(still))
            np.subtract.at(after["moves"], stays.run, stays.rows)
            over = stays.take(~stays.on)
            np.maximum.at(after["longest"], over.run, over.lasted)
            np.add.at(after["rest"], over.run, np.where(over.lasted > self._held, over.lasted, 0))
            on = stays.take(stays.on)
            after["since"][on.run], after["rows"][on.run] = on.since, on.told
            long = np.maximum(self._held, self.factor * known["longest"])[stays.run]
            due[stays.run[(stays.lasted >= long) & (stays.told >= self.rows)]] = True
        ripe = (after["moves"] >= self.moves) & (after["time"] - after["begun"] >= int(self.learn * DAY))
        return after, known["on"] | (due & ripe)

    def _follow(self, stay: _Stay, time: int, result: float) -> bool:
        """One row more; whether it is to be told. A stay that was told counts as long as it takes to tell it again."""
        if abs(result - stay.value) <= GRAIN * max(1.0, abs(stay.value)):
            stay.rows += 1
        else:
            lasted = stay.time - stay.since if stay.begun != NEVER else 0
            stay.begun = time if stay.begun == NEVER else stay.begun
            stay.longest = max(stay.longest, int(lasted / self.factor) if stay.on else lasted)
            stay.rest += lasted if lasted > self._held and not stay.on else 0
            stay.moves, stay.since, stay.rows, stay.on = stay.moves + 1, time, 1, False
        stay.value, stay.time = result, time
        if stay.on or stay.rows < self.rows or stay.moves < self.moves:
            return False
        age = time - stay.begun
        if age < int(self.learn * DAY) or stay.rest >= self.still * age:
            return False
        stay.on = time - stay.since >= max(self._held, self.factor * stay.longest)
        return stay.on

    def _detection(self, timeline: str, catalogue: Catalogue, stay: _Stay, datastream: int, before: float) -> Detection:
        """One and a half grains away it would have moved, and half of that is no move."""
        known = catalogue.by_id[datastream]
        inputs: dict[str, float | int | str] = {
            "observed_property": known.observed_property,
            "unit": known.unit,
            "result": stay.value,
            "since": stay.since,
            "lasted": (stay.time - stay.since) / SECOND,
            "longest": stay.longest / SECOND,
            "moves": stay.moves,
        }
        away = 1.5 * GRAIN * max(1.0, abs(before))
        unless = ValueWas(datastream=datastream, time=stay.time, column="result", was=stay.value, would=before + away)
        told = Found(
            key=str(datastream),
            since=stay.since,
            at=stay.time,
            confidence=round(1 - 1 / (stay.moves + 1), 3),
            why=Why(message="stuck.still", inputs=inputs, unless=unless),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


@dataclass(frozen=True, slots=True)
class _Rests:
    """Rows that did not move and lie together, one entry for each such stretch.

    By its `run`: since when it has not moved, how long that `lasted`, its `rows`, how many results `told` it with those before
    them, and whether it goes `on` beyond these rows.
    """

    run: Array
    since: Array
    lasted: Array
    rows: Array
    told: Array
    on: Flags

    def take(self, which: Flags) -> _Rests:
        return _Rests(*(getattr(self, name)[which] for name in self.__slots__))


def _rests(known: Columns, each: Runs, time: Array, still: Array) -> _Rests:
    """The stretches among the rows `still`, of which there are few."""
    run = np.searchsorted(each.first, still, side="right") - 1
    begins = np.append(True, (np.diff(still) > 1) | (np.diff(run) > 0))
    places = np.flatnonzero(begins)
    first, last, run = still[places], still[np.append(places[1:], len(still)) - 1], run[places]
    goes_on = first == each.first[run]
    since = np.where(goes_on, known["since"][run], time[first - 1])
    rows = last - first + 1
    told = np.where(goes_on, known["rows"][run], 1) + rows
    return _Rests(run, since, time[last] - since, rows, told, last == each.last[run])


def _rolled(rows: Array, known: Array, each: Runs) -> Array:
    """Of each row the value one row before it in its run, and of each run's first row what was known before."""
    before = np.empty_like(rows)
    before[1:] = rows[:-1]
    before[each.first] = known
    return before


part = Stuck
