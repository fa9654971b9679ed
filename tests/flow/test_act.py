"""Promises of what people do about alerts: who and why is kept, once, and of two at once exactly one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product

import msgspec
import pytest
from msgspec.structs import replace
from tests.flow.act_support import ANNA, BO, GRAVE, Room, access, room
from tests.flow.read_support import NOW

from tutela.errors import BadInput, Conflict, NotFound, Refused, TutelaError, WrongStep
from tutela.flow.act import LONGEST, REASON
from tutela.flow.deed import TRIES
from tutela.model.access import Access
from tutela.model.alert import OPEN, Alert, AlertStatus
from tutela.model.event import Event
from tutela.model.people import Role
from tutela.model.when import HOUR, iso


@pytest.fixture(name="here")
def _here() -> Room:
    return room()


async def test_an_act_is_an_event_that_says_who_why_and_after_what(here: Room) -> None:
    before = await here.alert()

    after = await here.acts.dismiss(ANNA, "a1", "k1", "  a street musician ")

    *_, event = await here.events("a1")
    assert (after.status, after.by, after.reason) == (AlertStatus.DISMISSED, "anna", "a street musician")
    assert (event.by, event.at, event.kind, event.cause) == ("anna", NOW, "alert@1", before.event)
    stored = msgspec.json.decode(event.body, type=Alert)
    assert stored == await here.facts.alert("a1")
    assert replace(stored, reason=after.reason) == after
    assert b"musician" not in event.body
    assert event.id == after.event


async def test_a_shelved_alert_rests_for_eight_hours_at_most(here: Room) -> None:
    await here.alert()

    for until in (NOW, NOW - HOUR, NOW + LONGEST + 1):
        with pytest.raises(BadInput, match=iso(NOW + LONGEST)):
            await here.acts.shelve(ANNA, "a1", here.key(), "roadworks", until)
    rests = await here.acts.shelve(ANNA, "a1", here.key(), "roadworks", NOW + LONGEST)
    assert (rests.status, rests.shelved_until, rests.reason) == (AlertStatus.SHELVED, NOW + LONGEST, "roadworks")


async def test_a_grave_alert_never_rests(here: Room) -> None:
    await here.alert(scale=GRAVE)

    with pytest.raises(WrongStep, match="Immediate and Severe"):
        await here.acts.shelve(ANNA, "a1", "k", "roadworks", NOW + HOUR)


async def test_an_alert_is_taken_back_before_its_time(here: Room) -> None:
    await here.alert()
    await here.acts.shelve(ANNA, "a1", here.key(), "roadworks", NOW + HOUR)
    here.now[0] += 5

    back = await here.acts.unshelve(ANNA, "a1", here.key())

    assert (back.status, back.shelved_until, back.reason) == (AlertStatus.NEW, NOW + 5, None)
    with pytest.raises(WrongStep, match="does not rest"):
        await here.acts.unshelve(ANNA, "a1", here.key())


@pytest.mark.parametrize("reason", ["", "  \n", "x" * (REASON + 1)])
async def test_a_dismissal_says_why_in_a_few_words(here: Room, reason: str) -> None:
    await here.alert()

    with pytest.raises(BadInput, match=r"say why|use at most"):
        await here.acts.dismiss(ANNA, "a1", "k", reason)
    assert (await here.facts.alert("a1")).status is AlertStatus.NEW


@pytest.mark.parametrize("status", sorted(set(AlertStatus) - {AlertStatus.NEW, AlertStatus.INCIDENT}))
async def test_only_what_is_new_can_be_acknowledged(here: Room, status: AlertStatus) -> None:
    """An alert that was taken out of an incident is acknowledged too, but by that."""
    await here.alert(status=status)

    with pytest.raises(WrongStep, match=f"an alert that is {status} can't become acknowledged"):
        await here.acts.acknowledge(ANNA, "a1", "k")


async def test_an_alert_that_is_not_there_is_not_found(here: Room) -> None:
    with pytest.raises(NotFound):
        await here.acts.acknowledge(ANNA, "a1", "k")


async def test_whoever_may_not_act_is_refused_and_that_is_written_down(here: Room) -> None:
    await here.alert()

    with pytest.raises(Refused):
        await here.acts.acknowledge(access("ida", Role.ANALYST, "statistics"), "a1", "k")
    assert (await here.facts.alert("a1")).status is AlertStatus.NEW
    assert [event.kind for event in here.facts.store.events.values()] == ["alert@1", "refusal@1"]


async def test_the_same_key_does_it_once_and_gives_the_same_answer(here: Room) -> None:
    await here.alert()

    first = await here.acts.acknowledge(ANNA, "a1", "k")
    await here.acts.dismiss(BO, "a1", "k", "false")
    again = await here.acts.acknowledge(ANNA, "a1", "k")

    assert again == first
    assert (await here.facts.alert("a1")).status is AlertStatus.DISMISSED


async def test_a_key_belongs_to_one_person_and_one_act(here: Room) -> None:
    await here.alert()
    await here.acts.acknowledge(ANNA, "a1", "k")

    assert (await here.acts.dismiss(ANNA, "a1", "k", "false")).status is AlertStatus.DISMISSED


async def both(one: Awaitable[Alert], other: Awaitable[Alert]) -> tuple[Alert | BaseException, Alert | BaseException]:
    return await asyncio.gather(one, other, return_exceptions=True)


@pytest.mark.parametrize("together", ["at once", "one after the other"])
@pytest.mark.parametrize("first", ["anna", "bo"])
async def test_of_two_people_exactly_one_wins_and_the_other_is_told_who_and_when(
    here: Room, first: str, together: str
) -> None:
    await here.alert()
    here.facts.together = asyncio.Barrier(2) if together == "at once" else None
    anna, bo = here.acts.acknowledge(ANNA, "a1", "k"), here.acts.acknowledge(BO, "a1", "k")

    results = await both(*((anna, bo) if first == "anna" else (bo, anna)))

    (won,) = (one for one in results if isinstance(one, Alert))
    (lost,) = (one for one in results if isinstance(one, Conflict))
    assert str(won.by) in lost.message
    assert iso(NOW) in lost.message
    assert (lost.where["by"], lost.where["at"]) == (won.by, NOW)
    assert len(await here.events("a1")) == 2


async def test_a_double_click_is_done_once(here: Room) -> None:
    await here.alert()
    here.facts.together = asyncio.Barrier(2)

    one, other = await both(here.acts.acknowledge(ANNA, "a1", "k"), here.acts.acknowledge(ANNA, "a1", "k"))

    assert isinstance(one, Alert)
    assert one == other
    assert len(await here.events("a1")) == 2


async def test_a_double_click_that_comes_late_to_the_alert_is_done_once(here: Room) -> None:
    """The second looked for its key before the first was done, and for the alert after."""
    await here.alert()
    first = here.acts.acknowledge(ANNA, "a1", "k")
    asked = here.facts.event

    async def slow(id_: str) -> Event:
        here.facts.event = asked  # type: ignore[method-assign]  # once
        try:
            return await asked(id_)
        finally:
            await first

    here.facts.event = slow  # type: ignore[method-assign]  # once

    assert (await here.acts.acknowledge(ANNA, "a1", "k")).by == "anna"
    assert len(await here.events("a1")) == 2


async def test_the_desk_may_change_an_alert_in_the_same_moment(here: Room) -> None:
    await here.alert()
    here.facts.desk_first = TRIES - 1

    done = await here.acts.acknowledge(ANNA, "a1", "k")

    assert (done.status, done.count, done.revision) == (AlertStatus.ACKNOWLEDGED, TRIES, TRIES)


async def test_an_act_gives_up_when_the_desk_is_always_first(here: Room) -> None:
    await here.alert()
    here.facts.desk_first = TRIES

    with pytest.raises(Conflict, match="desk"):
        await here.acts.acknowledge(ANNA, "a1", "k")


async def test_whatever_two_people_do_at_once_the_alert_stays_on_the_path_of_the_table(here: Room) -> None:
    """All pairs of acts, on alerts in all open states."""
    acts = here.acts
    deeds: dict[str, Callable[[Access, str, str], Awaitable[Alert]]] = {
        "acknowledge": acts.acknowledge,
        "shelve": lambda who, id_, key: acts.shelve(who, id_, key, "roadworks", NOW + HOUR),
        "unshelve": acts.unshelve,
        "dismiss": lambda who, id_, key: acts.dismiss(who, id_, key, "false"),
    }
    for status in sorted(OPEN):
        for (one, do), (other, also) in product(deeds.items(), repeat=2):
            id_ = f"{status}-{one}-{other}"
            await here.alert(id_, status, shelved_until=NOW + 1)
            here.facts.together = asyncio.Barrier(2)
            results = await both(do(ANNA, id_, "k"), also(BO, id_, "k"))

            won = [result for result in results if isinstance(result, Alert)]
            assert all(isinstance(result, Alert | TutelaError) for result in results)
            assert len(won) <= 1
            assert (await here.facts.alert(id_)).revision == len(won)
