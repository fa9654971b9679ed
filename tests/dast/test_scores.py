"""No score of a person exists: in no noun, no table, no index, no field of the API, and nothing that the lake keeps (governance (b), R01 and R02)."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from importlib.resources import files

import msgspec
import pytest
from tests.screens.town import application, town

from tutela import flow, model
from tutela.backends import lake_catalogue
from tutela.policy.purposes import CLASSES
from tutela.policy.refusals import NEVER, plain

WHOLE = {
    word
    for id_ in ("R01-person-scores", "R02-person-forecasts", "R04-emotion", "R05-protected-traits")
    for word in NEVER[id_].names
}
"""Names that are refused wherever they are declared (ADR 24)."""

PIECES = frozenset(
    [
        "score",
        "scores",
        "scored",
        "scoring",
        "risk",
        "risks",
        "suspicion",
        "suspicious",
        "suspect",
        "suspects",
        "suspected",
        "reputation",
        "trustworthiness",
        "offender",
        "offenders",
        "dangerousness",
        "propensity",
        "likelihood",
        "guilt",
        "guilty",
        "threat",
        "profile",
        "profiled",
        "ranking",
        "rating",
    ]
)
"""Words that no name here has as a part."""

SAID_OTHERWISE = {
    "person-scores": "the class of records that is refused to everybody, so that it can be asked for and refused (R01)",
    "risk": "part of a description of that in the public register",
    "risk-category": "the category of a capability, and of nobody, in the Dutch algorithm register",
    "risks": "what people write of a capability's risks in the public register",
}
"""Names that have such a part all the same, and why."""


def bad(name: str) -> bool:
    word = plain(name)
    return word not in SAID_OTHERWISE and (word in WHOLE or not PIECES.isdisjoint(word.split("-")))


def fields(package: object) -> Iterator[str]:
    """The names of all structs of a room, and of their fields."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):  # type: ignore[attr-defined]  # a package has a path
        for name, one in vars(importlib.import_module(module.name)).items():
            if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.name:
                yield name
                yield from one.__struct_fields__


def tables() -> Iterator[str]:
    """Every word of the migrations but comments and what stands in quotes: tables, columns, indexes."""
    for file in (files("tutela.backends") / "migrations").iterdir():
        if file.name.endswith(".sql"):
            text = re.sub(r"--[^\n]*|'[^']*'", " ", file.read_text())
            yield from re.findall(r"[A-Za-z_]+", text)


def lake() -> Iterator[str]:
    for name, (columns, order) in lake_catalogue._TABLES.items():
        yield name
        yield from re.findall(r"[A-Za-z_]+", f"{columns} {order}")


async def described() -> list[str]:
    """The names of paths, schemas, properties, parameters and choices in the description of the API."""
    found: list[str] = []

    def walk(told: object) -> None:
        if isinstance(told, dict):
            for key, value in told.items():
                found.append(str(key))
                if key in ("enum", "const", "name", "operationId"):
                    found.extend(map(str, value if isinstance(value, list) else [value]))
                walk(value)
        elif isinstance(told, list):
            for value in told:
                walk(value)

    walk(application(await town()).openapi_schema.to_schema())
    return [piece for name in found for piece in re.findall(r"[A-Za-z][\w-]*", name)]


@pytest.mark.parametrize(("what", "least"), [(model, 300), (flow, 100)], ids=["model", "flow"])
def test_no_noun_has_a_score_of_a_person(what: object, least: int) -> None:
    names = list(fields(what))

    assert len(names) > least
    assert sorted({name for name in names if bad(name)}) == []


def test_no_table_column_or_index_has_one() -> None:
    names = list(tables())

    assert {"event", "told", "agent"} <= set(names)
    assert sorted({name for name in names if bad(name)}) == []


def test_the_lake_keeps_none() -> None:
    names = list(lake())

    assert {"sealed", "result"} <= set(names)
    assert sorted({name for name in names if bad(name)}) == []


async def test_the_api_takes_and_gives_none() -> None:
    names = await described()

    assert {"searchCase", "Alert", "Case"} <= set(names)
    assert sorted({name for name in names if bad(name)}) == []


def test_the_one_class_that_is_called_so_is_for_no_purpose() -> None:
    assert [name for name in CLASSES if not CLASSES[name].purposes] == ["person-scores"]


@pytest.mark.parametrize("name", ["personScore", "reoffending_risk", "SuspicionRating", "skin_tone", "threat-level"])
def test_a_name_that_says_it_would_be_found(name: str) -> None:
    assert bad(name)
