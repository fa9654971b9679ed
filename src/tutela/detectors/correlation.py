"""Facts of several sorts near each other in place and time: a call, a sensor's detection and a count.

Correlation is a detector over facts; there is no second mechanism. The earliest fact of a group is
its anchor: near means near the anchor, so a group can't wander through the city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec

from tutela.errors import BadInput
from tutela.maths.cells import metres, north_of
from tutela.maths.found import Found, Rests, detection
from tutela.maths.met import Known, known
from tutela.maths.near import Near
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Seen
from tutela.model.when import SECOND
from tutela.model.why import Apart, Change, Fewer, Why

MOST = 2000  # facts that are remembered, the newest ones
MEMBERS = 50  # facts in one detection; more of them change nothing any more


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """A fact that is remembered. `group`: the id of the anchor of its group; none: it is free."""

    id: str
    sort: int
    at: int
    place: Place
    cell: int
    sources: tuple[str, ...]
    datastreams: tuple[int, ...]
    group: str = ""


class _State(msgspec.Struct, frozen=True):
    """`newest`: the latest fact's time; `known` in order of arrival; `revisions` by anchor."""

    newest: int = 0
    known: tuple[_Known, ...] = ()
    revisions: dict[str, int] = {}


class Correlation(Noun, frozen=True, kw_only=True):
    """A group is found when facts of at least `least` of the sorts come near each other.

    `sorts`: each the words that belong to one sort: "call", "report", "post", each alone or with how its category begins
    ("post:Fire"), or types of detection. `within`: metres
    and `seconds` from the group's first fact. `weight`: how much one source alone is believed.
    """

    word: ClassVar[str] = "correlation"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="Facts of different sorts, such as a call and a sensor's detection, near each other in place and time.",
        needs=frozenset({"call", "report", "post", "*"}),
        key="cell",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Tell whether one caused the other, or whether both have another cause; see what was never"
            " detected or called about; place a fact better than its source did."
        ),
        options={"sorts": [["call"], ["threshold"], ["people-many"]], "least": 3},
        fires=(
            Sample(at=0, fact={"noun": "detection", "id": "smoke", "sources": ["air"]}),
            Sample(at=60, fact={"noun": "call", "id": "help", "place": {"lat": 60.171, "lon": 24.94}}),
            Sample(at=300, fact={"noun": "detection", "id": "crowd", "type": "people-many", "sources": ["cameras"]}),
        ),
        near_miss=(
            Sample(at=0, fact={"noun": "detection", "id": "smoke", "sources": ["air"]}),
            Sample(at=60, fact={"noun": "call", "id": "help", "place": {"lat": 60.174, "lon": 24.94}}),
            Sample(at=300, fact={"noun": "detection", "id": "crowd", "type": "people-many", "sources": ["cameras"]}),
        ),
    )

    name: str = "correlation"
    sorts: tuple[tuple[str, ...], ...]
    least: Annotated[int, msgspec.Meta(ge=2)] = 2
    within: Annotated[float, msgspec.Meta(gt=0, le=500)] = 300.0
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    weight: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    purpose: str = "emergency-response"
    scale: Scale = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)

    def __post_init__(self) -> None:
        if self.least > len(self.sorts):
            raise BadInput(f"{self.name}: {self.least} of {len(self.sorts)} sorts can never come together")

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
        """One fact after the other, in the order they came."""
        if not seen.facts:
            return state, ()
        near = Near(state.known, state.newest, span=round(self.seconds * SECOND), most=MOST, reach=2 * self.within)
        revisions, detections = dict(state.revisions), list[Detection]()
        words = {word for each in self.sorts for word in each}
        for fact in seen.facts:
            fitting = known(fact, words)
            new = None if fitting is None else self._known(near, fitting)
            if new is not None:
                detections += self._with(near, revisions, seen.timeline, new)
        kept = near.all()
        revisions = {each.id: revisions[each.id] for each in kept if each.id in revisions}
        return _State(newest=near.newest, known=kept, revisions=revisions), tuple(detections)

    def _known(self, near: Near[_Known], fact: Known) -> _Known | None:
        """The fact as it is remembered; None when it is nowhere, too old, or known already."""
        if fact.place is None or fact.at < near.newest - self._span or fact.id in near:
            return None
        sort = next(place for place, words in enumerate(self.sorts) if not set(words).isdisjoint(fact.words))
        return _Known(
            id=fact.id,
            sort=sort,
            at=fact.at,
            place=fact.place,
            cell=fact.cell,
            sources=fact.sources,
            datastreams=fact.datastreams,
        )

    @property
    def _span(self) -> int:
        return round(self.seconds * SECOND)

    def _with(self, near: Near[_Known], revisions: dict[str, int], timeline: str, new: _Known) -> list[Detection]:
        """Remember one more fact, which may join a group or complete one."""
        near.make_room(new.at)
        group = self._group(near, new)
        if not group:
            near.put(new)
            return []
        anchor, told = group[0].id, list[Detection]()
        if len(group) <= MEMBERS:
            revisions[anchor] = revision = revisions.get(anchor, -1) + 1
            told.append(self._detection(timeline, group, revision, self._unless(near, new, group, revision)))
        for each in group:
            near.put(msgspec.structs.replace(each, group=anchor))
        return told

    def _group(self, near: Near[_Known], new: _Known) -> list[_Known]:
        """The group that a new fact joins or completes, its anchor first; empty when there is none."""
        close = [*near.close(new.place, 2 * self.within), new]
        anchors = sorted((each for each in close if self._near(each, new)), key=_age)
        for anchor in anchors:
            if anchor.group == anchor.id:
                return [*sorted((each for each in close if each.group == anchor.id), key=_age), new]
        free = [each for each in close if not each.group]
        if not self._enough(free):
            return []
        for anchor in anchors:
            group = [each for each in free if not anchor.group and self._near(anchor, each)]
            if self._enough(group):
                return sorted(group, key=_age)
        return []

    def _near(self, anchor: _Known, fact: _Known) -> bool:
        """Not before the anchor, and soon and close enough after it."""
        late = fact.at - anchor.at > self._span or _age(fact) < _age(anchor)
        return not late and metres(anchor.place, fact.place) <= self.within

    def _enough(self, facts: Sequence[_Known]) -> bool:
        return len({each.sort for each in facts}) >= self.least

    def _unless(self, near: Near[_Known], new: _Known, group: Sequence[_Known], revision: int) -> Change:
        """The newest fact further off, where that alone breaks the group; else without the rarest sorts."""
        apart = None if revision or new is group[0] else self._apart(near, new, group[0])
        if apart is not None:
            return Apart(fact=new.id, metres=apart)
        rarest = self._rarest(group)
        of = tuple(each.id for each in group if each.sort in rarest)
        return Fewer(by=len(of), of=of)

    def _rarest(self, group: Sequence[_Known]) -> list[int]:
        """The rarest sorts: as many as it takes for too few to be left."""
        sorts = sorted({each.sort for each in group}, key=lambda sort: (sum(each.sort == sort for each in group), sort))
        return sorts[: len(sorts) - self.least + 1]

    def _apart(self, near: Near[_Known], new: _Known, anchor: _Known) -> float | None:
        """How far to the north the fact would not have been of this group, though half as far it still would."""

        def holds(north: float) -> bool:
            moved = msgspec.structs.replace(new, place=north_of(new.place, north))
            return [each.id for each in self._group(near, moved)[:1]] == [anchor.id]

        low, far = 0.0, 2 * self.within + 1.0
        while far - low > 0.01:
            middle = (low + far) / 2
            low, far = (middle, far) if holds(middle) else (low, middle)
        far = round(far + 0.005, 2)
        return far if not holds(far) and holds(far / 2) else None

    def _words(self, sorts: Iterable[int]) -> str:
        return ", ".join(self.sorts[sort][0] for sort in sorted(sorts))

    def _detection(self, timeline: str, group: Sequence[_Known], revision: int, unless: Change) -> Detection:
        """It rests on the group's facts and is at their centre, yet filed in its anchor's cell, which never moves."""
        anchor, last = group[0], max(each.at for each in group)
        sources = sorted({source for each in group for source in each.sources})
        inputs: dict[str, float | int | str] = {
            "facts": len(group),
            "sorts": self._words({each.sort for each in group}),
            "rarest": self._words(self._rarest(group)),
            "sources": len(sources),
            "metres": round(max(metres(anchor.place, each.place) for each in group), 1),
            "seconds": (last - anchor.at) / SECOND,
        }
        return detection(
            self,
            timeline,
            Found(
                key=anchor.id,
                since=anchor.at,
                at=last,
                confidence=1.0 - (1.0 - self.weight) ** len(sources),
                why=Why(message="correlation.near", inputs=inputs, unless=unless),
                revision=revision,
            ),
            Rests(
                place=_centre([each.place for each in group]),
                cell=anchor.cell,
                purpose=self.purpose,
                datastreams=tuple(sorted({datastream for each in group for datastream in each.datastreams})),
                facts=tuple(each.id for each in group),
                sources=tuple(sources),
            ),
        )


def _age(fact: _Known) -> tuple[int, str]:
    return fact.at, fact.id


def _centre(places: Sequence[Place]) -> Place:
    """The mean of the places, to the centimetre: they are near each other."""
    lat, lon = sum(place.lat for place in places), sum(place.lon for place in places)
    return Place(lat=round(lat / len(places), 7), lon=round(lon / len(places), 7))


part = Correlation
