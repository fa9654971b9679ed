"""The spine end to end: batches over HTTP, through gate, durable log, detectors, desk and lake. JSON, then Arrow.

The bar's rate runs for a minute; then the highest that holds (no failure, p99 of acknowledgements under 150 ms, everything
worked off within seconds of the end) is looked for in short runs. Then everything is counted: what the generator knows was acknowledged
must be in the lake and in the detectors' state, once, and each spike must be one detection.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field, replace

from benchmarks import driving, report
from benchmarks.counting import Counted, archived, counted
from benchmarks.driving import Run
from benchmarks.report import promise, tell
from benchmarks.stack import VERBS, Stack, stack, start
from benchmarks.traffic import Plan

from tutela.app.keep import archiver
from tutela.flow.archive import Rhythm

STREAMS = 100_000
BARS = {"json": 150_000, "arrow": 500_000}
ROWS = {"json": 1000, "arrow": 5000}
ACK = 150.0
DRAIN = 5.0
HOUR = 3600
ARCHIVED = 100.0
STEP = 1.25
LONG, SHORT, SLICE = 60.0, 12.0, 6.0


@dataclass(slots=True)
class Known:
    """What all generators on one instance know together."""

    acked: dict[str, int] = field(default_factory=dict)
    late: int = 0
    doubled: int = 0
    spikes: int = 0
    spike_time: int = 0
    sums: dict[str, int] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        """What one more run knows."""
        for kind, tally in run.sent.kinds.items():
            self.acked[kind] = self.acked.get(kind, 0) + tally.acked
            self.sums[kind] = self.sums.get(kind, 0) + tally.sum_datastream + tally.sum_time
        self.late += run.sent.kinds["readings"].late
        self.doubled += run.sent.kinds["readings"].doubled
        self.spikes += run.sent.spikes
        self.spike_time += run.sent.spike_time


def held(run: Run) -> bool:
    """Whether the instance kept up."""
    kept_up = run.sent.rate >= 0.98 * run.rate
    return kept_up and not run.sent.failed and run.sent.p99 < ACK and run.drained <= DRAIN


async def highest(running: Stack, plan: Plan, known: Known, bar: float) -> float:
    """The highest rate that held in short runs: from the bar up or down in steps of a quarter."""
    rate, best = bar, 0.0
    for _ in range(8):
        run = await driving.drive(running, plan, rate, SHORT)
        known.add(run)
        note(run)
        if held(run):
            best = rate
            if rate < bar:
                break
            rate *= STEP
        elif best:
            break
        else:
            rate /= STEP
    return best or rate


def note(run: Run) -> None:
    """A line on standard error about a run."""
    sent, cpu = run.sent, {name: round(used.cpu, 1) for name, used in run.used.items()}
    sys.stderr.write(
        f"{run.rate:,.0f}/s: {'held' if held(run) else 'not held'}; p50 {sent.p50:.0f} p99 {sent.p99:.0f} worst "
        f"{sent.worst:.0f} ms, drained {run.drained:.1f} s, failed {sent.failed} {sent.failures}, generator "
        f"{sent.cpu:.0%}, CPU s {cpu}\n"
    )


async def measure(form: str) -> None:
    """One form, on an instance of its own."""
    async with stack(()) as running:
        known, bar, hour = Known(), BARS[form], time.time() // HOUR
        plan = await driving.enter(running, form, ROWS[form], STREAMS, bar)
        await start(running, VERBS)
        run = await driving.drive(running, plan, bar, SLICE if report.quick() else LONG)
        known.add(run)
        note(run)
        figures(form, run)
        await archive(running, form)
        if not report.quick():
            tell(f"spine.{form}.highest", await highest(running, plan, known, bar), "rows/s", seconds=SHORT)
            await archived(running, ARCHIVED)
        checks(form, known, await counted(running), turned=time.time() // HOUR != hour)


def figures(form: str, run: Run) -> None:
    """What the run showed. What it could not hold counts as the rate at which it was worked off."""
    sent, name = run.sent, f"spine.{form}"
    rate = run.rows / (sent.ended - sent.began + max(0.0, run.drained - DRAIN))
    tell(name, rate, "rows/s", least=BARS[form], held=held(run), seconds=round(sent.ended - sent.began), asked=run.rate)
    tell(f"{name}.ack.p99", sent.p99, "ms", most=ACK, p50=sent.p50, p90=sent.p90, worst=sent.worst, failed=sent.failed)
    tell(f"{name}.drained", run.drained, "s", most=DRAIN)
    tell(f"{name}.generator", sent.cpu, "cores", most=0.25)
    for process, used in run.used.items():
        tell(f"{name}.cpu.{process}", used.cpu / run.rows * 1e6, "CPU s/1M rows", seconds=round(used.cpu, 1))
        tell(f"{name}.peak.{process}", used.peak_mb, "MB")


async def archive(running: Stack, form: str) -> None:
    """Wait until all is in the lake. In a quick run a hastier archiver takes the keeper's place."""
    if not report.quick():
        tell(f"spine.{form}.archived", await archived(running, ARCHIVED), "s", most=ARCHIVED)
        return
    await running.engines.children.child("keep").end()
    stop = asyncio.Event()
    hasty = asyncio.create_task(replace(archiver(running.inside), rhythm=Rhythm(every=0.5)).run(stop))
    await archived(running, ARCHIVED)
    stop.set()
    await hasty


def checks(form: str, known: Known, found: Counted, *, turned: bool) -> None:
    """Exactly once: everything that was acknowledged, and nothing twice. `turned`: an hour did, and sums began anew."""
    name = f"spine.{form}.once"
    for kind, acked in known.acked.items():
        promise(f"{name}.lake.{kind}", found.lake[kind] == acked, found=found.lake[kind], acked=acked)
    sums = found.sum_datastream + found.sum_time
    promise(f"{name}.lake.sums", sums == known.sums["readings"], found=sums, acked=known.sums["readings"])
    once = found.detections == found.distinct == known.spikes and found.detection_time == known.spike_time
    promise(f"{name}.detections", once, found=found.detections, distinct=found.distinct, spikes=known.spikes)
    promise(f"{name}.alerts", found.joined == known.spikes, found=found.joined, spikes=known.spikes)
    rows = known.acked["readings"] - known.doubled - known.late
    if not turned and not report.quick():  # a quick run is never saved
        promise(f"{name}.state", found.state == rows, found=found.state, acked=rows)


async def main() -> None:
    """Both forms."""
    for form in BARS:
        await measure(form)


if __name__ == "__main__":
    asyncio.run(main())
