"""What accountability costs the spine: its throughput with the gate, sealed bodies, the log's tree and the policies, and without, by turns.

More is offered than can be taken, for a while, a part of it about people; throughput is everything that was acknowledged over the time until all
of it was worked off. Each run has an instance of its own. The medians are compared; what they lie between is told.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from dataclasses import replace

from benchmarks import driving, report
from benchmarks.report import tell
from benchmarks.spine import ROWS, STREAMS
from benchmarks.stack import VERBS, Stack, stack, start

from tutela.app.children import answers, at_once, program

OFFERED = {"json": 600_000, "arrow": 2_000_000}
SHARE = 0.8
ROUNDS, SECONDS = (1, 4.0) if report.quick() else (5, 12.0)


async def begin(running: Stack, *, accountable: bool) -> None:
    """Start the processes, as they are or bare."""
    if accountable:
        await start(running, VERBS)
        return
    for verb in VERBS:
        name = "work-1" if verb == "work" else verb
        ready = answers(f"{running.url}/ready") if verb == "serve" else at_once
        made = program(verb, running.settings, running.engines.addresses, ready, name)
        env = {**(made.env or {}), "PYTHONPATH": str(report.ROOT)}
        running.names.append(name)
        await running.engines.children.start(
            replace(made, command=(sys.executable, "-m", "benchmarks.bare", verb), env=env)
        )


async def throughput(form: str, *, accountable: bool) -> float:
    """Rows a second that were taken and worked off."""
    async with stack(()) as running:
        plan = await driving.enter(running, form, ROWS[form], STREAMS, OFFERED[form])
        await begin(running, accountable=accountable)
        run = await driving.drive(running, plan, OFFERED[form], SECONDS, patience=120.0)
        rate = run.rows / (run.sent.ended - run.sent.began + run.drained)
        sys.stderr.write(f"{form} {'accountable' if accountable else 'bare'}: {rate:,.0f} rows/s\n")
        return rate


async def main() -> None:
    """Both forms, by turns."""
    for form in OFFERED:
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(ROUNDS):
            for accountable in (False, True):
                rates[accountable].append(await throughput(form, accountable=accountable))
        bare, whole = (statistics.median(rates[accountable]) for accountable in (False, True))
        spread = {
            name: [min(rates[which]), max(rates[which])] for name, which in (("bare", False), ("accountable", True))
        }
        tell(f"accounted.{form}", whole, "rows/s", peers={"bare": bare}, spread=spread)
        tell(f"accounted.{form}.share", whole / bare, "of bare", least=SHARE)


if __name__ == "__main__":
    asyncio.run(main())
