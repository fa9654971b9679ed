"""Emergency response: calls that come in bursts from one place."""

from tutela.model.system import System, Use

system = System(
    name="emergency",
    says="Notices bursts of calls from one place.",
    purposes=("emergency-response",),
    detectors=(
        Use(part="burst", name="burst-of-calls"),
        Use(
            part="burst",
            name="burst-of-fire-calls",
            options={"categories": ("Fire",), "window": 600.0, "least": 3, "learn": 0.0, "cool": 1800.0},
        ),
    ),
)
