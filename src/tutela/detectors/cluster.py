"""A cluster of calls in space and time, somewhere in the city: the prospective space-time permutation scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.maths.cells import around, centre_of, plane
from tutela.maths.found import Found, Rests, detection
from tutela.maths.scan import Cases, Cluster, Deals, Scan
from tutela.model.call import Call
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Seen
from tutela.model.when import DAY, SECOND
from tutela.model.why import Fewer, Why

NEVER = 1 << 62
MOST = 20_000  # calls that are remembered; the oldest go first
AT_ONCE = 3  # clusters that are looked into at one time, the likeliest
MEMBERS = 200  # calls that a detection names, the newest
EDGE = 200.0  # metres from the middle of a cell to its corners


class _Recent(msgspec.Struct, frozen=True, array_like=True):
    """A call that a window may hold. `fresh`: it was not there when the city was last scanned."""

    id: str
    at: int
    cell: int
    source: str
    fresh: bool = True


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """A cluster that was told, and how many `calls` were. `cells`: all that it has had, until `seen`, the last scan with it."""

    key: str
    since: int
    revision: int
    calls: int
    cells: tuple[int, ...]
    seen: int


class _State(msgspec.Struct, frozen=True):
    """`begun`: the first call's time; `scanned`: the step up to which was scanned; `past`: calls by step and cell."""

    begun: int | None = None
    scanned: int = 0
    recent: tuple[_Recent, ...] = ()
    past: dict[int, dict[int, int]] = {}
    told: tuple[_Told, ...] = ()


class _Judged(msgspec.Struct, frozen=True):
    """A cluster that is there: what is known of it from now on, whether that is news, its calls, and its chance."""

    told: _Told
    news: bool
    cluster: Cluster
    calls: tuple[_Recent, ...]
    cell: int
    p: float


SPREAD = tuple(
    Sample(
        at=3600.0 * n + 60.0,
        fact={"noun": "call", "id": f"call-{n}", "place": {"lat": 60.1 + 0.02 * (n % 8), "lon": 24.94}},
    )
    for n in range(24)
)


class Clusters(Noun, frozen=True, kw_only=True):
    """A cluster when a circle has so many calls of late that it would by chance in at most `tail` of all cases.

    `categories`: how a call's category begins (none: all). `every`: seconds of a step, and so between two scans;
    `windows`: how many steps back a cluster may begin. `days`: how long calls are remembered, `learn`: days before the first detection.
    `reach`: metres that a circle may measure to its edge. `deals`: how often the calls' times are dealt out anew.
    `least`: calls that a cluster has. `fold`: calls within so many seconds of a first one, from its cell or the next,
    are about one event, and count once. `grow`: a
    cluster is told again when it has so many times the calls that were told.
    """

    word: ClassVar[str] = "cluster"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="Calls that crowd in one part of the city and in the last hours, more than place or time alone explain.",
        needs=frozenset({"call"}),
        key="city",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Tell ten calls about one event from ten events, unless they come at once; know that a part of the city is always busy at some"
            " hours and another part at others; see a cluster along a road, or one that is spread over the whole"
            " city; see it before the next scan; be right each time: by chance it finds what is none as often as"
            " its options allow."
        ),
        options={"learn": 0.0, "days": 2.0, "windows": [1, 3], "tail": 0.01, "deals": 199, "reach": 1000.0},
        fires=(
            *SPREAD,
            *(Sample(at=86_460.0 + 300.0 * n, fact={"noun": "call", "id": f"more-{n}"}) for n in range(4)),
            Sample(at=90_000.0, tick=True),
        ),
        near_miss=(
            *SPREAD,
            *(
                Sample(
                    at=86_460.0 + 300.0 * n,
                    fact={"noun": "call", "id": f"more-{n}", "place": {"lat": 60.1 + 0.04 * n, "lon": 24.94}},
                )
                for n in range(4)
            ),
            Sample(at=90_000.0, tick=True),
        ),
    )

    name: str = "cluster"
    categories: tuple[str, ...] = ()
    every: Annotated[float, msgspec.Meta(ge=60)] = 3600.0
    windows: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = (1, 2, 3, 6, 12, 24)
    days: Annotated[float, msgspec.Meta(gt=0)] = 28.0
    learn: Annotated[float, msgspec.Meta(ge=0)] = 7.0
    reach: Annotated[float, msgspec.Meta(gt=0)] = 2000.0
    least: Annotated[int, msgspec.Meta(ge=2)] = 4
    tail: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.001
    deals: Annotated[int, msgspec.Meta(ge=19)] = 999
    fold: Annotated[float, msgspec.Meta(ge=0)] = 120.0
    grow: Annotated[float, msgspec.Meta(gt=1)] = 1.5
    purpose: str = "emergency-response"
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.POSSIBLE)

    def __post_init__(self) -> None:
        if not self.windows or list(self.windows) != sorted(set(self.windows)):
            raise BadInput(f"{self.name}: windows {list(self.windows)} must ascend")
        if 2 * self._longest > self.days * DAY:
            raise BadInput(f"{self.name}: {self.days:g} days are less than twice the longest window; remember more")
        if not self._enough:
            raise BadInput(f"{self.name}: {self.deals} deals can't show a tail of {self.tail:g}; deal more often")

    def begin(self) -> _State:
        """No call has come."""
        return _State()

    def changed(self, state: _State) -> Mapping[str, bytes]:
        """The whole state: it is small."""
        return {"state": msgspec.json.encode(state)}

    def load(self, saved: Mapping[str, bytes]) -> _State:
        """The state that was saved."""
        return msgspec.json.decode(saved["state"], type=_State) if saved else _State()

    def step(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...]]:
        """Calls are remembered; a tick ends steps, and after each that brought calls the city is scanned.

        So the same is found however far apart ticks are told, as on an import, if no call comes after the tick of its step.
        """
        state = self._with(state, [fact for fact in seen.facts if isinstance(fact, Call)])
        if seen.tick is None or self._step(seen.tick) <= state.scanned:
            return state, ()
        detections: list[Detection] = []
        last = self._step(seen.tick)
        while (now := self._next(state)) <= last:
            state = self._aged(state, now)
            judged = tuple(self._judged(state, now))
            detections += (self._detection(seen.timeline, state, now, one) for one in judged if one.news)
            state = self._after(state, now, judged)
        return msgspec.structs.replace(state, scanned=last), tuple(detections)

    def _next(self, state: _State) -> int:
        """The next step before which the city has to be scanned: a fresh call came before it."""
        fresh = min((self._step(each.at) for each in state.recent if each.fresh), default=NEVER)
        return max(fresh, state.scanned) + 1

    @property
    def _every(self) -> int:
        return round(self.every * SECOND)

    @property
    def _longest(self) -> int:
        return self.windows[-1] * self._every if self.windows else 0

    @property
    def _enough(self) -> int:
        """Deals as good as the data that make a cluster too likely."""
        return int(self.tail * (self.deals + 1) + 1e-9)

    def _step(self, at: int) -> int:
        return at // self._every

    def _with(self, state: _State, calls: Sequence[Call]) -> _State:
        """With these calls. In a flood the oldest are remembered by step and cell alone."""
        known, new = {each.id for each in state.recent}, list[_Recent]()
        for call in calls:
            wanted = not self.categories or call.category.startswith(self.categories)
            if wanted and call.cell and call.id not in known:
                known.add(call.id)
                new.append(_Recent(call.id, call.at, call.cell, call.source))
        if not new:
            return state
        first = min(each.at for each in new)
        recent = (*state.recent, *new)
        return _State(
            begun=first if state.begun is None else min(state.begun, first),
            scanned=state.scanned,
            recent=recent[-MOST:],
            past=self._added(state.past, recent[:-MOST]),
            told=state.told,
        )

    def _added(self, past: dict[int, dict[int, int]], calls: Sequence[_Recent]) -> dict[int, dict[int, int]]:
        if not calls:
            return past
        added = {step: Counter(cells) for step, cells in past.items()}
        for each in self._events(calls):
            added.setdefault(self._step(each.at), Counter())[each.cell] += 1
        return {step: dict(cells) for step, cells in added.items()}

    def _events(self, calls: Iterable[_Recent]) -> list[_Recent]:
        """The first call about each event: others come soon after it from its cell or the next."""
        firsts: list[_Recent] = []
        near: list[tuple[int, tuple[int, ...]]] = []
        for each in sorted(calls, key=_age):
            near = [one for one in near if each.at - one[0] <= self.fold * SECOND]
            if not any(each.cell in cells for _, cells in near):
                firsts.append(each)
                near.append((each.at, around(each.cell)))
        return firsts

    def _aged(self, state: _State, end: int) -> _State:
        """Before that step: what no window can hold any more is remembered by step and cell, and for so many days."""
        now = end - 1
        over = [each for each in state.recent if now - self._step(each.at) >= self.windows[-1]]
        past = self._added(state.past, over)
        first = now - int(self.days * DAY) // self._every
        kept, room = dict[int, dict[int, int]](), MOST
        for step in sorted(past, reverse=True):
            room -= sum(past[step].values())
            if step > first and room >= 0:
                kept[step] = past[step]
        return msgspec.structs.replace(
            state,
            recent=tuple(each for each in state.recent if now - self._step(each.at) < self.windows[-1]),
            past=kept,
            told=tuple(one for one in state.told if end * self._every - one.seen <= self._longest),
        )

    def _judged(self, state: _State, end: int) -> Iterator[_Judged]:
        """The clusters before that step that have fresh calls; none is told for what came before the last scan."""
        now = end - 1
        fresh = any(each.fresh and self._step(each.at) <= now for each in state.recent)
        if not fresh or state.begun is None or end * self._every - state.begun < self.learn * DAY:
            return
        cells, cases = self._cases(state, now)
        scan, had = Scan(cases, reach=self.reach, windows=self.windows, least=self.least), set[str]()
        for cluster in scan.clusters(AT_ONCE):
            inside = {cells[place] for place in cluster.places}
            ages = ((each, now - self._step(each.at)) for each in state.recent if each.cell in inside)
            calls = sorted((each for each, age in ages if 0 <= age < cluster.window), key=_age)
            if not any(each.fresh for each in calls):
                continue
            chance = scan.chance(cluster.score, Deals(now, self.deals, self._enough))
            if chance.stopped:
                return
            told, news = self._told(state, end, cluster, calls, cells)
            if told.key not in had:  # two that one lasting cluster has come apart into are told as the likelier
                had.add(told.key)
                yield _Judged(told, news, cluster, tuple(calls), cells[cluster.centre], chance.p)

    def _cases(self, state: _State, now: int) -> tuple[list[int], Cases]:
        """All calls up to that step, by cell and step and in no other order; and the cells."""
        counts = Counter((each.cell, now - self._step(each.at)) for each in self._events(state.recent))
        for step, by_cell in state.past.items():
            counts.update({(cell, now - step): count for cell, count in by_cell.items()})
        rows = [(*key, count) for key, count in sorted(counts.items()) if key[1] >= 0]
        cells = sorted({cell for cell, _, _ in rows})
        east, north = plane([centre_of(cell) for cell in cells])
        cell, age, count = np.array(rows, np.int64).T
        place = np.repeat(np.searchsorted(np.array(cells), cell), count)
        return cells, Cases(np.array(east, np.int64), np.array(north, np.int64), place, np.repeat(age, count))

    def _told(
        self, state: _State, end: int, cluster: Cluster, calls: Sequence[_Recent], cells: Sequence[int]
    ) -> tuple[_Told, bool]:
        """As it will be remembered, and whether it is news: another one that shares no cell with it, or grown."""
        inside = tuple(cells[place] for place in cluster.places)
        lasting = next((one for one in state.told if not set(inside).isdisjoint(one.cells)), None)
        seen, many = end * self._every, cluster.observed
        if lasting is None:
            key = f"{cells[cluster.centre]}.{cluster.radius:.0f}.{cluster.window}"
            return _Told(key, calls[0].at, 0, many, inside, seen), True
        news = many >= self.grow * lasting.calls
        revision, told = (lasting.revision + 1, many) if news else (lasting.revision, lasting.calls)
        cells_ever = tuple(sorted({*lasting.cells, *inside}))
        return _Told(lasting.key, lasting.since, revision, told, cells_ever, seen), news

    def _after(self, state: _State, end: int, judged: Sequence[_Judged]) -> _State:
        """The scan is over: what it saw is fresh no more."""
        begin = end * self._every
        told = {one.key: one for one in (*state.told, *(one.told for one in judged))}
        recent = tuple(
            msgspec.structs.replace(each, fresh=False) if each.fresh and each.at < begin else each
            for each in state.recent
        )
        return msgspec.structs.replace(state, scanned=end, recent=recent, told=tuple(told.values()))

    def _unless(self, state: _State, end: int, one: _Judged) -> Fewer:
        """Without so many of its fresh calls, tried: whole it is silent, and by half it is not.

        Older calls stay, for they changed earlier scans too. One that grew may grow by other fresh calls just as
        well; then those are left out after its own.
        """
        own = [each.id for each in reversed(one.calls) if each.fresh]
        rest = [each.id for each in reversed(one.calls) if not each.fresh]
        others = [each.id for each in state.recent if each.fresh and each.at < end * self._every and each.id not in own]
        by = self._by(state, end, one, own[: max(1, len(one.calls) - 1)])
        if by:
            return Fewer(by=by, of=(*own, *rest))
        return Fewer(by=self._by(state, end, one, [*own, *others]), of=(*own, *others, *rest))

    def _by(self, state: _State, end: int, one: _Judged, ids: Sequence[str]) -> int:
        """How many of these it takes; 0 when all are too few. Half as many are too few, each time."""
        for halved in reversed(range(len(ids).bit_length())):
            gone = set(ids[: len(ids) >> halved])
            left = tuple(each for each in state.recent if each.id not in gone)
            again = self._judged(msgspec.structs.replace(state, recent=left), end)
            if not any(other.news and other.told.key == one.told.key for other in again):
                return len(gone)
        return 0

    def _detection(self, timeline: str, state: _State, end: int, one: _Judged) -> Detection:
        """At the end of the step, in the cell in the middle of its circle."""
        inputs: dict[str, float | int | str] = {
            "calls": one.cluster.observed,
            "expected": round(one.cluster.expected, 6),
            "radius": round(one.cluster.radius + EDGE),
            "window": one.cluster.window * self.every,
            "p": one.p,
            "deals": self.deals,
        }
        why = Why(message="cluster.calls", inputs=inputs, unless=self._unless(state, end, one))
        told = one.told
        return detection(
            self,
            timeline,
            Found(
                key=told.key,
                since=told.since,
                at=end * self._every,
                confidence=1.0 - one.p,
                why=why,
                revision=told.revision,
            ),
            Rests(
                place=centre_of(one.cell),
                cell=one.cell,
                purpose=self.purpose,
                facts=tuple(each.id for each in one.calls[-MEMBERS:]),
                sources=tuple(sorted({each.source for each in one.calls})),
            ),
        )


def _age(call: _Recent) -> tuple[int, str]:
    return call.at, call.id


part = Clusters
