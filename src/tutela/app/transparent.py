"""What the transparency portal stands on."""

from __future__ import annotations

from tutela.app.core import Core, clock
from tutela.flow.arming_acts import ArmingActs
from tutela.flow.figures import Figuring
from tutela.flow.register_public import Registering
from tutela.flow.watching import Watching
from tutela.screens.transparency import Window


def window(inside: Core, register: Registering, counted: Figuring, acts: ArmingActs) -> Window:
    """The window of an instance. `acts` are those of all doors, so that they count a resident's comments together."""
    watching = Watching(things=inside.facts, known=inside.known, registering=register, clock=clock)
    return Window(watching=watching, figuring=counted, acts=acts, install=inside.install, site=inside.settings.site)
