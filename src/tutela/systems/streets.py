"""People in the streets, in numbers and never by person."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

system = System(
    name="streets",
    says="Notices crowds.",
    purposes=("public-safety",),
    detectors=(
        Use(
            part="threshold",
            name="people-many",
            options={
                "observed_property": "people",
                "high": 40.0,
                "low": 30.0,
                "hold": 20.0,
                "scale": Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED),
            },
        ),
        Use(
            part="threshold",
            name="crowd",
            options={
                "observed_property": "people",
                "high": 120.0,
                "low": 80.0,
                "hold": 30.0,
                "scale": Scale(urgency=Urgency.IMMEDIATE, severity=Severity.MODERATE, certainty=Certainty.OBSERVED),
            },
        ),
    ),
)
