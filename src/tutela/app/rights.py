"""What people ask about themselves, in an instance."""

from __future__ import annotations

from tutela.app.core import Core, chance, clock
from tutela.flow.prose import Prose
from tutela.flow.read import Reads
from tutela.flow.rights import Rights
from tutela.flow.rights_acts import RightsActs
from tutela.flow.subject_access import Search


def rights(inside: Core) -> Rights:
    """The requests of an instance."""
    return Rights(log=inside.facts, prose=Prose(inside.keys), clock=clock, chance=chance, zone=inside.install.zone)


def answering(inside: Core, shown: Reads) -> RightsActs:
    """What staff do about them."""
    return RightsActs(ledger=inside.ledger, rights=rights(inside), search=Search(reads=shown))
