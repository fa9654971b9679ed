"""What residents see and tell, in an instance; and the door through which they tell it."""

from __future__ import annotations

from tutela.app.addresses import Addresses
from tutela.app.city_map import CityMap
from tutela.app.core import Core, chance, clock
from tutela.app.pictures import clean
from tutela.app.settings import FIRST_PORT
from tutela.flow.handling import Handlings
from tutela.flow.handling_acts import HandlingActs
from tutela.flow.nearby import Nearby
from tutela.flow.prose import Prose
from tutela.flow.reporting import Reporting
from tutela.model.flow import Tell
from tutela.screens.resident import Portal, looking


def handlings(inside: Core) -> Handlings:
    """How the reports stand."""
    return Handlings(log=inside.facts, told=inside.facts, keys=inside.keys, prose=Prose(inside.keys), clock=clock)


def moderating(inside: Core) -> HandlingActs:
    """What moderators do about them."""
    return HandlingActs(ledger=inside.ledger, handlings=handlings(inside), known=inside.known)


def for_residents(inside: Core, tell: Tell) -> Portal:
    """The portal."""
    reporting = Reporting(handlings=handlings(inside), tell=tell, known=inside.known, clean=clean, chance=chance)
    nearby = Nearby(values=inside.facts, known=inside.known, clock=clock)
    return Portal(
        reporting=reporting,
        nearby=nearby,
        find=Addresses(inside.install.city).find,
        map=CityMap(inside.settings, inside.install.city),
        install=inside.install,
        site=inside.settings.site or f"http://localhost:{inside.settings.port or FIRST_PORT}",
        simulated=lambda: simulated(inside),
        rates=looking(clock),
    )


def simulated(inside: Core) -> bool:
    """Whether anything here is made up."""
    return any(source.simulated for source in inside.known.sources.values())
