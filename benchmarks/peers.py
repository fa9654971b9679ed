"""Side by side, on the same recorded events: ours, the plain way (one message, one transaction an event), and bytewax.

Bytewax is the best-known stream processor for Python that reads any source with code of one's own, keeps keyed state
with recovery, and is open (Apache-2.0): faust and quixstreams speak Kafka only, beam and pyflink need a JVM or a runner.
Each figure is events a second of one core of the process that thinks; the engines' time is told beside it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import driving, report
from benchmarks.driving import OBS, Run, drive
from benchmarks.report import ROOT, promise, tell
from benchmarks.stack import VERBS, Stack, stack, start
from benchmarks.watched import Watched, watched

from tutela.flow import hop
from tutela.model import wire

STREAMS, RATE = 20_000, 100_000
PLAIN = "PLAIN-bench"
ENGINES = ("nats", "postgres")
ENVIRONMENT = ROOT / ".venv-bench"
LOCK = ROOT / "requirements" / "bench.txt"
AT_ONCE = 256


async def ours(running: Stack, seconds: float) -> Run:
    """Events in through the door, worked off by our worker."""
    plan = await driving.enter(running, "arrow", 1000, STREAMS, RATE)
    await start(running, VERBS)
    run = await drive(running, plan, RATE, seconds)
    for name in ("serve", "work-1", "keep"):
        await running.engines.children.child(name).end()
    return run


async def bytewax(running: Stack, seen: Watched, rows: int) -> dict[str, float]:
    """The recorded stream through bytewax."""
    python = await asyncio.to_thread(environment)
    folder = running.settings.data.parent
    order = {
        "nats": running.inside.where.nats,
        "dsn": running.inside.where.pg,
        "stream": OBS,
        "subject": "obs.live.readings.>",
        "rows": rows,
        "high": seen.high,
        "low": seen.low,
        "recovery": str(folder / "bytewax"),
    }
    file = folder / "bytewax.json"
    file.write_text(json.dumps(order))
    return await measured(running, str(python), str(ROOT / "benchmarks" / "bytewax_flow.py"), str(file))


async def plain(running: Stack, seen: Watched, events: int, seconds: float) -> dict[str, float]:
    """Some of the same events, a message each: stored durably first, then worked off."""
    streams = running.inside.streams
    await streams.open(PLAIN, ["plain.>"])
    bodies = await some(running, seen, events)
    gate = asyncio.Semaphore(AT_ONCE)

    async def publish(number: int, body: bytes) -> None:
        async with gate:
            await streams.publish("plain.one", body, f"plain-{number}", {})

    begun = time.monotonic()
    await asyncio.gather(*(publish(number, body) for number, body in enumerate(bodies)))
    published = events / (time.monotonic() - begun)
    where = running.inside.where
    told = await measured(running, sys.executable, "-m", "benchmarks.plain", where.nats, where.pg, PLAIN, str(seconds))
    return told | {"published": published}


async def some(running: Stack, seen: Watched, events: int) -> list[bytes]:
    """Recorded observations, one by one as JSON."""
    reader = await running.inside.streams.read(OBS, [hop.observed("live", "readings", 1)], 0)
    bodies: list[bytes] = []
    while len(bodies) < events:
        for message in await reader.fetch(16, 5):
            rows = wire.decode(message.body)
            columns = zip(rows.datastream.tolist(), rows.time.tolist(), rows.result.tolist(), strict=True)
            bodies += [
                json.dumps({"datastream": one, "at": at, "result": result, "high": seen.high, "low": seen.low}).encode()
                for one, at, result in columns
            ]
    await reader.close()
    return bodies[:events]


async def measured(running: Stack, *command: str) -> dict[str, float]:
    """What a peer says of itself, and what the engines used meanwhile."""
    meter = running.meter(*ENGINES)
    meter.start()
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    words, _ = await process.communicate()
    used = meter.stop()
    if process.returncode:
        raise SystemExit(f"the peer {command[1]} failed: see what it says above")
    told: dict[str, float] = json.loads(words.splitlines()[-1])
    return told | {"engines": sum(one.cpu for one in used.values())}


def environment() -> Path:
    """Bytewax in an environment of its own, made when it is first needed, from a lock with hashes."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        sys.stderr.write(f"installing {LOCK.name} (hash-checked) into {ENVIRONMENT.name}\n")
        subprocess.run((sys.executable, "-m", "venv", str(ENVIRONMENT)), check=True)
        pip = (str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", str(LOCK))
        subprocess.run(pip, check=True)
    return python


async def main() -> None:
    """All three, in one instance."""
    quick = report.quick()
    async with stack(()) as running:
        seen = watched()
        run = await ours(running, 3 if quick else 10)
        readings = run.sent.kinds["readings"]
        wax = await bytewax(running, seen, readings.acked)
        one = await plain(running, seen, 2_000 if quick else 20_000, 5 if quick else 20)
    rate = {name: told["events"] / told["cpu"] for name, told in (("bytewax", wax), ("plain", one))}
    cpu = run.used["work-1"].cpu
    engines = {"ours": sum(run.used[name].cpu for name in ENGINES) / run.rows * 1e6}
    engines |= {name: told["engines"] / told["events"] * 1e6 for name, told in (("bytewax", wax), ("plain", one))}
    tell("peers.core", run.rows / cpu, "events/s/core", peers=rate, events=run.rows, engines_cpu_s_per_million=engines)
    speed = {name: told["events"] / told["seconds"] for name, told in (("bytewax", wax), ("plain", one))}
    tell("peers.rate", run.sent.rate, "events/s", peers=speed | {"plain published": one["published"]})
    promise("peers.same", wax["detections"] == run.sent.spikes, bytewax=wax["detections"], ours=run.sent.spikes)


if __name__ == "__main__":
    asyncio.run(main())
