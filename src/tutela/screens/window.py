"""What the transparency portal stands on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tutela.flow.arming_acts import ArmingActs
from tutela.flow.figures import Figuring
from tutela.flow.watching import Watching
from tutela.model.install import Install
from tutela.model.place import Address

from . import look
from .city_map import CityMap

Find = Callable[[str], Awaitable[Sequence[Address]]]
"""Places by the words that people call them by, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the portal stands on. `find` gives places by the words that people call them by; `site` is the address at which people reach it, if somebody said so."""

    watching: Watching
    figuring: Figuring
    acts: ArmingActs
    install: Install
    find: Find
    map: CityMap
    site: str = ""

    def about(self, at: int) -> dict[str, object]:
        """What every page of it gets."""
        return {
            "day": lambda when: look.day(when, self.install.zone),
            "clock": lambda when: look.clock(when, self.install.zone, at),
            "title": look.title,
            "unit": look.unit,
        }


part = Window
