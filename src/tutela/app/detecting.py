"""The detectors that the systems name, made from their options."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from tutela import parts
from tutela.errors import BadInput, TutelaError
from tutela.flow.detector import Detector
from tutela.flow.rules import uses
from tutela.model.rule import Armed
from tutela.model.system import System, Use
from tutela.policy import refusals

LOG = logging.getLogger(__name__)


def installed() -> Sequence[System]:
    """The systems that there are, by name: those that are built, and those that installed packages bring.

    Raises Refused for one with a purpose that nobody may have.
    """
    found: list[System] = [parts.load(parts.SYSTEMS, name, "system") for name in parts.names(parts.SYSTEMS)]
    for system in found:
        for purpose in system.purposes:
            refusals.purpose(purpose, system.name)
    return found


def check() -> None:
    """Raise what would stop a worker: a part that is missing or doubled, options that don't fit, a name that is taken."""
    parts.check()
    taken: dict[str, System] = {}
    for system in installed():
        for use in system.detectors:
            if use.name in taken:
                raise BadInput(
                    f"two detectors are called {use.name!r}, in the systems {taken[use.name].name} and {system.name};"
                    " give one of them another name"
                )
            taken[use.name] = system
    instances("UTC")


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
