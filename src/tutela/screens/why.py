"""Why pages read: one purpose on one legal basis each, told at their foot."""

from __future__ import annotations

from tutela.model.access import Access
from tutela.model.people import Role, SignedIn

PURPOSE = "public-safety"
BASIS = "PublicInterest"
LIFE, VITAL = "emergency-response", "VitalInterest"
"""What a break-glass is for."""

OVERSEE = frozenset({Role.PRIVACY_OFFICER, Role.AUDITOR})
"""Those who look at what others do for oversight; all others do for system-operation."""


def access_of(person: SignedIn) -> Access:
    """The page at `/`, and what is done there. Under a break-glass it reads for what that is for."""
    if person.glass is None:
        return Access(agent=person.agent, purpose=PURPOSE, legal_basis=BASIS, factor=person.factor)
    return for_life(person)


def for_life(person: SignedIn) -> Access:
    """What a break-glass is begun for, and read under it."""
    return Access(agent=person.agent, purpose=LIFE, legal_basis=VITAL, factor=person.factor, glass=person.glass)


def system_of(person: SignedIn) -> Access:
    """What people read and decide about the system and each other, as their role is there for."""
    purpose = "oversight" if person.agent.role in OVERSEE else "system-operation"
    return Access(agent=person.agent, purpose=purpose, legal_basis=BASIS, factor=person.factor, glass=person.glass)
