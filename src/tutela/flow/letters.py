"""Dead letters, as whoever keeps the system sees them: what waits, and why; and one of them taken up again.

Taking one up is sending its message once more, as it was. It is worked off like any other; when it still can't be,
it is the same letter that waits again, and its tries go on counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tutela.errors import BadInput, EngineDown
from tutela.maths.ids import uuid_of
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE

from .ports import Clock, DeadLetters, Log, Streams


class TakenUp(Noun, frozen=True, kw_only=True):
    """Body of `letter@1`: a dead letter was sent once more, for the so manieth time."""

    letter: str
    tries: int


class Facts(DeadLetters, Log, Protocol):
    """What this needs of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of an instance."""

    facts: Facts
    streams: Streams
    clock: Clock

    async def waiting(self, most: int) -> Sequence[DeadLetter]:
        """The newest ones that wait."""
        return await self.facts.dead_letters(most)

    async def revive(self, id_: str, by: str) -> DeadLetter:
        """Send one again; raises NotFound, BadInput for one that does not say where it was."""
        letter = await self.facts.revive(id_, self.clock())
        # Marked first and sent then: the other way round, one that dies again at once would be marked as well.
        if not letter.subject:
            await self.facts.dead([letter], ())
            raise BadInput(f"the dead letter {id_} is of an older version and does not say where it was sent to")
        try:
            await self.streams.publish(letter.subject, letter.body, f"letter-{id_}-{letter.tries}", letter.again)
        except EngineDown:
            await self.facts.dead([letter], ())  # it waits again
            raise
        await self.facts.append([_event(letter, by)])
        return letter


def _event(letter: DeadLetter, by: str) -> Event:
    return Event(
        id=uuid_of("letter@1", letter.id, letter.tries),
        at=letter.replayed_at or 0,
        by=by,
        cause=uuid_of("dead-letter@1", letter.id),
        kind="letter@1",
        timeline=LIVE,
        body=encode(TakenUp(letter=letter.id, tries=letter.tries)),
        subject=letter.id,
    )
