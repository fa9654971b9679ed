"""The live figures of the public register: counted by the running system, never typed, and signed by the log's key.

What is signed is three lines: what it is, which log's, and the SHA-256 of the bytes that it stands for.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

import msgspec

from .noun import Noun
from .when import iso

FORMAT = "tutela-register@1"
LEAST = 10
"""A smaller count of what people did is not told: behind it could be one person."""

SMALL = f"<{LEAST}"


def cell(count: int) -> str:
    """A count of what people did, as everybody may know it: down to whole tens, so that one more act is not seen when it is done."""
    return str(count - count % LEAST) if count >= LEAST else SMALL


class Sensors(Noun, frozen=True, kw_only=True):
    """The Things of a kind: how many are heard as often as they should be, how many not, of how many nobody can tell here.

    `last`: when the newest value of one of them was measured (microseconds; None: not known).
    """

    kind: str
    things: int
    on: int
    off: int
    unknown: int
    last: int | None


class Times(Noun, frozen=True, kw_only=True):
    """How often a role did something for a purpose."""

    role: str
    purpose: str
    times: str


class Handled(Noun, frozen=True, kw_only=True):
    """What people asked about themselves: how many requests of each right, how many were granted (also in part), refused, are overdue.

    `median_days` from filing to the answer; None while fewer than ten are answered.
    """

    received: dict[str, str]
    upheld: str
    refused: str
    overdue: str
    median_days: float | None


class Head(Noun, frozen=True, kw_only=True):
    """How far the log is signed, and by whom else: each witness with when it cosigned last (microseconds; None: not yet)."""

    size: int
    root: str
    epoch: int
    signed: int
    witnesses: dict[str, int | None]


class Changed(Noun, frozen=True, kw_only=True):
    """Something in the register was entered or changed: what, of whom, and when."""

    at: int
    what: str
    name: str


class Figures(Noun, frozen=True, kw_only=True):
    """All that the register counts, at a moment (microseconds), of the log up to a position.

    `purposes`: those for which something comes in or is noticed. `policies`: the digest of the set that decides. `holds`: legal
    holds that stand, `reviews` of which are overdue. `serious`: incidents of an AI, `unreported` of which the authority was not told yet. `deleted`: rows whose time was over; `erased`: keys that were destroyed. `serving` since when this process
    runs; `restored`: when this instance was last restored from a backup, `backed_up`: when a copy was last made.
    """

    city: str
    version: str
    at: int
    upto: int
    policies: str
    sensors: tuple[Sensors, ...]
    purposes: tuple[str, ...]
    reads: tuple[Times, ...]
    refusals: tuple[Times, ...]
    exports: tuple[Times, ...]
    holds: int
    reviews: int
    requests: Handled
    serious: int
    unreported: int
    deleted: int
    erased: int
    head: Head | None
    serving: int
    restored: int | None
    backed_up: int | None
    changes: tuple[Changed, ...]


class SignedFigures(Noun, frozen=True, kw_only=True):
    """The figures with their hash and the log's signature over it: `note` is signed text, as note tools take it.

    `sha256` is of the canonical JSON of `figures`: keys in order, no spaces, a line feed at its end.
    """

    figures: Figures
    sha256: str
    note: str


def signing(origin: str, body: bytes) -> bytes:
    """What is signed of them."""
    return f"{FORMAT}\n{origin}\n{b64encode(sha256(body).digest()).decode()}\n".encode()


def lines(figures: Figures) -> Iterator[tuple[str, str, str]]:
    """The same as a table: section, what, value. Times as ISO 8601."""
    for name in ("city", "version", "policies"):
        yield "register", name, getattr(figures, name)
    for name in ("upto", "holds", "reviews", "serious", "unreported", "deleted", "erased"):
        yield "register", name, str(getattr(figures, name))
    for name in ("at", "serving", "restored", "backed_up"):
        yield "register", name, _time(getattr(figures, name))
    for one in figures.sensors:
        for name in ("things", "on", "off", "unknown"):
            yield "sensors", f"{one.kind} {name}", str(getattr(one, name))
        yield "sensors", f"{one.kind} last", _time(one.last)
    yield from (("purposes", name, "in force") for name in figures.purposes)
    for section in ("reads", "refusals", "exports"):
        yield from ((section, f"{one.role} for {one.purpose}", one.times) for one in getattr(figures, section))
    yield from _requests(figures.requests)
    if figures.head is not None:
        yield from _head(figures.head)
    yield from (("changes", f"{one.what} {one.name}", _time(one.at)) for one in figures.changes)


def _requests(found: Handled) -> Iterator[tuple[str, str, str]]:
    yield from (("requests", f"received {right}", count) for right, count in found.received.items())
    yield from (("requests", name, getattr(found, name)) for name in ("upheld", "refused", "overdue"))
    yield "requests", "median days", "" if found.median_days is None else f"{found.median_days:g}"


def _head(head: Head) -> Iterator[tuple[str, str, str]]:
    yield from (("log", name, str(getattr(head, name))) for name in ("size", "root", "epoch"))
    yield "log", "signed", _time(head.signed)
    yield from (("log", f"cosigned by {name}", _time(at)) for name, at in head.witnesses.items())


def _time(at: int | None) -> str:
    return "" if at is None else iso(at)


def canonical_of(figures: Figures) -> bytes:
    """The one way to write them."""
    return msgspec.json.encode(figures, order="sorted") + b"\n"
