"""The one envelope (CloudEvents): a fact, when, by whom, because of which earlier fact."""

from __future__ import annotations

from .noun import Noun


class Event(Noun, frozen=True, kw_only=True):
    """One line of the log.

    `id` is a UUID made from what happened, so that the same effect is never logged twice.
    `body` is JSON of a noun, name@version in `kind`; when `key` is set, the body is sealed under
    that bucket's key (nonce ‖ AES-256-GCM), and the leaf hashes ciphertext and `salt`.
    """

    id: str
    at: int
    by: str
    cause: str | None
    kind: str
    timeline: str
    body: bytes
    key: str | None = None
    salt: bytes = b""
    subject: str = ""


class Sealed(Noun, frozen=True, kw_only=True):
    """An event at its place in the tree: `position` is dense from 0, `leaf` is its RFC 9162 leaf hash."""

    position: int
    leaf: bytes
    event: Event


class Entry(Noun, frozen=True, kw_only=True):
    """A place in the tree as it is stored, for whoever verifies it: `event` is None when its row is gone."""

    position: int
    leaf: bytes
    id: str
    event: Event | None


class Quiet(Noun, frozen=True, kw_only=True):
    """Body of `quiet@1`: nothing was written for so many seconds. It is written so that there is something to sign."""

    seconds: int


class Checkpoint(Noun, frozen=True, kw_only=True):
    """The root of the tree at a size, signed (Ed25519 over the C2SP checkpoint text)."""

    origin: str
    epoch: int
    size: int
    root: bytes
    at: int
    signature: bytes


class Seal(Noun, frozen=True, kw_only=True):
    """How far the log is sealed: `size` events are in the tree, `waiting` are committed and not in it yet.

    `oldest` is the time (microseconds) of the oldest one of the live timeline that waits. Of very many only the
    first ten thousand are counted.
    """

    size: int
    waiting: int
    oldest: int | None
    checkpoint: Checkpoint | None
