"""Units are seen with their newest place, by whoever has a duty that needs it; whoever looks leaves one event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, PARTITIONS, City, access, city, source

from tutela.errors import EngineDown, NotFound, Refused
from tutela.flow import hop, whereabouts
from tutela.flow.fleet import Definition, enter
from tutela.flow.read_units import Located
from tutela.flow.whereabouts import HOLDS, KEEPS
from tutela.model import wire
from tutela.model.kinds import Key, kind
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing
from tutela.model.resource import EmergencyResource, ResourceKind
from tutela.model.rows import Rows
from tutela.model.when import DAY, SECOND

SQUARE, HARBOUR = Place(lat=60.17, lon=24.94), Place(lat=60.16, lon=24.96)
BUCKET = "emergency-response/positions/2026-11-25"


def stream(name: str, of: str, thing: str, kind_: str = "positions") -> Datastream:
    return Datastream(
        id=0,
        name=name,
        source=of,
        thing=thing,
        kind=kind_,
        observed_property="position",
        unit="deg",
        interval=5.0,
        purpose="emergency-response",
    )


def positions(*entries: tuple[int, float, Place]) -> Rows:
    """Rows of positions: datastream, seconds after NOW, place."""
    return Rows(
        "positions",
        np.array([number for number, _, _ in entries], np.int32),
        np.array([NOW + round(time * SECOND) for _, time, _ in entries], np.int64),
        {
            "lat": np.array([place.lat for _, _, place in entries]),
            "lon": np.array([place.lon for _, _, place in entries]),
        },
    )


class Town(City):
    """A city with units."""

    numbers: dict[str, int]

    async def units(self, *names: str) -> list[EmergencyResource]:
        wanted = [Definition(name=name, agency="fire", kind=ResourceKind.ENGINE, thing=name) for name in names]
        return list(await enter(self.facts, self.facts, wanted, "install", NOW))

    async def move(self, *entries: tuple[str, float, Place], bucket: str = BUCKET) -> str:
        """One sealed message; its key."""
        rows = positions(*((self.numbers[name], time, place) for name, time, place in entries))
        key, body = await self.keys.seal(bucket, wire.encode(rows))
        await self.record(rows, {"Key": key}, body)
        return key

    async def seen(self, who: Role = Role.OPERATOR, purpose: str = "public-safety") -> list[Place | None]:
        """Where the units are, looked at anew."""
        self.now[0] += HOLDS
        return [one.place for one in await self.reads.units.units(access(who, purpose), "live")]


@pytest.fixture
async def here() -> Town:
    made = await city()
    town = Town(**{name: getattr(made, name) for name in City.__dataclass_fields__})
    await town.define([source("radio", "emergency-response", personal_data=True)], [])
    things = [Thing(id=0, name=name, kind="unit", source="radio") for name in ("a", "b", "c")]
    streams = [stream(name, "radio", name) for name in ("a", "b")]
    streams += [stream("a/again", "radio", "a"), stream("a/fuel", "radio", "a", "readings")]
    found = await town.facts.define(things, streams)
    await town.known.refresh()
    town.numbers = {one.name: one.id for one in found}
    return town


async def test_each_unit_is_shown_with_its_newest_place_and_its_age(here: Town) -> None:
    one, other, without = await here.units("a", "b", "c")
    await here.move(("a", -9, HARBOUR), ("a", -4, SQUARE), ("a", -6, HARBOUR))
    await here.move(("b", -20, HARBOUR))

    assert await here.reads.units.units(access(), "live") == [
        Located(unit=one, place=SQUARE, seen_at=NOW - 4 * SECOND, age=4.0),
        Located(unit=other, place=HARBOUR, seen_at=NOW - 20 * SECOND, age=20.0, stale=True),
        Located(unit=without),
    ]


async def test_of_two_datastreams_of_one_thing_the_newer_one_counts(here: Town) -> None:
    await here.units("a")
    await here.move(("a", 0, HARBOUR))
    await here.move(("a/again", 0.5, SQUARE))
    assert await here.seen() == [SQUARE]

    await here.move(("a", 1.5, HARBOUR))
    assert await here.seen() == [HARBOUR]


async def test_a_second_later_what_came_meanwhile_is_seen_and_what_is_older_is_not(here: Town) -> None:
    await here.units("a", "b")
    await here.move(("a", 0, SQUARE))
    assert await here.seen() == [SQUARE, None]

    await here.move(("a", -5, HARBOUR), ("b", 1, HARBOUR))
    assert await here.seen() == [SQUARE, HARBOUR]
    await here.move(("a", 2, HARBOUR))
    assert await here.seen() == [HARBOUR, HARBOUR]


async def test_within_a_second_nobody_looks_twice(here: Town) -> None:
    await here.units("a")
    assert await here.seen() == [None]
    await here.move(("a", 1, SQUARE))

    here.now[0] += HOLDS - 1
    assert [one.place for one in await here.reads.units.units(access(), "live")] == [None]
    here.now[0] += 1
    assert [one.place for one in await here.reads.units.units(access(), "live")] == [SQUARE]


async def test_a_clock_that_goes_back_does_not_keep_an_old_look(here: Town) -> None:
    await here.units("a")
    assert await here.seen() == [None]
    await here.move(("a", 0, SQUARE))

    here.now[0] = NOW
    assert [one.place for one in await here.reads.units.units(access(), "live")] == [SQUARE]


async def test_a_place_is_forgotten_after_a_quarter_of_an_hour(here: Town) -> None:
    await here.units("a")
    await here.move(("a", 1, SQUARE))
    assert await here.seen() == [SQUARE]

    here.now[0] = NOW + SECOND + KEEPS - HOLDS
    assert await here.seen() == [SQUARE]
    assert await here.seen() == [None]


async def test_what_is_past_the_retention_of_its_source_is_not_shown(here: Town) -> None:
    await here.units("a")
    entry = source("radio", "emergency-response", personal_data=True, retention_days=0)
    await here.facts.enter(entry, here.event("source@1", "radio", b"2"))
    await here.known.refresh()
    await here.move(("a", -1, SQUARE))

    assert await here.seen() == [None]


async def test_when_a_key_is_destroyed_the_places_that_it_sealed_are_forgotten(here: Town) -> None:
    await here.units("a", "b")
    key = await here.move(("a", 0, SQUARE))
    await here.move(("b", 0, HARBOUR), bucket=BUCKET.replace("25", "24"))
    assert await here.seen() == [SQUARE, HARBOUR]

    await here.keys.destroy(key)
    assert await here.seen() == [None, HARBOUR]
    await here.move(("a", 2, HARBOUR))
    assert await here.seen() == [HARBOUR, HARBOUR]


async def test_a_key_whose_places_are_all_forgotten_is_not_tried_again(here: Town) -> None:
    await here.units("a")
    old = await here.move(("a", 0, SQUARE))
    await here.seen()
    new = await here.move(("a", 1, HARBOUR), bucket=BUCKET.replace("25", "26"))
    await here.seen()

    assert old != new
    assert here.reads.units.whereabouts._fold.probes.keys() == {new}


async def test_messages_that_can_not_be_read_stand_before_nobody(here: Town) -> None:
    await here.units("a")
    await here.record(positions((here.numbers["a"], 0, HARBOUR)), {}, b"garbage")
    await here.record(positions((here.numbers["a"], 0, HARBOUR)), {"Key": "no such key"}, b"sealed")
    await here.move(("a", 0, SQUARE))

    assert await here.seen() == [SQUARE]


async def test_a_unit_that_is_entered_later_is_seen_with_what_came_before(here: Town) -> None:
    await here.units("a")
    await here.move(("a", 0, SQUARE), ("b", 0, HARBOUR))
    assert await here.seen() == [SQUARE]

    await here.units("b")
    assert await here.seen() == [SQUARE, HARBOUR]


async def test_at_first_no_more_is_read_than_the_newest_messages(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whereabouts, "BACK", 2)
    await here.units("a", "b")
    for name in ("a", "b", "b"):
        await here.move((name, 0, SQUARE))

    assert await here.seen() == [None, SQUARE]


async def test_other_timelines_are_apart(here: Town) -> None:
    await here.units("a")
    await here.move(("a", 0, SQUARE))
    for name, subjects in hop.everything("exercise/x").items():
        await here.streams.open(name, subjects)
    wanted = Definition(name="a", agency="fire", kind=ResourceKind.ENGINE, thing="a")
    await enter(here.facts, here.facts, [wanted], "install", NOW, "exercise/x")

    assert await here.seen() == [SQUARE]
    assert [one.place for one in await here.reads.units.units(access(), "exercise/x")] == [None]
    assert await here.seen() == [SQUARE]


async def test_one_unit_is_named_in_the_log_when_its_place_is_shown(here: Town) -> None:
    unit, without = await here.units("a", "c")
    await here.move(("a", 0, SQUARE))

    found = await here.reads.units.unit(access(), unit.id)
    await here.reads.units.unit(access(), without.id)

    assert (found.unit, found.place) == (unit, SQUARE)
    assert [(query.query, query.persons) for query in here.queries()] == [
        (f"unit {unit.id}", (unit.id,)),
        (f"unit {without.id}", ()),
    ]
    with pytest.raises(NotFound):
        await here.reads.units.unit(access(), "nobody")


async def test_a_look_at_all_units_is_one_event(here: Town) -> None:
    await here.units("a", "b", "c")
    await here.move(("a", 0, SQUARE))
    await here.seen()

    assert [(query.query, query.count) for query in here.queries()] == [("units, 1 with a place", 3)]


async def test_the_positions_of_a_source_for_another_purpose_are_not_shown(here: Town) -> None:
    """Whoever may see units, and not where they are, sees them bare; what is not shown is not even opened."""
    await here.units("a", "b")
    await here.define([source("buses", "traffic", personal_data=True)], [stream("b/bus", "buses", "b")])
    entry = source("radio", "traffic", personal_data=True, agency="police")
    await here.facts.enter(entry, here.event("source@1", "radio", b"2"))
    await here.known.refresh()
    await here.move(("a", 0, SQUARE))

    assert await here.seen() == [None, None]
    assert [query.query for query in here.queries()] == ["units, 0 with a place"]


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        (Role.ANALYST, "statistics"),
        (Role.AUDITOR, "oversight"),
        (Role.IT, "system-operation"),
        (Role.OPERATOR, "traffic"),
    ],
)
async def test_who_has_no_duty_sees_no_unit_and_that_is_written_down(here: Town, role: Role, purpose: str) -> None:
    (unit,) = await here.units("a")

    with pytest.raises(Refused):
        await here.seen(role, purpose)
    with pytest.raises(Refused):
        await here.reads.units.unit(access(role, purpose), unit.id)
    assert len(here.denials()) == 2
    assert here.queries() == []


async def test_nothing_is_shown_when_it_can_not_be_written_down(here: Town) -> None:
    await here.units("a")
    here.facts.down = True

    with pytest.raises(Refused, match="written down first"):
        await here.seen()


async def test_a_stream_that_does_not_answer_says_so(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(stream: str, subject: str = "") -> int:
        raise EngineDown(f"{stream} {subject} is away: this was asked for")

    await here.units("a")
    monkeypatch.setattr(here.streams, "last", away)

    with pytest.raises(EngineDown):
        await here.seen()


async def test_an_empty_town_has_no_units(here: Town) -> None:
    found: Sequence[Located] = await here.reads.units.units(access(), "live")

    assert list(found) == []


async def test_only_what_tells_where_a_thing_is_is_taken_for_it(here: Town) -> None:
    assert kind("positions").key is Key.THING
    assert here.known.moving({"a"}) == {here.numbers["a"]: "a", here.numbers["a/again"]: "a"}
    moved = replace(here.known.datastream(here.numbers["b"]), thing="c", changed=NOW)
    await here.facts.define([], [moved])
    await here.known.refresh()

    assert here.known.moving({"b", "c"}) == {here.numbers["b"]: "c"}
    assert here.numbers["a"] % PARTITIONS != here.numbers["b"] % PARTITIONS
    assert DAY > KEEPS
