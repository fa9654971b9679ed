"""What people ask about themselves, in an instance."""

from __future__ import annotations

from tutela.app.core import Core, chance, clock
from tutela.app.holds import holds
from tutela.backends.postgres.copying import PostgresCopying
from tutela.flow.prose import Prose
from tutela.flow.read import Reads
from tutela.flow.rights import Rights
from tutela.flow.rights_acts import RightsActs
from tutela.flow.rights_erasure import Erasure
from tutela.flow.subject_access import Search
from tutela.model.rights import Claim, Right
from tutela.model.when import DAY

BY = "simulated-city"


def rights(inside: Core) -> Rights:
    """The requests of an instance."""
    return Rights(log=inside.facts, prose=Prose(inside.keys), clock=clock, chance=chance, zone=inside.install.zone)


def answering(inside: Core, shown: Reads) -> RightsActs:
    """What staff do about them."""
    erasure = Erasure(
        log=inside.facts,
        desk=inside.facts,
        keys=inside.keys,
        spared=holds(inside).spared,
        copying=PostgresCopying(inside.facts.db),
        clock=clock,
    )
    return RightsActs(ledger=inside.ledger, rights=rights(inside), search=Search(reads=shown), erasure=erasure)


CONTACT = "nobody@example.org"
SIMULATED = (
    (0, Right.ACCESS, "Simulated Sanna", "What do you keep of me, and who looked at it? My number is the one below."),
    (9, Right.ERASURE, "Simulated Samir", "I reported a lamp in spring. Please erase what I wrote, my name is in it."),
    (26, Right.CONTEST, "Simulated Sirkka", "An alert said that I was in a crowd that I was not in. Look at it again."),
)
"""Days ago, and what nobody wrote: so that the demonstration has requests of each urgency."""


async def demonstrate(inside: Core) -> None:
    """Requests of the demonstration city, marked as such, filed once."""
    here = rights(inside)
    if any(one.simulated for one in await here.standing()):
        return
    for days, right, name, words in SIMULATED:
        claim = Claim(name=name, contact=CONTACT, words=words, phones=("+358 40 000 0000",))
        filed = await here.file(right, claim, simulated=True, came=clock() - days * DAY)
        if right is Right.ERASURE:
            await here.identify(filed.reference, "simulated: nobody was there", BY)
            await here.extend(filed.reference, "Simulated: three agencies are asked.", BY)
