"""What the flow asks of a detector. Structural: nobody inherits from this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.seen import Seen


class Detector(Protocol):
    """Notices. Its options are its fields; `step` is pure; its state can be saved as named bytes."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def card(self) -> Card: ...
    def begin(self) -> Any: ...
    def step(self, state: Any, seen: Seen) -> tuple[Any, tuple[Detection, ...]]: ...
    def changed(self, state: Any) -> Mapping[str, bytes]: ...
    def load(self, saved: Mapping[str, bytes]) -> Any: ...


Watched = Callable[[Detector], Detector]
"""Puts something around a detector that looks at its steps and changes nothing: how long they take, what they find."""


def alone(detector: Detector) -> Detector:
    """Nothing is put around it."""
    return detector
