"""How fast help came is measured from the log; what the log can't tell is said, and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Refused
from tutela.flow.kpis import LONGEST, Kpis, Timed, timed
from tutela.model.access import Access
from tutela.model.incident import IncidentStatus
from tutela.model.people import Role
from tutela.model.resource import UnitStatus
from tutela.model.when import DAY, SECOND


class Day:
    """A town whose time moves."""

    def __init__(self) -> None:
        self.now = NOW

    async def begin(self) -> Day:
        self.here: Town = await town(lambda: self.now)
        self.access: Access = self.here.access((await self.here.person(Role.OPERATOR, "Aino"))[0])
        return self

    async def measured(self, days: float = 1.0) -> dict[str, Timed]:
        await self.here.seal()
        found: Kpis = await self.here.shift_desk.kpis.measured(self.access, days)
        return {one.name: one for one in found.steps}

    async def answered(self, seconds: int) -> str:
        """A call whose incident is dispatched so many seconds after it; the incident."""
        call = await self.here.call()
        self.now = call.at + 10 * SECOND
        incident = await self.here.incidents.open_from_call(self.access, call.id, call.id)
        self.now = call.at + seconds * SECOND
        for status in (IncidentStatus.ACTIVE, IncidentStatus.DISPATCHED):
            await self.here.incidents.move(self.access, incident.id, status, status)
        return incident.id


@pytest.fixture
async def day() -> Day:
    return await Day().begin()


async def test_processing_is_from_the_call_until_its_incident_is_dispatched_beside_the_line_of_the_standard(
    day: Day,
) -> None:
    for seconds in (50, 60, 61):
        await day.answered(seconds)
    found = await day.measured()
    process = found["process"]

    assert (process.line, process.standard, process.cases, process.within) == (60.0, "NFPA 1225", 3, 2)
    assert (process.median, process.ninety, process.kept) == (60.0, 61.0, False)
    assert (found["call to incident"].median, found["call to incident"].line) == (10.0, None)


async def test_travel_is_from_enroute_until_on_scene_and_a_unit_that_turns_back_did_not_arrive(day: Day) -> None:
    first, other = await day.here.unit("H11"), await day.here.unit("A21")
    steps = (
        (first.id, UnitStatus.ENROUTE, 0),
        (other.id, UnitStatus.ENROUTE, 10),
        (other.id, UnitStatus.AVAILABLE, 20),
        (first.id, UnitStatus.ON_SCENE, 200),
        (other.id, UnitStatus.ON_SCENE, 300),
    )
    for unit, status, at in steps:
        day.now = NOW + at * SECOND
        await day.here.console.units.set_status(day.access, unit, status, f"{unit} {at}")
    travel = (await day.measured())["travel"]

    assert (travel.cases, travel.median, travel.within, travel.kept) == (1, 200.0, 1, True)


async def test_an_alert_is_seen_to_when_somebody_acknowledges_it_first(day: Day) -> None:
    alert = await day.here.alert()
    day.now += 40 * SECOND
    acknowledged = await day.here.acts.acknowledge(day.access, alert.id, "ack")
    day.now += 40 * SECOND
    await day.here.change(replace(acknowledged, revision=2, count=2), by=day.access.agent.id)
    seen = (await day.measured())["alert to person"]

    assert (seen.cases, seen.median) == (1, 40.0)


async def test_what_the_log_can_not_tell_is_said_and_has_no_number(day: Day) -> None:
    await day.answered(50)
    found = await day.measured()

    assert {name for name, one in found.items() if not one.cases} == {"answer", "turnout", "travel", "alert to person"}
    assert "nobody tells when it rang" in found["answer"].unknown
    assert "not in the log yet" in found["turnout"].unknown
    assert found["travel"].unknown == "it did not happen in this time"
    assert {one.kept for one in found.values() if not one.cases} == {None}


async def test_a_call_that_was_erased_with_its_time_is_left_out(day: Day) -> None:
    incident = await day.answered(50)
    call = day.here.facts.store.incidents[incident].calls[0]
    del day.here.facts.store.told[call]

    assert (await day.measured())["process"].cases == 0


async def test_only_what_happened_in_these_days_counts(day: Day) -> None:
    await day.answered(50)
    day.now = NOW + 2 * DAY

    assert (await day.measured(1.0))["process"].cases == 0
    assert (await day.measured(3.0))["process"].cases == 1


@pytest.mark.parametrize("days", [0.0, -1.0, LONGEST / DAY + 1])
async def test_days_that_can_not_be_looked_at_are_refused(day: Day, days: float) -> None:
    with pytest.raises(BadInput, match="more than 0, and at most 31"):
        await day.measured(days)


async def test_whoever_may_not_read_units_reads_no_times(day: Day) -> None:
    agent, _ = await day.here.person(Role.ANALYST, "Ada")
    day.access = replace(day.here.access(agent), purpose="statistics")
    with pytest.raises(Refused):
        await day.measured()


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(1, 1e6))
def test_nine_of_ten_are_within_what_is_told_and_the_line_is_kept_when_they_are_within_it(
    took: list[float], line: float
) -> None:
    step = timed("process", "", took, line)

    assert step.ninety is not None
    assert sum(one <= step.ninety for one in took) >= 0.9 * len(took)
    assert step.kept == (step.ninety <= line)
