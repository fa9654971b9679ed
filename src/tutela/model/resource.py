"""EmergencyResource (NENA EIDO, STA-021): a unit that answers incidents, with its life as a table.

EIDO leaves the words for a unit's status, type and attributes to registries that NENA keeps. Those here are our own,
closed lists in EIDO's manner of writing; what they are in the registries, the standard that sends an EIDO has to say.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tutela.errors import WrongStep

from .noun import Noun
from .place import Place


class UnitStatus(StrEnum):
    """Where a unit stands. `Returning`: on the way back, and it can be sent out again."""

    AVAILABLE = "Available"
    ENROUTE = "Enroute"
    ON_SCENE = "OnScene"
    TRANSPORTING = "Transporting"
    AT_HOSPITAL = "AtHospital"
    RETURNING = "Returning"
    OUT_OF_SERVICE = "OutOfService"


STEPS = {
    # A patrol may come upon something by itself: it is on the scene without having been under way.
    UnitStatus.AVAILABLE: {UnitStatus.ENROUTE, UnitStatus.ON_SCENE, UnitStatus.OUT_OF_SERVICE},
    UnitStatus.ENROUTE: {
        UnitStatus.ON_SCENE,
        UnitStatus.RETURNING,
        UnitStatus.AVAILABLE,
        UnitStatus.OUT_OF_SERVICE,
    },
    UnitStatus.ON_SCENE: {
        UnitStatus.ENROUTE,
        UnitStatus.TRANSPORTING,
        UnitStatus.RETURNING,
        UnitStatus.AVAILABLE,
        UnitStatus.OUT_OF_SERVICE,
    },
    UnitStatus.TRANSPORTING: {UnitStatus.AT_HOSPITAL, UnitStatus.OUT_OF_SERVICE},
    UnitStatus.AT_HOSPITAL: {UnitStatus.RETURNING, UnitStatus.AVAILABLE, UnitStatus.OUT_OF_SERVICE},
    UnitStatus.RETURNING: {
        UnitStatus.ENROUTE,
        UnitStatus.ON_SCENE,
        UnitStatus.AVAILABLE,
        UnitStatus.OUT_OF_SERVICE,
    },
    UnitStatus.OUT_OF_SERVICE: {UnitStatus.AVAILABLE},
}


class ResourceKind(StrEnum):
    """What a unit is."""

    ENGINE = "engine"
    LADDER = "ladder"
    TANKER = "tanker"
    RESCUE = "rescue"
    AMBULANCE = "ambulance"
    DOCTOR = "doctor"
    PATROL = "patrol"
    MOTORCYCLE = "motorcycle"
    COMMAND = "command"
    BOAT = "boat"
    DRONE = "drone"


class Skill(StrEnum):
    """What a unit and its crew can do."""

    BASIC_LIFE_SUPPORT = "basic-life-support"
    ADVANCED_LIFE_SUPPORT = "advanced-life-support"
    PATIENT_TRANSPORT = "patient-transport"
    FIREFIGHTING = "firefighting"
    BREATHING_APPARATUS = "breathing-apparatus"
    AERIAL_LADDER = "aerial-ladder"
    WATER_SUPPLY = "water-supply"
    EXTRICATION = "extrication"
    HAZARDOUS_MATERIALS = "hazardous-materials"
    WATER_RESCUE = "water-rescue"
    INCIDENT_COMMAND = "incident-command"
    POLICING = "policing"
    DOG = "dog"
    AERIAL_VIEW = "aerial-view"


CallSign = Annotated[str, msgspec.Meta(pattern=r"^[^\W_]([\w ./-]*[^\W_])?$", max_length=30)]
"""Letters and digits, with spaces, dots, strokes and hyphens between them: H11, Medic 3."""

AgencyName = Annotated[str, msgspec.Meta(pattern=r"^[^\W_]([\w .-]*[^\W_])?$", max_length=100)]


class EmergencyResource(Noun, tag="unit", tag_field="noun", frozen=True, kw_only=True):
    """One unit: a vehicle with its crew, known by its call sign (`name`) within its agency.

    `since` and `by` tell when (microseconds) and by whom it was given its status. `thing` is the Thing of the register
    whose positions are this unit's own (None: it tells none), `home` is where it belongs. `event` is the event that
    made this revision.
    """

    id: str
    timeline: str
    name: CallSign
    agency: AgencyName
    kind: ResourceKind
    skills: tuple[Skill, ...] = ()
    status: UnitStatus
    since: int
    by: str
    purpose: str = "emergency-response"
    thing: str | None = None
    home: Place | None = None
    event: str = ""
    revision: int = 0

    def to(self, status: UnitStatus, **changes: object) -> EmergencyResource:
        """This unit, one step later."""
        if status not in STEPS[self.status]:
            possible = ", ".join(one for one in UnitStatus if one in STEPS[self.status])
            raise WrongStep(
                f"a unit that is {self.status} can't become {status}; it can become {possible}", unit=self.id
            )
        return self.changed(status=status, **changes)

    def changed(self, **changes: object) -> EmergencyResource:
        """This unit with those fields changed, one revision later."""
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)
