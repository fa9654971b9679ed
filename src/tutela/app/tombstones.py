"""`tutela tombstones`: every key that was destroyed, by the file or by the database."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.core import core, tombstones
from tutela.app.settings import Settings
from tutela.backends.tombstones import destroyed
from tutela.model.backup import Tombstone


async def run(settings: Settings) -> Sequence[Tombstone]:
    """Oldest first."""
    async with core(settings, "tombstones", connections=1) as inside:
        known = {**await destroyed(inside.facts.db), **await tombstones(settings).all()}
        return [Tombstone(key=key, at=at) for key, at in sorted(known.items(), key=lambda stone: stone[::-1])]
