"""A serious incident of an AI has a clock that everybody sees run, and that only telling the authority stops."""

from __future__ import annotations

import msgspec
import pytest
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.model.access import Access
from tutela.model.people import Role
from tutela.model.serious import KIND, begun
from tutela.model.when import DAY


async def who(here: Town, role: Role, purpose: str) -> Access:
    agent, _ = await here.person(role, "Ada")
    return Access(agent=agent, purpose=purpose, legal_basis="LegalObligation")


async def test_the_authority_is_told_within_fifteen_days_and_it_stays_overdue_until_then() -> None:
    now = NOW
    here = await town(lambda: now)
    here.registering.clock = lambda: now
    ada, eyes = await who(here, Role.SUPERVISOR, "system-operation"), await who(here, Role.AUDITOR, "oversight")
    made = await here.serious.begin(ada, "smoke", "Nobody was warned of the fire at the harbour.")

    seen = []
    for days in (0, 14, 15, 40):
        now = NOW + days * DAY
        (one,) = await here.serious.listed(eyes)
        seen.append((one.days_left(now), one.overdue(now)))
    assert seen == [(15, False), (1, False), (0, True), (-25, True)]
    figures = (await here.figuring().signed()).figures
    assert (figures.serious, figures.unreported) == (1, 1)

    await here.serious.told(ada, made.id, "Traficom, number 7")
    (one,) = await here.serious.listed(eyes)
    assert (one.told, one.told_by, one.told_at, one.overdue(now)) == ("Traficom, number 7", ada.agent.id, now, False)
    figures = (await here.figuring().signed()).figures
    assert (figures.serious, figures.unreported) == (1, 0)
    now += 1
    with pytest.raises(Conflict, match="Traficom, number 7 was told of this already"):
        await here.serious.told(ada, made.id, "Another")


async def test_what_happened_and_whom_they_told_is_sealed_and_those_that_press_come_first() -> None:
    now = NOW
    here = await town(lambda: now)
    ada = await who(here, Role.SUPERVISOR, "system-operation")
    first = await here.serious.begin(ada, "smoke", "Liisa was hurt.")
    now += DAY
    second = await here.serious.begin(ada, "smoke", "Pekka was hurt.")
    told = await here.serious.told(ada, first.id, "the authority, where Pekka Mäki took it")

    assert told.told == "the authority, where Pekka Mäki took it"
    assert [(one.id, one.says) for one in await here.serious.listed(ada)] == [(second.id, ""), (first.id, "")]
    assert not [event for event in here.events(KIND) if b"hurt" in event.body or b"Pekka" in event.body]


async def test_an_event_of_another_kind_about_them_does_not_break_the_list() -> None:
    here = await town()
    made = await here.serious.begin(await who(here, Role.SUPERVISOR, "system-operation"), "smoke", "It failed.")
    (event,) = here.events(KIND)
    other = msgspec.structs.replace(event, kind="approval@1", body=b'{"of": "something else"}')

    assert list(begun([event, other])) == [made.id]


async def test_only_a_supervisor_starts_and_stops_the_clock_of_what_the_register_names() -> None:
    here = await town()
    ada, eyes = await who(here, Role.SUPERVISOR, "system-operation"), await who(here, Role.AUDITOR, "oversight")
    for access in (eyes, await who(here, Role.OPERATOR, "system-operation")):
        with pytest.raises(Refused):
            await here.serious.begin(access, "smoke", "It failed.")
    with pytest.raises(BadInput, match=r"the register has no capability called 'magic'; there are: .*smoke"):
        await here.serious.begin(ada, "magic", "It failed.")
    with pytest.raises(BadInput, match="say what happened"):
        await here.serious.begin(ada, "smoke", " ")
    with pytest.raises(NotFound, match="no serious incident 'nothing'"):
        await here.serious.told(ada, "nothing", "the authority")
    assert not here.events("serious-incident@1")
