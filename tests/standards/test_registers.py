"""Records of the public register are valid by the official schema once people have said what only they can, and say so before."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tutela.model.capability import Capability, Entered, PublicRegister, Words
from tutela.model.register import Source
from tutela.standards import algoritmeregister, atrs, dtpr

yaml: Any = import_module("yaml")  # it comes with schemathesis, and without types

OFFICIAL = Path(__file__).parents[3] / "shared" / "schemas"
SCHEMA = OFFICIAL / "algoritmeregister" / "_data" / "schema-v0_3_1.yaml"
ELEMENTS = OFFICIAL / "dtpr" / "api" / "schemas" / "ai" / "2026-08-12-beta"

WORDS = Words(
    system="environment",
    department="Environment",
    contact_email="air@city.example",
    senior_responsible_owner="Head of environment",
    domain="environment, spacial planning and water",
    decision_making_process="An operator decides.",
    goal="That nobody breathes smoke unawares.",
    impact="Residents may be told to close windows.",
    risks="A sensor may lie.",
    risk_category="minimal risk",
    proportionality="Levels, no people.",
    lawful_basis="Environmental protection act.",
    impact_assessment="None is needed.",
    human_intervention="A person looks at each alert.",
    required_training="Half a day.",
    objection_procedure="Write to us.",
    monitoring="Each week.",
    published="2026-11-28",
    revision="2027-11-28",
)
SMOKE = Capability(
    name="smoke",
    part="threshold",
    version=1,
    system="environment",
    purposes=("environment",),
    finds="A result above a level. " + "It is long. " * 20,
    works="Each result is compared with a level. " * 20,
    cannot="Tell why.",
    learns=False,
    personal_data=False,
)
STATION = Source(
    name="stations",
    owner="The city",
    kind="http",
    purposes=("environment",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Kallio",
)


def register(words: Words) -> PublicRegister:
    return PublicRegister(
        city="Helsinki",
        version="1",
        at=1_795_000_000_000_000,
        sources=(Entered(source=STATION),),
        capabilities=(SMOKE,),
        words=(words,),
        missing={},
    )


def official() -> dict[str, Any]:
    """The schema of the site, which is made from this list of properties."""
    if not SCHEMA.exists():
        pytest.skip("the official schema is not on this machine")
    listed = yaml.safe_load(SCHEMA.read_text())["properties"]
    types = {
        "email": {"type": "string", "pattern": "@"},
        "url": {"type": "string"},
        "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "uuid": {"type": "string"},
        "string": {"type": "string"},
    }
    properties = {
        one["attribute"]: {"const": algoritmeregister.VERSION}
        if one["type"] == "const"
        else {"enum": one["enum"]["en"]}
        if one["type"] == "enum"
        else types[one["type"]]
        for one in listed
    }
    required = [one["attribute"] for one in listed if one.get("required")]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def test_a_record_is_valid_by_the_official_schema_once_everything_is_said() -> None:
    found = algoritmeregister.record(SMOKE, register(WORDS))

    assert found.missing == ()
    assert [wrong.message for wrong in Draft202012Validator(official()).iter_errors(found.record)] == []
    assert len(str(found.record["description_short"])) <= algoritmeregister.SHORT
    assert len(str(found.record["description"])) >= algoritmeregister.LONG


def test_what_the_official_schema_misses_is_what_the_record_says_is_missing() -> None:
    found = algoritmeregister.record(SMOKE, register(Words(system="environment")))
    lacks = {
        wrong.message.split("'")[1]
        for wrong in Draft202012Validator(official()).iter_errors(found.record)
        if wrong.validator == "required"
    }

    assert lacks == set(found.missing)
    assert "goal" in lacks


def test_the_british_record_lacks_nothing_once_everything_is_said() -> None:
    assert atrs.record(SMOKE, register(WORDS)).missing == ()
    assert set(atrs.record(SMOKE, register(Words(system="environment"))).missing) >= {"scope", "human_decisions"}


def test_every_element_of_a_sign_is_one_of_dtpr_in_its_own_category() -> None:
    if not ELEMENTS.exists():
        pytest.skip("the official elements are not on this machine")
    found = dtpr.record(SMOKE, register(WORDS))
    category = {
        one["id"]: one["category_id"]
        for one in map(yaml.safe_load, (path.read_text() for path in (ELEMENTS / "elements").iterdir()))
    }
    used = [(name, one["element"]) for name, some in found.record.items() if isinstance(some, list) for one in some]

    assert found.missing == ()
    assert [pair for pair in used if category.get(pair[1]) != pair[0]] == []
    categories = set(yaml.safe_load((ELEMENTS / "datachain-type.yaml").read_text())["categories"])
    assert categories - {name for name, _ in used} == {"storage"}  # where a city keeps it, the platform can't know
    purposes = set(dtpr.PURPOSES.values())
    assert {category.get(one) for one in purposes} == {"purpose"}
