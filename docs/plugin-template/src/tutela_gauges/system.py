"""What is watched for. A list: it holds no code."""

from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.system import System, Use

FLOOD = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)

system = System(
    name="gauges",
    says="Watches the levels of rivers and sewers.",
    purposes=("public-safety",),
    detectors=(
        Use(
            part="rising",
            name="water-rises",
            options={"observed_property": "water-level", "by": 0.3, "span": 1800.0, "scale": FLOOD},
        ),
    ),
)
