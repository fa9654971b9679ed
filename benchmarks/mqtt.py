"""Durable intake over MQTT: 1,000 devices, each with a token and a connection of its own, one observation a message, QoS 1.

A PUBACK comes after the fsync. No worker runs beside, so that what is measured is the door, the gate, the gateway and the
durable log. Each figure says what every process used meanwhile: the one that is near a whole core is what limits it.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec
from benchmarks import report
from benchmarks.meter import Used
from benchmarks.mqtt_generator import Device, Order, Sent
from benchmarks.report import ROOT, promise, tell
from benchmarks.stack import BY, Stack, entry, stack, start

from tutela.app.core import clock
from tutela.flow import hop
from tutela.flow.entering import define, enter
from tutela.model import wire
from tutela.model.register import Datastream, Thing

SOURCE, DEVICES = "bench-devices", 1_000
RATE, P99 = 10_000, 100.0
OBS = hop.observations("live")


async def devices(running: Stack) -> tuple[Device, ...]:
    """Things with one datastream each, and a token for each Thing."""
    facts, tokens = running.inside.facts, running.inside.tokens
    await enter(facts, entry(SOURCE, kind="mqtt"), BY, clock())
    things = [Thing(id=0, name=f"meter-{number:04}", kind="meter", source=SOURCE) for number in range(DEVICES)]
    streams = [
        Datastream(
            id=0, name=f"{one.name}/power", source=SOURCE, thing=one.name, kind="readings", observed_property="power", unit="W"
        )
        for one in things
    ]  # fmt: skip
    await define(facts, things, streams, BY, clock())
    return tuple(
        [
            Device(
                user=f"{SOURCE}/{one.name}",
                token=await tokens.issue(SOURCE, one.name),
                topic=f"{SOURCE}/{one.name}/power",
            )
            for one in things
        ]
    )


async def measure(running: Stack, order: Order) -> tuple[Sent, dict[str, Used], int]:
    """Have it sent: what came of it, what it cost, and how many rows are in the log since."""
    file = running.settings.data.with_suffix(".order.json")
    file.write_bytes(msgspec.json.encode(order))
    before = await running.inside.streams.last(OBS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.mqtt_generator", str(file), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    if await process.stdout.readline() != b"ready\n":
        await process.communicate()
        raise SystemExit("the generator could not begin: see what it says above")
    meter = running.meter(*running.names)
    meter.start()
    words, _ = await process.communicate(b"go\n")
    used = meter.stop()
    if process.returncode:
        raise SystemExit("the generator failed: see what it says above")
    sent = msgspec.json.decode(words, type=Sent)
    return sent, used, await stored(running, before)


async def stored(running: Stack, after: int) -> int:
    """Rows in the log after that message."""
    last, rows = await running.inside.streams.last(OBS), 0
    reader = await running.inside.streams.read(OBS, ("obs.live.>",), after)
    try:
        while after < last:
            for message in await reader.fetch(500, 1.0):
                rows += len(wire.decode(message.body))
                after = message.sequence
    finally:
        await reader.close()
    return rows


def figures(name: str, sent: Sent, used: dict[str, Used], there: int) -> None:
    """One run: its rate and latency with their bars, and that nothing acknowledged is missing."""
    took = sent.ended - sent.began
    tell(f"mqtt.{name}.connected", sent.connected, "s for 1,000 devices")
    cores = {process: round(one.cpu / took, 2) for process, one in used.items()} | {"generator": round(sent.cpu, 2)}
    busiest = max(cores, key=lambda process: cores[process])
    rate = sent.acked / took
    tell(
        f"mqtt.{name}", rate, "messages/s", least=RATE * 0.99 if name == "open" else RATE, cores=cores, busiest=busiest
    )
    tell(f"mqtt.{name}.ack.p99", sent.p99, "ms", most=P99, p50=sent.p50, p90=sent.p90, worst=sent.worst)
    memory = {process: round(one.peak_mb) for process, one in used.items()}
    promise(f"mqtt.{name}.all", not sent.failures and there >= sent.acked, acked=sent.acked, there=there,
            failures=sent.failures, memory=memory)  # fmt: skip


async def main() -> None:
    """As fast as answers come; then the bar's rate whatever the answers."""
    seconds = 5.0 if report.quick() else 20.0
    async with stack(()) as running:
        all_ = await devices(running)
        await start(running, ["serve"])
        port = running.settings.mqtt_port or 0
        for name, rate in (("closed", 0.0), ("open", float(RATE))):
            order = Order(port=port, devices=all_, rate=rate, seconds=seconds)
            figures(name, *await measure(running, order))


if __name__ == "__main__":
    asyncio.run(main())
