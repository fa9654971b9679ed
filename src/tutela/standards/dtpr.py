"""Digital Trust for Places and Routines, its chain for algorithms (ai@2026-08-12-beta, CC BY 4.0), out: what a sign in the street shows.

Each category holds elements of DTPR by their id, with what there is to say beside them.
"""

from __future__ import annotations

from tutela.model.capability import Capability, PublicRegister, Record, Words

from ._registers import sources_of, told

VERSION = "ai@2026-08-12-beta"
REQUIRED = ("purpose", "accountable", "affected", "functional_modes", "risks_mitigation", "rights")
PURPOSES = {
    "emergency-response": "fire_emergency",
    "public-safety": "safety_security",
    "traffic": "mobility",
    "environment": "ecology",
    "city-operations": "planning_decision_making",
    "public-health": "health",
    "statistics": "research_development",
}
"""Our purposes in DTPR's words."""

RIGHTS = ("right_object", "right_algorithmic_transparency", "right_purpose_limitation")
"""Those that the platform itself keeps; what more there is, the law and the city say."""

Element = dict[str, object]


def record(capability: Capability, register: PublicRegister) -> Record:
    """The chain of a capability, with the required categories that nobody has filled."""
    words = register.words_of(capability)
    fields: dict[str, object] = {
        "datachain_type": "ai",
        "version": VERSION,
        "title": capability.name,
        "purpose": [_element(PURPOSES[name], capability.finds) for name in capability.purposes if name in PURPOSES],
        "accountable": _accountable(words, register),
        "affected": [_element("people", words.impact)] if words.impact else [],
        "functional_modes": [_element("analytical_mode", "It counts, compares and waits; it does not act.")],
        "risks_mitigation": [_element("civil_liberties_harm", words.risks)] if words.risks else [],
        "rights": [_element(name, words.objection_procedure) for name in RIGHTS] if words.objection_procedure else [],
        "input_dataset": [_element("input_operational_data", sources_of(capability, register))],
        "processing": [_element("anomaly_detection", f"{capability.part}, version {capability.version}")],
        "output_dataset": [_element("output_about_a_place", "An alert about a place and a time.")],
        "access": [_element("available_to_the_accountable_organization", "By role, purpose and legal basis.")],
        "retention": [_element("data_retained", "As long as the entry of each source says.")],
    }
    return told(capability.name, fields, REQUIRED)


def _accountable(words: Words, register: PublicRegister) -> list[Element]:
    if not words.department:
        return []
    return [{**_element("organization", f"{register.city}, {words.department}"), "contact": words.contact_email}]


def _element(id_: str, says: str) -> Element:
    return {"element": id_, "says": says}


part = record
