"""A stage, as the worker drives it: one fold over the recorded stream for each leased partition.

The worker (`flow/work.py`) takes the lease, loads what was saved, and hands over messages in the
order of their sequence. Everything a fold knows comes from those messages and from what it saved,
so that working the same messages off again, in other cuts, gives the same effects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tutela.model.flow import Column, Effects, Lease, Message, Newest
from tutela.model.timeline import LIVE

Saved = Mapping[str, Mapping[str, bytes]]
"""What `Turns.load` gives: bytes by detector and name of column; empty at the very start."""


def is_live(timeline: str) -> bool:
    """Whether it is told as it happens. On others, partitions are worked off hours or months of event time apart."""
    return timeline == LIVE


@dataclass(frozen=True, slots=True)
class Where:
    """The partition that a stage is at work on; `stream` is what it reads."""

    timeline: str
    stage: str
    partition: int
    stream: str

    def cause(self, sequence: int) -> str:
        """The recorded message that something follows from."""
        return f"{self.stream}:{sequence}"


class Fold(Protocol):
    """The state of one partition of one stage. Used by one task at a time.

    `turn` works off messages in order, all of one fetch together; `Effects.sequence` is the last
    of them. It raises BadInput (or another ValueError, LookupError or ArithmeticError) for a message
    that can't be worked off, and has then changed nothing: the worker finds out which message it is and
    sets it aside. `newest` gives the newest values that changed since it was last asked (at most
    once a second). `save` gives the columns that changed since it was last asked.
    """

    async def turn(self, messages: Sequence[Message]) -> Effects: ...  # noqa: D102  told above
    def newest(self) -> tuple[Newest, ...]: ...  # noqa: D102  told above
    async def save(self) -> tuple[Column, ...]: ...  # noqa: D102  told above


class Stage(Protocol):
    """One stage: `name` and `partitions` (of one timeline) as in the table of leases, what it reads, how it begins.

    `saves` is how many seconds lie between two snapshots: 0 saves with every commit, for a small state.
    `begin` gives the fold as it was at `lease.snapshot`: the worker then hands it the messages after that
    one again, and drops the effects of those up to `lease.sequence`, which are committed already.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  told above
    @property
    def partitions(self) -> int: ...  # noqa: D102  told above
    @property
    def saves(self) -> float: ...  # noqa: D102  told above
    def stream(self, lease: Lease) -> str: ...  # noqa: D102  told above
    def subjects(self, lease: Lease) -> Sequence[str]: ...  # noqa: D102  told above
    async def begin(self, lease: Lease, saved: Saved) -> Fold: ...  # noqa: D102  told above
