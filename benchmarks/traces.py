"""What following a batch costs in CPU: off, on with nothing sampled, with one in a hundred, and with all of them.

Through the gateway's door (no disk), and through a turn of a worker that finds nothing. Spans are encoded and handed over to a
collector in a process of its own that takes all; the exporting thread's time counts. A batch has 500 rows in 16 partitions: 16
messages, and as many turns.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
from benchmarks.flow_gateway import DATASTREAMS, Counting, P, Register, batch, now
from benchmarks.report import quick, tell

from tutela.app.following import FollowedFold, Following
from tutela.app.tracing import followed
from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.tracing import OtelTraces
from tutela.flow.catalogue import Known
from tutela.flow.gateway import Gateway, Options
from tutela.flow.health import Health
from tutela.flow.stage import Fold
from tutela.flow.trace import UNTRACED, Traces
from tutela.model.flow import Effects, Lease, Message, Newest, Offer

ROWS, BATCHES, AT_ONCE = 500, 500 if quick() else 2000, 4
RATES = {"off": None, "none": "0", "one in a hundred": "0.01", "all": "1"}
LEASE = Lease(timeline="live", stage="detect", partition=0, epoch=1, sequence=0, snapshot=0)


class Remembering(Counting):
    """Stores nothing but the headers, as a worker would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[Mapping[str, str]] = []

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        self.headers.append(headers)
        return await super().publish(subject, body, id_, headers)


@dataclass
class Nothing:
    """A fold that finds nothing."""

    async def turn(self, messages: Sequence[Message]) -> Effects:
        return Effects(sequence=messages[-1].sequence)

    def newest(self) -> tuple[Newest, ...]:
        return ()

    async def save(self) -> tuple[()]:
        return ()


class Takes(BaseHTTPRequestHandler):
    """A collector that reads and forgets."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def collect() -> None:
    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


@contextmanager
def traces(rate: str | None) -> Iterator[Traces]:
    """Traces of which so many are sampled; None: nobody keeps any."""
    if rate is None:
        yield UNTRACED
        return
    command = (sys.executable, "-m", "benchmarks.traces", "collect")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as collector:
        assert collector.stdout is not None
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.stdout.readline().strip()}"
        os.environ.update({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": rate})
        kept = OtelTraces("tutela-bench", "bench", "0")
        try:
            yield kept
        finally:
            kept.stop()
            collector.kill()


async def given(keeps: Traces, known: Known) -> tuple[float, list[Mapping[str, str]]]:
    """Hand in all batches; CPU seconds, and the headers of the messages."""
    streams = Remembering()
    options = Options(traces=keeps)
    gateway = Gateway(
        "b", "live", streams=streams, keys=MemoryKeys(), known=known, health=Health(), clock=now, options=options
    )
    give = followed(gateway.give, keeps, "mqtt")
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(0)
    chance = np.random.default_rng(1)
    offers = [Offer("s", "live", batch(chance, "readings", ROWS)) for _ in range(64)]
    left = iter(range(BATCHES))

    async def client() -> None:
        for number in left:
            await give(offers[number % 64])

    began = time.process_time()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    cpu = time.process_time() - began
    running.cancel()
    await asyncio.wait([running])
    return cpu, streams.headers


async def turned(keeps: Traces, headers: Sequence[Mapping[str, str]]) -> float:
    """Work each message off in a turn of its own; CPU seconds."""
    fold: Fold = Nothing()
    if keeps is not UNTRACED:
        fold = FollowedFold("detect", LEASE, fold, Following(keeps))
    messages = [Message(number + 1, "obs.live.readings.0", one, b"", 0) for number, one in enumerate(headers)]
    began = time.process_time()
    for message in messages:
        await fold.turn((message,))
    return time.process_time() - began


async def measured(name: str, rate: str | None, known: Known) -> None:
    with traces(rate) as keeps:
        cpu, headers = await given(keeps, known)
        turns = await turned(keeps, headers)
        tell(f"traces.{name}.door", cpu / BATCHES * 1e6, "µs of CPU a batch", messages=len(headers))
        tell(f"traces.{name}.turn", turns / len(headers) * 1e6, "µs of CPU a turn")


def main() -> None:
    if sys.argv[1:] == ["collect"]:
        collect()
        return
    known = Known(Register("readings", DATASTREAMS), P)  # type: ignore[arg-type]  # all that it asks
    asyncio.run(known.refresh())
    for name, rate in RATES.items():
        asyncio.run(measured(name, rate, known))


if __name__ == "__main__":
    main()
