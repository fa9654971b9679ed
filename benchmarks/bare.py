"""`python -m benchmarks.bare VERB`: a process of the platform with all that makes it accountable taken out, for comparison. Nothing else can.

What comes in is not held against the register, bodies are not sealed, no policy is asked, no read is written down, and no event
becomes a leaf of the log or is signed.
"""

from __future__ import annotations

import asyncio
import sys

from tutela.app import keep
from tutela.app.core import Core
from tutela.backends.keys import Keys
from tutela.cli import main as tutela
from tutela.flow.ledger import Ledger
from tutela.model.flow import Offer, Refusal
from tutela.model.rows import Rows
from tutela.policy import gate
from tutela.policy.gate import Admission


def admit(offer: Offer, register: Admission, now: int) -> tuple[Rows | None, tuple[Refusal, ...]]:
    """All of it."""
    del register, now
    return offer.rows, offer.refused


async def seal_nothing(inside: Core, name: str, stop: asyncio.Event) -> None:
    """No tree, no signature."""
    del inside, name
    await stop.wait()


async def plainly(keys: Keys, bucket: str, plain: bytes) -> tuple[str, bytes]:
    """As it is."""
    del keys, bucket
    return "none", plain


async def as_it_is(keys: Keys, key: str, plain: bytes) -> bytes:
    """As it was put there."""
    del keys, key
    return plain


async def unasked(ledger: Ledger, *_: object, **__: object) -> None:
    """No decision, and no event."""
    del ledger


def main() -> None:
    """The verb, bare."""
    gate.admit = admit
    keep.seal = seal_nothing
    Keys.seal, Keys.open = plainly, as_it_is  # type: ignore[method-assign,assignment]  # that is the point
    Ledger.must, Ledger.wrote = unasked, unasked  # type: ignore[method-assign,assignment]  # the same
    sys.argv = ["tutela", *sys.argv[1:]]
    tutela()


if __name__ == "__main__":
    main()
