"""Facts on both engines, each empty, with one installation; and short ways to make nouns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import asyncpg
import pytest

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.migrate import migrate
from tutela.backends.postgres.facts import PostgresFacts
from tutela.flow.ports import Facts
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Effects, Outgoing, encode
from tutela.model.install import Install
from tutela.model.place import Place
from tutela.model.scales import Scale
from tutela.model.why import Fewer, Why

INSTALL = Install(id=str(uuid4()), partitions=4, ways=2, zone="Europe/Helsinki", city="Helsinki", at=1)


@pytest.fixture
async def pg_facts(pg_dsn: str) -> AsyncIterator[PostgresFacts]:
    """The facts of a database, installed."""
    await migrate(pg_dsn, 1)
    facts = await PostgresFacts.open(pg_dsn)
    await facts.install(INSTALL)
    yield facts
    await facts.close()


class Make:
    """Nouns with as little said as possible."""

    def event(self, subject: str = "", kind: str = "note@1", body: bytes = b"{}", **more: object) -> Event:
        said: dict[str, Any] = {
            "id": str(uuid4()),
            "at": 10,
            "by": "anna",
            "cause": None,
            "timeline": "live",
            "salt": b"s" * 16,
        }
        return Event(subject=subject, kind=kind, body=body, **(said | more))

    def detection(self, id_: str, revision: int = 0, **more: object) -> Detection:
        said: dict[str, Any] = {
            "timeline": "live",
            "detector": "threshold",
            "version": 1,
            "options": "00",
            "type": "noise",
            "key": "1",
            "since": 5,
            "at": 6,
            "place": Place(lat=60.17, lon=24.94),
            "cell": 7,
            "scale": Scale(),
            "confidence": 0.1 + 0.2,
            "purpose": "public-safety",
            "why": Why(message="m", inputs={"level": 1e20}, unless=Fewer(by=1, of=("a",))),
        }
        return Detection(id=id_, revision=revision, **(said | more))

    def alert(self, id_: str, revision: int = 0, **more: object) -> Alert:
        said: dict[str, Any] = {
            "timeline": "live",
            "type": "noise",
            "status": AlertStatus.NEW,
            "scale": Scale(),
            "rank": 5,
            "place": None,
            "cell": 0,
            "since": 5,
            "last": 6,
            "count": 1,
            "detections": ("d1",),
            "sources": ("s",),
            "purpose": "public-safety",
            "message": "m",
            "parameters": {"level": 1e20, "n": 3},
        }
        return Alert(id=id_, revision=revision, **(said | more))

    def said(self, alert: Alert, by: str = "desk", at: int = 20) -> Event:
        """The event of one revision of an alert. Two who make the same revision use the same id."""
        id_ = str(uuid5(NAMESPACE_OID, f"{alert.id} {alert.revision}"))
        return self.event(alert.id, "alert@1", encode(alert), id=id_, by=by, at=at)

    def call(self, id_: str, **more: object) -> Call:
        said: dict[str, Any] = {"timeline": "live", "source": "112", "at": 30, "cell": 9}
        place = Place(lat=60.2, lon=25.0)
        return Call(id=id_, place=place, category="EMS: FALL VICTIM", said="my neighbour fell", **(said | more))

    def found(self, *detections: Detection, sequence: int = 1, **more: object) -> Effects:
        """A turn that found these: an event and an outbox row each."""
        rest: dict[str, Any] = dict(more)
        return Effects(
            sequence=sequence,
            detections=detections,
            events=tuple(
                self.event(one.id, "detection@1", encode(one), id=str(uuid5(NAMESPACE_OID, f"{one.id}{one.revision}")))
                for one in detections
            ),
            outgoing=tuple(
                Outgoing(id=f"{one.id}.{one.revision}.{way}", subject=f"det.live.{way}", body=encode(one))
                for one in detections
                for way in range(2)
            ),
            **rest,
        )


@dataclass
class Lab:
    """One engine under test, with a way to let every lease run out."""

    facts: Facts
    now: int = 1_000_000_000
    dsn: str = ""

    async def later(self) -> None:
        """Let more time pass than any lease lasts."""
        self.now += 10_000_000
        if self.dsn:
            admin = await asyncpg.connect(self.dsn)
            await admin.execute(
                "update lease set lease_until = 'epoch'; update sealer set lease_until = 'epoch';"
                "update connecting set lease_until = 'epoch';"
                "update worker set seen = 'epoch'"
            )
            await admin.close()


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
def dsn(request: pytest.FixtureRequest) -> str:
    """Where the facts are kept: nowhere (in memory), or an empty database."""
    found: str = request.getfixturevalue("pg_dsn") if request.param == "postgres" else ""
    return found


@pytest.fixture
async def lab(dsn: str) -> AsyncIterator[Lab]:
    """Both engines, installed."""
    async with AsyncExitStack() as stack:
        lab = Lab(MemoryFacts(), dsn=dsn)
        lab.facts = MemoryFacts(Store(lambda: lab.now))
        if dsn:
            await migrate(dsn, 1)
            lab.facts = facts = await PostgresFacts.open(dsn)
            stack.push_async_callback(facts.close)
        await lab.facts.install(INSTALL)
        yield lab


@pytest.fixture
def facts(lab: Lab) -> Facts:
    return lab.facts
