"""Agents (NENA EIDO): people with a role. Never software."""

from __future__ import annotations

from enum import StrEnum

from .noun import Noun


class Role(StrEnum):
    """What somebody is here for; rights follow from it in the policies."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    PRIVACY_OFFICER = "privacy-officer"
    AUDITOR = "auditor"
    IT = "it"


class Agent(Noun, frozen=True, kw_only=True):
    """A person with a role at an agency."""

    id: str
    name: str
    role: Role
    agency: str
    suspended: bool = False


class Shift(Noun, frozen=True, kw_only=True):
    """Somebody signed on: from when, with how many alerts an hour, until when: the end of their session, or earlier."""

    agent: str
    since: int
    budget: int
    until: int | None = None
