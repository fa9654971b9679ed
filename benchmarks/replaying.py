"""Replay of a recorded hour into an empty state: other batch cuts, other order of partitions, other hash seeds.

An hour of readings comes in through the door, as fast as it goes, and is worked off and archived as always. Then it is
replayed in processes of their own, and while it came in it was itself worked off by one worker, then by two. Every
digest must be the same, and the same as what was found at the time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import msgspec
from benchmarks import driving, report
from benchmarks.counting import archived
from benchmarks.driving import ordered, send, settled
from benchmarks.report import promise, tell
from benchmarks.stack import VERBS, Stack, stack, start

from tutela.flow.replay import Report
from tutela.model.when import HOUR, SECOND

STREAMS, ROWS = 20_000, 1000
EVERY = 20
"""Seconds of event time between two rounds."""
CUTS = ((1000, False, "0"), (7, True, "1"), (64, False, "4711"))
"""Messages at once, partitions backwards or not, PYTHONHASHSEED."""


async def record(running: Stack, span: int) -> int:
    """So much event time, which ended just now: rows that were acknowledged. A second worker joins in the middle."""
    plan = await driving.enter(running, "arrow", ROWS, STREAMS, 1e6)
    await start(running, VERBS)
    rounds = span // (EVERY * SECOND)
    since = time.time_ns() // 1000 - span
    rows = 0
    for half in range(2):
        begin = since + half * (rounds // 2) * EVERY * SECOND
        order = ordered(
            running, plan, rate=0, seconds=300, sockets=4, rounds=rounds // 2, start=begin, step=EVERY * SECOND
        )
        sent = await send(running, order)
        promise(f"replaying.recorded.{half + 1}", not sent.failed, failures=sent.failures)
        rows += sum(tally.acked for tally in sent.kinds.values())
        if not half:
            await settled(running, 120)
            await start(running, ("work",), workers=2, first=2)
    await settled(running, 120)
    return rows


async def replay(running: Stack, batch: int, seed: str, *, backwards: bool) -> tuple[Report, float]:
    """One replay in a process of its own, and the seconds that it took."""
    words = ["replay", "live", "--json", "--batch", str(batch), *(["--backwards"] if backwards else [])]
    env = {**running.settings.environment, **running.engines.addresses.environment(), "PYTHONHASHSEED": seed}
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tutela", *words, stdout=asyncio.subprocess.PIPE, env={**os.environ, **env}
    )
    said, _ = await process.communicate()
    took = time.monotonic() - begun
    if not said:
        raise SystemExit(f"`tutela {' '.join(words)}` ended with {process.returncode} and said nothing")
    return msgspec.json.decode(said, type=Report), took


async def main() -> None:
    """Record once, replay several times."""
    async with stack(()) as running:
        rows = await record(running, HOUR // 10 if report.quick() else HOUR)
        await archived(running, 150)
        reports = []
        for batch, backwards, seed in CUTS:
            told, took = await replay(running, batch, seed, backwards=backwards)
            reports.append(told)
            tell(f"replaying.cut-{batch}", rows / took, "rows/s", seconds=took, compared=told.compared)
        digests = {told.digest for told in reports}
        found = reports[0].compared
        promise("replaying.same-hashes", len(digests) == 1 and found > 0, digests=sorted(digests), findings=found)
        kept = all(told.same for told in reports)
        promise("replaying.same-as-then", kept, differences=[told.differences for told in reports])


if __name__ == "__main__":
    asyncio.run(main())
