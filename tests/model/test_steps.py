"""The lives of incidents and units are tables: what is not in them is refused, and says so."""

from __future__ import annotations

from itertools import product

import pytest

from tutela.errors import WrongStep
from tutela.model.incident import STEPS, Incident, IncidentStatus
from tutela.model.resource import STEPS as UNIT_STEPS
from tutela.model.resource import EmergencyResource, ResourceKind, UnitStatus


@pytest.mark.parametrize(("status", "wanted"), list(product(IncidentStatus, IncidentStatus)))
def test_an_incident_takes_the_steps_of_the_table_and_no_other(status: IncidentStatus, wanted: IncidentStatus) -> None:
    incident = Incident(
        id="i1",
        timeline="live",
        type="fire",
        status=status,
        place=None,
        opened_at=1,
        opened_by="anna",
        purpose="emergency-response",
    )

    if wanted in STEPS[status]:
        assert (incident.to(wanted).status, incident.to(wanted).revision) == (wanted, 1)
    else:
        with pytest.raises(WrongStep, match=f"that is {status} can't become {wanted}"):
            incident.to(wanted)


def unit(status: UnitStatus) -> EmergencyResource:
    return EmergencyResource(
        id="u1",
        timeline="live",
        name="H11",
        agency="fire",
        kind=ResourceKind.ENGINE,
        status=status,
        since=1,
        by="anna",
    )


@pytest.mark.parametrize(("status", "wanted"), list(product(UnitStatus, UnitStatus)))
def test_a_unit_takes_the_steps_of_the_table_and_no_other(status: UnitStatus, wanted: UnitStatus) -> None:
    if wanted in UNIT_STEPS[status]:
        after = unit(status).to(wanted, since=5, by="bo")
        assert (after.status, after.since, after.by, after.revision) == (wanted, 5, "bo", 1)
    else:
        with pytest.raises(WrongStep, match=f"that is {status} can't become {wanted}"):
            unit(status).to(wanted)


def test_a_wrong_step_of_a_unit_says_what_is_possible() -> None:
    with pytest.raises(WrongStep, match=r"it can become AtHospital, OutOfService$"):
        unit(UnitStatus.TRANSPORTING).to(UnitStatus.AVAILABLE)


def test_every_unit_can_come_back_into_service_from_wherever_it_stands() -> None:
    for status in UnitStatus:
        reached, due = {status}, [status]
        while due:
            new = UNIT_STEPS[due.pop()] - reached
            reached |= new
            due += new
        assert reached == set(UnitStatus)
