"""Real-time integration: what falls silent or lies, what is unusual for the hour of the week, and crowds."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

MANY = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED)
CROWD = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.OBSERVED)

system = System(
    name="integration",
    says="Notices what falls silent or lies, what is unusual for the hour of the week, and crowds.",
    purposes=("public-safety", "city-operations", "traffic"),
    detectors=(
        Use(part="silence", name="silence"),
        Use(part="stuck", name="stuck"),
        Use(part="out_of_range", name="out-of-range"),
        Use(part="spiking", name="spiking"),
        Use(part="drifting", name="drifting"),
        # Of nights and days that air and noise have, counts of people and cars have too many of their own.
        Use(part="change_point", name="change-point", options={"only": ("pm25", "no2", "noise")}),
        Use(part="unusual", name="unusual"),  # one use for all: it keeps 1.5 kB of each datastream
        Use(
            part="threshold",
            name="people-many",
            options={"observed_property": "people", "high": 40.0, "low": 30.0, "hold": 20.0, "scale": MANY},
        ),
        Use(
            part="threshold",
            name="crowd",
            options={"observed_property": "people", "high": 120.0, "low": 80.0, "hold": 30.0, "scale": CROWD},
        ),
    ),
)
