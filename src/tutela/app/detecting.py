"""The detectors that the systems name, made from their options."""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from tutela import parts, systems
from tutela.errors import TutelaError
from tutela.flow.detector import Detector
from tutela.flow.rules import uses
from tutela.model.rule import Armed
from tutela.model.system import System, Use

LOG = logging.getLogger(__name__)


def installed() -> Sequence[System]:
    """The systems that are built, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(systems.__path__))
    return [import_module(f"tutela.systems.{name}").system for name in names]


Detectors = tuple[tuple[Detector, ...], tuple[Detector, ...]]
"""Those of observations (their card's key is a datastream), and those of facts."""


def instances(zone: str, armed: Iterable[Armed] = ()) -> Detectors:
    """The detectors of all systems, and of the rules that are armed, for a city in that zone."""
    made = [instance(use, zone) for use in named()]
    return parted([*made, *(detector for one in armed for detector in _of_rule(one, zone))])


def parted(made: Iterable[Detector]) -> Detectors:
    """By what they look at."""
    made = tuple(made)
    observing = tuple(detector for detector in made if detector.card.key == "datastream")
    return observing, tuple(detector for detector in made if detector.card.key != "datastream")


def _of_rule(armed: Armed, zone: str) -> Sequence[Detector]:
    """The detectors of one rule. One that can't be made any more is left out: the others go on."""
    try:
        return [instance(use, zone) for use in uses(armed.rule)]
    except TutelaError as wrong:
        LOG.error("the rule %s is left out: %s", armed.rule.name, wrong)  # noqa: TRY400  the message says it all
        return ()


def instance(use: Use, zone: str) -> Detector:
    """One detector; raises BadInput when the options don't fit the part."""
    options: dict[str, object] = {"name": use.name, **use.options}
    if "zone" in parts.load("detectors", use.part).__struct_fields__:
        options.setdefault("zone", zone)
    made: Detector = parts.make("detectors", use.part, options)
    return made


def named() -> Iterator[Use]:
    """What all systems use."""
    for system in installed():
        yield from system.detectors
