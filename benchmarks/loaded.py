"""What all detectors together cost the spine: its throughput with the five that it began with, and with all, by turns.

More is offered than can be taken, for a while; throughput is everything that was acknowledged over the time until all of it
was worked off. Each run has an instance of its own. The medians are compared.
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

from tutela.app.children import at_once, program

OFFERED = {"json": 600_000, "arrow": 2_000_000}
SHARE = 0.9
ROUNDS, SECONDS = (1, 4.0) if report.quick() else (3, 15.0)


async def begin(running: Stack, *, whole: bool) -> None:
    """Start the processes; the worker with all detectors, or with five."""
    if whole:
        await start(running, VERBS)
        return
    await start(running, [verb for verb in VERBS if verb != "work"])
    made = program("work", running.settings, running.engines.addresses, at_once, "work-1")
    env = {**(made.env or {}), "PYTHONPATH": str(report.ROOT)}
    lean = replace(made, command=(sys.executable, "-m", "benchmarks.lean"), env=env)
    running.names.append("work-1")
    await running.engines.children.start(lean)


async def throughput(form: str, *, whole: bool) -> tuple[float, float]:
    """Rows a second that were taken and worked off, and CPU seconds of the worker for a million."""
    async with stack(()) as running:
        plan = await driving.enter(running, form, ROWS[form], STREAMS, OFFERED[form])
        await begin(running, whole=whole)
        run = await driving.drive(running, plan, OFFERED[form], SECONDS, patience=120.0)
        rate = run.rows / (run.sent.ended - run.sent.began + run.drained)
        work = run.used["work-1"].cpu / run.rows * 1e6
        sys.stderr.write(f"{form} {'all' if whole else 'five'}: {rate:,.0f} rows/s, worker {work:.2f} CPU s/1M rows\n")
        return rate, work


async def main() -> None:
    """Both forms, by turns."""
    for form in OFFERED:
        rates: dict[bool, list[float]] = {False: [], True: []}
        works: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(ROUNDS):
            for whole in (False, True):
                rate, work = await throughput(form, whole=whole)
                rates[whole].append(rate)
                works[whole].append(work)
        five, everything = (statistics.median(rates[whole]) for whole in (False, True))
        spread = {name: [min(rates[whole]), max(rates[whole])] for name, whole in (("five", False), ("all", True))}
        tell(f"loaded.{form}", everything, "rows/s", peers={"five detectors": five}, spread=spread)
        tell(f"loaded.{form}.share", everything / five, "of its own", least=SHARE)
        lean, heavy = (statistics.median(works[whole]) for whole in (False, True))
        tell(f"loaded.{form}.work", heavy, "CPU s/1M rows", peers={"five detectors": lean})


if __name__ == "__main__":
    asyncio.run(main())
