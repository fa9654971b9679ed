"""Air and noise: levels that people should not be left in."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SMOKE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.MODERATE, certainty=Certainty.OBSERVED)

system = System(
    name="environment",
    says="Watches air and noise for levels that people should not be left in.",
    purposes=("environment", "public-safety"),
    detectors=(
        # 250 µg/m³ is far above any day of traffic in central Helsinki; EPA calls 225.5 and more hazardous.
        Use(
            part="threshold",
            name="smoke",
            options={"observed_property": "pm25", "high": 225.5, "low": 125.5, "scale": SMOKE},
        ),
        Use(
            part="threshold",
            name="bad-air",
            options={"observed_property": "pm25", "high": 125.5, "low": 55.5, "hold": 600.0},
        ),
        # The EU's limit for an hour, passed for a second hour: 200 µg/m³ (Directive 2008/50/EC, 18 hours of a year at most).
        Use(
            part="threshold",
            name="bad-air-no2",
            options={"observed_property": "no2", "high": 200.0, "low": 150.0, "hold": 3600.0},
        ),
        Use(
            part="threshold",
            name="loud",
            options={"observed_property": "noise", "high": 90.0, "low": 80.0, "hold": 20.0},
        ),
    ),
)
