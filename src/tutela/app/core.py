"""What every process of an instance shares: its engines, its register in memory, its policies, its clock."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files

from tutela.app.measuring import Judged
from tutela.app.settings import Settings
from tutela.backends.engines import Addresses, addresses
from tutela.backends.keys import Keys
from tutela.backends.metrics import Meters
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.progress import PostgresProgress
from tutela.backends.postgres.tokens import PostgresTokens
from tutela.backends.ring import CURRENT, root_key, roots
from tutela.backends.tombstones import Tombstones
from tutela.errors import NotFound
from tutela.flow import hop
from tutela.flow.audited import Audited
from tutela.flow.catalogue import Known
from tutela.flow.compatible import Compatible
from tutela.flow.ledger import Ledger
from tutela.flow.papers import Papers
from tutela.flow.tokens import Tokens
from tutela.flow.trace import UNTRACED, Traces
from tutela.model.install import Install
from tutela.model.timeline import token
from tutela.policy.decide import Policies
from tutela.policy.golden import proven, table


def clock() -> int:
    """The machine's clock, in microseconds since 1970 UTC: the one place where the live timeline gets its time."""
    return time.time_ns() // 1000


def chance(size: int) -> bytes:
    """That many random bytes, fit for secrets."""
    return secrets.token_bytes(size)


def policies() -> Policies:
    """The policies that are shipped; raises BadInput when they don't hold together or answer otherwise than the golden table, and nothing starts."""
    folder = files("tutela.policy") / "policies"
    text = "\n".join(file.read_text() for file in sorted(folder.iterdir(), key=str) if file.name.endswith(".cedar"))
    shipped = Policies(text, (folder / "tutela.cedarschema").read_text())
    return proven(shipped, table((folder / "golden.csv").read_text()))


def tombstones(settings: Settings) -> Tombstones:
    """What was destroyed in this instance, outside of its database."""
    return Tombstones(settings.data / "tombstones.jsonl")


@dataclass(frozen=True, slots=True)
class Core:
    """One process's view of the instance."""

    settings: Settings
    where: Addresses
    install: Install
    facts: PostgresFacts
    streams: NatsStreams
    keys: Keys
    known: Known
    ledger: Ledger
    audited: Audited
    compatible: Compatible
    tokens: Tokens
    meters: Meters
    traces: Traces = UNTRACED

    async def open_timeline(self, name: str, says: str = "") -> None:
        """Make a timeline, with its streams, if there is none; raises BadInput for a name that can't be one."""
        token(name)  # before it is kept: every process opens the streams of all timelines that there are
        await self.facts.open_timeline(name, clock(), says)
        await open_streams(self.streams, [name])


async def open_streams(streams: NatsStreams, timelines: Sequence[str]) -> None:
    """Open the two streams of each timeline."""
    for timeline in timelines:
        for stream, subjects in hop.everything(timeline).items():
            await streams.open(stream, subjects)


@asynccontextmanager
async def core(settings: Settings, name: str, connections: int = 8, traces: Traces = UNTRACED) -> AsyncIterator[Core]:
    """The instance in this data directory, which has been started before; raises EngineDown when it does not answer."""
    where = addresses(settings.data, settings.env)
    facts = PostgresFacts(await Database.open(where.pg, connections))
    async with NatsStreams(where.nats, name=name) as streams:
        try:
            yield replace(await _core(settings, where, facts, streams, name), traces=traces)
        finally:
            await facts.close()


async def _core(settings: Settings, where: Addresses, facts: PostgresFacts, streams: NatsStreams, name: str) -> Core:
    install = await installed(facts)
    await open_streams(streams, await facts.timelines())
    known = Known(facts, install.partitions)  # a million datastreams are a gigabyte: who needs them refreshes it
    root = await asyncio.to_thread(root_key, settings.data / CURRENT)
    keys = Keys(facts.db, root, clock, tombstones=tombstones(settings), others=partial(roots, settings.data))
    await keys.settle()
    tokens = Tokens(PostgresTokens(facts.db), clock, chance)
    meters = Meters()
    compatible = Compatible(Judged(policies(), meters), Papers(log=facts, keys=keys, clock=clock))
    progress = PostgresProgress(facts.db)
    audited = Audited(name, progress, facts.watched, facts, clock, told=meters.audited.set)
    ledger = Ledger(compatible, facts, clock, audited=lambda: audited.fine)
    return Core(settings, where, install, facts, streams, keys, known, ledger, audited, compatible, tokens, meters)


async def installed(facts: PostgresFacts) -> Install:
    """What was settled at install."""
    async with facts.db.reading() as connection:
        row = await connection.fetchrow("select id::text, partitions, ways, zone, city, at from install")
    if row is None:
        raise NotFound("this instance was never installed; run `tutela up` first")
    return Install(**row)


async def peopled(facts: PostgresFacts) -> bool:
    """Whether anybody has enrolled yet."""
    async with facts.db.reading() as connection:
        return bool(await connection.fetchval("select exists (select from agent)"))
