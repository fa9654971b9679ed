"""Emergency response: bursts and clusters of calls, reports and posts, and such that others bear out."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

SERIES = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)
HEARSAY = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.UNLIKELY)
SEVERE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)

system = System(
    name="emergency",
    says="Notices bursts and clusters of calls, bursts of reports and public posts, and what several of them or sensors bear out.",
    purposes=("emergency-response",),
    detectors=(
        Use(part="burst", name="burst-of-calls"),
        Use(
            part="burst",
            name="burst-of-fire-calls",
            options={"categories": ("Fire",), "window": 600.0, "least": 3, "learn": 0.0, "cool": 1800.0},
        ),
        # By chance each of these is heard nine times a year at most: once in a thousand scans, one an hour.
        Use(part="cluster", name="cluster-of-medical-calls", options={"categories": ("EMS",), "tail": 0.001}),
        Use(part="cluster", name="cluster-of-fire-calls", options={"categories": ("Fire",), "tail": 0.001}),
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
        Use(part="burst", name="burst-of-reports", options={"of": "report", "scale": SERIES}),
        Use(
            part="burst",
            name="burst-of-water-reports",
            options={"of": "report", "categories": ("Water",), "least": 3, "learn": 0.0, "scale": SERIES},
        ),
        # What is posted is hearsay until something else bears it out.
        Use(
            part="burst",
            name="burst-of-fire-posts",
            options={
                "of": "post",
                "categories": ("Fire",),
                "window": 600.0,
                "least": 3,
                "learn": 0.0,
                "cool": 1800.0,
                "scale": HEARSAY,
            },
        ),
        # These are given where people are, so each is off until its papers stand, it was published, and somebody armed it.
        Use(
            part="crowding_positions",
            name="units-gather",
            options={"purpose": "emergency-response", "full": 10, "window": 300.0},
        ),
        Use(
            part="crowding_positions",
            name="units-gather-closely",
            options={"purpose": "emergency-response", "full": 10, "rings": 0, "window": 300.0},
        ),
        Use(
            part="crowding_positions",
            name="units-gather-widely",
            options={"purpose": "emergency-response", "full": 20, "rings": 2, "window": 900.0},
        ),
        Use(
            part="correlation",
            name="fallen-tree",
            options={"sorts": (("report:Trees",), ("post:Storm",)), "scale": SERIES},
        ),
        # Without smoke it is no fire: a crowd, somebody who calls and a rumour come together by chance.
        Use(
            part="correlation",
            name="fire",
            options={"sorts": (("call",), ("smoke",), ("people-many", "crowd")), "least": 3, "scale": SEVERE},
        ),
    ),
)
