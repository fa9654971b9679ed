"""The people of an instance, on its engines."""

from __future__ import annotations

from tutela.app.core import Core
from tutela.flow.people import Chance, Staff


def staff(inside: Core, chance: Chance) -> Staff:
    """Who works here."""
    return Staff(
        ledger=inside.ledger,
        people=inside.facts,
        desk=inside.facts,
        log=inside.facts,
        shifts=inside.facts,
        keys=inside.keys,
        chance=chance,
    )
