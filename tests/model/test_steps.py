"""The life of an incident is a table: what is not in it is refused, and says so."""

from __future__ import annotations

from itertools import product

import pytest

from tutela.errors import WrongStep
from tutela.model.incident import STEPS, Incident, IncidentStatus


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
