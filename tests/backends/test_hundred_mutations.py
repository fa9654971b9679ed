"""A hundred ways to falsify a log, by somebody who holds its database, its files and even its key: a hundred are found.

What `tutela verify` finds inside of the instance is its own work. What nobody inside can find (a whole tail rolled back, a past
that was rebuilt and signed anew with the right key) is the witness's, who has seen an older root.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tutela.backends.checkpoints import Checkpoints, Key, Verifier, settle, verifies
from tutela.backends.postgres.audit import PostgresAudit
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Broken
from tutela.flow.cosign import ALARMING, Doubt, judge
from tutela.flow.published import Publishing
from tutela.flow.seal import Rhythm, Sealer, Signer, leaf_of, read_witnessed
from tutela.flow.verify import verify
from tutela.model import note
from tutela.model.cosign import Submission, Watched
from tutela.model.event import Event

pytestmark = pytest.mark.integration

ORIGIN, SIZE, SIGNED = "helsinki.example/log", 47, 40
OTHER = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
TABLES = ("event", "sealed", "checkpoint", "sealer", "tile")


class Makes(Protocol):
    """The fixture of conftest."""

    def event(self, *, body: bytes = b"{}") -> Event: ...


@dataclass
class Log:
    """A real log of 47 events under four checkpoints of ten, and a witness that cosigned the last of them."""

    facts: PostgresFacts
    admin: asyncpg.Connection
    folder: Path
    make: Makes
    shown: Callable[[Submission], Submission] = lambda wanted: wanted
    ids: list[str] = field(default_factory=list)
    watched: Watched = field(default_factory=lambda: Watched(key=""))
    kept: bytes = b""

    @property
    def file(self) -> Path:
        return self.folder / "checkpoints.jsonl"

    @property
    def key(self) -> Key:
        return Key(self.folder / "log.key")

    async def seal(self, key: Key | None = None) -> None:
        """Seal and sign all that waits, ten at a time, as a new sealer that starts on what there is."""
        own = key or self.key
        sealer = Sealer(
            "one",
            self.facts,
            self.facts,
            Checkpoints(self.file),
            Signer(ORIGIN, own.public, own.sign),
            clock=lambda: 5,
            monotonic=lambda: 0.0,
            told=lambda _count, _lag: None,
            rhythm=Rhythm(leaves=10, most=10),
        )
        while await sealer.step():
            pass

    async def fill(self) -> None:
        settle(self.folder / "log.key", self.folder / "log.pub", ORIGIN, signed=False)
        await self.grow(SIZE)
        self.ids = [place.event.id for place in await self.facts.sealed(-1, 100)]
        wanted = await self.publishing().growth(0)
        self.watched = Watched(key=note.verifier_key(ORIGIN, self.key.public), note=wanted.note)
        self.kept = self.file.read_bytes()
        await self.run(*(f"alter table {table} disable trigger all" for table in ("event", "sealed", "checkpoint")))
        await self.run(*(f"create table kept_{table} as table {table}" for table in TABLES))

    async def back(self) -> None:
        """Everything as it was before anybody falsified it."""
        await self.run(*(f"delete from {table}" for table in TABLES))
        await self.run(*(f"insert into {table} overriding system value select * from kept_{table}" for table in TABLES))
        self.file.write_bytes(self.kept)
        self.shown = lambda wanted: wanted

    async def grow(self, count: int, body: bytes = b'{"n":%d}') -> None:
        await self.facts.append([self.make.event(body=body % number) for number in range(count)])
        await self.seal()

    def publishing(self) -> Publishing:
        return Publishing(self.facts, self.key.public, verifies)

    async def run(self, *statements: str) -> None:
        for statement in statements:
            await self.admin.execute(statement)

    async def found_inside(self) -> bool:
        """Whether `tutela verify` finds it, with a copy of the public key."""
        audit = PostgresAudit(self.facts.db)
        return not (await verify(audit, self.facts, Checkpoints(self.file), Verifier(self.key.public))).sound

    async def found_outside(self) -> bool:
        """Whether the witness refuses what it is shown then, or the instance has nothing to show."""
        last, _ = note.opened(self.watched.note)
        try:
            wanted = await self.publishing().growth(last.size)
        except Broken:
            return True
        found = judge(self.watched, self.shown(wanted), verifies)
        return isinstance(found, Doubt) and found.why in ALARMING


@pytest.fixture
async def log(pg_facts: PostgresFacts, pg_dsn: str, tmp_path: Path, make: Makes) -> AsyncIterator[Log]:
    admin = await asyncpg.connect(pg_dsn)
    made = Log(pg_facts, admin, tmp_path, make)
    await made.fill()
    yield made
    await admin.close()


Act = Callable[[Log], Awaitable[None]]


def sql(*statements: str) -> Act:
    return lambda log: log.run(*statements)


def edit(place: int, what: str, *, refit: bool = False) -> Act:
    """Change an event; with `refit`, its leaf as well."""

    async def act(log: Log) -> None:
        await log.run(f"update event set {what} where id = '{log.ids[place]}'")
        if refit:
            leaf = leaf_of(await log.facts.event(log.ids[place]))
            await log.admin.execute("update sealed set leaf = $1 where position = $2", leaf, place)

    return act


def drop(first: int, last: int, *, close: bool = False) -> Act:
    """Take events away, and perhaps close the ranks."""
    gone = f"position between {first} and {last}"
    statements = [f"delete from event where id in (select event from sealed where {gone})"]
    if close:
        count = last - first + 1
        statements += [
            f"delete from sealed where {gone}",
            f"update sealed set position = position + 1000 where position > {last}",
            f"update sealed set position = position - 1000 - {count} where position > 1000",
        ]
    return sql(*statements)


def swap(one: int, other: int) -> Act:
    return sql(
        f"update sealed set position = -1 where position = {one}",
        f"update sealed set position = {one} where position = {other}",
        f"update sealed set position = {other} where position = -1",
    )


def shift(place: int) -> Act:
    """Move an event to the end."""
    return sql(
        f"update sealed set position = 2000 where position = {place}",
        f"update sealed set position = position + 1000 where position > {place} and position < 1000",
        "update sealed set position = position - 1001 where position > 1000 and position < 2000",
        f"update sealed set position = {SIZE - 1} where position = 2000",
    )


def cut(size: int) -> Act:
    """Truncate the database."""
    return sql(
        f"delete from event where id in (select event from sealed where position >= {size})",
        f"delete from sealed where position >= {size}",
        f"delete from checkpoint where size > {size}",
        f"update sealer set position = {size}",
    )


def lines(change: Callable[[list[bytes]], Sequence[bytes]]) -> Act:
    """Change the file of checkpoints."""

    async def act(log: Log) -> None:
        log.file.write_bytes(b"".join(change(log.kept.splitlines(keepends=True))))

    return act


def rewritten(line: bytes, **changes: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(read_witnessed(line), **changes)) + b"\n"


def cut_file(log: Log, size: int) -> None:
    kept = [line for line in log.kept.splitlines(keepends=True) if note.read(read_witnessed(line).note).size <= size]
    log.file.write_bytes(b"".join(kept))


def roll_back(size: int, more: int = 0) -> Act:
    """Set the database and the file back together, and perhaps go on from there with other events, signed with the right key."""

    async def act(log: Log) -> None:
        await cut(size)(log)
        cut_file(log, size)
        if more:
            await log.grow(more, b'{"another":%d}')

    return act


def rebuild(place: int, what: str) -> Act:
    """Change an event in the past and sign all of it anew with the right key, as whoever holds everything can."""

    async def act(log: Log) -> None:
        await edit(place, what, refit=True)(log)
        before = place // 10 * 10
        await log.run(f"delete from checkpoint where size > {before}", "delete from tile")
        cut_file(log, before)
        await log.seal()

    return act


def show(change: Callable[[str], str]) -> Act:
    """Show the witness another checkpoint than the one that was signed."""

    async def act(log: Log) -> None:
        log.shown = lambda wanted: msgspec.structs.replace(wanted, note=change(wanted.note))

    return act


def by_another_key(told: str, origin: str = ORIGIN) -> str:
    point = msgspec.structs.replace(note.read(told), origin=origin)
    signature = OTHER.sign(note.text(point))
    return note.write(msgspec.structs.replace(point, signature=signature), OTHER.public_key().public_bytes_raw())


def other_root(told: str) -> str:
    line = told.splitlines()[2]
    return told.replace(line, base64.b64encode(b"x" * 32).decode())


FIELDS = {
    "body": "body = '{}'",
    "time": "at = at + 1",
    "by": "by = 'nobody'",
    "cause": "cause = 'chance'",
    "kind": "kind = 'x@1'",
    "timeline": "timeline = 'import/x'",
    "subject": "subject = 'x'",
    "key": "key = 'x'",
    "salt": "salt = 'x'",
}

INSIDE: dict[str, Act] = {
    **{f"{name} of event {place} edited": edit(place, what) for name, what in FIELDS.items() for place in (0, 17, 39)},
    **{f"{name} of event 17 edited with its leaf": edit(17, what, refit=True) for name, what in FIELDS.items()},
    **{
        f"bit {bit} of the body of event 23 flipped": edit(23, f"body = set_bit(body, {bit}, 1 - get_bit(body, {bit}))")
        for bit in (0, 18, 36)
    },
    **{
        f"bit {bit} of leaf 23 flipped": sql(
            f"update sealed set leaf = set_bit(leaf, {bit}, 1 - get_bit(leaf, {bit})) where position = 23"
        )
        for bit in (0, 77, 154, 231, 255)
    },
    **{f"event {place} dropped": drop(place, place) for place in (0, 9, 10, 25, 39)},
    **{f"event {place} dropped, ranks closed": drop(place, place, close=True) for place in (0, 9, 10, 25, 39)},
    **{
        f"events {first} to {last} dropped": drop(first, last, close=True)
        for first, last in ((0, 9), (5, 14), (30, 39))
    },
    **{f"{one} and {other} swapped": swap(one, other) for one, other in ((0, 1), (3, 30), (9, 10), (17, 21), (20, 39))},
    **{f"event {place} moved to the end": shift(place) for place in (0, 19, 38)},
    **{f"cut to {size}": cut(size) for size in (0, 10, 25, 30, 39)},
    "an event slipped in behind the sealer": sql(
        "insert into event (id, txid, at, by, kind, timeline, body)"
        " select gen_random_uuid(), txid, at, by, kind, timeline, body from event limit 1"
    ),
    "a checkpoint's root forged": sql("update checkpoint set root = 'x' where size = 20"),
    "a checkpoint's signature forged": sql("update checkpoint set signature = 'x' where size = 20"),
    "a checkpoint's time forged": sql("update checkpoint set at = 6 where size = 40"),
    "a checkpoint over nothing": sql(
        "insert into checkpoint select 500, 1, origin, root, at, signature from checkpoint limit 1"
    ),
    "the file's last line gone": lines(lambda all_: all_[:-1]),
    "the file's first line gone": lines(lambda all_: all_[1:]),
    "the file's lines turned round": lines(lambda all_: all_[::-1]),
    "the file emptied": lines(lambda _: []),
    "a leaf in the file changed": lines(lambda all_: [rewritten(all_[0], leaves=b"x" * 320), *all_[1:]]),
    "a note in the file by another key": lines(
        lambda all_: [*all_[:-1], rewritten(all_[-1], note=by_another_key(read_witnessed(all_[-1]).note))]
    ),
    "a line of the file torn": lines(lambda all_: [all_[0], all_[1][:40] + b"\n", *all_[2:]]),
}

OUTSIDE: dict[str, Act] = {
    **{f"all rolled back to {size}": roll_back(size) for size in (10, 20, 30)},
    **{
        f"rolled back to {size} and gone on by {more}": roll_back(size, more)
        for size, more in ((10, 5), (20, 20), (30, 30))
    },
    **{f"event {place} changed, the rest signed anew": rebuild(place, FIELDS["body"]) for place in (0, 9, 17, 25, 39)},
    "a whole new log under the old key": roll_back(0, 60),
    "shown by another key": show(by_another_key),
    "shown by another key in another log's name": show(lambda told: by_another_key(told, "espoo.example/log")),
    "shown with another root": show(other_root),
    "shown with another size": show(lambda told: told.replace("\n40\n", "\n41\n")),
    "shown with another time": show(lambda told: told.replace("time 5", "time 6")),
    "shown with another epoch": show(lambda told: told.replace("epoch 1", "epoch 2")),
}


async def test_an_untouched_log_is_believed_inside_and_outside(log: Log) -> None:
    await log.grow(20)

    assert [await log.found_inside(), await log.found_outside()] == [False, False]
    await log.back()
    assert [await log.found_inside(), await log.found_outside()] == [False, False]


async def test_a_hundred_of_a_hundred_falsifications_are_found(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """Those in `OUTSIDE` are consistent in themselves: `tutela verify` by itself calls the log sound, and the witness does not."""
    missed, seen_inside = [], []
    for name, act in {**INSIDE, **OUTSIDE}.items():
        await log.back()
        await act(log)
        inside = await log.found_inside()
        if inside and name in OUTSIDE:
            seen_inside.append(name)
        if not (inside if name in INSIDE else await log.found_outside()):
            missed.append(name)

    count = len(INSIDE) + len(OUTSIDE)
    with capsys.disabled():
        said = f"{count - len(missed)} of {count} falsifications found, {len(OUTSIDE)} of them by the witness alone"
        sys.stdout.write(f"\n{said}\n")
    assert missed == []
    assert seen_inside == []
    assert count == 100
