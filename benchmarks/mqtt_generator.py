"""A process that publishes over many MQTT connections, one observation a message, QoS 1.

usage: python -m benchmarks.mqtt_generator ORDER.json      prints one JSON line: what was sent, acknowledged, and when

At a set rate it sends whatever the answers (open loop), and latency counts from when a message was due. With no rate set each
connection publishes the next when the one before is acknowledged (closed loop). It says "ready" when all connections are
accepted, and begins when it reads a line.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import uvloop

from tutela.model.noun import Noun

TICK = 0.002
PATIENCE = 30.0


class Device(Noun, frozen=True, kw_only=True):
    """One connection: who it is, and where it publishes."""

    user: str
    token: str
    topic: str


class Order(Noun, frozen=True, kw_only=True):
    """To whom, how fast in all (0: as answers come), for how many seconds."""

    port: int
    devices: tuple[Device, ...]
    rate: float
    seconds: float


class Sent(msgspec.Struct, kw_only=True):
    """What a run did. Latencies in milliseconds, `cpu` in cores; `connected`: seconds until all connections were accepted."""

    acked: int
    connected: float
    failures: dict[str, int]
    p50: float
    p90: float
    p99: float
    worst: float
    cpu: float
    began: float
    ended: float


class Line(asyncio.Protocol):
    """One connection (MQTT 3.1.1). `due` holds when each message in flight was due, oldest first."""

    def __init__(self, device: Device) -> None:
        name = _sized(device.topic)
        self._hello = _packet(0x10, _sized("MQTT") + b"\x04\xc2\x00\x00" + b"".join(
            map(_sized, (device.topic, device.user, device.token))
        ))  # fmt: skip
        self._head = bytes((0x32, len(name) + 2 + 4)) + name
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._number = 0
        self.accepted = asyncio.Event()
        self.idle = asyncio.Event()
        self.latencies: list[float] = []
        self.due: deque[float] = deque()
        self.until = 0.0
        self.failure = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._hello)

    def connection_lost(self, exc: Exception | None) -> None:
        self.failure = f"connection lost: {exc}"
        self._transport = None
        self.accepted.set()
        self.idle.set()

    def data_received(self, data: bytes) -> None:
        got = self._got + data if self._got else data
        while len(got) >= 4:
            if got[0] == 0x40:
                self._acknowledged()
            elif got[:4] == b"\x20\x02\x00\x00":
                self.accepted.set()
            else:
                self.failure = f"answered {got[:4].hex()}"
                self.accepted.set()
            got = got[4:]
        self._got = got

    def _acknowledged(self) -> None:
        now = time.monotonic()
        self.latencies.append(now - self.due.popleft())
        if now < self.until:
            self.publish(now)
        elif not self.due:
            self.idle.set()

    def publish(self, due: float) -> None:
        if self._transport is None:
            return
        self._number = self._number % 65535 + 1
        self.due.append(due)
        self._transport.write(
            b"%b%b%4.1f" % (self._head, self._number.to_bytes(2, "big"), 10 + self._number % 800 / 10)
        )


def _sized(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _packet(head: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))
    return bytes((head,)) + length + body


async def send(order: Order) -> Sent:
    loop, begun = asyncio.get_running_loop(), time.monotonic()
    lines = [
        (await loop.create_connection(lambda device=device: Line(device), "127.0.0.1", order.port))[1]  # type: ignore[misc]  # a default binds the name
        for device in order.devices
    ]
    async with asyncio.timeout(PATIENCE):
        for line in lines:
            await line.accepted.wait()
    connected = time.monotonic() - begun
    if refused := [line.failure for line in lines if line.failure]:
        sys.exit(f"{len(refused)} connections were refused: {refused[0]}")
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.readline)
    cpu, began = time.process_time(), time.monotonic()
    await (_open_loop if order.rate else _closed_loop)(order, lines, began)
    ended = time.monotonic()
    cpu = (time.process_time() - cpu) / (ended - began)
    sent = _sum(lines, cpu, began, ended)
    sent.connected = connected
    return sent


async def _closed_loop(order: Order, lines: list[Line], began: float) -> None:
    for line in lines:
        line.until = began + order.seconds
        line.publish(time.monotonic())
    await _answered(lines)


async def _open_loop(order: Order, lines: list[Line], began: float) -> None:
    number, last = 0, round(order.rate * order.seconds)
    while number < last:
        upto = min(last, int((time.monotonic() - began) * order.rate) + 1)
        for one in range(number, upto):
            lines[one % len(lines)].publish(began + one / order.rate)
        number = upto
        await asyncio.sleep(TICK)
    await _answered(lines)


async def _answered(lines: list[Line]) -> None:
    async with asyncio.timeout(PATIENCE + 60):
        for line in lines:
            while line.due and not line.failure:
                line.idle.clear()
                await line.idle.wait()


def _sum(lines: list[Line], cpu: float, began: float, ended: float) -> Sent:
    failures: dict[str, int] = {}
    for line in lines:
        if line.failure:
            failures[line.failure] = failures.get(line.failure, 0) + 1
    took = np.array([latency for line in lines for latency in line.latencies] or [float("inf")]) * 1e3
    p50, p90, p99, worst = np.percentile(took, [50, 90, 99, 100]).tolist()
    acked = sum(len(line.latencies) for line in lines)
    return Sent(
        acked=acked,
        connected=0.0,
        failures=failures,
        p50=p50,
        p90=p90,
        p99=p99,
        worst=worst,
        cpu=cpu,
        began=began,
        ended=ended,
    )


def main() -> None:
    order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Order)
    sys.stdout.write(msgspec.json.encode(uvloop.run(send(order))).decode() + "\n")


if __name__ == "__main__":
    main()
