"""What the flow asks of a detector. Structural: nobody inherits from this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

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


class Judge(Detector, Protocol):
    """A detector whose card says `quality`. It is given rows, and no ticks.

    `judge` is its `step`, and says of each row whether it is doubted (None: none is).
    """

    def judge(self, state: Any, seen: Seen) -> tuple[Any, tuple[Detection, ...], npt.NDArray[np.bool_] | None]: ...
