"""`tutela letters`: what could not be worked off, and one of them once more."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.core import clock, core
from tutela.app.settings import Settings
from tutela.flow.letters import Letters
from tutela.model.dead_letter import DeadLetter
from tutela.model.when import iso

BY = "install"


async def listed(settings: Settings, most: int) -> Sequence[DeadLetter]:
    """The newest ones that wait."""
    async with core(settings, "letters", connections=1) as inside:
        return await Letters(inside.facts, inside.streams, clock).waiting(most)


async def revive(settings: Settings, id_: str) -> DeadLetter:
    """Take one up again."""
    async with core(settings, "letters", connections=1) as inside:
        return await Letters(inside.facts, inside.streams, clock).revive(id_, BY)


def words(letters: Sequence[DeadLetter]) -> str:
    """The letters as a person reads them."""
    lines = [f"{letter.id}  {iso(letter.at)}  {letter.source}  {letter.reason}: {letter.says}" for letter in letters]
    return "\n".join(lines) or "No dead letters wait."
