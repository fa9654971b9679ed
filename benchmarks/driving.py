"""Load on an instance: a generator is started, measured, and waited for until everything it sent is worked off."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
from benchmarks.generator import Order, Sent
from benchmarks.meter import Used
from benchmarks.report import ROOT
from benchmarks.stack import Stack, entry, until
from benchmarks.traffic import MOVERS, SENSORS, Plan, datastreams
from benchmarks.watched import watched

from tutela.flow import hop
from tutela.model.when import SECOND

LIVE = "live"
OBS, DET = hop.observations(LIVE), hop.second(LIVE)


@dataclass(frozen=True, slots=True)
class Run:
    """What a generator did, what the processes used meanwhile, and the seconds from its end until nothing waited."""

    rate: float
    sent: Sent
    used: dict[str, Used]
    drained: float

    @property
    def rows(self) -> int:
        """Acknowledged."""
        return sum(tally.acked for tally in self.sent.kinds.values())


async def enter(stack: Stack, form: str, rows: int, streams: int, rate: float) -> Plan:
    """Sensors and movers in the register, and the plan of what they send; a late row is older than its last round."""
    seen = watched()
    sensors, movers = datastreams(streams, seen.observed_property)
    token, first = await stack.enter(entry(SENSORS), sensors)
    moving, first_mover = await stack.enter(entry(MOVERS, personal=True), movers)
    return Plan(
        form=form,
        rows=rows,
        streams=streams,
        first={"readings": first, "positions": first_mover},
        tokens={"readings": token, "positions": moving},
        base=round(seen.low / 2, 2),
        spike=round(1.2 * seen.high, 2),
        late_by=int(max(5.0, 3 * streams / rate) * SECOND),
    )


async def drive(stack: Stack, plan: Plan, rate: float, seconds: float, patience: float = 60.0) -> Run:
    """Send at that rate; `drained` is infinite when there is still work after `patience` seconds."""
    folder = stack.settings.data.parent
    order = Order(
        port=stack.settings.port or 0,
        plan=plan,
        rate=rate,
        seconds=seconds,
        sockets=16,
        log=str(folder / f"{stack.settings.data.name}.acked"),
        newest=str(folder / f"{stack.settings.data.name}.newest.npy"),
    )
    file = folder / f"{stack.settings.data.name}.order.json"
    file.write_bytes(msgspec.json.encode(order))
    process = await _generator(file)
    assert process.stdin is not None
    meter = stack.meter(*stack.names)
    meter.pids = {**meter.pids, "generator": lambda: process.pid}
    meter.start()
    told, _ = await process.communicate(b"go\n")
    if process.returncode:
        meter.stop()
        raise SystemExit("the generator failed")
    sent = msgspec.json.decode(told, type=Sent)
    drained = await settled(stack, patience)
    used = meter.stop()
    used["generator"].cpu = sent.cpu * (sent.ended - sent.began)
    return Run(rate, sent, used, drained)


async def settled(stack: Stack, patience: float) -> float:
    """Seconds until every stage has worked off what is there now, and the outbox is empty."""
    last = await stack.inside.streams.last(OBS)

    async def detected() -> bool:
        return await lowest(stack, "detect") >= last

    async def told() -> bool:
        if await stack.number("select count(*) from outbox"):
            return False
        upto = await stack.inside.streams.last(DET)
        return min(await lowest(stack, "correlate"), await lowest(stack, "desk")) >= upto - 1

    try:
        return await until(detected, patience) + await until(told, patience)
    except TimeoutError:
        return float("inf")


async def lowest(stack: Stack, stage: str) -> int:
    """The sequence up to which all partitions of a stage have committed their work."""
    return await stack.number("select min(sequence) from lease where timeline = $1 and stage = $2", LIVE, stage)


async def _generator(order: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.generator",
        str(order),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    if await process.stdout.readline() != b"ready\n":
        await process.communicate()
        raise SystemExit("the generator could not begin: see what it says above")
    return process
