"""The demonstration's papers, signed by nobody: one capability that is armed, one that residents can comment on, and one whose paper lapses.

They show how it works, and are no example of what to write in an assessment.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tutela.app.arming import arming
from tutela.app.core import Core, clock
from tutela.model.arming import OPEN_FOR, SUBJECT, Extent, lives
from tutela.model.paper import Dpia, Paper
from tutela.model.when import DAY, MINUTE

BY = "install"
OFFICE = "The demonstration's office"
NOBODY = "nobody: this is a demonstration"
ARMED, OPEN, LAPSES = "units-gather", "units-gather-closely", "units-gather-widely"
LASTS = 2 * MINUTE
"""So long the assessment stands that is to lapse."""

TEXT = (
    "Tells operators when many units stand close together, by the positions that their radios send. It counts them, and never says which "
    "ones they are. (A demonstration: the units are simulated, and nobody signed its papers.)"
)
EXTENT = Extent(areas=("Central Helsinki",), purposes=("emergency-response",), classes=("positions",), days=1)


async def with_papers(inside: Core) -> None:
    """Enter and publish what the demonstration shows, once."""
    known = lives(await inside.facts.about(SUBJECT))
    for name, lasts in ((ARMED, 365 * DAY), (LAPSES, LASTS), (OPEN, 365 * DAY)):
        if name in known:
            continue
        await _assessed(inside, name, lasts)
        here = replace(arming(inside), open_for=OPEN_FOR if name == OPEN else 0)
        await here.publish(name, TEXT, EXTENT, BY, simulated=True)
        if name != OPEN:
            await here.arm(name, BY)


async def _assessed(inside: Core, name: str, lasts: int) -> None:
    now = clock()
    said = Paper(
        number=f"demonstration {name}",
        authority=OFFICE,
        signed=NOBODY,
        about=Dpia(covers=(name,)),
        since=now,
        until=now + lasts,
        sha256=sha256(TEXT.encode()).hexdigest(),
        simulated=True,
    )
    await arming(inside).papers.enter(said, BY)
