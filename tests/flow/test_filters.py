"""A list holds a record if, and only if, the policies allow that record by itself: there is no second filter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace
from tests.flow.read_support import NOW, POLICIES, access, city
from tests.flow.test_read_desk import ALERT, INCIDENT

from tutela.errors import Refused
from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.incident import Incident
from tutela.model.people import Role
from tutela.model.when import DAY
from tutela.policy.purposes import PURPOSES, Action, ask_about

purposes = some.sampled_from(sorted(PURPOSES))
accesses = some.builds(access, some.sampled_from(Role), purposes, some.sampled_from(["city", "police", "fire"]))
ages = some.integers(0, 8 * 365) | some.just(7 * 365)
kept_alerts = some.lists(some.tuples(purposes, ages), max_size=6)
kept_incidents = some.lists(
    some.tuples(purposes, ages, some.lists(some.sampled_from(["city", "police", "fire"]), max_size=2, unique=True)),
    max_size=6,
)


def allowed(ask: Ask) -> bool:
    """What Cedar says of it, with nothing remembered."""
    try:
        POLICIES.check(ask)
    except Refused:
        return False
    return True


async def alerts_shown(by: Access, alerts: Sequence[Alert]) -> list[str]:
    here = await city()
    here.facts.store.alerts.update({one.id: one for one in alerts})
    try:
        return [one.id for one in await here.reads.desk.alerts(by, "live")]
    except Refused:
        return []


async def incidents_shown(by: Access, incidents: Sequence[Incident]) -> list[str]:
    here = await city()
    here.facts.store.incidents.update({one.id: one for one in incidents})
    try:
        return [one.id for one in await here.reads.desk.incidents(by, "live")]
    except Refused:
        return []


@given(by=accesses, kept=kept_alerts)
def test_an_alert_is_in_the_list_if_and_only_if_the_policies_allow_it(by: Access, kept: list[tuple[str, int]]) -> None:
    alerts = [
        replace(ALERT, id=f"a{number}", purpose=purpose, last=NOW - days * DAY)
        for number, (purpose, days) in enumerate(kept)
    ]

    shown = asyncio.run(alerts_shown(by, alerts))

    assert sorted(shown) == [one.id for one in alerts if allowed(ask_about(by, Action.READ, one, NOW))]


@given(by=accesses, kept=kept_incidents)
def test_an_incident_is_in_the_list_if_and_only_if_the_policies_allow_it(
    by: Access, kept: list[tuple[str, int, list[str]]]
) -> None:
    incidents = [
        replace(INCIDENT, id=f"i{number}", purpose=purpose, opened_at=NOW - days * DAY, agencies=tuple(agencies))
        for number, (purpose, days, agencies) in enumerate(kept)
    ]

    shown = asyncio.run(incidents_shown(by, incidents))

    assert sorted(shown) == [one.id for one in incidents if allowed(ask_about(by, Action.READ, one, NOW))]
