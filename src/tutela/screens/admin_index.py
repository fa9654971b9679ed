"""The pages that there are for whoever signed in, by what they are here for. The policies decide what each of them shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutela.model.people import Role

O, S, A, P, U, I = (  # noqa: E741  short for the table below
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.ANALYST,
    Role.PRIVACY_OFFICER,
    Role.AUDITOR,
    Role.IT,
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page, and what it is for."""

    address: str
    name: str
    says: str


WORK, SYSTEM, OVERSIGHT, PUBLIC = "A shift's work", "The system", "Oversight", "For everybody"
PAGES: tuple[tuple[str, str, str, str, frozenset[Role]], ...] = (
    (WORK, "/", "Operations", "the queue, incidents, units, newest values", frozenset({O, S})),
    (
        WORK,
        "/handover",
        "Handover",
        "what is open, what changed and what does not work, written by the system",
        frozenset({O, S}),
    ),
    (WORK, "/kpis", "How fast help came", "beside the lines of NFPA 1225 and 1710", frozenset({O, S})),
    (WORK, "/cases", "Cases", "where somebody is looked for, and nowhere else", frozenset({O, S})),
    (WORK, "/staged", "Was it found?", "what the demonstration staged, and what was noticed of it", frozenset({O, S})),
    (
        SYSTEM,
        "/admin/sources",
        "Sources",
        "who sends what, how that is doing, and a new one without a file",
        frozenset({S, I}),
    ),
    (SYSTEM, "/admin/rules", "Rules", "those in force, and a dry run on recorded days", frozenset({O, S})),
    (
        SYSTEM,
        "/admin/retention",
        "Retention",
        "of each class of records the rule, the oldest, and what went",
        frozenset({S, P, U, I}),
    ),
    (
        SYSTEM,
        "/capabilities",
        "Capabilities",
        "what is noticed automatically: published, armed, disarmed",
        frozenset({S, P}),
    ),
    (SYSTEM, "/approvals", "Approvals", "what two people decide", frozenset({S, P, U, I})),
    (SYSTEM, "/papers", "Papers", "assessments, authorisations, agreements, consents", frozenset({S, P, U})),
    (
        SYSTEM,
        "/you",
        "You, and people",
        "your keys and sessions; who may, invites others here, until when",
        frozenset(Role),
    ),
    (
        OVERSIGHT,
        "/oversight",
        "Oversight",
        "who read how much and why, drawn by chance, and what stands out",
        frozenset({P, U}),
    ),
    (OVERSIGHT, "/requests", "Requests", "what people ask about themselves, with their clocks", frozenset({P})),
    (PUBLIC, "/transparency", "How the city watches", "each source and capability, near me, signs", frozenset(Role)),
    (PUBLIC, "/register", "Register", "the whole of it, with signed figures", frozenset(Role)),
)


def of(role: Role) -> Mapping[str, list[Link]]:
    """Those of a role, by group."""
    found: dict[str, list[Link]] = {}
    for group, address, name, says, roles in PAGES:
        if role in roles:
            found.setdefault(group, []).append(Link(address, name, says))
    return found
