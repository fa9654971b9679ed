"""The plain way, as a peer: one message an event, one transaction a message, and only then the acknowledgement.

usage: python -m benchmarks.plain NATS_URL PG_DSN STREAM SECONDS      prints one JSON line: events, seconds, cpu, detections

The same three questions as ours: is the level passed, is it unusual for this datastream, has it gone silent. State is
a row per datastream, written with the detections in the transaction of the event.
"""

from __future__ import annotations

import sys
import time

import asyncpg
import msgspec
import nats
import nats.errors
import uvloop

BEYOND, SILENT = 6.0, 180.0
TABLES = """
create schema if not exists peer;
create table peer.state (datastream int primary key, up bool, n bigint, mean float8, m2 float8, last bigint);
create table peer.detection (datastream int, at bigint, type text, primary key (datastream, at, type));
"""
READ = "select up, n, mean, m2, last from peer.state where datastream = $1 for update"
WRITE = (
    "insert into peer.state values ($1, $2, $3, $4, $5, $6) on conflict (datastream) do update"
    " set up = excluded.up, n = excluded.n, mean = excluded.mean, m2 = excluded.m2, last = excluded.last"
)
FOUND = "insert into peer.detection values ($1, $2, $3) on conflict do nothing"

State = tuple[bool, int, float, float, int]


class Event(msgspec.Struct):
    """One observation, with the levels that it is held against."""

    datastream: int
    at: int
    result: float
    high: float
    low: float


def step(state: State, event: Event) -> tuple[State, list[str]]:
    """What one observation changes, and what is noticed."""
    up, n, mean, m2, last = state
    found = []
    if not up and event.result > event.high:
        found.append("threshold")
    up = event.result > event.high or (up and event.result > event.low)
    if n > 10_000 and abs(event.result - mean) > BEYOND * (m2 / n) ** 0.5:
        found.append("unusual")
    if last and event.at - last > SILENT * 1e6:
        found.append("silence")
    n += 1
    off = event.result - mean
    mean += off / n
    return (up, n, mean, m2 + off * (event.result - mean), event.at), found


async def work_off(pg: asyncpg.Connection, body: bytes) -> int:
    """One event in one transaction; gives how much was noticed."""
    event = msgspec.json.decode(body, type=Event)
    async with pg.transaction():
        row = await pg.fetchrow(READ, event.datastream)
        state, found = step(tuple(row) if row else (False, 0, 0.0, 0.0, 0), event)
        await pg.execute(WRITE, event.datastream, *state)
        for what in found:
            await pg.execute(FOUND, event.datastream, event.at, what)
    return len(found)


async def consume(url: str, dsn: str, stream: str, seconds: float) -> dict[str, float]:
    """Work off what is there, until it is over or the time is."""
    pg = await asyncpg.connect(dsn)
    await pg.execute(TABLES)
    link = await nats.connect(url)
    reader = await link.jetstream().pull_subscribe("", durable="plain", stream=stream)
    begun, cpu, events, detections = time.monotonic(), time.process_time(), 0, 0
    while time.monotonic() < begun + seconds:
        try:
            messages = await reader.fetch(100, timeout=1)
        except nats.errors.TimeoutError:
            break
        for message in messages:
            detections += await work_off(pg, message.data)
            await message.ack_sync()
            events += 1
    told = {
        "events": events,
        "seconds": time.monotonic() - begun,
        "cpu": time.process_time() - cpu,
        "detections": detections,
    }
    await link.close()
    await pg.close()
    return told


def main() -> None:
    """Do it."""
    url, dsn, stream, seconds = sys.argv[1:]
    sys.stdout.write(msgspec.json.encode(uvloop.run(consume(url, dsn, stream, float(seconds)))).decode() + "\n")


if __name__ == "__main__":
    main()
