"""Retention, with its proof: which keys there are, and of each class of records what is kept, since when, and what went."""

from __future__ import annotations

from .noun import Noun


class BucketKey(Noun, frozen=True, kw_only=True):
    """A key of a bucket, made then, and destroyed then (microseconds; None: it is in use)."""

    id: str
    bucket: str
    at: int
    destroyed_at: int | None = None


class Kept(Noun, frozen=True, kw_only=True):
    """Of one class of records: the rule in force, and what was measured. Times are microseconds.

    `days` is the limit (None: there is none), and `says` from when on it counts. `oldest` is the time of the oldest record that can
    still be read, as exactly as its bucket tells (None: there is none), `ends` when the first of it goes, `kept` the number of
    buckets, datastreams or events. `due` counts what is past its
    time and goes within the hour, `overdue` what is past it for longer: it must be 0. `held` counts what legal holds keep past
    its time. `destroyed` counts what went, since `first`, the last at `last`, of which `receipt` is the event.
    """

    name: str
    says: str
    days: int | None = None
    oldest: int | None = None
    ends: int | None = None
    kept: int = 0
    due: int = 0
    overdue: int = 0
    held: int = 0
    destroyed: int = 0
    first: int | None = None
    last: int | None = None
    receipt: str | None = None


class Retention(Noun, frozen=True, kw_only=True):
    """All classes of records at a moment, and how many legal holds stand."""

    at: int
    overdue: int
    holds: int
    kept: tuple[Kept, ...]


class Rotated(Noun, frozen=True, kw_only=True):
    """Body of `keys-rotated@1`: all keys of buckets are wrapped under another root key from now on, `after` in place of `before`.

    Root keys go by the first bytes of a digest. `keys` counts those that were in use. `retired` are the root keys that are kept until then
    (microseconds), for a backup that was made before, and then destroyed.
    """

    before: str
    after: str
    keys: int
    retired: tuple[str, ...]
    until: int


class RootDestroyed(Noun, frozen=True, kw_only=True):
    """Body of `root-key-destroyed@1`: that root key is no more; a backup made before its rotation can't be opened by this instance."""

    root: str
