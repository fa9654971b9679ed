"""Detectors over the whole city: in one partition they see all that moves, whichever partition keeps it, and nothing else changes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from tests.flow.stage_support import Every, Everywhere, P, datastream, entered, known, lease, rows, ticked

from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput
from tutela.flow import hop
from tutela.flow.detecting import DetectFold, DetectStage
from tutela.flow.detector import Detector
from tutela.model import wire
from tutela.model.flow import Column, Effects, Message
from tutela.model.when import SECOND

NUMBERS = range(1, 4 * P)
KINDS = {number: "positions" if number > 2 * P else "readings" for number in NUMBERS}
DETECTORS = (
    Every(),
    Every(name="own", nth=2, personal_data=True),
    Everywhere(),
    Everywhere(name="patient", lateness=5.0),
)


def register() -> MemoryFacts:
    return entered(*(datastream(number, of) for number, of in KINDS.items()))


@dataclass
class City:
    """A recorded stream of all partitions, and what was saved of partition 0."""

    detectors: tuple[Detector, ...] = DETECTORS
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    messages: list[Message] = field(default_factory=list)
    saved: dict[str, dict[str, bytes]] = field(default_factory=dict)

    async def record(self, seed: int) -> City:
        chance = random.Random(seed)
        for second in range(20, 50):
            for number in chance.sample(list(NUMBERS), 6):
                await self._row(number, second * SECOND - chance.randrange(8 * SECOND))
            if second % 3 == 0:
                self.messages.append(ticked(len(self.messages) + 1, second * SECOND))
        return self

    async def _row(self, number: int, at: int) -> None:
        of, headers = KINDS[number], dict[str, str]()
        body = wire.encode(rows(of, (number, at, 60.0)))
        if of == "positions":
            key, body = await self.keys.seal("public-safety/positions/2026-11-25", body)
            headers = {"Key": key}
        subject = hop.observed("live", of, number % P)
        self.messages.append(Message(len(self.messages) + 1, subject, headers, body, 0))

    async def stage(self) -> DetectStage:
        return DetectStage(self.detectors, await known(register()), self.keys)

    async def fold(self, partition: int = hop.CITY) -> DetectFold:
        return await (await self.stage()).begin(lease(partition=partition), self.saved)

    async def mine(self, partition: int = hop.CITY) -> Sequence[Message]:
        subjects = (await self.stage()).subjects(lease(partition=partition))
        return [message for message in self.messages if message.subject in subjects]

    def keep(self, columns: Iterable[Column]) -> None:
        for column in columns:
            self.saved.setdefault(column.detector, {})[column.name] = column.body

    async def played(
        self, partition: int = hop.CITY, cuts: int = 0, seed: int = 0, *, resume: bool = False
    ) -> list[Effects]:
        messages, chance = await self.mine(partition), random.Random(seed)
        bounds = sorted({0, len(messages), *(chance.randrange(len(messages)) for _ in range(cuts))})
        fold, effects = await self.fold(partition), list[Effects]()
        for begin, end in pairwise(bounds):
            effects.append(await fold.turn(messages[begin:end]))
            if resume:
                self.keep(await fold.save())
                fold = await self.fold(partition)
        return effects


def told(effects: Iterable[Effects]) -> list[tuple[str, bytes]]:
    return sorted((event.id, event.body) for one in effects for event in one.events)


def seen(effects: Iterable[Effects], name: str) -> set[int]:
    """The datastreams of which that detector told."""
    return {number for one in effects for found in one.detections if found.type == name for number in found.datastreams}


async def test_one_partition_reads_what_moves_from_all_and_the_others_do_not_even_fetch_their_own() -> None:
    stage = DetectStage((Every(), Everywhere()), await known(register()), MemoryKeys())

    assert stage.subjects(lease(partition=1)) == ("obs.live.readings.1", "obs.live.counts.1", "obs.live.tick")
    assert stage.subjects(lease(partition=0)) == (
        "obs.live.readings.0",
        "obs.live.counts.0",
        *(f"obs.live.positions.{number}" for number in range(P)),
        "obs.live.tick",
    )


async def test_who_takes_no_personal_data_sees_nothing_that_moves() -> None:
    stage = DetectStage((Everywhere(personal_data=False),), await known(register()), MemoryKeys())

    assert stage.subjects(lease(partition=0)) == ("obs.live.readings.0", "obs.live.counts.0", "obs.live.tick")


async def test_it_sees_all_that_moves_and_its_neighbours_see_what_is_theirs() -> None:
    city = await City().record(1)
    here, there = await city.played(), await city.played(partition=1)
    moving = {number for number, of in KINDS.items() if of == "positions"}

    assert seen(here, "everywhere") == seen(here, "patient") == moving
    assert seen(here, "every") == {number for number in NUMBERS if number % P == 0 and number not in moving}
    assert seen(here, "own") == {number for number in NUMBERS if number % P == 0}
    assert seen(there, "own") == {number for number in NUMBERS if number % P == 1}
    assert seen(there, "everywhere") == seen(there, "patient") == set()


@pytest.mark.parametrize("seed", range(4))
async def test_however_it_is_cut_saved_and_resumed_it_finds_the_same(seed: int) -> None:
    city = await City().record(seed)
    whole = told(await city.played())

    assert len(whole) > 50
    assert told(await city.played(cuts=20, seed=seed)) == whole
    assert told(await city.played(cuts=20, seed=seed, resume=True)) == whole
    assert len(city.saved) > len(DETECTORS)


async def test_what_it_saves_is_sealed() -> None:
    city = await City((Everywhere(lateness=1000.0),)).record(1)
    await city.played(cuts=5, resume=True)
    bodies = [body for own in city.saved.values() for body in own.values()]

    assert bodies
    assert not any(np.float64(60.0).tobytes() in body for body in bodies)


async def test_what_can_not_be_read_changes_nothing_of_either_circle() -> None:
    city = await City().record(2)
    messages = await city.mine()
    key, body = await city.keys.seal("public-safety/positions/2026-11-25", wire.encode(rows("positions", (9, 1, 60.0))))
    wrong = Message(10**6, hop.observed("live", "positions", 3), {"Key": key}, body, 0)
    fold, plain = await city.fold(), await city.fold()
    effects = [await fold.turn(messages[:40])]

    with pytest.raises(BadInput, match="rows of other partitions than 3"):
        await fold.turn([*messages[40:], wrong])

    effects.append(await fold.turn(messages[40:]))
    assert told(effects) == told([await plain.turn(messages)])


async def test_the_next_hop_hears_of_it_before_the_tick_that_made_it() -> None:
    """Its findings and the tick are of one turn of one partition: nobody can have passed that tick before."""
    city = await City((Everywhere(),)).record(3)
    fold, messages = await city.fold(), await city.mine()
    for message in messages:
        effects = await fold.turn([message])
        tick = hop.tick_of(message.body) if message.subject.endswith(".tick") else None

        assert effects.ticked == tick
        assert all(found.at <= (tick or found.at) for found in effects.detections)
        assert len(effects.outgoing) >= len(effects.detections)
