"""A rule: facts that come together as a condition says, in one place, of one source, or of one datastream.

What it is met by are calls, reports, posts and detections, those of the rule's own terms among them (`flow/rules.py`). There is no second
mechanism: thresholds, silences and fences are detectors, and a rule says what they mean together.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from tutela.maths.cells import metres
from tutela.maths.found import Found, Rests, detection
from tutela.maths.met import Known, known, met, order, proper, words
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rule import Absence, Change, Condition, Seconds
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Seen
from tutela.model.when import SECOND
from tutela.model.why import Fewer, Why

MOST = 2000  # facts that are remembered, the newest ones; and as many detections that last, and that wait
DEGREE = 110_500.0  # metres of latitude, a little less than there are: only to look away from what is far


class _Going(msgspec.Struct, frozen=True, array_like=True):
    """The condition was met by these facts. `last`: when it was last; `level`: which change holds, from 1 (0: none)."""

    facts: tuple[Known, ...]
    last: int
    level: int = 0
    revision: int = 0

    @property
    def first(self) -> Known:
        return self.facts[0]


class _State(msgspec.Struct, frozen=True):
    """`known` in order; `going` are detections that last; `waiting` are such that an absence has to complete."""

    newest: int = 0
    known: tuple[Known, ...] = ()
    going: tuple[_Going, ...] = ()
    waiting: tuple[_Going, ...] = ()


class Rule(Noun, frozen=True, kw_only=True):
    """Met when facts come together as `when` says, all within `within` seconds.

    `per`: facts belong together that are at most `metres` apart ("place"), or rest on one datastream, or come from one
    source, or are anywhere in the city. `says`: what it means, in its author's words. `absent`: and then something does not come. `quiet`: seconds for which a detection lasts after the
    rule was last met; so long it is not told anew. `changes`: what makes it more, or less, pressing while it lasts; of several
    that are met, the last one listed holds.
    """

    word: ClassVar[str] = "rule"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="Facts that come together as a person's rule says: some of them, in an order, so many, or one that stays away.",
        needs=frozenset({"call", "report", "post", "*"}),
        key="cell",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "See what no detector noticed and nobody called about; join facts of one place that are further apart than half a kilometre;"
            " take back what it told when a fact comes late that would have kept it silent."
        ),
        options={
            "when": {"sequence": [{"fact": ["call"]}, {"fact": ["people-many"]}]},
            "within": 1800.0,
            "changes": [{"when": {"fact": ["threshold"]}, "scale": {"severity": "Severe"}}],
        },
        fires=(
            Sample(at=0, fact={"noun": "call", "id": "help"}),
            Sample(at=300, fact={"noun": "detection", "id": "crowd", "type": "people-many", "sources": ["cameras"]}),
        ),
        near_miss=(
            Sample(at=0, fact={"noun": "detection", "id": "crowd", "type": "people-many", "sources": ["cameras"]}),
            Sample(at=300, fact={"noun": "call", "id": "help"}),
        ),
    )

    name: str = "rule"
    when: Condition
    within: Seconds = 600.0
    absent: Absence | None = None
    per: Literal["place", "source", "datastream", "city"] = "place"
    metres: Annotated[float, msgspec.Meta(gt=0, le=500)] = 300.0
    quiet: Seconds = 1800.0
    changes: tuple[Change, ...] = ()
    says: str = "A rule is met."
    purpose: str = "public-safety"
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY)

    def __post_init__(self) -> None:
        for condition in self._conditions():
            proper(condition, self.name)

    def _conditions(self) -> Iterator[Condition]:
        yield self.when
        if self.absent:
            yield self.absent.of
        yield from (change.when for change in self.changes)

    @property
    def citywide(self) -> bool:
        """Facts of one source, or of one datastream that moves, come from anywhere."""
        return self.per != "place"

    def begin(self) -> _State:
        """Nothing has come."""
        return _State()

    def changed(self, state: _State) -> Mapping[str, bytes]:
        """The whole state: it is small."""
        return {"state": msgspec.json.encode(state)}

    def load(self, saved: Mapping[str, bytes]) -> _State:
        """The state that was saved."""
        return msgspec.json.decode(saved["state"], type=_State) if saved else _State()

    def step(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...]]:
        """One fact after the other; then a tick, at which what stayed away is missing."""
        detections: list[Detection] = []
        spoken = {word for condition in self._conditions() for word in words(condition)}
        for fact in seen.facts:
            new = known(fact, spoken)
            if new is not None and self._matters(state, new):
                state, told = self._with(state, seen.timeline, new)
                detections += told
        if seen.tick is not None:
            state, told = self._missing(state, seen.timeline, seen.tick)
            detections += told
        return state, tuple(detections)

    def _matters(self, state: _State, new: Known) -> bool:
        there = {"place": new.place, "source": new.sources, "datastream": new.datastreams, "city": True}[self.per]
        old = new.at < state.newest - self._span
        return bool(there) and not old and all(one.id != new.id for one in state.known)

    @property
    def _span(self) -> int:
        """For so long a fact is remembered."""
        return round((self.within + self.quiet + (self.absent.within if self.absent else 0.0)) * SECOND)

    def _with(self, state: _State, timeline: str, new: Known) -> tuple[_State, list[Detection]]:
        """What one more fact does: it keeps a detection going, changes it, ends a wait, or begins one."""
        state = self._remembering(state, new)
        group = [one for one in state.known if self._same(one, new)]
        going = next((one for one in state.going if self._same(one.first, new) and not self._over(one, new.at)), None)
        if going is not None:
            after, told = self._on(timeline, going, group, new)
            return msgspec.structs.replace(state, going=_swapped(state.going, going, after)), told
        state = msgspec.structs.replace(
            state, waiting=tuple(one for one in state.waiting if not self._came(one, group, new))
        )
        found = self._met(self.when, group, self.within, new)
        if not found:
            return state, []
        begun = _Going(found, found[-1].at)
        if self.absent is None:
            return self._told(state, timeline, begun, begun.last)
        if any(self._same(one.first, new) and new.at <= self._due(one) for one in state.waiting):
            return state, []
        return msgspec.structs.replace(state, waiting=(*state.waiting, begun)[-MOST:]), []

    def _remembering(self, state: _State, new: Known) -> _State:
        newest = max(state.newest, new.at)
        kept = [one for one in state.known if one.at >= newest - self._span]
        insort(kept, new, key=order)
        going = tuple(one for one in state.going if not self._over(one, newest))
        return msgspec.structs.replace(state, newest=newest, known=tuple(kept[-MOST:]), going=going)

    def _over(self, going: _Going, at: int) -> bool:
        return at - going.last > round(self.quiet * SECOND)

    def _same(self, one: Known, other: Known) -> bool:
        """Whether two facts belong together."""
        if self.per == "city":
            return True
        if self.per == "source":
            return not set(one.sources).isdisjoint(other.sources)
        if self.per == "datastream":
            return not set(one.datastreams).isdisjoint(other.datastreams)
        if one.place is None or other.place is None or abs(one.place.lat - other.place.lat) * DEGREE > self.metres:
            return False
        return metres(one.place, other.place) <= self.metres

    def _met(self, condition: Condition, group: Sequence[Known], within: float, new: Known) -> tuple[Known, ...]:
        """The facts by which it is met now, the new one among them; none when it is not, or was before."""
        found = met(condition, group)
        soon = bool(found) and found[-1].at - found[0].at <= round(within * SECOND)
        return found if soon and new in found else ()

    def _on(self, timeline: str, going: _Going, group: Sequence[Known], new: Known) -> tuple[_Going, list[Detection]]:
        """A detection that lasts: it is met again, or becomes more, or less, pressing."""
        later = [one for one in group if order(one) > order(going.first)]
        if self._met(self.when, later, self.within, new):
            going = msgspec.structs.replace(going, last=max(going.last, new.at))
        for level in range(len(self.changes), 0, -1):  # of those that are met, the last one holds
            found = self._met(self.changes[level - 1].when, later, self.within + self.quiet, new)
            if found and level == going.level:
                break
            if found:
                after = _Going(going.facts, max(going.last, new.at), level, going.revision + 1)
                return after, [self._detection(timeline, after, new.at, found)]
        return going, []

    def _came(self, waiting: _Going, group: Sequence[Known], new: Known) -> bool:
        """Whether that which was waited for has come, soon enough."""
        assert self.absent is not None  # noqa: S101  nothing waits in a rule that waits for nothing
        if not self._same(waiting.first, new) or new.at > self._due(waiting):
            return False
        after = [one for one in group if order(waiting.facts[-1]) < order(one) and one.at <= self._due(waiting)]
        return bool(met(self.absent.of, after))

    def _due(self, waiting: _Going) -> int:
        return waiting.last + (round(self.absent.within * SECOND) if self.absent else 0)

    def _missing(self, state: _State, timeline: str, tick: int) -> tuple[_State, list[Detection]]:
        """At a tick, what waits no longer: each is told at the moment when it was due."""
        due = sorted((one for one in state.waiting if self._due(one) <= tick), key=lambda one: (one.last, one.first.id))
        detections: list[Detection] = []
        for one in due:
            at = self._due(one)
            state = msgspec.structs.replace(state, waiting=tuple(each for each in state.waiting if each != one))
            alike = (each for each in state.going if self._same(each.first, one.first) and not self._over(each, at))
            going = next(alike, None)
            if going is not None:
                again = msgspec.structs.replace(going, last=max(going.last, one.last))
                state = msgspec.structs.replace(state, going=_swapped(state.going, going, again))
                continue
            state, told = self._told(state, timeline, msgspec.structs.replace(one, last=at), at)
            detections += told
        return state, detections

    def _told(self, state: _State, timeline: str, begun: _Going, at: int) -> tuple[_State, list[Detection]]:
        going = (*state.going, begun)[-MOST:]
        return msgspec.structs.replace(state, going=going), [self._detection(timeline, begun, at, begun.facts)]

    def _detection(self, timeline: str, going: _Going, at: int, found: Sequence[Known]) -> Detection:
        """It rests on what met the condition, and, where it was changed, on what changed it."""
        facts = tuple({one.id: one for one in (*going.facts, *found)}.values())
        last = max(found, key=order)
        inputs: dict[str, float | int | str] = {
            "rule": self.name,
            "says": self.says,
            "facts": len(facts),
            "sorts": _sorts(facts),
            "rarest": last.words[0],
            "seconds": (max(one.at for one in facts) - going.first.at) / SECOND,
            "wait": self.absent.within if self.absent else 0.0,
        }
        why = Why(
            message="rule.changed" if going.level else "rule.missing" if self.absent else "rule.met",
            inputs=inputs,
            unless=Fewer(by=1, of=(last.id,)),
        )
        told = detection(
            self,
            timeline,
            Found(
                key=going.first.id,
                since=going.first.at,
                at=at,
                confidence=1.0,
                why=why,
                revision=going.revision,
            ),
            _rests(self.purpose, facts),
        )
        scale = self.changes[going.level - 1].scale if going.level else self.scale
        return msgspec.structs.replace(told, scale=scale)


def _rests(purpose: str, facts: Sequence[Known]) -> Rests:
    """It rests on these facts, and is where the first of them is."""
    return Rests(
        place=facts[0].place,
        cell=facts[0].cell,
        purpose=purpose,
        datastreams=tuple(sorted({number for one in facts for number in one.datastreams})),
        facts=tuple(one.id for one in facts),
        sources=tuple(sorted({source for one in facts for source in one.sources})),
    )


def _sorts(facts: Sequence[Known]) -> str:
    return ", ".join(dict.fromkeys(one.words[0] for one in facts))


def _swapped(all_: tuple[_Going, ...], before: _Going, after: _Going) -> tuple[_Going, ...]:
    return tuple(after if one == before else one for one in all_)


part = Rule
