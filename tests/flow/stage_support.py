"""What tests of the stages share: a register, recorded messages, and detectors that show what they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.backends.memory_facts import MemoryFacts
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.maths import found
from tutela.maths.found import Found, Rests
from tutela.model import wire
from tutela.model.call import Call
from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.flow import Fact, Lease, Message
from tutela.model.kinds import kind
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.scales import Scale
from tutela.model.seen import Seen
from tutela.model.why import Fewer, Why

P = 4
PROPERTIES = {"readings": "pm10", "counts": "people", "positions": "place"}
CENTRE = Place(lat=60.17, lon=24.94)
CELL = 0x891126D3403FFFF
WHY = Why(message="test", inputs={}, unless=Fewer(by=1, of=()))


class _Slot(msgspec.Struct, frozen=True):
    rows: int = 0
    last: int = -1
    told: int = 0


class _State(msgspec.Struct, frozen=True):
    slots: dict[int, _Slot] = {}
    tick: int = -(1 << 62)


class Every(Noun, frozen=True, kw_only=True):
    """Finds every `nth` row of a datastream, and at a tick each datastream that had rows since the last.

    It breaks when what it sees is not in the order that `Seen` promises.
    """

    word: ClassVar[str] = "every"
    version: ClassVar[int] = 1
    name: str = "every"
    nth: int = 3
    needs: tuple[str, ...] = ("*",)
    lateness: float = 0.0
    personal_data: bool = False
    rests: bool = True
    doubted: bool = False
    scale: Scale = Scale()

    @property
    def card(self) -> Card:
        return Card(
            finds="Every third row.",
            doubted=self.doubted,
            needs=frozenset(self.needs),
            key="datastream",
            lateness=self.lateness,
            personal_data=self.personal_data,
            cannot="Anything else.",
        )

    def begin(self) -> _State:
        return _State()

    def changed(self, state: _State) -> Mapping[str, bytes]:
        return {"state": msgspec.json.encode(state)}

    def load(self, saved: Mapping[str, bytes]) -> _State:
        return msgspec.json.decode(saved["state"], type=_State)

    def step(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...]]:
        slots = dict(state.slots)
        detections = [] if seen.rows is None else self.in_rows(slots, seen)
        if seen.tick is None:
            return _State(slots, state.tick), tuple(detections)
        if not state.tick < seen.tick:
            raise AssertionError(f"tick {seen.tick} after {state.tick}")
        detections += self.at_tick(slots, seen)
        return _State(slots, seen.tick), tuple(detections)

    def in_rows(self, slots: dict[int, _Slot], seen: Seen) -> list[Detection]:
        assert seen.rows is not None
        assert seen.slots is not None
        self.check(seen.rows, seen.slots)
        detections = []
        columns = (seen.slots.tolist(), seen.rows.datastream.tolist(), seen.rows.time.tolist())
        for slot, number, time in zip(*columns, strict=True):
            was = slots.get(slot, _Slot())
            if was.last > time:
                raise AssertionError(f"{number} at {time} after {was.last}")
            slots[slot] = _Slot(was.rows + 1, time, was.told)
            if slots[slot].rows % self.nth == 0:
                detections.append(self.found(seen.timeline, f"{number}/{slots[slot].rows}", time, (number,)))
        return detections

    def at_tick(self, slots: dict[int, _Slot], seen: Seen) -> list[Detection]:
        assert seen.catalogue is not None
        assert seen.tick is not None
        detections = []
        for slot, one in sorted(slots.items()):
            if one.rows > one.told:
                number = seen.catalogue.id_of(slot)
                detections.append(self.found(seen.timeline, f"{number}+{one.rows}", seen.tick, (number,)))
                slots[slot] = _Slot(one.rows, one.last, one.rows)
        return detections

    def check(self, rows: Rows, slots: Sequence[int] | np.typing.NDArray[np.int64]) -> None:
        places = list(zip(np.asarray(slots).tolist(), rows.time.tolist(), strict=True))
        if places != sorted(places) or not places:
            raise AssertionError(f"not in order: {places}")

    def found(self, timeline: str, key: str, at: int, datastreams: tuple[int, ...]) -> Detection:
        on = datastreams if self.rests else ()
        rests = Rests(place=CENTRE, cell=CELL, purpose="public-safety", datastreams=on, sources=("air",))
        return found.detection(self, timeline, Found(key=key, since=at, at=at, confidence=1.0, why=WHY), rests)


class Doubter(Every, frozen=True, kw_only=True):
    """Doubts a datastream from a result of `high` or more until one below 1, and finds where that begins."""

    word: ClassVar[str] = "doubter"
    name: str = "doubter"
    high: float = 2.0

    @property
    def card(self) -> Card:
        return msgspec.structs.replace(super().card, quality=True)

    def step(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...]]:
        state, detections, _ = self.judge(state, seen)
        return state, detections

    def judge(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...], npt.NDArray[np.bool_] | None]:
        assert seen.rows is not None
        assert seen.slots is not None
        self.check(seen.rows, seen.slots)
        slots, detections, doubted = dict(state.slots), [], []
        columns = (seen.slots, seen.rows.datastream, seen.rows.time, seen.rows.values["result"])
        for slot, number, time, result in zip(*(column.tolist() for column in columns), strict=True):
            was = slots.get(slot, _Slot())
            told = int(result >= self.high or (bool(was.told) and result >= 1))
            if told > was.told:
                detections.append(self.found(seen.timeline, f"{number}?{was.rows}", time, (number,)))
            slots[slot] = _Slot(was.rows + 1, time, told)
            doubted.append(bool(told))
        return _State(slots), tuple(detections), np.array(doubted) if any(doubted) else None


class Everywhere(Every, frozen=True, kw_only=True):
    """The same of everything that moves in the city."""

    citywide: ClassVar[bool] = True
    name: str = "everywhere"
    personal_data: bool = True


class Pairs(Noun, frozen=True, kw_only=True):
    """Finds every `nth` fact, and at a tick how many there were. `cell` is where its findings are."""

    word: ClassVar[str] = "pairs"
    version: ClassVar[int] = 1
    name: str = "pairs"
    nth: int = 2
    needs: tuple[str, ...] = ("*",)
    lateness: float = 0.0
    cell: int = CELL
    key: str = "cell"
    scale: Scale = Scale()

    @property
    def card(self) -> Card:
        return Card(
            finds="Every second fact.",
            needs=frozenset(self.needs),
            key=self.key,
            lateness=self.lateness,
            personal_data=False,
            cannot="Anything else.",
        )

    def begin(self) -> tuple[str, ...]:
        return ()

    def changed(self, state: tuple[str, ...]) -> Mapping[str, bytes]:
        return {"state": msgspec.json.encode(state)}

    def load(self, saved: Mapping[str, bytes]) -> tuple[str, ...]:
        return msgspec.json.decode(saved["state"], type=tuple[str, ...])

    def step(self, state: tuple[str, ...], seen: Seen) -> tuple[tuple[str, ...], tuple[Detection, ...]]:
        detections = []
        for fact in seen.facts:
            state = (*state, fact.id)
            if len(state) % self.nth == 0:
                detections.append(self.found(seen.timeline, fact.id, fact.at, state[-self.nth :]))
        if seen.tick is not None:
            detections.append(self.found(seen.timeline, f"tick {len(state)}", seen.tick, ()))
        return state, tuple(detections)

    def found(self, timeline: str, key: str, at: int, facts: tuple[str, ...]) -> Detection:
        rests = Rests(place=CENTRE, cell=self.cell, purpose="public-safety", facts=facts)
        return found.detection(self, timeline, Found(key=key, since=at, at=at, confidence=1.0, why=WHY), rests)


def datastream(number: int, of: str = "readings") -> Datastream:
    return Datastream(
        id=number,
        name=f"s{number}",
        source="air",
        thing=f"t{number}",
        kind=of,
        observed_property=PROPERTIES[of],
        unit="1",
        place=CENTRE,
        cell=CELL,
        purpose="public-safety",
        version=number,
    )


def entered(*datastreams: Datastream) -> MemoryFacts:
    """Facts with these datastreams in the register."""
    facts = MemoryFacts()
    facts.store.sources["air"] = Source(
        name="air",
        owner="city",
        kind="http",
        purposes=("public-safety",),
        legal_basis="PublicInterest",
        personal_data=True,
        place="Helsinki",
    )
    facts.store.datastreams.update({one.name: one for one in datastreams})
    return facts


async def known(facts: MemoryFacts, partitions: int = P) -> Known:
    register = Known(facts, partitions)
    await register.refresh()
    return register


def lease(
    stage: str = "detect", partition: int = 1, sequence: int = 0, snapshot: int = 0, timeline: str = "live"
) -> Lease:
    return Lease(timeline=timeline, stage=stage, partition=partition, epoch=1, sequence=sequence, snapshot=snapshot)


def rows(of: str, *told: tuple[int, int, float]) -> Rows:
    """Rows of that kind: datastream, time, value."""
    values = {name: np.array([value for _, _, value in told]).astype(dtype) for name, dtype in kind(of).columns}
    return Rows(
        of,
        np.array([number for number, _, _ in told], np.int32),
        np.array([time for _, time, _ in told], np.int64),
        values,
    )


def observed(sequence: int, of: str, *told: tuple[int, int, float], partition: int = 1) -> Message:
    """A recorded message with such rows."""
    subject = hop.observed("live", of, partition)
    return Message(sequence, subject, {}, wire.encode(rows(of, *told)), sequence * 10)


def ticked(sequence: int, at: int) -> Message:
    return Message(sequence, hop.ticks("live"), {}, hop.tick(at), sequence * 10)


def call(name: str, at: int) -> Call:
    return Call(id=name, timeline="live", source="112", at=at, place=CENTRE, cell=CELL, category="EMS")


def told(sequence: int, *facts: Fact, subject: str = "det.live.1") -> Message:
    """A message of the second hop."""
    body = b"\n".join(row.body for fact in facts for row in hop.outgoing(fact, desk_only=True))
    return Message(sequence, subject, {}, body, sequence * 10)


def second_tick(sequence: int, at: int, timeline: str = "live") -> Message:
    return Message(sequence, hop.second_ticks(timeline), {}, hop.tick(at), sequence * 10)
