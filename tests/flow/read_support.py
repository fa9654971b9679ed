"""A small city to read: three sources, an alert, an incident, two calls. Everything in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import msgspec
import numpy as np

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import EngineDown
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.history import History
from tutela.flow.ledger import Denial, Ledger, Query
from tutela.flow.read import Reads, reads
from tutela.model import wire
from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.flow import Message, Newest, encode
from tutela.model.people import Agent, Role
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows, empty, joined
from tutela.model.when import parse
from tutela.policy.decide import Policies

NOW: int = parse("2026-11-25T08:00:00Z")
PARTITIONS = 4

FOLDER = files("tutela.policy") / "policies"
POLICIES = Policies(
    "\n".join((FOLDER / name).read_text() for name in ("forbids.cedar", "permits.cedar")),
    (FOLDER / "tutela.cedarschema").read_text(),
)


def source(name: str, *purposes: str, **changes: object) -> Source:
    entry = Source(
        name=name,
        owner="city",
        kind="sensors",
        purposes=purposes,
        legal_basis="PublicInterest",
        personal_data=False,
        place="Helsinki",
    )
    return msgspec.structs.replace(entry, **changes)


def datastream(name: str, of: str, kind: str = "readings") -> Datastream:
    return Datastream(
        id=0,
        name=name,
        source=of,
        thing=f"thing of {name}",
        kind=kind,
        observed_property="p",
        unit="1",
        purpose="public-safety",
    )


def access(role: Role = Role.OPERATOR, purpose: str = "public-safety", agency: str = "city") -> Access:
    agent = Agent(id=f"{role}-1", name="Aino", role=role, agency=agency)
    return Access(agent=agent, purpose=purpose, legal_basis="PublicInterest")


def readings(*entries: tuple[int, int, float]) -> Rows:
    """Rows of readings: datastream, microseconds after NOW, result."""
    return Rows(
        "readings",
        np.array([number for number, _, _ in entries], np.int32),
        np.array([NOW + time for _, time, _ in entries], np.int64),
        {"result": np.array([value for _, _, value in entries], np.float64)},
    )


@dataclass
class CountedPolicy:
    """The policies that ship, and how often they were asked."""

    asked: list[Ask] = field(default_factory=list)
    digest: str = POLICIES.digest

    def check(self, ask: Ask) -> None:
        self.asked.append(ask)
        POLICIES.check(ask)


@dataclass
class LakeInMemory:
    """History in memory. `archives` is what an archiver does while somebody reads, at most once."""

    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    archives: list[tuple[str, Rows, int]] = field(default_factory=list)
    bodies: list[Message] = field(default_factory=list)

    async def offset(self, stream: str) -> int:
        return self.offsets.get(stream, 0)

    async def archive(self, stream: str, messages: Sequence[Message], since: int, upto: int) -> None:
        raise NotImplementedError

    async def series(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows:
        rows = self.rows.get((timeline, kind), empty(kind))
        if self.archives:
            self.put(timeline, *self.archives.pop())
        rows = rows.take((rows.datastream == datastream) & (rows.time >= since) & (rows.time < until))
        return rows.take(np.argsort(rows.time, kind="stable")[:most])

    def put(self, timeline: str, stream: str, rows: Rows, upto: int) -> None:
        key = timeline, rows.kind
        self.rows[key] = joined([self.rows.get(key, empty(rows.kind)), rows])
        self.offsets[stream] = upto

    async def sealed(
        self,
        timeline: str,  # noqa: ARG002  the port's shape
        kind: str,  # noqa: ARG002  the same
        partition: int,  # noqa: ARG002  the same
        since: int,  # noqa: ARG002  the same
        until: int,  # noqa: ARG002  the same
    ) -> Sequence[Message]:
        return self.bodies

    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]:
        raise NotImplementedError

    async def tidy(self, before: int) -> None:
        raise NotImplementedError


class LogThatFails(MemoryFacts):
    """Facts whose log can be switched off."""

    down = False

    async def append(self, events: Sequence[Event]) -> None:
        if self.down:
            raise EngineDown("PostgreSQL does not answer: this failure was asked for")
        await super().append(events)


@dataclass
class City:
    """All that reads stand on, and the reads."""

    facts: LogThatFails
    known: Known
    policy: CountedPolicy
    ledger: Ledger
    lake: LakeInMemory
    streams: MemoryStreams
    keys: MemoryKeys
    reads: Reads
    now: list[int]

    async def define(self, sources: Sequence[Source], datastreams: Sequence[Datastream]) -> list[int]:
        """Enter these; the ids of the datastreams."""
        for entry in sources:
            await self.facts.enter(entry, self.event("source@1", entry.name, encode(entry)))
        found = await self.facts.define((), datastreams)
        await self.known.refresh()
        return [one.id for one in found]

    async def record(self, rows: Rows, headers: dict[str, str] | None = None, body: bytes | None = None) -> int:
        """One message on the live stream, in the partition of its first row."""
        subject = hop.observed("live", rows.kind, int(rows.datastream[0]) % PARTITIONS)
        number = await self.streams.last("OBS-live")
        return await self.streams.publish(subject, body or wire.encode(rows), f"m{number}", headers or {})

    def newest(self, rows: Rows, timeline: str = "live") -> None:
        """What the worker keeps of the newest values."""
        for partition in range(PARTITIONS):
            own = rows.take(rows.datastream % PARTITIONS == partition)
            if len(own):
                body = wire.encode(own)
                one = Newest(timeline=timeline, kind=rows.kind, partition=partition, sequence=1, body=body)
                self.facts.store.newest[timeline, rows.kind, partition] = one

    def event(self, kind: str, subject: str, body: bytes, **changes: object) -> Event:
        """An event of the live timeline."""
        plain = Event(
            id=f"{kind}-{subject}",
            at=NOW,
            by="somebody",
            cause=None,
            kind=kind,
            timeline="live",
            body=body,
            subject=subject,
        )
        return msgspec.structs.replace(plain, **changes)

    def events(self, kind: str) -> list[Event]:
        """What the log has of that kind."""
        return [event for event in self.facts.store.events.values() if event.kind == kind]

    def queries(self) -> list[Query]:
        return [msgspec.json.decode(event.body, type=Query) for event in self.events("query@1")]

    def denials(self) -> list[Denial]:
        return [msgspec.json.decode(event.body, type=Denial) for event in self.events("refusal@1")]


async def city() -> City:
    """A city without sources."""
    now = [NOW]
    facts = LogThatFails(Store(lambda: now[0]))
    known, keys, lake, policy = Known(facts, PARTITIONS), MemoryKeys(lambda: now[0]), LakeInMemory(), CountedPolicy()
    streams = MemoryStreams(lambda: now[0])
    for stream, subjects in hop.everything("live").items():
        await streams.open(stream, subjects)
    ledger = Ledger(policy, facts, lambda: now[0])
    history = History(lake, streams, keys, PARTITIONS)
    return City(facts, known, policy, ledger, lake, streams, keys, reads(ledger, facts, known, history, keys), now)
