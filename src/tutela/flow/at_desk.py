"""All that people do at the desk, by what it is about: alerts, incidents, units, and what residents reported."""

from __future__ import annotations

from .act import Acts
from .command import Incidents
from .handling_acts import HandlingActs
from .units import UnitActs

__all__ = ["Acts", "HandlingActs", "Incidents", "UnitActs"]
