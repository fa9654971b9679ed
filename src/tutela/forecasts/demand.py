"""How many calls an hour will bring: by the hour of the week, leaning on the hour of the day.

For each series (of a sort of call, of a district) it keeps the mean count of each of the 168 hours of the week and of each of the 24 hours
of the day; what is long ago counts less. A forecast is the former with `lean` weeks' worth of the latter in it (a linear empirical
Bayes estimate, Robbins 1956): a few weeks of one hour of the week are few, and Tuesdays are much like Wednesdays. It keeps the
score of its own forecasts, each made before it knew the count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths import hours
from tutela.maths.runs import NEVER, Index
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card
from tutela.model.noun import Noun

Floats = npt.NDArray[np.float64]

DAY = 24

FIELDS = {
    "newest": Field("i8", NEVER),  # the hour that was learnt last
    "week": Field("f8", width=hours.WEEK),  # the counts of each hour of the week, and how many there were, both faded
    "weeks": Field("f8", width=hours.WEEK),
    "day": Field("f8", width=DAY),  # the same of each hour of the day
    "days": Field("f8", width=DAY),
    "missed": Field("f8"),  # how far its forecasts were off, summed up, and the square roots of what it expected
    "roots": Field("f8"),
    "judged": Field("i8"),  # how many forecasts these were
}


class Expected(NamedTuple):
    """By series: how many are expected, and how far off such a forecast was on average; NaN where nothing is known."""

    mean: Floats
    error: Floats


class Score(NamedTuple):
    """By series: the mean absolute error of its forecasts (NaN: there were none), and how many there were."""

    error: Floats
    hours: Index


class Demand(Noun, frozen=True, kw_only=True):
    """Counts of each hour, learnt in order. `weeks`, `days`: how many an hour of the week, and one of the day, remember.

    `lean`: how many weeks of one hour of the week count as much as the hour of the day. An hour is its number in the
    city's zone, as `maths/hours.py` counts them.
    """

    word: ClassVar[str] = "demand"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="How many calls, or other things that are counted, an hour is likely to bring.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Foresee a storm, a holiday, a match or a disaster; say anything of an hour of the day that it never saw; say where"
            " within a district; be nearer than chance lets calls be: where 8 an hour are expected, 2.3 more or fewer come on average."
        ),
    )

    name: str = "demand"
    weeks: Annotated[int, msgspec.Meta(ge=1, le=520)] = 12
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 60
    lean: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 8.0

    def begin(self) -> Slab:
        """Nothing is known."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def expected(self, state: Slab, series: Index, hour: int) -> Expected:
        """The forecast of that hour, by what was learnt so far."""
        of_week = int(hours.of_week(np.array([hour]))[0])
        week, weeks = (state.take(name, series)[:, of_week] for name in ("week", "weeks"))
        day, days = (state.take(name, series)[:, of_week % DAY] for name in ("day", "days"))
        mean = np.where(days > 0, day / np.where(days > 0, days, 1.0), np.nan)
        count = (week + self.lean * mean) / (weeks + self.lean)
        missed, roots = (state.take(name, series) for name in ("missed", "roots"))
        share = np.where(roots > 0, missed / np.where(roots > 0, roots, 1.0), np.nan)
        return Expected(count, share * np.sqrt(count))

    def learn(self, state: Slab, series: Index, hour: int, counts: npt.ArrayLike) -> Slab:
        """The counts of that hour, one of each of these series; raises BadInput when a later hour was learnt already."""
        came = np.asarray(counts, np.float64)
        if not (np.isfinite(came).all() and (came >= 0).all()):
            raise BadInput(
                f"{self.name}: counts of hour {hour} are not all whole or more than nothing; leave out what is not known"
            )
        if (state.take("newest", series) >= hour).any():
            raise BadInput(f"{self.name}: hour {hour} comes after a later one; learn hours in their order, each once")
        count = self.expected(state, series, hour).mean
        known = np.isfinite(count)
        judged = {
            "missed": state.take("missed", series) + np.where(known, np.abs(came - count), 0.0),
            "roots": state.take("roots", series) + np.where(known, np.sqrt(count), 0.0),
            "judged": state.take("judged", series) + known,
        }
        return state.put(series, newest=np.full(len(series), hour), **judged, **self._faded(state, series, hour, came))

    def _faded(self, state: Slab, series: Index, hour: int, came: Floats) -> dict[str, Floats]:
        """Both means with a count more; what they had counts a little less."""
        of_week = int(hours.of_week(np.array([hour]))[0])
        columns = {}
        for counts, many, of, memory in (
            ("week", "weeks", of_week, self.weeks),
            ("day", "days", of_week % DAY, self.days),
        ):
            for name, more in ((counts, came), (many, 1.0)):
                column = state.take(name, series)
                column[:, of] = column[:, of] * (1.0 - 1.0 / memory) + more
                columns[name] = column
        return columns

    def score(self, state: Slab, series: Index) -> Score:
        """How good its forecasts were."""
        judged: Index = state.take("judged", series)
        return Score(np.where(judged > 0, state.take("missed", series) / np.maximum(judged, 1), np.nan), judged)


part = Demand
