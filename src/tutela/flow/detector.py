"""What the flow asks of a detector. Structural: nobody inherits from this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.flow import Fact
from tutela.model.seen import Seen
from tutela.model.telling import Telling, word_of
from tutela.policy.purposes import used_for

Begins = Mapping[str, int]
"""From which event time on a detector works, by its name: with the first recorded tick from then on. Others always do."""

ALWAYS: Begins = MappingProxyType({})


Works = Mapping[str, tuple[tuple[int, int], ...]]
"""Within which spans of event time a detector is at work (since ≤ tick < until), by its name. Those not named always are."""

EVERYWHEN: Works = MappingProxyType({})

CITYWIDE = "city"
"""The key of a card whose detector sees the facts of the whole city."""


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


class Judge(Detector, Protocol):
    """A detector whose card says `quality`. It is given rows, and no ticks.

    `judge` is its `step`, and says of each row whether it is doubted (None: none is).
    """

    def judge(self, state: Any, seen: Seen) -> tuple[Any, tuple[Detection, ...], npt.NDArray[np.bool_] | None]: ...


def wants(needs: frozenset[str], fact: Fact) -> bool:
    """Whether such a fact is needed: any, calls, reports, posts, detections, or those of a type or detector."""
    words = {word_of(fact)} if isinstance(fact, Telling) else {"detection", fact.type, fact.detector}
    return "*" in needs or not needs.isdisjoint(words)


def may(detector: Detector, fact: Fact) -> bool:
    """Whether what was collected for the fact's purpose may be used for the detector's, if it has one (F06)."""
    purpose = getattr(detector, "purpose", fact.purpose)
    return purpose in used_for((fact.purpose,))


def is_citywide(detector: Detector) -> bool:
    """Whether it sees the whole city: as its card says, or as its options ask for.

    Of facts it sees all then; of observations those of whatever moves, which no place keeps in one partition.
    """
    return detector.card.key == CITYWIDE or getattr(detector, "citywide", False)


Watched = Callable[[Detector], Detector]
"""Puts something around a detector that looks at its steps and changes nothing: how long they take, what they find."""


def alone(detector: Detector) -> Detector:
    """Nothing is put around it."""
    return detector
