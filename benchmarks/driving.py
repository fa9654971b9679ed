"""Load on an instance: a generator is started, measured, and waited for until everything it sent is worked off."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from benchmarks.generator import Order, Sent
from benchmarks.meter import Meter, Used
from benchmarks.report import ROOT
from benchmarks.stack import Stack, entry, until
from benchmarks.traffic import MOVERS, SENSORS, Plan, datastreams
from benchmarks.watched import watched

from tutela.flow import hop
from tutela.model.when import SECOND

Process = asyncio.subprocess.Process
LIVE = "live"
SOCKETS = 64
"""So many that one which waits for its answer keeps hardly anybody waiting: 150 requests a second take a tenth of each."""
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
    order = ordered(stack, plan, rate=rate, seconds=seconds)
    async with sending(stack, order) as (process, meter):
        sent = await told(process)
        drained = await settled(stack, patience)
        used = meter.stop()
    used["generator"].cpu = sent.cpu * (sent.ended - sent.began)
    return Run(rate, sent, used, drained)


def ordered(stack: Stack, plan: Plan, **more: Any) -> Order:  # noqa: ANN401  fields of an order
    """An order for this instance. What is acknowledged is logged beside the instance, not in it."""
    beside = stack.settings.data.with_suffix
    return msgspec.convert(
        {
            "port": stack.settings.port,
            "plan": plan,
            "sockets": SOCKETS,
            "log": str(beside(".acked")),
            "newest": str(beside(".newest.npy")),
            **more,
        },
        Order,
    )


async def send(stack: Stack, order: Order) -> Sent:
    """Have it sent; nothing is waited for but the answers."""
    async with sending(stack, order) as (process, _):
        return await told(process)


@asynccontextmanager
async def sending(stack: Stack, order: Order) -> AsyncIterator[tuple[Process, Meter]]:
    """A generator that has begun to send, and a meter that has begun to count."""
    file = stack.settings.data.with_suffix(".order.json")
    file.write_bytes(msgspec.json.encode(order))
    process = await _generator(file)
    meter = stack.meter(*stack.names)
    meter.pids = {**meter.pids, "generator": lambda: process.pid}
    meter.start()
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    try:
        yield process, meter
    finally:
        meter.stop()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def told(process: Process) -> Sent:
    """What a generator tells at its end."""
    words, _ = await process.communicate()
    if process.returncode:
        raise SystemExit("the generator failed: see what it says above")
    return msgspec.json.decode(words, type=Sent)


async def settled(stack: Stack, patience: float) -> float:
    """Seconds until every stage has worked off what is there now, and the outbox is empty."""
    last = await stack.inside.streams.last(OBS)

    async def detected() -> bool:
        return await lowest(stack, "detect") >= last

    async def shown() -> bool:
        if await stack.number("select count(*) from outbox"):
            return False
        upto = await stack.inside.streams.last(DET)
        return min(await lowest(stack, "correlate"), await lowest(stack, "desk")) >= upto - 1

    try:
        return await until(detected, patience) + await until(shown, patience)
    except TimeoutError:
        return float("inf")


async def lowest(stack: Stack, stage: str) -> int:
    """The sequence up to which all partitions of a stage have committed their work."""
    return await stack.number("select min(sequence) from lease where timeline = $1 and stage = $2", LIVE, stage)


async def _generator(order: Path) -> Process:
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
