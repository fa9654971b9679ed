"""Oversight counts what the log holds, draws by chance alone, and names whoever read far more than usual."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Refused
from tutela.flow import oversee, overseen
from tutela.flow.oversee import Oversight
from tutela.flow.overseen import FAR, LEAST, standing_out
from tutela.model.access import Access
from tutela.model.people import Agent, Role
from tutela.model.when import DAY, HOUR, MINUTE


def over(here: Town, seed: int = 0) -> Oversight:
    number = count()

    def chance(size: int) -> bytes:
        return sha256(f"{seed} {next(number)}".encode()).digest()[:size]

    return Oversight(ledger=here.ledger, log=here.facts, chance=chance, named=here.staff.named)


async def auditor(here: Town) -> Access:
    agent, _ = await here.person(Role.AUDITOR, "Maija")
    return Access(agent=agent, purpose="oversight", legal_basis="LegalObligation")


async def reads(here: Town, times: int) -> Access:
    agent, _ = await here.person(Role.OPERATOR, "Aino")
    access = here.access(agent)
    for _ in range(times):
        await here.reads.desk.alerts(access, "live")
    return access


async def test_reads_and_refusals_are_counted_from_the_log() -> None:
    here = await town()
    operator = await reads(here, 3)
    wanted = Access(agent=operator.agent, purpose="statistics", legal_basis="PublicInterest")
    with pytest.raises(Refused):
        await here.reads.desk.alerts(wanted, "live")
    await here.seal()

    found = await over(here).look(await auditor(here), 7, 0)

    assert [(one.role, one.purpose, one.reads) for one in found.reads] == [("operator", "public-safety", 3)]
    assert sum(found.refusals.values()) == 1
    assert (found.drawn, found.stands_out) == ((), ())


async def test_whoever_may_not_see_accesses_is_refused_and_looking_is_an_event() -> None:
    here = await town()
    operator = await reads(here, 1)
    await here.seal()
    with pytest.raises(Refused):
        await over(here).look(operator, 7, 5)

    eyes = await auditor(here)
    await over(here).look(eyes, 7, 5)
    assert [event.kind for event in here.facts.store.events.values() if event.by == eyes.agent.id][-1] == "query@1"


async def test_each_access_is_as_likely_to_be_drawn_and_none_twice() -> None:
    here = await town()
    await reads(here, 6)
    await here.seal()
    eyes, drawn = await auditor(here), Counter[int]()
    for seed in range(300):
        found = await over(here, seed).look(eyes, 7, 2)
        assert len({one.position for one in found.drawn}) == 2
        drawn.update(one.position for one in found.drawn)

    assert len(drawn) == 6
    assert all(70 < times < 130 for times in drawn.values()), drawn  # 100 each; 4 standard deviations are 33


async def test_only_the_days_that_were_asked_for_are_counted() -> None:
    now = NOW
    here = await town(lambda: now)
    for moment, times in ((NOW, 2), (NOW + 2 * HOUR, 3), (NOW + DAY + 2 * HOUR + 20 * MINUTE, 1)):
        now = moment
        await reads(here, times)
        await here.seal()
    eyes = await auditor(here)

    assert [one.reads for one in (await over(here).look(eyes, 1, 0)).reads] == [1]
    assert [one.reads for one in (await over(here).look(eyes, 7, 0)).reads] == [6]


@given(st.lists(st.integers(1, 40), min_size=3, max_size=30), st.integers(1, 200))
def test_a_day_stands_out_only_beyond_three_times_the_median_of_the_others(others: list[int], reads_: int) -> None:
    days = {"someone": {DAY * number: each for number, each in enumerate([*others, reads_])}}
    usual = (
        sorted(others)[len(others) // 2]
        if len(others) % 2
        else sum(sorted(others)[len(others) // 2 - 1 : len(others) // 2 + 1]) / 2
    )
    last = [one for one in standing_out(days) if one.day == DAY * len(others)]

    assert bool(last) == (reads_ > LEAST and reads_ > FAR * usual)


async def test_days_with_more_events_than_one_look_reads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    here = await town()
    await reads(here, 4)
    await here.seal()
    monkeypatch.setattr(oversee, "MOST", 3)

    with pytest.raises(BadInput, match="more than 3 events in the last 7 days; choose fewer days"):
        await over(here).look(await auditor(here), 7, 0)


async def test_whoever_looks_up_themselves_or_a_colleague_is_told_of_by_id_and_by_name() -> None:
    here = await town()
    me, _ = await here.person(Role.OPERATOR, "Aino Kettunen")
    other, _ = await here.person(Role.OPERATOR, "Bo Öberg")
    for subject in (me.id, "bo oberg", "bo oberg", "Bo Öbergsson"):
        await here.reads.log.about(here.access(me), "live", subject)
    await here.reads.desk.alerts(here.access(other), "live")
    await here.seal()

    found = (await over(here).look(await auditor(here), 7, 0)).looked_up
    assert [(one.agent, one.whose, one.own, one.query, one.times) for one in found] == [
        (me.id, me.id, True, f"events about {me.id}", 1),
        (me.id, other.id, False, "events about bo oberg", 2),
    ]
    assert "Kettunen" not in str(found)


async def test_who_never_enrolled_or_whose_name_is_erased_is_compared_by_id_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = await town()
    me, _ = await here.person(Role.OPERATOR, "Aino")
    ghost = Agent(id="ghost-7", name="", role=Role.OPERATOR, agency="city")
    await here.reads.log.about(here.access(ghost), "live", "nothing")
    await here.reads.log.about(here.access(me), "live", "Aino")
    for key in await here.keys.in_use():
        if "/people/" in key.bucket:
            await here.keys.destroy(key.id)
    await here.seal()

    assert (await over(here).look(await auditor(here), 7, 0)).looked_up == ()
    monkeypatch.setattr(overseen, "COMPARED", 1)
    assert (await over(here).look(await auditor(here), 7, 0)).unchecked == 1


async def test_what_was_widened_at_the_machine_is_named_one_by_one() -> None:
    here = await town()
    await here.approvals.approvals.alone("hold-lift", "h", "the hold on bucket a/b/c is lifted", "install")
    await here.seal()

    (found,) = (await over(here).look(await auditor(here), 7, 0)).alone

    assert (found.matter, found.target, found.by) == ("hold-lift", "h", "install")
    assert found.says == "widened at the machine, without a second person: the hold on bucket a/b/c is lifted"


async def test_who_broke_the_glass_is_counted_and_what_nobody_reviewed_in_a_day_is_named() -> None:
    moment = [NOW]
    here = await town(lambda: moment[0])
    operator, _ = await here.person(Role.OPERATOR, "Aino")
    for _ in range(2):
        glass = await here.glass.glasses.begin(operator, "a child is missing", 10)
        moment[0] += HOUR
    await here.glass.glasses.review(glass.begun.id, "somebody", fine=True, reason="it was")
    await here.seal()
    moment[0] = NOW + DAY

    found = await over(here).look(await auditor(here), 7, 0)

    assert (found.break_glass, [one.at for one in found.overdue], found.overdue[0].by) == (2, [NOW], operator.id)
