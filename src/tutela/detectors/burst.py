"""A burst of calls, reports or posts in a cell and its neighbours: many more than usual, within a short time."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Annotated, ClassVar, Literal

import msgspec

from tutela.errors import BadInput
from tutela.maths.cells import around
from tutela.maths.found import Found, Rests, detection
from tutela.maths.rare import poisson_tail, rare_count
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Seen
from tutela.model.telling import Telling, word_of
from tutela.model.when import DAY, SECOND
from tutela.model.why import Fewer, Why

MOST = 1000  # calls that a window holds; older ones leave it early
FAINT = 0.01  # a cell whose usual is less than that many calls is forgotten


class _Past(msgspec.Struct, frozen=True, array_like=True):
    """What a cell's calls before the window add up to: each counts less as time goes by."""

    mass: float
    at: int


class _Recent(msgspec.Struct, frozen=True, array_like=True):
    """A call in the window."""

    id: str
    at: int
    cell: int
    source: str


class _State(msgspec.Struct, frozen=True):
    """`begun`: the first call's time; `newest`: the latest one's; `past` and `quiet` (until when) by cell."""

    begun: int | None = None
    newest: int = 0
    recent: tuple[_Recent, ...] = ()
    past: dict[int, _Past] = {}
    quiet: dict[int, int] = {}


class Burst(Noun, frozen=True, kw_only=True):
    """A burst when at least `least` calls come within `window` seconds, and by chance they come so rarely: `tail`.

    `of`: what is counted: calls, or residents' reports, or public posts. `categories`: how their category begins (none: all). `rings`: neighbours that count as well.
    `half_life`: days after which a call counts half in what is usual. `learn`: days before the first
    detection. `floor`: the least count that is taken as usual. `cool`: seconds before the same burst
    may be told again.
    """

    word: ClassVar[str] = "burst"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="Many more calls, reports or posts than usual from one place, within a short time.",
        needs=frozenset({"call", "report", "post"}),
        key="cell",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Say anything in its first days; know the hour of the day or a holiday; tell ten calls about one"
            " event from ten events; see a burst spread over more than a cell and its neighbours."
        ),
        options={"learn": 0.0},
        fires=tuple(Sample(at=60.0 * n, fact={"noun": "call", "id": f"call-{n}"}) for n in range(4)),
        near_miss=tuple(Sample(at=700.0 * n, fact={"noun": "call", "id": f"call-{n}"}) for n in range(4)),
    )

    name: str = "burst"
    of: Literal["call", "report", "post"] = "call"
    categories: tuple[str, ...] = ()
    rings: Annotated[int, msgspec.Meta(ge=0, le=2)] = 1
    window: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    least: Annotated[int, msgspec.Meta(ge=2)] = 4
    tail: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 1e-4
    half_life: Annotated[float, msgspec.Meta(gt=0)] = 14.0
    learn: Annotated[float, msgspec.Meta(ge=0)] = 7.0
    floor: Annotated[float, msgspec.Meta(gt=0)] = 0.05
    cool: float = 3600.0
    scale: Scale = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.MODERATE, certainty=Certainty.LIKELY)

    def __post_init__(self) -> None:
        if self.cool < self.window:
            raise BadInput(
                f"{self.name}: cool is {self.cool} s, less than the window; the same calls would count twice"
            )

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
        """One call after the other, in the order they came."""
        detections: list[Detection] = []
        for fact in seen.facts:
            if not isinstance(fact, Detection) and self._matters(state, fact):
                state = self._with(state, fact)
                state, told = self._judged(state, seen.timeline, fact)
                detections += told
        return state, tuple(detections)

    def _matters(self, state: _State, call: Telling) -> bool:
        wanted = word_of(call) == self.of and (not self.categories or call.category.startswith(self.categories))
        return wanted and call.cell != 0 and all(each.id != call.id for each in state.recent)

    def _with(self, state: _State, call: Telling) -> _State:
        """The window with this call in it; what falls out of it becomes a part of what is usual."""
        newest = max(state.newest, call.at)
        recent = (*state.recent, _Recent(call.id, call.at, call.cell, call.source))
        begins = newest - self._window
        over = [each for place, each in enumerate(recent) if each.at <= begins or place < len(recent) - MOST]
        past = dict(state.past)
        for each in over:
            past[each.cell] = self._added(past.get(each.cell), each.at)
        if newest // DAY != state.newest // DAY:
            past = {cell: one for cell, one in past.items() if self._mass(one, newest) >= FAINT}
        return _State(
            begun=call.at if state.begun is None else min(state.begun, call.at),
            newest=newest,
            recent=tuple(each for each in recent if each not in over) if over else recent,
            past=past,
            quiet={cell: until for cell, until in state.quiet.items() if until > newest},
        )

    def _judged(self, state: _State, timeline: str, call: Telling) -> tuple[_State, tuple[Detection, ...]]:
        late = call.at <= state.newest - self._window
        learning = state.begun is None or state.newest - state.begun < self.learn * DAY
        if late or learning or not state.quiet.keys().isdisjoint(around(call.cell, 2 * self.rings)):
            return state, ()
        near = around(call.cell, self.rings)
        counted = [each for each in state.recent if each.cell in near]
        usual = self._usual(state, near)
        enough = rare_count(usual, self.tail, self.least)
        if len(counted) < enough:
            return state, ()
        quiet = {**state.quiet, call.cell: state.newest + round(self.cool * SECOND)}
        detection = self._detection(timeline, call, counted, usual, enough)
        return msgspec.structs.replace(state, quiet=quiet), (detection,)

    @property
    def _window(self) -> int:
        return round(self.window * SECOND)

    def _mass(self, past: _Past, at: int) -> float:
        """What a cell's past adds up to at that time."""
        return past.mass * exp(-log(2) * max(0, at - past.at) / (self.half_life * DAY))

    def _added(self, past: _Past | None, at: int) -> _Past:
        """One more call. An older one than the last counts as much less as it is older."""
        if past is None:
            return _Past(1.0, at)
        if at >= past.at:
            return _Past(self._mass(past, at) + 1.0, at)
        return _Past(past.mass + self._mass(_Past(1.0, at), past.at), past.at)

    def _usual(self, state: _State, near: tuple[int, ...]) -> float:
        """The usual count of these cells in one window: the mass, as a rate over the time that it could gather."""
        begins = state.newest - self._window
        span = (begins - (state.begun or 0)) / DAY
        mass = sum(self._mass(state.past[cell], begins) for cell in near if cell in state.past)
        if span <= 0 or not mass:
            return self.floor
        fade = log(2) / self.half_life
        return max(self.floor, mass * fade / (1 - exp(-fade * span)) * self._window / DAY)

    def _detection(self, timeline: str, call: Telling, counted: list[_Recent], usual: float, enough: int) -> Detection:
        """At the time of the last call that it counts."""
        ids = tuple(each.id for each in counted)
        inputs: dict[str, float | int | str] = {
            f"{self.of}s": len(counted),
            "count": len(counted),
            "usual": usual,
            "window": self.window,
            "enough": enough,
        }
        by = len(counted) - enough + 1
        return detection(
            self,
            timeline,
            Found(
                key=str(call.cell),
                since=min(each.at for each in counted),
                at=max(each.at for each in counted),
                confidence=round(1.0 - poisson_tail(len(counted), usual), 6),
                why=self._why(inputs, Fewer(by=by, of=ids)),
            ),
            Rests(
                place=call.place,
                cell=call.cell,
                purpose=call.purpose,
                facts=ids,
                sources=tuple(sorted({each.source for each in counted})),
            ),
        )

    def _why(self, inputs: Mapping[str, float | int | str], unless: Fewer) -> Why:
        if self.of == "call":
            return Why(message="burst.calls", inputs=dict(inputs), unless=unless)
        return Why(
            message="burst.reports" if self.of == "report" else "burst.posts", inputs=dict(inputs), unless=unless
        )


part = Burst
