"""Who reads what, why, and by which right: the arguments of every read."""

from __future__ import annotations

from .noun import Noun
from .people import Agent, Factor


class Access(Noun, frozen=True, kw_only=True):
    """The arguments of every read and act: a person, a purpose (DPV), a legal basis (DPV), perhaps a case.

    `factor` is how the person showed who they are. `glass` is the break-glass of theirs that stands, found in the log by whoever lets
    them in and not said by them.
    """

    agent: Agent
    purpose: str
    legal_basis: str
    case: str | None = None
    factor: Factor = Factor.CODE
    glass: str | None = None


class Ask(Noun, frozen=True, kw_only=True):
    """One question to the policy: may this access do `action` on records of that class?

    `record_purposes` are the purposes that the records were collected for; `expires` is when their
    retention ends (None: never). `joint`: the case that the access names is an incident that holds the records,
    and on which both agencies are named. `stands` names the kinds of papers and consents that stand for just this question (an
    approval by a second person, an authorisation, an agreement), each established by whoever puts the question and not by the
    person who asks. `invites` is the role that somebody is to come in with, else "".
    Times are microseconds UTC.
    """

    access: Access
    action: str
    record_class: str
    record_purposes: tuple[str, ...]
    personal_data: bool
    agency: str
    now: int
    expires: int | None = None
    joint: bool = False
    stands: frozenset[str] = frozenset()
    invites: str = ""
