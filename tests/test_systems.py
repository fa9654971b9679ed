"""Systems are lists: every part that they name exists, with options that it has, for purposes that there are."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from tutela import parts, systems
from tutela.maths.met import is_told
from tutela.model.system import System, Use
from tutela.model.when import SECOND
from tutela.policy.purposes import PURPOSES
from tutela_promises.examples import START, fact_of
from tutela_promises.stage import Told, World, play, seens

NAMES = sorted(found.name for found in pkgutil.iter_modules(systems.__path__))


def system(name: str) -> System:
    found: System = import_module(f"tutela.systems.{name}").system
    return found


def uses() -> list[Use]:
    return [use for name in NAMES for use in system(name).detectors]


@pytest.mark.parametrize("name", NAMES)
def test_a_system_is_named_after_its_file_and_has_purposes_of_the_register(name: str) -> None:
    assert system(name).name == name
    assert PURPOSES.keys() >= set(system(name).purposes) != set()


@pytest.mark.parametrize("name", NAMES)
def test_a_system_has_no_code(name: str) -> None:
    tree = ast.parse(Path(str(import_module(f"tutela.systems.{name}").__file__)).read_text(encoding="utf-8"))

    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]


@pytest.mark.parametrize("use", uses(), ids=lambda use: use.name)
def test_a_use_can_be_made_and_goes_by_its_name(use: Use) -> None:
    assert parts.make("detectors", use.part, {"name": use.name, **use.options}).name == use.name


def test_no_two_uses_find_the_same_type() -> None:
    names = [use.name for use in uses()]

    assert len(names) == len(set(names))


def test_what_correlation_waits_for_is_found_by_somebody_else() -> None:
    """It is fed what people tell and what is found in observations, never what it found itself."""
    found = {use.name for use in uses() if parts.load("detectors", use.part).card.key == "datastream"}
    sorts = [parts.make("detectors", use.part, use.options).sorts for use in uses() if use.part == "correlation"]

    assert sorts
    assert found >= {word for each in sorts for words in each for word in words if not is_told(word)}


def test_a_rumour_of_a_fire_near_a_crowd_is_no_fire_and_a_tree_that_is_reported_and_posted_of_is_one() -> None:
    crowd = {"noun": "detection", "id": "crowd", "type": "people-many", "sources": ["cameras"]}
    smoke = {"noun": "detection", "id": "smoke", "type": "smoke", "sources": ["air"]}
    call, tree = {"noun": "call", "id": "help"}, {"noun": "report", "id": "tree"}
    rumours = [{"noun": "post", "id": f"rumour-{n}", "category": "Fire"} for n in range(6)]
    storm = {"noun": "post", "id": "storm", "category": "Storm"}

    assert found(call, crowd, *rumours) == {"burst-of-fire-posts"}
    assert found(call, crowd, smoke) == {"fire"}
    assert found(tree, storm) == {"fallen-tree"}
    assert found(tree, *rumours[:1]) == set()


def found(*facts: Mapping[str, object]) -> set[str]:
    """What the systems find in these facts of one place, one a second."""
    told = [Told(fact_of(fact, START + number * SECOND)) for number, fact in enumerate(facts)]
    detectors = [parts.make("detectors", use.part, {"name": use.name, **use.options}) for use in uses()]
    at_once = [one for one in detectors if one.card.key == "cell"]
    return {one.type for each in at_once for one in play(each, seens(World(property="none", size=1), told))}
