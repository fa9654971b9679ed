"""Which detector it is: its name, its version, and its options, which are its fields.

What was saved of a detector with other options, or of another version, is not its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.errors import BadInput
from tutela.maths.found import options
from tutela.model.when import EVER

from .detector import EVERYWHEN, Begins, Detector, Works

FOR_EVER = 2**62
"""After all that will ever be measured."""

ALL = ((EVER, FOR_EVER),)


def identity(detector: Detector) -> str:
    """The detector as its saved columns are filed, such as `threshold@1#3f2a90c14e07`."""
    return f"{detector.name}@{detector.version}#{options(detector)}"


def identified(detectors: Sequence[Detector]) -> dict[str, Detector]:
    """The detectors by identity, in their order; the same one twice stops the start."""
    known: dict[str, Detector] = {}
    for detector in detectors:
        name = identity(detector)
        if name in known:
            raise BadInput(f"the detector {name} is listed twice with the same options; list it once")
        known[name] = detector
    return known


@dataclass(frozen=True, slots=True)
class AtWork:
    """A detector within one span of event time (microseconds)."""

    detector: Detector
    since: int
    until: int

    def at(self, tick: int) -> bool:
        """Whether it is at work once that tick has passed."""
        return self.since <= tick < self.until


def filed(detectors: Sequence[Detector], begins: Begins, works: Works = EVERYWHEN) -> dict[str, AtWork]:
    """The detectors under the names by which their states are filed: one that begins anew has nothing to go on from.

    One that is switched off and on again is there once for each span in which it is at work.
    """
    found = {}
    for name, detector in identified(detectors).items():
        begun = begins.get(detector.name, 0)
        own = f"{name}@{begun}" if detector.name in begins else name
        for since, until in works.get(detector.name, ALL):
            found[own if since == EVER else f"{own}@{since}"] = AtWork(detector, max(begun, since), until)
    return found
