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


class Factor(StrEnum):
    """How somebody showed who they are; `provider-key`: at the city's own provider, by what can't be phished."""

    CODE = "code"
    PASSKEY = "passkey"
    TOTP = "totp"
    PROVIDER = "provider"
    PROVIDER_KEY = "provider-key"


class Agent(Noun, frozen=True, kw_only=True):
    """A person with a role at an agency, until then (microseconds; None: without an end)."""

    id: str
    name: str
    role: Role
    agency: str
    suspended: bool = False
    until: int | None = None


class Session(Noun, frozen=True, kw_only=True):
    """Body of `session@1`: a session of an agent began, good until then (microseconds), or it ended then.

    `passkey` is the id of the one that it was begun with.
    """

    agent: str
    until: int
    factor: Factor = Factor.CODE
    passkey: str | None = None


class Sitting(Noun, frozen=True, kw_only=True):
    """A session as its owner sees it: how it was begun, when somebody last did something in it, and its end (microseconds)."""

    factor: Factor
    active: int
    until: int
    own: bool


class SignedIn(Noun, frozen=True, kw_only=True):
    """Somebody with a session that holds: how it was begun, when they last did something (microseconds), and their break-glass that stands."""

    agent: Agent
    factor: Factor
    active: int
    glass: str | None = None


class Passkey(Noun, frozen=True, kw_only=True):
    """A key pair of which somebody's device keeps the private half, and shows it only to its owner.

    `id` is ours, `credential` the device's. `count` is how often it was used, as far as the device tells.
    """

    id: str
    agent: str
    credential: bytes
    public_key: bytes
    count: int
    at: int
    used_at: int | None = None


class Shift(Noun, frozen=True, kw_only=True):
    """Somebody signed on: from when, with how many alerts an hour, until when: the end of their session, or earlier."""

    agent: str
    since: int
    budget: int
    until: int | None = None
