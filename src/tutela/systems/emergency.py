"""Emergency response: bursts of calls from one place, and calls that sensors bear out."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SERIES = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)
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
            part="burst",
            name="series-of-thefts",
            options={"categories": ("Police: theft",), "least": 4, "learn": 0.0, "scale": SERIES},
        ),
        Use(
            part="burst",
            name="medical-cluster",
            options={"categories": ("EMS: sudden illness",), "least": 4, "learn": 0.0, "scale": SEVERE},
        ),
        Use(
            part="correlation",
            name="fire",
            options={"sorts": (("call",), ("smoke",), ("people-many", "crowd")), "least": 3, "scale": SEVERE},
        ),
    ),
)
