"""How pressing something is: the words of CAP 1.2, shared by detections, alerts and warnings."""

from __future__ import annotations

from enum import StrEnum

from .noun import Noun


class Urgency(StrEnum):
    """CAP 1.2 §3.2.2 urgency: how soon somebody should act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """CAP 1.2 §3.2.2 severity: how bad it would be."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """CAP 1.2 §3.2.2 certainty: how sure it is."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class Scale(Noun, frozen=True, kw_only=True):
    """The three CAP scales together."""

    urgency: Urgency = Urgency.UNKNOWN
    severity: Severity = Severity.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN

    @property
    def grave(self) -> bool:
        """Immediate and Extreme or Severe: never held back by an alert budget."""
        return self.urgency is Urgency.IMMEDIATE and self.severity in (Severity.EXTREME, Severity.SEVERE)
