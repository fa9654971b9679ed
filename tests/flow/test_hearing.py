"""What messages say: new things are defined, values numbered, and what may not be is refused by itself."""

from __future__ import annotations

import asyncio
from math import nan

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts
from tutela.errors import Conflict, EngineDown, Quarantined
from tutela.flow.catalogue import Known
from tutela.flow.entering import define, enter
from tutela.flow.hearing import Caps, Hearing
from tutela.model.flow import Offer, Receipt, Refusal
from tutela.model.heard import Heard, Value
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.when import HOUR, parse
from tutela.policy.gate import LIVE_AHEAD

NOW = int(parse("2026-11-25T12:00:00Z"))
BUSES = Source(
    name="buses",
    owner="City",
    kind="feed",
    purposes=("traffic", "city-operations"),
    legal_basis="PublicInterest",
    personal_data=False,
    place="everywhere",
)
BUS = Thing(id=0, name="buses/7", kind="vehicle", source="buses")
SPEED = Datastream(
    id=0, name="buses/7/speed", source="buses", thing="buses/7", kind="readings", observed_property="speed", unit="m/s"
)
RIDERS = msgspec.structs.replace(SPEED, name="buses/7/riders", kind="counts", observed_property="people", unit="1")


class Town:
    """A register with one source, and a gateway that takes all and keeps it."""

    def __init__(self, caps: Caps | None = None) -> None:
        self.facts = MemoryFacts()
        self.known = Known(self.facts, 4)
        self.offers: list[Offer] = []
        self.now = NOW
        self.wrong: Exception | None = None
        self.hearing = Hearing("buses", self.facts, self.known, self.give, lambda: self.now, caps or Caps())

    async def open(self) -> Town:
        await enter(self.facts, BUSES, "install", NOW)
        await self.known.refresh()
        return self

    async def give(self, offer: Offer) -> Receipt:
        if self.wrong:
            raise self.wrong
        self.offers.append(offer)
        return Receipt(0 if offer.rows is None else len(offer.rows), offer.refused)

    async def hear(
        self,
        *values: Value,
        streams: tuple[Datastream, ...] = (SPEED,),
        things: tuple[Thing, ...] = (BUS,),
        refused: tuple[Refusal, ...] = (),
    ) -> Receipt:
        return await self.hearing.hear(Heard(things, streams, values, refused))

    def reasons(self, receipt: Receipt) -> dict[str, int]:
        return {refusal.reason: refusal.count for refusal in receipt.refused}


@pytest.fixture
async def town() -> Town:
    return await Town().open()


def value(result: float = 8.0, name: str = SPEED.name, at: int = NOW) -> Value:
    return Value(name, at, (result,))


async def test_what_is_new_is_defined_and_its_values_are_offered_under_its_number(town: Town) -> None:
    receipt = await town.hear(value(8.0), value(9.0, at=NOW + 1))

    assert receipt == Receipt(2, ())
    (offer,) = town.offers
    assert offer.rows
    assert (offer.source, offer.timeline, offer.rows.kind) == ("buses", "live", "readings")
    assert offer.rows.datastream.tolist() == [town.known.number(SPEED.name)] * 2
    assert (offer.rows.time.tolist(), offer.rows.result.tolist()) == ([NOW, NOW + 1], [8.0, 9.0])
    (stream,) = await town.facts.datastreams()
    assert (stream.id, stream.purpose) == (1, "traffic")
    assert [thing.name for thing in await town.facts.things()] == ["buses/7"]


async def test_each_kind_is_an_offer_and_what_was_refused_goes_with_the_first(town: Town) -> None:
    no = Refusal("unreadable", "a line is broken", 3)
    receipt = await town.hear(value(), value(5, RIDERS.name), streams=(SPEED, RIDERS), refused=(no,))

    assert receipt == Receipt(2, (no,))
    assert [(offer.rows.kind, offer.rows.result.dtype.kind) for offer in town.offers if offer.rows] == [
        ("readings", "f"),
        ("counts", "i"),
    ]


async def test_a_message_without_values_still_tells_what_was_refused(town: Town) -> None:
    no = Refusal("unreadable", "nothing in it can be read", 1)

    assert await town.hear(streams=(), things=(), refused=(no,)) == Receipt(0, (no,))


async def test_what_is_known_already_is_not_defined_again_and_leaves_no_event(town: Town) -> None:
    await town.hear(value())
    events = len(await town.facts.about("buses"))
    await town.hear(value(9.0))

    assert len(await town.facts.about("buses")) == events


async def test_what_changed_is_defined_anew(town: Town) -> None:
    await town.hear(value())
    moved = msgspec.structs.replace(SPEED, place=Place(lat=60.17, lon=24.94), purpose="city-operations")
    await town.hear(value(), streams=(moved,))

    stream = town.known.datastream(1)
    assert (stream.place, stream.purpose, stream.changed) == (moved.place, "city-operations", NOW)
    assert stream.cell


async def test_after_a_restart_what_the_register_knows_is_not_new(town: Town) -> None:
    await town.hear(value())
    events = len(await town.facts.about("buses"))
    again = Hearing("buses", town.facts, town.known, town.give, lambda: NOW)
    await again.hear(Heard((), (SPEED,), (value(),)))

    assert len(await town.facts.about("buses")) == events


# ── what may not be ─────────────────────────────────────────────────────────────────────────────
async def test_more_datastreams_than_the_cap_are_refused_and_those_before_go_on() -> None:
    town = await Town(Caps(datastreams=2)).open()
    streams = tuple(msgspec.structs.replace(SPEED, name=f"buses/{number}/speed") for number in range(4))
    receipt = await town.hear(*(value(name=one.name) for one in streams), streams=streams)

    assert (receipt.accepted, town.reasons(receipt)) == (2, {"too-many": 2})
    assert len(await town.facts.datastreams()) == 2
    again = Hearing("buses", town.facts, town.known, town.give, lambda: NOW, Caps(datastreams=2))
    assert (await again.hear(Heard((), streams, tuple(value(name=one.name) for one in streams)))).accepted == 2
    assert len(await town.facts.datastreams()) == 2  # the cap holds over restarts


async def test_more_things_than_the_cap_are_not_defined() -> None:
    town = await Town(Caps(datastreams=2)).open()
    things = tuple(msgspec.structs.replace(BUS, name=f"buses/{number}") for number in range(5))
    await town.hear(streams=(), things=things)

    assert len(await town.facts.things()) == 2


async def test_definitions_that_never_stay_are_stopped_until_the_next_hour() -> None:
    town = await Town(Caps(changes=2)).open()
    units = ["m/s", "km/h", "m/s", "km/h", "m/s"]
    receipts = [await town.hear(value(), streams=(msgspec.structs.replace(SPEED, unit=unit),)) for unit in units]
    town.now += HOUR
    receipts.append(await town.hear(value(), streams=(msgspec.structs.replace(SPEED, unit="km/h"),)))

    assert [town.reasons(receipt) for receipt in receipts] == [{}, {}, {}, {"changing": 1}, {}, {}]
    assert receipts[4].accepted == 1  # it came back to what the register says


async def test_a_name_that_belongs_to_another_source_is_refused_by_itself(town: Town) -> None:
    await enter(town.facts, msgspec.structs.replace(BUSES, name="trams"), "install", NOW)
    theirs = msgspec.structs.replace(SPEED, name="trams/1/speed", source="trams")
    await define(town.facts, [], [theirs], "install", NOW)
    await town.known.refresh()
    stolen = msgspec.structs.replace(theirs, source="buses")
    receipt = await town.hear(value(), value(name=stolen.name), streams=(SPEED, stolen))

    assert (receipt.accepted, town.reasons(receipt)) == (1, {"not-defined": 1})
    assert "belongs to the source 'trams'" in receipt.refused[0].says
    assert (await town.facts.datastreams())[0].source == "trams"


async def test_it_cannot_define_for_another_source_in_its_name(town: Town) -> None:
    await enter(town.facts, msgspec.structs.replace(BUSES, name="trams"), "install", NOW)
    forged = msgspec.structs.replace(SPEED, name="trams/1/speed", source="trams")
    receipt = await town.hear(value(), value(name=forged.name), streams=(SPEED, forged))

    assert (receipt.accepted, town.reasons(receipt)) == (1, {"not-defined": 1})
    assert [stream.source for stream in await town.facts.datastreams()] == ["buses"]


async def test_a_known_datastream_cannot_be_taken_over_by_saying_another_source(town: Town) -> None:
    await town.hear(value())
    receipt = await town.hear(value(), streams=(msgspec.structs.replace(SPEED, source="trams"),))

    assert town.reasons(receipt) == {"not-defined": 1}


async def test_the_datastreams_of_a_thing_that_may_not_be_are_not_defined_either(town: Town) -> None:
    bad = msgspec.structs.replace(BUS, name="buses/\x00")
    of_bad = msgspec.structs.replace(SPEED, name="buses/x", thing=bad.name)
    receipt = await town.hear(value(), value(name="buses/x"), streams=(SPEED, of_bad), things=(BUS, bad))

    assert (receipt.accepted, town.reasons(receipt)) == (1, {"not-defined": 1})
    assert [thing.name for thing in await town.facts.things()] == ["buses/7"]


@pytest.mark.parametrize(
    "wrong", [{"kind": "wishes"}, {"name": "buses/\u202e"}, {"interval": -1.0}, {"purpose": "curiosity"}]
)
async def test_one_bad_definition_leaves_the_others_alone_and_is_not_tried_again(
    town: Town, wrong: dict[str, object]
) -> None:
    bad = msgspec.structs.replace(RIDERS, **wrong)
    message = Heard((BUS,), (SPEED, bad), (value(), value(1, bad.name)))
    receipts = [await town.hearing.hear(message) for _ in range(2)]

    assert [(one.accepted, town.reasons(one)) for one in receipts] == [(1, {"not-defined": 1})] * 2
    assert len(await town.facts.datastreams()) == 1


async def test_what_could_not_be_defined_is_tried_again_in_the_next_hour(town: Town) -> None:
    other = msgspec.structs.replace(SPEED, purpose="statistics")
    assert town.reasons(await town.hear(value(), streams=(other,))) == {"not-defined": 1}
    await enter(town.facts, msgspec.structs.replace(BUSES, purposes=("statistics",)), "install", NOW)
    await town.known.refresh()
    assert town.reasons(await town.hear(value(), streams=(other,))) == {"not-defined": 1}
    town.now += HOUR

    assert (await town.hear(value(), streams=(other,))).accepted == 1


async def test_two_transactions_that_meet_are_no_fault_of_what_is_defined(town: Town) -> None:
    define_ = town.facts.define

    async def met(*_: object, **__: object) -> list[Datastream]:
        raise Conflict("another change was made at the same moment; try again")

    town.facts.define = met  # type: ignore[method-assign]  # once
    with pytest.raises(EngineDown, match="same moment"):
        await town.hear(value())
    town.facts.define = define_  # type: ignore[method-assign]  # and never again

    assert (await town.hear(value())).accepted == 1


async def test_names_that_are_made_up_do_not_fill_the_memory() -> None:
    town = await Town(Caps(datastreams=3)).open()
    for number in range(20):
        bad = msgspec.structs.replace(SPEED, name=f"buses/\x00{number}")
        town.hearing._owned = 0
        await town.hear(value(name=bad.name), streams=(bad,), things=())

    assert len(town.hearing._barred) <= 5


async def test_a_datastream_that_a_changed_entry_no_longer_allows_is_told(town: Town) -> None:
    await town.hear(value(), streams=(msgspec.structs.replace(SPEED, purpose="city-operations"),))
    await enter(town.facts, msgspec.structs.replace(BUSES, purposes=("traffic",)), "install", NOW)
    await town.known.refresh()
    receipt = await town.hear(value(), streams=(msgspec.structs.replace(SPEED, purpose="city-operations"),))

    assert town.reasons(receipt) == {"not-defined": 1}


async def test_a_source_without_an_entry_is_quarantined() -> None:
    with pytest.raises(Quarantined):
        await Town().hear(value())


@pytest.mark.parametrize(
    ("name", "columns", "at"),
    [
        ("buses/8/speed", (1.0,), NOW),
        (SPEED.name, (1.0, 2.0), NOW),
        (SPEED.name, (), NOW),
        (SPEED.name, (1.0,), 1 << 70),
        (RIDERS.name, (2.5,), NOW),
        (RIDERS.name, (nan,), NOW),
        (RIDERS.name, (1e300,), NOW),
    ],
)
async def test_a_value_that_is_none_of_its_kind_is_refused_by_itself(
    town: Town, name: str, columns: tuple[float, ...], at: int
) -> None:
    receipt = await town.hear(value(), Value(name, at, columns), streams=(SPEED, RIDERS))

    assert (receipt.accepted, town.reasons(receipt)) == (1, {"unreadable": 1})


async def test_a_gateway_that_can_take_nothing_is_told_and_the_same_message_can_come_again(town: Town) -> None:
    town.wrong = EngineDown("NATS does not answer")
    with pytest.raises(EngineDown):
        await town.hear(value())
    town.wrong = None

    assert (await town.hear(value())).accepted == 1


async def test_messages_that_come_together_define_a_datastream_once(town: Town) -> None:
    await asyncio.gather(*(town.hear(value(float(number))) for number in range(5)))

    assert len(town.offers) == 5
    assert [event.kind for event in await town.facts.about("buses")] == ["source@1", "datastreams@1"]


# ── what is not told stays ──────────────────────────────────────────────────────────────────────
async def test_a_message_that_tells_no_place_leaves_the_place_of_the_register(town: Town) -> None:
    here = Place(lat=60.17, lon=24.94)
    known = msgspec.structs.replace(BUS, place=here, properties={"line": "7"})
    await define(town.facts, [known], [msgspec.structs.replace(SPEED, place=here)], "install", NOW)
    await town.known.refresh()
    before = await town.facts.datastreams()
    receipt = await town.hear(value())

    assert receipt.accepted == 1
    assert await town.facts.datastreams() == before
    (thing,) = await town.facts.things()
    assert (thing.place, thing.properties) == (here, {"line": "7"})


async def test_a_place_that_one_message_tells_stays_when_the_next_tells_none(town: Town) -> None:
    here = Place(lat=60.17, lon=24.94)
    for place in (here, None, here):
        stream, thing = msgspec.structs.replace(SPEED, place=place), msgspec.structs.replace(BUS, place=place)
        await town.hear(value(), streams=(stream,), things=(thing,))
    await town.hear(things=(msgspec.structs.replace(BUS, properties={"line": "8"}),))

    assert town.known.datastream(1).place == here
    assert town.known.datastream(1).changed is None
    (thing,) = await town.facts.things()
    assert (thing.place, thing.properties) == (here, {"line": "8"})


async def test_what_a_file_says_is_taken_as_it_is(town: Town) -> None:
    placed = msgspec.structs.replace(BUS, place=Place(lat=60.17, lon=24.94))
    await define(town.facts, [placed], [], "install", NOW)
    await define(town.facts, [BUS], [], "install", NOW)

    assert [thing.place for thing in await town.facts.things()] == [None]


# ── an entry that has ended ─────────────────────────────────────────────────────────────────────
async def test_a_source_whose_entry_has_ended_defines_nothing_and_is_refused_whole(town: Town) -> None:
    await enter(town.facts, msgspec.structs.replace(BUSES, ends=NOW), "install", NOW)
    await town.known.refresh()
    receipt = await town.hear(value(), refused=(Refusal("unreadable", "a line is broken", 2),))

    assert town.reasons(receipt) == {"quarantined": 3}
    assert not await town.facts.things()
    assert not await town.facts.datastreams()


async def test_an_entry_that_ended_a_moment_ago_is_looked_up_before_something_is_defined(town: Town) -> None:
    await enter(town.facts, msgspec.structs.replace(BUSES, ends=NOW), "install", NOW)
    with pytest.raises(Quarantined):
        await town.hear(value())

    assert not await town.facts.things()


# ── what lies ahead ─────────────────────────────────────────────────────────────────────────────
async def test_what_lies_ahead_is_left_out_without_a_refusal_until_it_is_due(town: Town) -> None:
    message = Heard((BUS,), (SPEED,), (value(0.0), value(1.0, at=NOW + HOUR), value(0.0, at=NOW + 2 * HOUR)))
    receipts = [await town.hearing.hear(message)]
    assert receipts[0].due is not None
    town.now = receipts[0].due
    receipts.append(await town.hearing.hear(message))

    assert [(one.accepted, one.refused) for one in receipts] == [(1, ()), (2, ())]
    assert receipts[1].due == receipts[0].due + HOUR


async def test_a_message_of_nothing_but_what_lies_ahead_tells_when_it_is_due(town: Town) -> None:
    receipt = await town.hear(value(at=NOW + HOUR))

    assert (receipt.accepted, receipt.refused, receipt.due) == (0, (), NOW + HOUR - LIVE_AHEAD)
