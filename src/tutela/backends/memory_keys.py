"""Bucket keys in memory: a fake for tests. It really seals, so that a test can see that nothing leaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tutela.backends.envelope import close, disclose, erased, ids_key, keyed, new_key, no_key
from tutela.model.retention import BucketKey


def _now() -> int:
    return time.time_ns() // 1000


@dataclass
class _Bucket:
    name: str
    data_key: bytes
    at: int
    destroyed_at: int | None = None


@dataclass
class MemoryKeys:
    """One key at a time for each bucket, named by a number. `clock` gives the time of destruction (microseconds).

    `root` is what ids are made with: another one is another install.
    """

    clock: Callable[[], int] = _now
    buckets: dict[str, _Bucket] = field(default_factory=dict)
    shredded: int = 0
    root: bytes = bytes(32)

    async def seal(self, bucket: str, plain: bytes) -> tuple[str, bytes]:
        """The id of the bucket's key, and the sealed bytes."""
        own = ((key, held) for key, held in self.buckets.items() if held.name == bucket)
        key = next((key for key, held in own if held.destroyed_at is None), None)
        if key is None:
            key = str(len(self.buckets) + 1)
            self.buckets[key] = _Bucket(bucket, new_key(), self.clock())
        return key, close(self._usable(key).data_key, bucket, plain)

    async def open(self, key: str, sealed: bytes) -> bytes:
        """The plain bytes; raises NotFound, Refused when they were erased, Broken when they were altered."""
        held = self._usable(key)
        return disclose(held.data_key, held.name, sealed)

    def keyed(self, body: bytes) -> bytes:
        """The digest that this body has in this install; who lacks its root key can neither make nor check it."""
        return keyed(ids_key(self.root), body)

    async def in_use(self) -> Sequence[BucketKey]:
        """The keys that are in use."""
        return [key for key in self._all() if key.destroyed_at is None]

    async def gone(self) -> Sequence[BucketKey]:
        """Those that were destroyed, the first one first."""
        gone = [(key.destroyed_at, key.id, key) for key in self._all() if key.destroyed_at is not None]
        return [key for _, _, key in sorted(gone, key=lambda one: one[:2])]

    def _all(self) -> Iterator[BucketKey]:
        for id_, held in self.buckets.items():
            yield BucketKey(id=id_, bucket=held.name, at=held.at, destroyed_at=held.destroyed_at)

    async def destroy(self, key: str) -> None:
        """Erase all that this key sealed. Destroying twice keeps the first date."""
        if key not in self.buckets:
            raise no_key(key)
        held = self.buckets[key]
        self.buckets[key] = _Bucket(held.name, b"", held.at, held.destroyed_at or self.clock())

    async def shred(self) -> None:
        """Nothing is in a file: it is counted."""
        self.shredded += 1

    def _usable(self, key: str) -> _Bucket:
        if key not in self.buckets:
            raise no_key(key)
        held = self.buckets[key]
        if held.destroyed_at is not None:
            raise erased(held.name, held.destroyed_at)
        return held
