"""What the transparency portal stands on."""

from __future__ import annotations

from tutela.app.addresses import Addresses
from tutela.app.city_map import CityMap
from tutela.app.core import Core, clock
from tutela.flow.arming_acts import ArmingActs
from tutela.flow.figures import Figuring
from tutela.flow.register_public import Registering
from tutela.flow.watching import Watching
from tutela.screens.window import Window


def window(inside: Core, register: Registering, counted: Figuring, acts: ArmingActs, drawn: CityMap) -> Window:
    """The window of an instance. `acts` are those of all doors, so that they count a resident's comments together."""
    watching = Watching(things=inside.facts, known=inside.known, registering=register, clock=clock)
    return Window(
        watching=watching,
        figuring=counted,
        acts=acts,
        install=inside.install,
        find=Addresses(inside.install.city).find,
        map=drawn,
        site=inside.settings.site,
    )
