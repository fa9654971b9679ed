"""Which detector it is: its name, its version, and its options, which are its fields.

What was saved of a detector with other options, or of another version, is not its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tutela.errors import BadInput
from tutela.maths.found import options

from .detector import Begins, Detector


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


def filed(detectors: Sequence[Detector], begins: Begins) -> dict[str, Detector]:
    """The detectors under the names by which their states are filed: one that begins anew has nothing to go on from."""
    return {
        f"{name}@{begins[detector.name]}" if detector.name in begins else name: detector
        for name, detector in identified(detectors).items()
    }


def begun(parts: Mapping[str, Detector], begins: Begins) -> dict[str, int]:
    """From when each works, by identity; 0: always."""
    return {name: begins.get(detector.name, 0) for name, detector in parts.items()}
