"""A process that sends prepared requests over keep-alive sockets at a set rate, whatever the answers (open loop).

With no rate set, each socket sends its next request when the one before is answered (closed loop).

usage: python -m benchmarks.generator ORDER.json      prints one JSON line: what was sent, acknowledged, and when

Latency counts from when a request was due, so that a stall is not hidden by sending less. What one datastream
sends stays on one socket, in its order. Each acknowledgement is logged at once, outside of what is tested. It says
"ready" when it has prepared everything, and begins when it reads a line.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, NamedTuple, cast

import msgspec
import numpy as np
import numpy.typing as npt
import uvloop
from benchmarks.traffic import Plan, Request, rounds

from tutela.model.noun import Noun

Both = tuple[list[Request], list[Request]]
PATIENCE = 30.0
MILLI = 1000


class Order(Noun, frozen=True, kw_only=True):
    """To whom, how fast (0: as answers come), for how many seconds, or how many `rounds` (0: no matter).

    `log` gets a line for each acknowledgement; `newest` is a file of the newest times. Rows have the time at which
    they are sent; or, with a `step`, `start` and so many microseconds more in each round.
    """

    port: int
    plan: Plan
    rate: float
    seconds: float
    sockets: int
    log: str
    newest: str
    rounds: int = 0
    start: int = 0
    step: int = 0

    def time(self, number: int) -> int:
        """The time of rows that are sent now, in that round: microseconds, whole milliseconds."""
        now = self.start + number * self.step if self.step else time.time_ns() // 1000
        return now // MILLI * MILLI


class Tally(msgspec.Struct, kw_only=True):
    """What is known of one kind: rows sent and acknowledged, and sums of the latter.

    `doubled` and `late` count those among the acknowledged that are copies, or older than one of their datastream.
    """

    sent: int = 0
    acked: int = 0
    doubled: int = 0
    late: int = 0
    sum_datastream: int = 0
    sum_time: int = 0

    def add(self, request: Request, times: npt.NDArray[np.int64], newest: npt.NDArray[np.int64]) -> None:
        """One request that was acknowledged; `newest` is brought up to date."""
        self.acked += request.rows
        self.doubled += request.doubled
        late = request.late
        self.late += int(np.count_nonzero(times[late] < newest[request.numbers[late]]))
        self.sum_datastream += int(request.numbers.sum())
        self.sum_time += int(times.sum())
        newest[request.numbers] = np.maximum(newest[request.numbers], times)


class Sent(msgspec.Struct, kw_only=True):
    """What a run did. Latencies in milliseconds; `spikes` were acknowledged; `cpu` in cores."""

    kinds: dict[str, Tally]
    requests: int
    failed: int
    failures: dict[str, int]
    spikes: int
    spike_time: int
    rate: float
    p50: float
    p90: float
    p99: float
    worst: float
    cpu: float
    began: float
    ended: float


class Task(NamedTuple):
    """A request to send: when it is due, and in which round."""

    request: Request
    due: float
    round: int


class Line(asyncio.Protocol):
    """One socket: one request at a time, the others wait in their order. `more` gives the next when none waits."""

    def __init__(self, order: Order, log: IO[str]) -> None:
        self.latencies: list[float] = []
        self.sent = {"readings": 0, "positions": 0}
        self.acked: list[tuple[Request, int]] = []
        self.failures: dict[str, int] = {}
        self.more: Iterator[Task] = iter(())
        self._order, self._log = order, log
        self._waiting: deque[Task] = deque()
        self._now: tuple[Task, int] | None = None
        self._got = b""
        self._transport: asyncio.Transport | None = None
        self.idle = asyncio.Event()
        self.idle.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}", (self._now is not None) + len(self._waiting))
        self._waiting.clear()
        self._transport = self._now = None
        self.idle.set()

    def offer(self, task: Task) -> None:
        """Send it now, or when the socket is free."""
        self.idle.clear()
        if self._now is None:
            self._send(task)
        else:
            self._waiting.append(task)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._got = b""
        self._answered(head, body)
        self._now = None
        if (task := self._waiting.popleft() if self._waiting else next(self.more, None)) is not None:
            self._send(task)
        else:
            self.idle.set()

    def _send(self, task: Task) -> None:
        request = task.request
        self.sent[request.kind] += request.rows
        if self._transport is None:
            self._fail("not sent: the connection is lost", 1)
            self.idle.set()
            return
        at = self._order.time(task.round)
        self._now = (task, at)
        request.stamp(at)
        self._transport.write(request.head)
        self._transport.write(request.body)

    def _answered(self, head: bytes, body: bytes) -> None:
        assert self._now is not None
        task, at = self._now
        request = task.request
        self.latencies.append(time.monotonic() - task.due)
        status = head[9:12].decode()
        accepted = msgspec.json.decode(body).get("accepted", 0) if status == "200" else 0
        if accepted != request.rows:
            self._fail(f"{status} {body[:200].decode(errors='replace')}", 1)
            return
        self.acked.append((request, at))
        self._log.write(f"{request.kind} {request.numbers[0]} {request.rows} {at} {self.latencies[-1]:.4f}\n")
        self._log.flush()

    def _fail(self, why: str, count: int) -> None:
        if count:
            self.failures[why] = self.failures.get(why, 0) + count


async def send(order: Order, log: IO[str]) -> Sent:
    """Send all of it, and wait for the answers."""
    both = rounds(order.plan)
    loop = asyncio.get_running_loop()
    lines = [
        (await loop.create_connection(lambda: Line(order, log), "127.0.0.1", order.port))[1]
        for _ in range(order.sockets)
    ]
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.readline)
    cpu, began, wall = time.process_time(), time.monotonic(), time.time()
    await (_open_loop if order.rate else _closed_loop)(order, both, lines, began)
    took = time.monotonic() - began
    cpu = time.process_time() - cpu
    async with asyncio.timeout(PATIENCE):
        for line in lines:
            await line.idle.wait()
    return _sum(order, lines, cpu / took, (wall, wall + took))


async def _open_loop(order: Order, both: Both, lines: list[Line], began: float) -> None:
    number, many = 0, len(both[0])
    while (due := began + number * order.plan.rows / order.rate) < began + order.seconds:
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        turn, place = divmod(number, many)
        lines[place % len(lines)].offer(Task(both[turn % 2][place], due, turn))
        number += 1


async def _closed_loop(order: Order, both: Both, lines: list[Line], began: float) -> None:
    for number, line in enumerate(lines):
        line.more = _endless(order, both, range(number, len(both[0]), len(lines)), began + order.seconds)
        if (task := next(line.more, None)) is not None:
            line.offer(task)
    for line in lines:
        await line.idle.wait()


def _endless(order: Order, both: Both, places: range, over: float) -> Iterator[Task]:
    for turn in count() if places else ():
        for place in places:
            if (order.rounds and turn >= order.rounds) or (now := time.monotonic()) > over:
                return
            yield Task(both[turn % 2][place], now, turn)


def _sum(order: Order, lines: list[Line], cpu: float, span: tuple[float, float]) -> Sent:
    failures: dict[str, int] = {}
    for why, times in (item for line in lines for item in line.failures.items()):
        failures[why] = failures.get(why, 0) + times
    took = np.array([latency for line in lines for latency in line.latencies] or [float("inf")]) * 1e3
    p50, p90, p99, worst = np.percentile(took, [50, 90, 99, 100]).tolist()
    sent = {kind: sum(line.sent[kind] for line in lines) for kind in lines[0].sent}
    spiky = [(request, at) for line in lines for request, at in line.acked if len(request.spikes)]
    return Sent(
        kinds=_tallies(order, lines, sent),
        requests=len(took),
        failed=sum(failures.values()),
        failures=failures,
        spikes=sum(len(request.spikes) for request, _ in spiky),
        spike_time=sum(int((request.offsets[request.spikes] + at).sum()) for request, at in spiky),
        rate=sum(sent.values()) / (span[1] - span[0]),
        p50=p50,
        p90=p90,
        p99=p99,
        worst=worst,
        cpu=cpu,
        began=span[0],
        ended=span[1],
    )


def _tallies(order: Order, lines: list[Line], sent: dict[str, int]) -> dict[str, Tally]:
    """What was acknowledged, worked out afterwards; the newest times go on from those of an earlier run."""
    file = Path(order.newest)
    last = max(order.plan.first.values()) + order.plan.streams
    newest = np.load(file) if file.exists() else np.zeros(last, np.int64)
    kinds = {kind: Tally(sent=count) for kind, count in sent.items()}
    for request, at in (acked for line in lines for acked in line.acked):
        kinds[request.kind].add(request, request.times(at), newest)
    np.save(file, newest)
    return kinds


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def main() -> None:
    """Do what the order says."""
    order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Order)
    with Path(order.log).open("a") as log:
        sent = uvloop.run(send(order, log))
    sys.stdout.write(msgspec.json.encode(sent).decode() + "\n")


if __name__ == "__main__":
    main()
