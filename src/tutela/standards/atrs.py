"""The UK Algorithmic Transparency Recording Standard, in the fields of its 2.1 (github.com/Algoritmeregister/standard), out.

As in `algoritmeregister`: computed where the system knows it, a person's words where it can't, and named as missing where nobody has said it.
"""

from __future__ import annotations

from tutela.model.capability import Capability, PublicRegister, Record

from ._registers import sources_of, told

REQUIRED = [
    "name",
    "description",
    "contact_email",
    "organisation",
    "senior_responsible_owner",
    "scope",
    "benefit",
    "model_type",
    "phase",
    "human_decisions",
    "required_training",
    "appeals_and_review",
    "source_data_description",
    "impact_assessment_description",
    "risk_description",
]


def record(capability: Capability, register: PublicRegister) -> Record:
    """The record of a capability, with what it lacks."""
    words = register.words_of(capability)
    fields = {
        "name": capability.name,
        "description": capability.finds,
        "contact_email": words.contact_email,
        "organisation": register.city,
        "team": words.department,
        "senior_responsible_owner": words.senior_responsible_owner,
        "scope": words.goal,
        "benefit": words.proportionality,
        "alternatives_considered": words.alternatives_considered,
        "model_type": f"{capability.part}, version {capability.version}{', learns from each datastream while it runs' if capability.learns else ''}",
        "frequency_usage": "Always.",
        "phase": "Production",
        "maintenance": f"With tutela {register.version}.",
        "process_integration": words.decision_making_process,
        "provided_information": "An alert that says what was seen, by which version, and under what it would not have been told.",
        "human_decisions": words.human_intervention,
        "required_training": words.required_training,
        "appeals_and_review": words.objection_procedure,
        "source_data_description": sources_of(capability, register),
        "data_collection": "By the sources of the register, each for the purposes of its entry.",
        "data_access_and_storage": "By role, purpose and legal basis, each read an event; kept for as long as the source's entry says.",
        "impact_assessment_description": words.impact_assessment,
        "risk_description": words.risks,
    }
    return told(capability.name, fields, REQUIRED)


part = record
