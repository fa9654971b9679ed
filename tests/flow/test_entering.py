"""Entering a source: with its event, in known words, and its datastreams with numbers and cells."""

from __future__ import annotations

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts
from tutela.errors import BadInput, Quarantined
from tutela.flow.entering import define, enter
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


async def test_a_purpose_that_nobody_knows_is_refused_and_nothing_is_entered() -> None:
    facts = MemoryFacts()
    with pytest.raises(BadInput, match="curiosity"):
        await enter(facts, msgspec.structs.replace(LAMPS, purposes=("curiosity",)), "city-it", 7)

    assert not await facts.sources()


async def test_a_datastream_gets_its_number_and_the_cell_of_its_place() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)
    (power,) = await define(facts, [LAMP], [POWER])

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
        await define(facts, [LAMP], [msgspec.structs.replace(POWER, **wrong)])

    assert not await facts.datastreams()


async def test_a_datastream_that_does_not_say_what_it_is_for_is_for_what_its_source_is() -> None:
    facts = MemoryFacts()
    await enter(facts, msgspec.structs.replace(LAMPS, purposes=("neighbourhood", "statistics")), "city-it", 7)
    counted = msgspec.structs.replace(POWER, name="lamp/1/passers-by", purpose="statistics")

    assert [one.purpose for one in await define(facts, [], [POWER, counted])] == ["neighbourhood", "statistics"]


async def test_a_purpose_that_is_not_the_sources_is_told_with_those_that_are() -> None:
    facts = MemoryFacts()
    await enter(facts, LAMPS, "city-it", 7)

    with pytest.raises(BadInput, match=r"lamp/1/power.*'public-safety'.*city-operations"):
        await define(facts, [], [msgspec.structs.replace(POWER, purpose="public-safety")])


async def test_a_datastream_of_a_source_that_is_not_entered_is_quarantined() -> None:
    with pytest.raises(Quarantined, match="no valid entry"):
        await define(MemoryFacts(), [], [POWER])


async def test_names_of_sources_and_things_are_plain_text() -> None:
    facts = MemoryFacts()
    with pytest.raises(BadInput, match="plain text"):
        await enter(facts, msgspec.structs.replace(LAMPS, name="lamps\n"), "city-it", 7)
    await enter(facts, LAMPS, "city-it", 7)
    with pytest.raises(BadInput, match="plain text"):
        await define(facts, [msgspec.structs.replace(LAMP, name="\x1b[2J")], [])
