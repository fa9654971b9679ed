"""Real-time integration: what falls silent, lies or can't be reached, what is unusual for its hour, crowds, and the street."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

MANY = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED)
STREET = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.OBSERVED)
CROWD = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.OBSERVED)

system = System(
    name="integration",
    says="Notices what falls silent, lies or can't be reached, what is unusual for the hour of the week, crowds, and what is wrong in the street.",
    purposes=("public-safety", "city-operations", "traffic"),
    detectors=(
        Use(part="silence", name="silence"),
        Use(part="stuck", name="stuck"),
        Use(part="out_of_range", name="out-of-range"),
        Use(part="spiking", name="spiking"),
        Use(part="drifting", name="drifting"),
        # Of nights and days that air and noise have, counts of people and cars have too many of their own.
        Use(part="change_point", name="change-point", options={"only": ("pm25", "no2", "noise")}),
        # One use for all: it keeps 1.5 kB of each datastream. One false alarm an hour, in the whole city.
        Use(part="unusual", name="unusual", options={"budget": 24.0}),
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
        Use(
            part="threshold",
            name="street-blocked",
            options={"observed_property": "speed", "direction": "below", "high": 6.0, "low": 12.0, "hold": 60.0},
        ),
        Use(
            part="threshold",
            name="gate-open",
            options={"observed_property": "open", "high": 0.5, "low": 0.4, "hold": 60.0, "scale": STREET},
        ),
        Use(
            part="threshold",
            name="bollard-hit",
            options={"observed_property": "tilt", "high": 15.0, "low": 5.0, "scale": STREET},
        ),
        # Two minutes without an answer: a server that is started anew is back by then.
        Use(
            part="threshold",
            name="unreachable",
            options={
                "observed_property": "connection-reachable",
                "direction": "below",
                "high": 0.5,
                "low": 0.5,
                "hold": 120.0,
                "scale": MANY,
            },
        ),
    ),
)
