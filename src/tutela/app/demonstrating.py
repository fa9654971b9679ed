"""The demonstration's own witness: a process of its own, with its own directory and key, and named as what it is.

It shows how a witness works, and no more: whoever can change this log on this machine can change that directory as well. A real
witness belongs to somebody else.
"""

from __future__ import annotations

import asyncio

from tutela.app.children import outsider
from tutela.app.core import Core, clock, core
from tutela.app.settings import FIRST_PORT, Settings
from tutela.app.verifying import origin, public_key
from tutela.backends.children import Program
from tutela.backends.witness_folder import WitnessFolder
from tutela.flow.witnesses import end, enter

BY = "install"
OWNER = "nobody else: it is the demonstration's own, and a real witness belongs to somebody else"
EVERY = 5
"""Seconds between two looks of it."""


async def its_witness(settings: Settings) -> Program:
    """Enter the demonstration's witness into the register; the program to run."""
    folder = settings.data / "demonstration-witness"
    async with core(settings, "demonstration", connections=1) as inside:
        name = f"{origin(inside.install)}/demonstration-witness"
        key = await asyncio.to_thread(WitnessFolder(folder).settle, name)
        await enter(inside.facts, key, OWNER, BY, clock(), simulated=True)
    address = f"http://127.0.0.1:{settings.port or FIRST_PORT}"
    log = str(public_key(settings))
    words = ("witness", address, "--data", str(folder), "--log", log, "--every", str(EVERY), "--stay")
    return outsider("witness", words, settings)


async def without_it(inside: Core) -> None:
    """A start without the demonstration waits for no witness of it."""
    for one in await inside.facts.cosigners():
        if one.simulated:
            await end(inside.facts, one.name, "this start is without the demonstration", BY, clock())
