"""What the engines themselves tell the doctor."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg

from tutela.backends.finding import Finding, bad, good, warning
from tutela.backends.link import LOST, Link
from tutela.backends.postgres import log
from tutela.backends.postgres.faults import faults
from tutela.backends.postgres.published import watched
from tutela.backends.server_nats import NatsAccess
from tutela.errors import EngineDown, NotFound, TutelaError
from tutela.model.cosign import WitnessNow
from tutela.model.hold import SUBJECT, standing
from tutela.model.when import MINUTE, iso

PATIENCE = 3.0
TAKEN = 4.0
"""Seconds in which a partition that was given back, or whose worker died, is somebody's again."""

SKEW = 1.0
"""Seconds that two clocks may differ before it is told."""

OLDEST = 15
"""The first PostgreSQL that has what we use."""

LAG = 10_000
"""Events at the end of the log that are looked at for ones not sealed."""

_LEASES = """
select stage, count(*) as all, count(*) filter (where owner is not null and lease_until > now()) as held
from lease group by stage order by stage
"""

_UNSEALED = f"""
select count(*) as n, min(at) filter (where timeline = 'live') as since
from (select id, at, timeline from event order by txid desc, ord desc limit {LAG}) as tail
where not exists (select from sealed where sealed.event = tail.id)
"""  # noqa: S608  LAG is a number of ours


async def examine_nats(url: str, access: NatsAccess | None) -> list[Finding]:
    """The streams, and the server's own report where it is ours."""
    try:
        link = await Link(url, "doctor").open(PATIENCE)
    except EngineDown as down:
        return [bad("NATS does not answer", down.message, "`tutela up` starts it; its log is in log/nats.log")]
    found = [good("NATS answers", link.where)]
    try:
        found += [finding async for finding in _streams(link)]
    except LOST as lost:
        found.append(bad(f"JetStream does not answer: {lost or 'time-out'}", link.where, "restart NATS"))
    finally:
        await link.close()
    return found + (await _health(access) if access else [])


async def examine_postgres(dsn: str) -> list[Finding]:
    """Settings, clock, leases and sealing."""
    try:
        connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as wrong:
        says = str(wrong) or "time-out"
        return [bad("PostgreSQL does not answer", says, "`tutela up` starts it; its log is in log/postgres.log")]
    try:
        found = [finding async for finding in _server(connection)]
        found += [finding async for finding in _work(connection)]
        return [*found, *await _holds(connection), *await _witnesses(connection)]
    except asyncpg.UndefinedTableError:
        return [*found, warning("the database has no tables yet", "PostgreSQL", "`tutela up` makes them")]
    finally:
        await connection.close()


async def _holds(connection: asyncpg.Connection) -> list[Finding]:
    """Legal holds that nobody has looked at again in time."""
    now, stand = time.time_ns() // 1000, standing(await log.about(connection, SUBJECT))
    late = [one for one in stand if one.review <= now]
    where = "the log"
    found = [
        warning(
            f"the legal hold of the case {one.case} on {one.scope} should have been reviewed by {iso(one.review)}",
            where,
            f"ask {one.authority} whether it is needed still: `tutela holds review` or `tutela holds lift {one.id}`",
        )
        for one in late
    ]
    good_ = [good(f"{len(stand)} legal holds stand, each reviewed in time", where)] if stand and not late else []
    return [*found, *good_]


async def _witnesses(connection: asyncpg.Connection) -> list[Finding]:
    """Whether somebody outside cosigns the log, and when they last did."""
    now, where = time.time_ns() // 1000, "table witness"
    try:
        with faults():
            found = await watched(connection)
    except NotFound:
        return [
            warning("the database is of an older version, without witnesses", where, "`tutela up` brings it up to date")
        ]
    except TutelaError as wrong:
        return [bad("the witnesses can't be read", where, wrong.message)]
    if not found:
        do = "ask somebody outside to run `tutela witness`, and enter theirs with `tutela witnesses enter`"
        return [warning("no witness cosigns this log: nobody outside would notice that it was rolled back", where, do)]
    return [_witness(one, now, where) for one in found]


def _witness(one: WitnessNow, now: int, where: str) -> Finding:
    name = one.cosigner.name
    if one.waits is not None and one.late(now):
        minutes = (now - max(one.waits, one.cosigner.at)) // MINUTE
        do = "ask whoever runs it whether it raised an alarm: `tutela witnesses list` says who that is"
        return bad(f"the witness {name} has cosigned nothing for {minutes} minutes", where, do)
    if one.cosigner.simulated:
        return good("the demonstration's own witness cosigns this log; a real one belongs to somebody else", where)
    return good(f"the witness {name} cosigns this log", where)


async def _streams(link: Link) -> AsyncIterator[Finding]:
    for stream in await link.ask(link.jetstream.streams_info()):
        name, state = str(stream.config.name), stream.state
        limit = stream.config.max_bytes or -1
        if 0 < limit <= state.bytes:
            yield bad(f"the stream {name} is full ({state.bytes >> 20} MB)", link.where, "raise its limit, or archive")
        else:
            yield good(f"the stream {name} holds {state.messages} messages, {state.bytes >> 20} MB", link.where)


async def _health(access: NatsAccess) -> list[Finding]:
    async def asked(link: Link, what: str) -> dict[str, Any]:
        answer = await link.ask(link.client.request(f"$SYS.REQ.SERVER.PING.{what}", b"", timeout=PATIENCE))
        data: dict[str, Any] = json.loads(answer.data)["data"]
        return data

    try:
        link = await Link(access.keeper_url, "doctor").open(PATIENCE)
    except EngineDown as down:
        return [bad("NATS does not let its keeper in", down.message, "stop `tutela up` and start it again")]
    try:
        return list(_judged(await asked(link, "HEALTHZ"), await asked(link, "JSZ"), link.where))
    except LOST as lost:
        return [
            bad(f"NATS does not say how it is: {lost or 'time-out'}", link.where, "stop `tutela up` and start it again")
        ]
    finally:
        await link.close()


def _judged(health: dict[str, Any], log: dict[str, Any], where: str) -> Iterator[Finding]:
    if health["status"] != "ok":
        yield bad(
            f"NATS is not well: {health.get('error', 'no reason given')}",
            where,
            "the supervisor of `tutela up` restarts it within seconds; if not, free disk space and restart it",
        )
    used, limit = log["storage"], log["config"]["max_storage"]
    if used >= limit:
        yield bad(
            f"the log takes no more: it holds {used >> 20} MB, and the disk allows {limit >> 20} MB",
            where,
            "free disk space, or let the archiver work: the limit follows by itself",
        )
    else:
        yield good(f"the log holds {used >> 20} MB of {limit >> 20} MB", where)


async def _server(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    version = connection.get_server_version()
    where = f"PostgreSQL {version.major}.{version.minor}"
    if version.major < OLDEST:
        yield bad(f"{where} is too old", where, f"use PostgreSQL {OLDEST} or newer")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        if await connection.fetchval("select current_setting($1)", setting) == "off":
            yield bad(f"{setting} is off: a power cut loses what was accepted", where, f"set {setting} = on")
    before = time.time()
    theirs = float(await connection.fetchval("select extract(epoch from clock_timestamp())"))
    skew = theirs - (before + time.time()) / 2
    if abs(skew) > SKEW:
        yield warning(f"its clock is {skew:+.1f} s off ours", where, "let both machines follow a time server (NTP)")
    yield good("PostgreSQL answers", where)


async def _work(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    found = await connection.fetch(_LEASES)
    if any(row["held"] < row["all"] for row in found):
        await asyncio.sleep(TAKEN)  # a worker that begins anew, as with other rules, takes them within that time
        found = await connection.fetch(_LEASES)
    for row in found:
        says = f"{row['held']} of {row['all']} partitions of {row['stage']} have a worker"
        if row["held"] < row["all"]:
            yield bad(says, "table lease", "start a worker with `tutela work`; a crashed one is replaced in 3 s")
        else:
            yield good(says, "table lease")
    if letters := await connection.fetchval("select count(*) from dead_letter where replayed_at is null"):
        yield warning(
            f"{letters} dead letters wait: messages that could not be worked off",
            "table dead_letter",
            "`tutela letters list` tells why; `tutela letters revive` sends one again",
        )
    row = await connection.fetchrow(_UNSEALED)
    lag = time.time() - row["since"] / 1e6 if row["since"] else 0.0
    if row["n"] and lag > 10:
        yield bad(
            f"{row['n']} events wait to be sealed, the oldest for {lag:.0f} s", "table sealer", "start `tutela keep`"
        )
    else:
        yield good(f"{row['n']} events wait to be sealed", "table sealer")
