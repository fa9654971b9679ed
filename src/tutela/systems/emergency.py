"""Emergency response: bursts of calls, and calls that sensors near them bear out."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SEVERE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)

system = System(
    name="emergency",
    says="Notices bursts of calls from one place, and calls that sensors near them bear out.",
    purposes=("emergency-response",),
    detectors=(
        Use(part="burst", name="burst-of-calls"),
        Use(
            part="burst",
            name="burst-of-fire-calls",
            options={"categories": ("Fire",), "window": 600.0, "least": 3, "learn": 0.0, "cool": 1800.0},
        ),
        Use(part="correlation", name="smoke-and-calls", options={"sorts": (("call",), ("smoke",)), "scale": SEVERE}),
        Use(
            part="correlation",
            name="several-signs",  # a call, a sensor and a count
            options={
                "sorts": (("call",), ("smoke", "bad-air", "loud", "unusual"), ("people-many", "crowd")),
                "least": 3,
                "scale": SEVERE,
            },
        ),
    ),
)
