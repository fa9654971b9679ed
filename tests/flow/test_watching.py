"""What watches where is told to everybody, and never where somebody lives."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.screens.town import NOW, SQUARE, Town, source, town

from tutela.errors import NotFound
from tutela.flow.entering import define, enter
from tutela.flow.watching import FURTHEST, MOST, OLDEST, Observed
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing

MAST, LAMP = "Railway Square mast 1", "Railway Square lamp 7"
HOME = Place(lat=60.1700, lon=24.9360)


@pytest.fixture
async def here() -> Town:
    return await town()


async def at_home(here: Town, kind: str, name: str = "home 5") -> None:
    """A Thing whose data is about people, at a place."""
    await enter(here.facts, source("homes", "public-safety", personal=True), "install", NOW)
    thing = Thing(id=0, name=name, kind=kind, source="homes", place=HOME)
    stream = Datastream(
        id=0, name=f"{name}/power", source="homes", thing=name, kind="readings", observed_property="power", unit="W"
    )
    await define(here.facts, [thing], [stream], "install", NOW)


async def test_a_source_is_told_with_what_it_measures_what_it_feeds_and_how_many_stand_in_the_street(
    here: Town,
) -> None:
    watcher, register = await here.watching.source("sensors")

    assert watcher.entered in register.sources
    assert Observed("noise", "dB(A)", 2) in watcher.observed
    assert {one.name for one in watcher.feeds} == {
        one.name for one in register.capabilities if "public-safety" in one.purposes
    }
    assert watcher.shown == 1


async def test_what_stands_near_comes_nearest_first_and_not_from_further_than_two_kilometres(here: Town) -> None:
    far = Thing(id=0, name="far", kind="street-lamp", source="lamps", place=Place(lat=60.19, lon=24.9354))
    close = Thing(id=0, name="close", kind="street-lamp", source="lamps", place=Place(lat=60.1697, lon=24.9354))
    await define(here.facts, [far, close], [], "install", NOW)
    found = await here.watching.near(SQUARE, 50.0)
    everything = await here.watching.near(SQUARE, FURTHEST * 10)

    assert [(one.thing.name, one.metres) for one in found] == [(LAMP, 0), (MAST, 0), ("close", 22)]
    assert "far" not in {one.thing.name for one in everything}
    assert len(everything) <= MOST


async def test_a_place_that_could_be_somebodys_home_is_told_to_nobody_but_a_camera_is(here: Town) -> None:
    await at_home(here, "meter")
    await at_home(here, "camera", "entrance camera")
    found = await here.watching.near(HOME, 10.0)

    assert [one.thing.name for one in found] == ["entrance camera"]
    with pytest.raises(NotFound, match="nothing called 'home 5' is shown"):
        await here.watching.thing("homes", "home 5")
    assert (await here.watching.thing("homes", "entrance camera")).place == HOME


async def test_a_thing_without_a_place_or_a_source_that_is_entered_is_nowhere(here: Town) -> None:
    await define(here.facts, [Thing(id=0, name="lost", kind="street-lamp", source="lamps")], [], "install", NOW)
    here.facts.store.things["orphan"] = replace(
        here.facts.store.things[MAST], name="orphan", source="nobody", place=SQUARE
    )

    assert not await here.watching.called("lost")
    assert not await here.watching.called("orphan")


async def test_a_thing_is_found_by_all_words_of_its_name_and_by_no_word_at_all_nothing_is(here: Town) -> None:
    assert [one.thing.name for one in await here.watching.called("MAST railway")] == [MAST]
    assert [one.thing.name for one in await here.watching.called("square")] == [LAMP, MAST]
    assert not await here.watching.called("mast 2")
    assert not await here.watching.called("  ")


async def test_the_register_is_read_again_after_ten_seconds_and_not_before(here: Town) -> None:
    watching = here.watching
    assert await watching.called("newest") == []
    await define(
        here.facts, [Thing(id=0, name="newest", kind="street-lamp", source="lamps", place=SQUARE)], [], "install", NOW
    )
    before = await watching.called("newest")
    watching.clock = lambda: NOW + OLDEST

    assert (before, len(await watching.called("newest"))) == ([], 1)


async def test_a_capability_tells_its_alerts_down_to_whole_tens_and_never_fewer_than_ten(here: Town) -> None:
    one, register = await here.watching.capability("loud")
    few = await here.watching.raised("loud")
    for _ in range(23):
        await here.alert("loud")

    assert one in register.capabilities
    assert (few, await here.watching.raised("loud")) == ("<10", "20")


@pytest.mark.parametrize("name", ["", "sensor", "../sensors"])
async def test_what_there_is_not_is_said_to_be_not_there(here: Town, name: str) -> None:
    with pytest.raises(NotFound, match="no source called"):
        await here.watching.source(name)
    with pytest.raises(NotFound, match="no capability called"):
        await here.watching.capability(name)
