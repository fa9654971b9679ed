"""More Things close together than a place should have: counted by where each was last, and never named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import msgspec

from tutela.maths import cells, crowd, found
from tutela.maths.found import Found, Rests
from tutela.maths.slab import Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import Fewer, Why

GROUP = 10
"""Fewer than so many are nobody's business: a smaller group could be told apart, and one of it followed."""

REACH = (200.0, 550.0, 900.0)
"""Metres from the middle of a cell to the rim of it, and of its neighbours with it, by rings."""


@dataclass(frozen=True, slots=True)
class State:
    """Where each Thing was last, and the hearts of the crowds that last, ascending."""

    spots: Slab
    crowds: tuple[int, ...] = ()


class CrowdingPositions(Noun, frozen=True, kw_only=True):
    """Crowded when `full` Things or more are in an H3 cell (0.1 km²) and `rings` of its neighbours at a tick.

    A Thing is where it was last, if that is no more than `window` seconds ago. `observed_property`: whose positions; `purpose`:
    only those that were collected for it are counted. It is over when fewer than `clear` of `full` are left, and until then it is not
    told again. `full` is never less than ten, and only numbers leave: who was there is not told, nor is a smaller group.
    """

    citywide: ClassVar[bool] = True
    word: ClassVar[str] = "crowding_positions"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="More Things close together than a place should have, counted by their positions.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=True,
        cannot=(
            "Tell who is there, or a group of fewer than ten; count people who carry nothing that tells its position, or know"
            " how many these are for each that does; count together what was collected for different purposes; see a crowd around"
            " an empty middle, or how one grows that it has told; see how tightly they stand: its smallest place is 0.1 km²."
        ),
        options={"observed_property": "position", "full": 10, "window": 1800.0},
        fires=(
            *(Sample(at=60.0 * n, datastream=n, values={"lat": 60.17, "lon": 24.94}) for n in range(10)),
            Sample(at=1200.0, tick=True),
        ),
        near_miss=(
            *(Sample(at=60.0 * n, datastream=n, values={"lat": 60.17, "lon": 24.94}) for n in range(9)),
            Sample(at=540.0, datastream=9, values={"lat": 60.19, "lon": 24.94}),
            Sample(at=1200.0, tick=True),
        ),
    )

    name: str = "crowding_positions"
    observed_property: str = "position"
    purpose: str = "public-safety"
    full: Annotated[int, msgspec.Meta(ge=GROUP)]
    rings: Annotated[int, msgspec.Meta(ge=0, le=2)] = 1
    window: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    clear: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY)

    def begin(self) -> State:
        """Nobody was seen."""
        return State(Slab(crowd.FIELDS))

    def changed(self, state: State) -> Mapping[str, bytes]:
        """The columns written since this was last asked, and the crowds, which are few."""
        return {**dict(state.spots.changed()), "crowds": msgspec.json.encode(state.crowds)}

    def load(self, saved: Mapping[str, bytes]) -> State:
        """The state that was saved."""
        spots = Slab.load(crowd.FIELDS, {name: body for name, body in saved.items() if name in crowd.FIELDS})
        return State(spots, msgspec.json.decode(saved.get("crowds", b"[]"), type=tuple[int, ...]))

    def step(self, state: State, seen: Seen) -> tuple[State, tuple[Detection, ...]]:
        """Positions say where everybody is; a tick counts."""
        catalogue = seen.catalogue
        if catalogue is None:
            return state, ()
        if seen.rows is not None and seen.slots is not None and seen.rows.kind == "positions":
            spots = crowd.placed(state.spots, seen.rows, seen.slots, lambda slot: self._counts(catalogue, slot))
            state = replace(state, spots=spots)
        if seen.tick is None:
            return state, ()
        spots = crowd.forgotten(state.spots, seen.tick - round(self.window * SECOND))
        counted = crowd.counted(spots, catalogue, seen.doubted, self.rings)
        lasting = tuple(cell for cell in state.crowds if len(counted.things(cell)) >= self.clear * self.full)
        new = tuple(counted.hearts(self.full, lasting))
        told = tuple(self._detection(seen.timeline, counted.things(cell), cell, seen.tick) for cell in new)
        return State(spots, tuple(sorted((*lasting, *new)))), told

    def _counts(self, catalogue: Catalogue, slot: int) -> bool:
        known = catalogue.by_id[catalogue.id_of(slot)]
        return (known.observed_property, known.purpose) == (self.observed_property, self.purpose)

    def _detection(self, timeline: str, things: Mapping[str, str], cell: int, tick: int) -> Detection:
        """It is where the middle of the cell is, rests on no datastream by name, and names sources of a whole group only."""
        by_source = Counter(things.values())
        inputs: dict[str, float | int | str] = {
            "things": len(things),
            "full": self.full,
            "window": self.window,
            "reach": REACH[self.rings],
        }
        unless = Fewer(by=len(things) - self.full + 1, of=())
        why = Why(message="crowding_positions.full", inputs=inputs, unless=unless)
        rests = Rests(
            place=cells.centre_of(cell),
            cell=cell,
            purpose=self.purpose,
            sources=tuple(sorted(source for source, count in by_source.items() if count >= GROUP)),
        )
        told = Found(key=str(cell), since=tick, at=tick, confidence=1.0, why=why)
        return found.detection(self, timeline, told, rests)


part = CrowdingPositions
