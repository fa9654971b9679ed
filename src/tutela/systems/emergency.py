"""Emergency response: bursts of calls from one place, and calls that sensors bear out."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SEVERE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)

system = System(
    name="emergency",
    says="Notices bursts of calls from one place, and calls that sensors bear out.",
    purposes=("emergency-response",),
    detectors=(
        Use(part="burst", name="burst-of-calls"),
        Use(
            part="burst",
            name="burst-of-fire-calls",
            options={"categories": ("Fire",), "window": 600.0, "least": 3, "learn": 0.0, "cool": 1800.0},
        ),
        Use(
            part="correlation",
            name="fire",
            options={"sorts": (("call",), ("smoke",), ("people-many", "crowd")), "least": 3, "scale": SEVERE},
        ),
    ),
)
