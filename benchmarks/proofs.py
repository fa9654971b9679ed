"""Proofs in a log of a million events: made from tiles, made by the platform from PostgreSQL, and checked by the script."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from benchmarks.report import promise, quick, tell
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tutela.backends import outsider
from tutela.backends.checkpoints import verifies
from tutela.backends.engines import Engines
from tutela.backends.migrate import migrate
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.flow.published import Publishing
from tutela.flow.seal import leaf_of
from tutela.flow.witnesses import enter
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import leaf_hash
from tutela.maths.tiles import WIDTH, Tiles, edges
from tutela.model import cosign, note
from tutela.model.event import Checkpoint, Event
from tutela.model.proof import bundle

ORIGIN, NAME = "bench.example/log", "bench.example/witness"
KEY, WATCH = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC, WATCHER = KEY.public_key().public_bytes_raw(), WATCH.public_key().public_bytes_raw()
SIZE = 50_000 if quick() else 1_000_000
TIMES = 200 if quick() else 2000
EVENT = Event(
    id=uuid_of("proofs"), at=1, by="bench", cause=None, kind="note@1", timeline="live", body=b"x" * 400, salt=b"s" * 16
)


def leaves() -> list[bytes]:
    """A log in which one event is real, in its middle."""
    made = [leaf_hash(b"%d" % number) for number in range(SIZE)]
    made[SIZE // 2] = leaf_of(EVENT)
    return made


def spent(act: Callable[[int], object], places: Sequence[int]) -> float:
    """CPU seconds of one, in the mean."""
    began = time.process_time()
    for place in places:
        act(place)
    return (time.process_time() - began) / len(places)


def in_memory(all_: list[bytes], places: Sequence[int]) -> Tiles:
    began, tiles = time.process_time(), Tiles()
    for start in range(0, SIZE - WIDTH + 1, WIDTH):
        tiles.add(all_[start : start + WIDTH])
    tell("proofs.tiles", SIZE / (time.process_time() - began), "leaves/s", leaves=SIZE)

    def told(*wanted: int) -> dict[int, list[bytes]]:
        return {number: all_[number * WIDTH : (number + 1) * WIDTH] for number in edges(*wanted)}

    inclusion = spent(lambda place: tiles.inclusion(place, SIZE, told(place, SIZE - 1)), places)
    tell("proofs.inclusion", inclusion * 1e3, "ms", most=1.0, leaves=SIZE)
    consistency = spent(lambda place: tiles.consistency(place + 1, SIZE, told(place, SIZE - 1)), places)
    tell("proofs.consistency", consistency * 1e3, "ms", leaves=SIZE)
    return tiles


async def fill(facts: PostgresFacts, all_: list[bytes], root: bytes) -> Checkpoint:
    """The leaves as they are stored, under one checkpoint."""
    async with facts.db.reading() as connection:
        ids = ((place, EVENT.id if place == SIZE // 2 else uuid_of(place), leaf) for place, leaf in enumerate(all_))
        await connection.copy_records_to_table("sealed", records=ids, columns=["position", "event", "leaf"])
    await facts.append([EVENT])
    point = Checkpoint(origin=ORIGIN, epoch=1, size=SIZE, root=root, at=1, signature=b"")
    point = msgspec.structs.replace(point, signature=KEY.sign(note.text(point)))
    await facts.checkpoint(point)
    return point


async def published(facts: PostgresFacts, point: Checkpoint, places: Sequence[int]) -> str:
    """Proofs by an event's id, one after the other; the file of the real one, cosigned."""
    public = Publishing(facts, PUBLIC, verifies)
    await enter(facts, cosign.cosigner_key(NAME, WATCHER), "Bench", "bench", 1)
    given = cosign.signed_by(NAME, WATCHER, 7, WATCH.sign(cosign.cosigned(note.text(point), 7)))
    await public.take(note.write(point, PUBLIC) + cosign.write(given))
    began = time.perf_counter()
    told = await public.inclusion(EVENT.id)
    tell("proofs.first", (time.perf_counter() - began) * 1e3, "ms", leaves=SIZE)
    took = []
    for place in places:
        began = time.perf_counter()
        await public.inclusion(EVENT.id if place == SIZE // 2 else uuid_of(place))
        took.append(time.perf_counter() - began)
    took.sort()
    tell("proofs.published", took[len(took) // 2] * 1e3, "ms p50", p99=took[len(took) * 99 // 100] * 1e3, leaves=SIZE)
    began = time.perf_counter()
    await Publishing(facts, PUBLIC, verifies).inclusion(EVENT.id)
    tell("proofs.again", (time.perf_counter() - began) * 1e3, "ms", leaves=SIZE)
    return bundle(EVENT, told, note.verifier_key(ORIGIN, PUBLIC), await facts.cosigners())


def script(file: str) -> bool:
    """The script on the file, with keys of one's own."""
    log = outsider.Key(note.verifier_key(ORIGIN, PUBLIC), outsider.LOG)
    watcher = outsider.Key(cosign.cosigner_key(NAME, WATCHER), outsider.WITNESS)
    status, _ = outsider.check(file.encode(), log, [watcher])
    took = spent(lambda _: outsider.check(file.encode(), log, [watcher]), range(20))
    tell("proofs.script", took * 1e3, "ms", bytes=len(file))
    return promise("proofs.holds", status == outsider.HOLDS)


async def main() -> None:
    all_ = leaves()
    places = random.Random(1).sample(range(SIZE), TIMES)
    tiles = in_memory(all_, places)
    root = tiles.root(SIZE, {number: all_[number * WIDTH : (number + 1) * WIDTH] for number in edges(SIZE - 1)})
    with tempfile.TemporaryDirectory() as name:
        async with Engines(Path(name), os.environ) as engines:
            await migrate(engines.addresses.pg, 1)
            facts = PostgresFacts(await Database.open(engines.addresses.pg, 4))
            point = await fill(facts, all_, root)
            file = await published(facts, point, places[: TIMES // 4])
            await facts.close()
    sys.exit(not script(file))


if __name__ == "__main__":
    asyncio.run(main())
