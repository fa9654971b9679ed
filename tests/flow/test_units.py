"""Units are entered from a file and get their status from people: once, by right, and of two at once exactly one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from tests.flow.act_support import ANNA, BO, access
from tests.flow.read_support import NOW, POLICIES, source

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import BadInput, Conflict, NotFound, Refused, WrongStep
from tutela.flow.fleet import Definition, enter, read
from tutela.flow.ledger import Ledger
from tutela.flow.units import UnitActs
from tutela.model.event import Event
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.register import Thing
from tutela.model.resource import EmergencyResource, ResourceKind, Skill, UnitStatus
from tutela.model.when import iso

FILE = """
[[unit]]
name = "H11"
agency = "fire"
kind = "engine"
skills = ["firefighting", "extrication"]
thing = "unit/H11"
home = { lat = 60.17, lon = 24.94 }
status = "Available"

[[unit]]
name = "P301"
agency = "police"
kind = "patrol"
purpose = "public-safety"
"""


class Facts(MemoryFacts):
    """Facts in which several people look before any of them acts."""

    together: asyncio.Barrier | None = None

    async def unit(self, id_: str) -> EmergencyResource:
        found = await super().unit(id_)
        if self.together is not None:
            await self.together.wait()
        return found


@pytest.fixture
async def facts() -> Facts:
    facts = Facts(Store(lambda: NOW))
    await facts.enter(source("radio", "emergency-response"), _note())
    await facts.define([Thing(id=0, name=name, kind="unit", source="radio") for name in ("unit/H11", "unit/H12")], [])
    return facts


@pytest.fixture
def acts(facts: Facts) -> UnitActs:
    return UnitActs(Ledger(POLICIES, facts, lambda: NOW), facts, facts)


def _note() -> Event:
    return Event(id="n", at=NOW, by="install", cause=None, kind="source@1", timeline="live", body=b"{}")


async def entered(facts: Facts, text: str = FILE, by: str = "install", now: int = NOW) -> Sequence[EmergencyResource]:
    return await enter(facts, facts, read(text), by, now)


def told(facts: Facts) -> list[Event]:
    return [event for event in facts.store.events.values() if event.kind == "unit@1"]


# ── entering ────────────────────────────────────────────────────────────────────────────────────
async def test_a_file_enters_units_each_with_its_event(facts: Facts) -> None:
    engine, patrol = await entered(facts)

    assert (engine.name, engine.agency, engine.kind) == ("H11", "fire", ResourceKind.ENGINE)
    assert engine.skills == (Skill.FIREFIGHTING, Skill.EXTRICATION)
    assert (engine.status, engine.since, engine.by) == (UnitStatus.AVAILABLE, NOW, "install")
    assert (engine.thing, engine.home) == ("unit/H11", Place(lat=60.17, lon=24.94))
    assert (patrol.status, patrol.purpose) == (UnitStatus.OUT_OF_SERVICE, "public-safety")
    assert await facts.units("live") == [engine, patrol]
    assert [(event.subject, event.cause) for event in told(facts)] == [(engine.id, None), (patrol.id, None)]
    assert [msgspec.json.decode(event.body, type=EmergencyResource) for event in told(facts)] == [engine, patrol]
    assert [event.id for event in told(facts)] == [engine.event, patrol.event]


async def test_entered_again_a_unit_is_the_same_and_leaves_no_event(facts: Facts) -> None:
    first = await entered(facts)

    assert await entered(facts, by="ben", now=NOW + 5) == first
    assert len(told(facts)) == 2


async def test_a_unit_that_is_defined_anew_keeps_its_status(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)
    await acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k")

    anew, _ = await entered(facts, FILE.replace('"engine"', '"rescue"'), now=NOW + 5)

    assert (anew.id, anew.kind, anew.revision) == (engine.id, ResourceKind.RESCUE, 2)
    assert (anew.status, anew.since, anew.by) == (UnitStatus.ENROUTE, NOW, "anna")
    assert await facts.unit(engine.id) == anew
    assert told(facts)[-1].cause == told(facts)[-2].id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[unit]", "can't be read"),
        ("", "unit"),
        ("unit = []", "length >= 1"),
        (FILE.replace('"engine"', '"submarine"'), r"'submarine' - at `\$.unit\[0\].kind`"),
        (FILE.replace("extrication", "juggling"), "juggling"),
        (FILE.replace("kind =", "sort ="), "sort"),
        (FILE.replace('"H11"\nagency', '" H11"\nagency'), "name"),
        (FILE.replace("public-safety", "curiosity"), "P301: there is no purpose called 'curiosity'"),
        (FILE + FILE, "two units of fire are called H11"),
    ],
)
def test_a_file_that_can_not_be_read_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(text)


async def test_a_unit_whose_thing_is_not_in_the_register_is_not_entered(facts: Facts) -> None:
    with pytest.raises(BadInput, match="H11: the register has no Thing called 'unit/H99'"):
        await entered(facts, FILE.replace("unit/H11", "unit/H99"))
    assert await facts.units("live") == []


async def test_no_two_units_share_the_positions_of_one_thing(facts: Facts) -> None:
    await entered(facts)
    second = Definition(name="H12", agency="fire", kind=ResourceKind.ENGINE, thing="unit/H11")

    for one in (second, msgspec.structs.replace(second, name="H11", agency="ambulance")):
        with pytest.raises(BadInput, match=f"{one.name}: the Thing 'unit/H11' tells the positions of H11 of fire"):
            await enter(facts, facts, [one], "install", NOW)
    await enter(facts, facts, [msgspec.structs.replace(second, thing="unit/H12")], "install", NOW)


async def test_the_same_call_sign_of_another_agency_is_another_unit(facts: Facts) -> None:
    engine, _ = await entered(facts)
    other = Definition(name="H11", agency="ambulance", kind=ResourceKind.AMBULANCE)

    (made,) = await enter(facts, facts, [other], "install", NOW)

    assert made.id != engine.id


# ── the status ──────────────────────────────────────────────────────────────────────────────────
async def test_a_status_is_an_event_that_says_who_and_after_what(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)

    after = await acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k")

    event = told(facts)[-1]
    assert (after.status, after.since, after.by, after.revision) == (UnitStatus.ENROUTE, NOW, "anna", 1)
    assert (event.by, event.at, event.cause, event.subject) == ("anna", NOW, engine.event, engine.id)
    assert msgspec.json.decode(event.body, type=EmergencyResource) == after == await facts.unit(engine.id)
    assert event.id == after.event


async def test_the_same_act_sent_twice_is_done_once(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)
    first = await acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k")
    await acts.set_status(BO, engine.id, UnitStatus.ON_SCENE, "k")

    assert await acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k") == first
    assert (await facts.unit(engine.id)).status is UnitStatus.ON_SCENE
    assert len(told(facts)) == 4


async def test_an_act_that_is_sent_twice_at_once_is_done_once_and_answered_twice(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)
    facts.together = asyncio.Barrier(2)

    one, other = await asyncio.gather(*(acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k") for _ in range(2)))

    assert one == other
    assert len(told(facts)) == 3


async def test_of_two_who_set_a_status_at_once_one_wins_and_the_other_hears_who(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)
    facts.together = asyncio.Barrier(2)

    done = await asyncio.gather(
        acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "k"),
        acts.set_status(BO, engine.id, UnitStatus.OUT_OF_SERVICE, "k"),
        return_exceptions=True,
    )

    lost = [one for one in done if isinstance(one, Conflict)]
    (won,) = [one for one in done if isinstance(one, EmergencyResource)]
    assert len(lost) == 1
    assert f"the unit H11 was changed first by {won.by} at {iso(NOW)}" in lost[0].message


async def test_a_step_that_is_not_possible_says_which_are_and_who_set_the_status(facts: Facts, acts: UnitActs) -> None:
    engine, _ = await entered(facts)
    await acts.set_status(ANNA, engine.id, UnitStatus.ENROUTE, "1")

    with pytest.raises(WrongStep, match="Enroute can't become AtHospital; it can become Available, OnScene"):
        await acts.set_status(ANNA, engine.id, UnitStatus.AT_HOSPITAL, "2")
    with pytest.raises(Conflict, match=f"it can become .*; anna set its status at {iso(NOW)}"):
        await acts.set_status(BO, engine.id, UnitStatus.AT_HOSPITAL, "2")
    assert len(told(facts)) == 3


@pytest.mark.parametrize("role", [Role.ANALYST, Role.AUDITOR, Role.PRIVACY_OFFICER, Role.IT])
async def test_who_has_no_such_duty_sets_no_status_and_that_is_written_down(
    facts: Facts, acts: UnitActs, role: Role
) -> None:
    engine, _ = await entered(facts)

    with pytest.raises(Refused):
        await acts.set_status(access("eve", role), engine.id, UnitStatus.ENROUTE, "k")

    assert [event.by for event in facts.store.events.values() if event.kind == "refusal@1"] == ["eve"]
    assert await facts.unit(engine.id) == engine


async def test_there_is_no_status_of_a_unit_that_there_is_not(acts: UnitActs) -> None:
    with pytest.raises(NotFound, match="list the units"):
        await acts.set_status(ANNA, "nobody", UnitStatus.ENROUTE, "k")
