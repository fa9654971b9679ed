"""Real-time integration: sources that fall silent, crowds, and what belongs together."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SEVERE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)
CROWD = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.OBSERVED)

system = System(
    name="integration",
    says="Notices sources that fall silent, crowds, and facts of different sorts near each other.",
    purposes=("public-safety", "city-operations", "traffic"),
    detectors=(
        Use(part="silence", name="silent"),
        Use(
            part="threshold",
            name="crowd",
            options={"observed_property": "people", "high": 120.0, "low": 80.0, "scale": CROWD},
        ),
        Use(part="unusual", name="unusual-traffic", options={"only": ("vehicles", "people")}),
        Use(
            part="correlation",
            name="smoke-and-calls",
            options={"sorts": (("call",), ("smoke",), ("crowd", "unusual-traffic")), "least": 2, "scale": SEVERE},
        ),
    ),
)
