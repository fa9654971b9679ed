"""Entering a source: with its event, in known words, and its datastreams with numbers and cells."""

from __future__ import annotations

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts
from tutela.errors import BadInput, Quarantined
from tutela.flow.entering import TOGETHER, Defined, define, enter
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing

LAMPS = Source(
    name="lamps",
    owner="City",
    kind="http",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="everywhere",
)
LAMP = Thing(id=0, name="lamp/1", kind="street-lamp", source="lamps", place=Place(lat=60.17, lon=24.94))
POWER = Datastream(
    id=0,
    name="lamp/1/power",
    source="lamps",
    thing="lamp/1",
    kind="readings",
    observed_property="power",
    unit="W",
    place=LAMP.place,
)


async def test_a_source_is_entered_with_an_event_that_says_who_did_it() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)

    assert list(await facts.sources()) == [LAMPS]
    (event,) = await facts.about("lamps")
    assert (event.kind, event.by, event.at) == ("source@1", "city-it", 7)


async def test_each_change_of_an_entry_leaves_its_event_also_one_back_to_what_it_was() -> None:
    facts, other = MemoryFacts(), msgspec.structs.replace(LAMPS, owner="Somebody else")
    for at, entry in enumerate((LAMPS, LAMPS, other, LAMPS)):
        await enter(facts, entry, "city-it", at)

    assert [event.at for event in await facts.about("lamps")] == [0, 2, 3]
    assert list(await facts.sources()) == [LAMPS]


async def test_a_purpose_that_nobody_knows_is_refused_and_nothing_is_entered() -> None:
    facts = MemoryFacts()
    with pytest.raises(BadInput, match="curiosity"):
        await enter(facts, msgspec.structs.replace(LAMPS, purposes=("curiosity",)), "city-it", 7)

    assert not await facts.sources()


async def test_a_datastream_gets_its_number_and_the_cell_of_its_place() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)
    (power,) = await define(facts, [LAMP], [POWER], "city-it", 8)

    assert power.id == 1
    assert power.cell != 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "wishes"},
        {"name": "lamp\x00"},
        {"name": "lamp\u202e1"},
        {"name": " "},
        {"name": "x" * 501},
        {"purpose": "enviroment"},
        {"purpose": "public-safety"},
        {"interval": 0.0},
        {"interval": float("nan")},
        {"interval": float("inf")},
    ],
)
async def test_what_could_never_be_used_is_not_defined(wrong: dict[str, object]) -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)
    with pytest.raises(BadInput):
        await define(facts, [LAMP], [msgspec.structs.replace(POWER, **wrong)], "city-it", 8)

    assert not await facts.datastreams()


async def test_a_datastream_that_does_not_say_what_it_is_for_is_for_what_its_source_is() -> None:
    facts = MemoryFacts()
    await enter(facts, msgspec.structs.replace(LAMPS, purposes=("neighbourhood", "statistics")), "city-it", 7)
    counted = msgspec.structs.replace(POWER, name="lamp/1/passers-by", purpose="statistics")

    assert [one.purpose for one in await define(facts, [], [POWER, counted], "city-it", 8)] == [
        "neighbourhood",
        "statistics",
    ]


async def test_a_purpose_that_is_not_the_sources_is_told_with_those_that_are() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)

    with pytest.raises(BadInput, match=r"lamp/1/power.*'public-safety'.*city-operations"):
        await define(facts, [], [msgspec.structs.replace(POWER, purpose="public-safety")], "city-it", 8)


async def test_a_datastream_of_a_source_that_is_not_entered_is_quarantined() -> None:
    with pytest.raises(Quarantined, match="no valid entry"):
        await define(MemoryFacts(), [], [POWER], "city-it", 8)


async def test_what_is_defined_or_changed_leaves_its_event_and_what_stays_the_same_none() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)
    moved = msgspec.structs.replace(POWER, place=Place(lat=60.2, lon=25.0), unit="kW", interval=5.0)
    await define(facts, [LAMP], [POWER], "city-it", 8)
    await define(facts, [LAMP], [POWER], "city-it", 9)
    (power,) = await define(facts, [], [moved], "vendor", 10)

    _, *told = await facts.about("lamps")

    assert [(event.kind, event.by, event.at) for event in told] == [
        ("datastreams@1", "city-it", 8),
        ("datastreams@1", "vendor", 10),
    ]
    bodies = [msgspec.json.decode(event.body, type=Defined).datastreams for event in told]
    assert [(one.unit, one.version, one.changed) for (one,) in bodies] == [("W", 1, None), ("kW", 2, 10)]
    assert bodies[1] == (power,)


async def test_a_city_of_sensors_is_told_in_messages_that_engines_take() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)
    await enter(facts, msgspec.structs.replace(LAMPS, name="masts"), "city-it", 7)
    many = [msgspec.structs.replace(POWER, name=f"lamp/{number}") for number in range(TOGETHER + 1)]
    await define(facts, [], [*many, msgspec.structs.replace(POWER, name="mast", source="masts")], "city-it", 8)

    told = {of: [event for event in await facts.about(of) if event.kind != "source@1"] for of in ("lamps", "masts")}

    assert [len(msgspec.json.decode(event.body, type=Defined).datastreams) for event in told["lamps"]] == [TOGETHER, 1]
    assert len(told["masts"]) == 1


async def test_names_of_sources_and_things_are_plain_text() -> None:
    facts = MemoryFacts()
    with pytest.raises(BadInput, match="plain text"):
        await enter(facts, msgspec.structs.replace(LAMPS, name="lamps\n"), "city-it", 7)
    await enter(facts, LAMPS, "city-it", 7)
    with pytest.raises(BadInput, match="plain text"):
        await define(facts, [msgspec.structs.replace(LAMP, name="\x1b[2J")], [], "city-it", 8)
