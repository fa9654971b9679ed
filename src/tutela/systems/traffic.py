"""Traffic: roads on which nothing moves as it should."""

from __future__ import annotations

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

JAM = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.OBSERVED)

system = System(
    name="traffic",
    says="Notices motorways on which traffic hardly moves.",
    purposes=("traffic",),
    detectors=(
        # In mi/h, as the loops of Los Angeles tell it: half an hour of it is more than a queue that comes and goes.
        Use(
            part="threshold",
            name="jam",
            options={
                "observed_property": "loop-speed",
                "direction": "below",
                "high": 20.0,
                "low": 40.0,
                "hold": 1800.0,
                "scale": JAM,
            },
        ),
    ),
)
