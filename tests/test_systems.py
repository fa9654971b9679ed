"""Systems are lists: every part that they name exists, with options that it has, for purposes that there are."""

from __future__ import annotations

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from tutela import parts, systems
from tutela.model.system import System, Use
from tutela.policy.purposes import PURPOSES

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
    """It is fed calls and what is found in observations, never what it found itself."""
    found = {"call"} | {use.name for use in uses() if parts.load("detectors", use.part).card.key == "datastream"}
    sorts = [parts.make("detectors", use.part, use.options).sorts for use in uses() if use.part == "correlation"]

    assert sorts
    assert found >= {word for each in sorts for words in each for word in words}
