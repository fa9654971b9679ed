"""The detectors that the systems name, made from their options."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module

import msgspec

from tutela import parts, systems
from tutela.errors import BadInput
from tutela.flow.detector import Detector
from tutela.model.system import System, Use

FACTS = frozenset({"burst", "correlation"})
"""Parts that look at facts; all others look at observations."""


def installed() -> Sequence[System]:
    """The systems that are built, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(systems.__path__))
    return [import_module(f"tutela.systems.{name}").system for name in names]


def instances(zone: str) -> tuple[tuple[Detector, ...], tuple[Detector, ...]]:
    """The detectors of observations, and those of facts, for a city in that zone."""
    made = [(use.part, instance(use, zone)) for use in _uses()]
    facts = tuple(detector for part, detector in made if _of_facts(part))
    return tuple(detector for part, detector in made if not _of_facts(part)), facts


def instance(use: Use, zone: str) -> Detector:
    """One detector; raises BadInput when the options don't fit the part."""
    part = parts.load("detectors", use.part)
    options: dict[str, object] = {"name": use.name, **use.options}
    if "zone" in part.__struct_fields__:
        options.setdefault("zone", zone)
    try:
        made: Detector = msgspec.convert(options, part)
    except (msgspec.ValidationError, TypeError) as wrong:
        raise BadInput(f"the system's options for {use.name!r} do not fit the part {use.part!r}: {wrong}") from wrong
    return made


def _uses() -> Iterator[Use]:
    for system in installed():
        yield from system.detectors


def _of_facts(part: str) -> bool:
    return part in FACTS
