"""A call is taken while the log can't be written, is kept, and is in the log once as soon as it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from tests.flow.conftest import Virtually
from tests.flow.test_record import CALL, NOW, Door, entered

from tutela.errors import BadInput, Conflict, EngineDown
from tutela.flow.record import Recorder, told_id
from tutela.flow.spooling import Late, Spooling
from tutela.model.event import Event
from tutela.model.flow import decode_fact
from tutela.model.report import ServiceRequest

REPORT = ServiceRequest(
    id="r", timeline="live", source="112", at=NOW, place=CALL.place, cell=0, category="noise", said="loud"
)


@dataclass
class MemorySpool:
    kept: dict[str, bytes] = field(default_factory=dict)
    number: int = 0

    async def put(self, plain: bytes) -> None:
        self.number += 1
        self.kept[f"{self.number:04d}"] = plain

    async def count(self) -> int:
        return len(self.kept)

    async def waiting(self) -> Sequence[tuple[str, bytes]]:
        return sorted(self.kept.items())

    async def done(self, name: str) -> None:
        del self.kept[name]


@dataclass
class Away:
    """The facts of a door whose database is away at will: it fails, or never answers."""

    door: Door
    down: bool = False
    hangs: bool = False

    async def tell(self, *told: object) -> bool:
        if self.hangs:
            await asyncio.Event().wait()
        if self.down:
            raise EngineDown("PostgreSQL does not answer")
        return await self.door.facts.tell(*told)  # type: ignore[arg-type]  # passed on as they come

    async def telling(self, id_: str) -> Event:
        return await self.door.facts.telling(id_)


@dataclass
class Here:
    door: Door
    away: Away
    spool: MemorySpool
    spooling: Spooling
    told: list[int]

    async def log(self, kind: str) -> list[Event]:
        return [event for event in self.door.facts.store.events.values() if event.kind == kind]


async def here() -> Here:
    door, told = await entered(bytes(32)), list[int]()
    away, spool = Away(door), MemorySpool()
    recorder = Recorder(away, door.keys, door.known, door.health, lambda: NOW, lambda n: b"s" * n)  # type: ignore[arg-type]  # only what a recorder asks for
    spooling = Spooling(recorder, spool, door.keys, door.facts, lambda: NOW, told.append)
    return Here(door, away, spool, spooling, told)


async def test_a_call_goes_straight_into_the_log_while_that_works() -> None:
    city = await here()
    id_ = await city.spooling.tell(CALL)

    assert [event.id for event in await city.log("call@1")] == [id_]
    assert city.spool.kept == {}


async def test_a_call_is_taken_while_the_log_is_away_and_is_in_it_once_afterwards() -> None:
    city = await here()
    city.away.down = True
    ids = [await city.spooling.tell(CALL), await city.spooling.tell(CALL)]
    with pytest.raises(EngineDown):
        await city.spooling.drain()
    assert len(city.spool.kept) == 2

    city.away.down = False
    assert await city.spooling.drain() == 2

    assert ids == [told_id(city.door.keys, CALL)] * 2
    assert [event.id for event in await city.log("call@1")] == ids[:1]
    assert {event.subject for event in await city.log("spooled@1")} == {ids[0]}
    assert city.spool.kept == {}
    assert city.told == [1, 2, 0]
    assert await city.spooling.drain() == 0


async def test_what_is_no_call_is_refused_while_the_log_is_away() -> None:
    city = await here()
    city.away.down = True
    with pytest.raises(EngineDown):
        await city.spooling.tell(REPORT)

    assert city.spool.kept == {}


async def test_a_call_that_no_log_would_take_is_refused_at_once() -> None:
    city = await here()
    city.away.down = True
    with pytest.raises(BadInput):
        await city.spooling.tell(msgspec.structs.replace(CALL, at=NOW * 2))

    assert city.spool.kept == {}


async def test_a_call_that_the_log_refuses_afterwards_is_kept_sealed_with_the_reason() -> None:
    city = await here()
    await city.spooling.tell(CALL)
    city.away.down = True
    other = msgspec.structs.replace(CALL, said="other words under the same id")
    await city.spooling.tell(other)
    city.away.down = False
    await city.spooling.drain()

    (event,) = await city.log("spooled@1")
    late = msgspec.json.decode(event.body, type=Late)
    assert late.refused == "Conflict"
    assert b"other words under" not in late.told
    assert decode_fact(await city.door.keys.open(late.key, late.told)) == other
    assert city.spool.kept == {}


async def test_a_call_that_somebody_else_stands_in_the_way_of_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    city = await here()
    city.away.down = True
    await city.spooling.tell(CALL)
    city.away.down = False

    async def first(*_: object) -> bool:
        raise Conflict("two transactions stood in each other's way")

    with monkeypatch.context() as patch:
        patch.setattr(city.away, "tell", first)
        with pytest.raises(EngineDown, match="tried again"):
            await city.spooling.drain()
    await city.spooling.drain()

    assert len(await city.log("call@1")) == 1
    assert city.spool.kept == {}


async def test_what_can_not_be_read_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    city = await here()
    await city.spool.put(b"{}")
    city.away.down = True
    await city.spooling.tell(CALL)
    city.away.down = False

    assert await city.spooling.drain() == 1
    assert list(city.spool.kept.values()) == [b"{}"]
    assert "waits for somebody to look" in caplog.text


def test_a_log_that_never_answers_is_given_up_on_after_a_while(virtually: Virtually) -> None:
    async def main() -> tuple[Here, float]:
        city = await here()
        city.away.hangs = True
        begun = asyncio.get_running_loop().time()
        await city.spooling.tell(CALL)
        took = asyncio.get_running_loop().time() - begun
        with pytest.raises(EngineDown, match="took nothing within 5 seconds"):
            await city.spooling.drain()
        return city, took

    city, took = virtually(main())

    assert took == 5.0
    assert len(city.spool.kept) == 1


def test_what_waits_is_told_as_soon_as_the_log_is_back_by_itself(virtually: Virtually) -> None:
    async def main() -> Here:
        city = await here()
        city.away.down = True
        await city.spooling.tell(CALL)
        running = asyncio.create_task(city.spooling.run())
        await asyncio.sleep(7)
        assert len(city.spool.kept) == 1
        city.away.down = False
        await asyncio.sleep(2.1)
        running.cancel()
        return city

    assert virtually(main()).spool.kept == {}
