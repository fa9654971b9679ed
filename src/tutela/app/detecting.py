"""The detectors that the systems name, made from their options."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module

from tutela import parts, systems
from tutela.flow.detector import Detector
from tutela.model.system import System, Use


def installed() -> Sequence[System]:
    """The systems that are built, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(systems.__path__))
    return [import_module(f"tutela.systems.{name}").system for name in names]


def instances(zone: str) -> tuple[tuple[Detector, ...], tuple[Detector, ...]]:
    """The detectors of observations (their card's key is a datastream), and those of facts, for a city in that zone."""
    made = [instance(use, zone) for use in _uses()]
    observing = tuple(detector for detector in made if detector.card.key == "datastream")
    return observing, tuple(detector for detector in made if detector.card.key != "datastream")


def instance(use: Use, zone: str) -> Detector:
    """One detector; raises BadInput when the options don't fit the part."""
    options: dict[str, object] = {"name": use.name, **use.options}
    if "zone" in parts.load("detectors", use.part).__struct_fields__:
        options.setdefault("zone", zone)
    made: Detector = parts.make("detectors", use.part, options)
    return made


def _uses() -> Iterator[Use]:
    for system in installed():
        yield from system.detectors
