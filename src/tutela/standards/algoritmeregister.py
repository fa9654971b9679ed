"""The Dutch standard for registers of algorithms, 0.3.1 (standaard.algoritmeregister.org), out: one record for each capability.

What the running system knows is computed; the rest are a person's words. What nobody has said is left out, and named as missing: a record
with something missing is not fit to be published, and says so itself.
"""

from __future__ import annotations

from tutela.model.capability import Capability, PublicRegister, Record, Words

from ._registers import day, fed_by, sources_of, told

VERSION = "0.3.1"
SHORT, LONG = 150, 500
"""Characters: at most of the short description, at least of the long one."""

SAME = (
    "department",
    "contact_email",
    "domain",
    "decision_making_process",
    "goal",
    "impact",
    "risks",
    "risk_category",
    "proportionality",
    "alternatives_considered",
    "lawful_basis",
    "human_intervention",
    "objection_procedure",
    "monitoring",
)
"""Words that are called here as they are in ours."""

REQUIRED = [
    "name",
    "description_short",
    "organization",
    "department",
    "contact_email",
    "area",
    "domain",
    "status",
    "decision_making_process",
    "goal",
    "impact",
    "risks",
    "risk_category",
    "proportionality",
    "lawful_basis",
    "training_data",
    "source_data",
    "connected_data_sources",
    "algorithm_type",
    "description",
    "monitoring",
    "type",
    "human_intervention",
    "objection_procedure",
    "standard_version",
    "lang",
    "publication_date",
    "last_change_date",
    "revision_date",
]


def record(capability: Capability, register: PublicRegister) -> Record:
    """The record of a capability, with what it lacks."""
    words = register.words_of(capability)
    known = {
        "name": capability.name,
        "description_short": _short(capability.finds),
        "organization": register.city,
        "area": register.city,
        "status": "operational",
        "training_data": _learns(capability),
        "source_data": sources_of(capability, register),
        "connected_data_sources": _connected(capability, register),
        "algorithm_type": "self-learning" if capability.learns else "rule-based",
        "description": f"{capability.works}\n\nIt can't: {capability.cannot}",
        "type": "diagnostic",
        "standard_version": VERSION,
        "lang": "en",
        "last_change_date": day(capability.since) or words.published,
    }
    return told(capability.name, known | _said(words), REQUIRED)


def _said(words: Words) -> dict[str, str]:
    """What only people can say."""
    same = {name: getattr(words, name) for name in SAME}
    others = {
        "AIA_description": words.impact_assessment,
        "publication_date": words.published,
        "revision_date": words.revision,
    }
    return same | others


def _learns(capability: Capability) -> str:
    if not capability.learns:
        return "None."
    people = "with" if capability.personal_data else "without"
    return f"None beforehand. What is usual is learnt from what comes while it runs, {people} data of people."


def _connected(capability: Capability, register: PublicRegister) -> str:
    """What of its sources tells of people: no other register is asked."""
    names = [one.name for one in fed_by(capability, register) if one.personal_data]
    return f"With data of people: {', '.join(names)}." if names else "None with data of people."


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"


part = record
