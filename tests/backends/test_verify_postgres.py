"""Somebody with all rights on the database changes the log: `verify` finds it, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest

from tutela.backends.checkpoints import Checkpoints, Key, Verifier, settle
from tutela.backends.postgres.audit import PostgresAudit
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Broken
from tutela.flow.seal import Rhythm, Sealer, Signer, leaf_of
from tutela.flow.verify import Report, verify
from tutela.model.event import Event

pytestmark = pytest.mark.integration

SIZE, WITNESSED = 47, 40
ORIGIN = "helsinki.example/log"


class Makes(Protocol):
    """The fixture of conftest."""

    def event(self, *, body: bytes = b"{}") -> Event: ...


class Sealed:
    """47 events, four checkpoints of ten, and the keys to the database."""

    def __init__(self, facts: PostgresFacts, admin: asyncpg.Connection, folder: Path) -> None:
        self.facts, self.admin = facts, admin
        self.witness = Checkpoints(folder / "checkpoints.jsonl")
        settle(folder / "log.key", folder / "log.pub", ORIGIN, signed=False)
        self.key = Key(folder / "log.key")
        self.ids: list[str] = []

    def sealer(self, worker: str = "one") -> Sealer:
        signer = Signer(ORIGIN, self.key.public, self.key.sign)
        rhythm = Rhythm(leaves=10, most=10)
        return Sealer(
            worker,
            self.facts,
            self.facts,
            self.witness,
            signer,
            clock=lambda: 5,
            monotonic=lambda: 0.0,
            told=lambda _count, _lag: None,
            rhythm=rhythm,
        )

    async def fill(self, make: Makes) -> None:
        await self.facts.append([make.event(body=b'{"n":%d}' % number) for number in range(SIZE)])
        sealer = self.sealer()
        while await sealer.step():
            pass
        self.ids = [place.event.id for place in await self.facts.sealed(-1, 100)]
        await self.admin.execute(
            "alter table event disable trigger all; alter table sealed disable trigger all;"
            "alter table checkpoint disable trigger all"
        )

    async def verify(self) -> Report:
        return await verify(PostgresAudit(self.facts.db), self.facts, self.witness, Verifier(self.key.public))

    async def edit(self, place: int, what: str) -> None:
        await self.admin.execute(f"update event set {what} where id = $1::text::uuid", self.ids[place])

    async def refit(self, place: int) -> None:
        """Make the stored leaf fit the event as it is now."""
        leaf = leaf_of(await self.facts.event(self.ids[place]))
        await self.admin.execute("update sealed set leaf = $1 where position = $2", leaf, place)

    async def forge(self, place: int, what: str) -> None:
        await self.edit(place, what)
        await self.refit(place)


@pytest.fixture
async def sealed(pg_facts: PostgresFacts, pg_dsn: str, tmp_path: Path, make: Makes) -> AsyncIterator[Sealed]:
    admin = await asyncpg.connect(pg_dsn)
    log = Sealed(pg_facts, admin, tmp_path)
    await log.fill(make)
    yield log
    await admin.close()


async def run(log: Sealed, *statements: str) -> None:
    for statement in statements:
        await log.admin.execute(statement.replace("$id", log.ids[17]))


Act = Callable[[Sealed], Awaitable[None]]

SWAP = "update sealed set position = -1 where position = 17", "update sealed set position = 17 where position = 21"
CLOSE = (
    "update sealed set position = position - 1 + 1000 where position between 18 and 899",
    ("update sealed set position = position - 1000 where position > 1000"),
)

MUTATIONS: dict[str, tuple[Act, tuple[str, int]]] = {
    "body edited": (lambda log: log.edit(17, "body = '{}'"), ("edited", 17)),
    "time edited": (lambda log: log.edit(17, "at = at + 1"), ("edited", 17)),
    "by edited": (lambda log: log.edit(17, "by = 'nobody'"), ("edited", 17)),
    "cause edited": (lambda log: log.edit(17, "cause = 'chance'"), ("edited", 17)),
    "kind edited": (lambda log: log.edit(17, "kind = 'x@1'"), ("edited", 17)),
    "timeline edited": (lambda log: log.edit(17, "timeline = 'import/x'"), ("edited", 17)),
    "subject edited": (lambda log: log.edit(17, "subject = 'x'"), ("edited", 17)),
    "key edited": (lambda log: log.edit(17, "key = 'x'"), ("edited", 17)),
    "salt edited": (lambda log: log.edit(17, "salt = 'x'"), ("edited", 17)),
    "one bit flipped": (lambda log: log.edit(17, "body = set_bit(body, 3, 1 - get_bit(body, 3))"), ("edited", 17)),
    "unwitnessed event edited": (lambda log: log.edit(43, "by = 'nobody'"), ("edited", 43)),
    "first event edited": (lambda log: log.edit(0, "by = 'nobody'"), ("edited", 0)),
    "edited with its leaf": (lambda log: log.forge(17, "body = '{}'"), ("edited", 17)),
    "last witnessed edited with its leaf": (lambda log: log.forge(39, "by = 'nobody'"), ("edited", 39)),
    "id changed": (lambda log: log.edit(17, "id = gen_random_uuid()"), ("dropped", 17)),
    "leaf changed": (lambda log: run(log, "update sealed set leaf = 'x' where position = 17"), ("edited", 17)),
    "event dropped": (lambda log: run(log, "delete from event where id = '$id'"), ("dropped", 17)),
    "dropped with its leaf": (
        lambda log: run(log, "delete from event where id = '$id'", "delete from sealed where event = '$id'"),
        ("dropped", 17),
    ),
    "dropped and ranks closed": (
        lambda log: run(log, "delete from event where id = '$id'", "delete from sealed where event = '$id'", *CLOSE),
        ("dropped", 17),
    ),
    "ten dropped": (
        lambda log: run(
            log,
            "delete from event where id in (select event from sealed where position between 17 and 26)",
            "delete from sealed where position between 17 and 26",
        ),
        ("dropped", 26),
    ),
    "unsealed again": (lambda log: run(log, "delete from sealed where position = 17"), ("dropped", 17)),
    "two swapped": (
        lambda log: run(log, *SWAP, "update sealed set position = 21 where position = -1"),
        ("reordered", 21),
    ),
    "two events swapped under their leaves": (
        lambda log: run(
            log,
            "update sealed set event = gen_random_uuid() where position = 21",
            f"update sealed set event = '{log.ids[21]}' where position = 17",
            "update sealed set event = '$id' where position = 21",
        ),
        ("edited", 17),
    ),
    "moved to the end": (
        lambda log: run(
            log,
            "update sealed set position = 900 where position = 17",
            *CLOSE,
            "update sealed set position = 46 where position = 900",
        ),
        ("reordered", 17),
    ),
    "cut short": (
        lambda log: run(
            log,
            "delete from event where id in (select event from sealed where position >= 30)",
            "delete from sealed where position >= 30",
            "delete from checkpoint where size > 30",
            "update sealer set position = 30",
        ),
        ("truncated", 30),
    ),
    "emptied": (
        lambda log: run(log, "delete from event", "delete from sealed", "delete from checkpoint"),
        ("truncated", 0),
    ),
    "slipped in behind": (
        lambda log: run(
            log,
            "insert into event (id, txid, at, by, kind, timeline, body)"
            " select gen_random_uuid(), txid, at, by, kind, timeline, body from event where id = '$id'",
        ),
        ("added", -1),
    ),
    "slipped in between": (
        lambda log: run(
            log,
            "update sealed set position = position + 1001 where position >= 17",
            "update sealed set position = position - 1000 where position >= 1000",
            "insert into event (id, at, by, kind, timeline, body) select gen_random_uuid(), 1, 'x', 'x', 'live', 'x'",
            "insert into sealed select 17, id, 'x' from event where by = 'x'",
        ),
        ("added", 17),
    ),
    "checkpoint's root forged": (
        lambda log: run(log, "update checkpoint set root = 'x' where size = 20"),
        ("checkpoint", 20),
    ),
    "checkpoint's signature forged": (
        lambda log: run(log, "update checkpoint set signature = 'x' where size = 20"),
        ("checkpoint", 20),
    ),
}


async def test_an_untouched_log_is_sound(sealed: Sealed) -> None:
    report = await sealed.verify()

    assert report.findings == ()
    assert (report.witnessed, report.unwitnessed, report.checkpoints) == (WITNESSED, SIZE - WITNESSED, 4)


async def test_no_destroyed_key_excuses_an_edit(sealed: Sealed) -> None:
    await sealed.admin.execute("insert into bucket_key (id, bucket, at, destroyed_at) values ('k', 'b', 1, 2)")
    await sealed.edit(17, "key = 'k', body = '', by = 'nobody', kind = 'shift@1', at = 1")

    report = await verify(
        PostgresAudit(sealed.facts.db), sealed.facts, sealed.witness, Verifier(sealed.key.public), destroyed=["k"]
    )

    assert [(finding.what, finding.event) for finding in report.findings] == [("edited", sealed.ids[17])]


@pytest.mark.parametrize("name", MUTATIONS)
async def test_it_is_found_and_located(sealed: Sealed, name: str) -> None:
    act, (what, place) = MUTATIONS[name]

    await act(sealed)
    findings = (await sealed.verify()).findings

    assert (what, place) in [(finding.what, finding.position) for finding in findings]
    if what == "edited" and "swapped" not in name:
        assert [finding.event for finding in findings if finding.position == place] == [sealed.ids[place]]


async def test_the_trigger_stands_in_the_way_of_all_that(pg_facts: PostgresFacts, pg_dsn: str, make: Makes) -> None:
    await pg_facts.append([make.event()])
    admin = await asyncpg.connect(pg_dsn)
    for statement in ("update event set by = 'x'", "delete from event", "truncate event"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await admin.execute(statement)
    await admin.close()


async def test_a_sealer_that_starts_on_a_cut_log_signs_nothing(sealed: Sealed) -> None:
    act, _ = MUTATIONS["cut short"]
    await act(sealed)
    kept = await sealed.witness.last()

    with pytest.raises(Broken, match="tutela verify"):
        await sealed.sealer().step()
    assert await sealed.witness.last() == kept


async def test_a_restarted_sealer_goes_on_with_the_same_tree(sealed: Sealed, make: Makes) -> None:
    await sealed.facts.append([make.event() for _ in range(5)])
    sealer = sealed.sealer()
    while await sealer.step():
        pass
    await sealer.checkpoint()

    report = await sealed.verify()

    assert report.sound
    assert (report.witnessed, report.unwitnessed) == (SIZE + 5, 0)
