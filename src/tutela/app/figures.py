"""The live figures of an instance's register."""

from __future__ import annotations

import asyncio

from tutela.app.core import Core, clock
from tutela.app.verifying import log_key, origin
from tutela.flow.counting import Counting
from tutela.flow.figures import Figuring
from tutela.flow.published import Publishing
from tutela.flow.register_public import Registering
from tutela.model import note


def figuring(inside: Core, registering: Registering, public: Publishing) -> Figuring:
    """Counts and signs them. The log's key is read when they are signed, and not kept."""

    async def signs(text: bytes) -> bytes:
        return await asyncio.to_thread(lambda: log_key(inside.settings).sign(text))

    counting = Counting(
        kept=inside.facts,
        known=inside.known,
        registering=registering,
        policies=inside.ledger.policies,
        clock=clock,
        began=clock(),
    )
    return Figuring(counting=counting, key=note.verifier_key(origin(inside.install), public.public), signs=signs)
