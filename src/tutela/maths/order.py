"""Event-time order and identity: which rows of a partition detectors see, when, and in what order.

Told row by row, in the order of arrival within one datastream:

* A row newer than all before it is fresh. Another one is *doubled* when its identity, a hash of time
  and values, is among the last `WINDOW` rows of its datastream that came in time (as new as all before
  them) or the last `WINDOW` that did not; it is dropped.
* The watermark of a datastream is the greatest event time seen in it, less the allowed lateness. A
  row that it or a tick has passed already is *late*: it is kept in history only. With no lateness
  allowed, a row of the greatest time is still in time: it tells something else of the same moment.
* Any other row is let go as soon as the watermark has reached it (with no lateness allowed: at
  once), or a recorded tick says that lateness and idle time have passed since.
* What is let go at once of the same moment as a row before it bears that one's sequence: so all that is
  found at a moment has the same cause, wherever a batch was cut. Of equal rows that wait, the first is let go.

So an offer that is sent again leaves no trace while it has at most `WINDOW` rows of a datastream and nothing
else came between. Of a longer one nothing is let go again either, unless more than `WINDOW` rows came of one
moment; but its older rows are told as late, since it is not remembered that they came before.

The functions do that for whole batches, in a few passes over columns, and the result does not
depend on how the recorded rows were cut into batches. Watermarks after Akidau et al. 2015, "The
dataflow model", here one for each datastream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutela.model.rows import Rows
from tutela.model.rows import joined as joined_rows

from .known import Bools, Hashes, Ints, Known, Places, Runs, remember
from .slab import Field, Slab

NONE: Places = np.empty(0, np.intp)
NEVER = -(1 << 62)
FIELDS = {
    "max_time": Field("i8", NEVER),
    "let_go": Field("i8", NEVER),
    "first": Field("i8"),
}
"""By slot: greatest event time seen, and what ticks have let go.

`first`: with no lateness allowed, the sequence of the first row of the greatest time.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one kind and partition; per row its slot, and the sequence of the message that brought it."""

    rows: Rows
    slots: Ints
    sequence: Ints

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, index: Places | Bools) -> Batch:
        """The rows at those places, in that order."""
        return Batch(self.rows.take(index), self.slots[index], self.sequence[index])


def joined(batches: Sequence[Batch]) -> Batch:
    """All rows of the batches, in their order. They are of one kind, and there is at least one."""
    if len(batches) == 1:
        return batches[0]
    return Batch(
        joined_rows([batch.rows for batch in batches]),
        np.concatenate([batch.slots for batch in batches]),
        np.concatenate([batch.sequence for batch in batches]),
    )


@dataclass(frozen=True, slots=True)
class Wait:
    """Rows that wait, in order of arrival, and the earliest event time among them."""

    batch: Batch
    earliest: int

    @classmethod
    def of(cls, batch: Batch) -> tuple[Wait, ...]:
        """Those rows, if there are any."""
        return (cls(batch, int(batch.rows.time.min())),) if len(batch) else ()


Held = Mapping[str, tuple[Wait, ...]]
"""All that waits, by kind."""


@dataclass(frozen=True, slots=True)
class Order:
    """The state of one order: `seen` as `FIELDS` says, the identities `known`, `held`, and the greatest event time."""

    seen: Slab
    known: Known
    held: Held
    greatest: int = NEVER

    @classmethod
    def empty(cls) -> Order:
        """Nothing seen yet."""
        return cls(Slab(FIELDS), Known.empty(), {})


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of a batch: `released` by slot, then event time, then arrival; `late` and `doubled` are places in it."""

    released: Batch
    late: Places
    doubled: Places


def identities(of: Rows) -> Hashes:
    """A hash of time and values of each row, never 0 (SplitMix64 finaliser after each column)."""
    mixed = of.time.view(np.uint64)
    for column in of.values.values():
        mixed = _mixed(mixed) ^ column.view(np.uint64)
    return _mixed(mixed) | np.uint64(1)


def arrive(order: Order, batch: Batch, lateness: int = 0) -> tuple[Order, Arrived]:
    """Take in the next rows of one kind, in order of arrival; `lateness` in microseconds."""
    if not len(batch):
        return order, Arrived(batch, NONE, NONE)
    runs = _runs(batch, order.seen)
    rest = np.flatnonzero(runs.time <= runs.before)
    known, doubled = remember(order.known, runs.told, runs.time >= runs.before, rest)
    late, again = rest[_late(runs, rest, order.seen, lateness) & ~doubled], rest[doubled]
    greatest = max(order.greatest, int(runs.max_time.max()))
    keep = np.ones(len(batch), np.bool_)
    keep[late] = keep[again] = False
    if not lateness:
        sequence, first = _first_of_moment(runs, rest, batch.sequence, order.seen)
        released = Batch(batch.rows.take(runs.order[keep]), runs.told.slots[keep], sequence[keep])
        seen = order.seen.put(runs.slots, max_time=runs.max_time, first=first)
        return Order(seen, known, order.held, greatest), Arrived(released, runs.order[late], runs.order[again])
    seen = order.seen.put(runs.slots, max_time=runs.max_time)
    waiting = (*order.held.get(batch.rows.kind, ()), *Wait.of(batch.take(np.sort(runs.order[keep]))))
    waiting, due = _due(waiting, greatest - lateness, lambda slots: _times(seen, "max_time", slots) - lateness)
    released = batch.take(NONE) if due is None else due
    held = {**order.held, batch.rows.kind: waiting}
    return Order(seen, known, held, greatest), Arrived(released, runs.order[late], runs.order[again])


def tick(order: Order, upto: int) -> tuple[Order, tuple[Batch, ...]]:
    """Let go all held rows with event time at most `upto`: a tick, less lateness and idle time."""
    seen, held, released = order.seen, dict(order.held), []
    for kind, waiting in order.held.items():
        held[kind], due = _due(waiting, upto, lambda _: upto)
        if due is not None:
            last = np.flatnonzero(np.append(due.slots[1:] != due.slots[:-1], True))
            seen = seen.put(due.slots[last], let_go=due.rows.time[last])
            released.append(due)
    return Order(seen, order.known, held, order.greatest), tuple(released)


def _due(
    waiting: tuple[Wait, ...], upto: int, limit: Callable[[Ints], Ints | int]
) -> tuple[tuple[Wait, ...], Batch | None]:
    """What still waits, and the rows up to the limit of their slot: by slot, then event time, then arrival.

    No limit is above `upto`, so what came after the last batch that has such a row is not looked at.
    """
    looked = max((place for place, wait in enumerate(waiting, 1) if wait.earliest <= upto), default=0)
    if not looked:
        return waiting, None
    old = joined([wait.batch for wait in waiting[:looked]])
    due = old.rows.time <= limit(old.slots)
    gone = old.take(due)
    by_time = np.argsort(gone.rows.time, kind="stable")
    gone = gone.take(by_time[_by_slot(gone.slots[by_time])])
    return (*Wait.of(old.take(~due)), *waiting[looked:]), _each_once(gone)


def _each_once(batch: Batch) -> Batch:
    """Rows by slot, time and arrival, without those that are equal to one before them."""
    slots, time = batch.slots, batch.rows.time
    if not ((slots[1:] == slots[:-1]) & (time[1:] == time[:-1])).any():
        return batch
    hashes = identities(batch.rows)
    alike = np.argsort(hashes, kind="stable")  # and within each by slot, then by arrival
    again = (slots[alike[1:]] == slots[alike[:-1]]) & (hashes[alike[1:]] == hashes[alike[:-1]])
    keep = np.ones(len(batch), np.bool_)
    keep[alike[1:][again]] = False
    return batch.take(keep)


@dataclass(frozen=True, slots=True)
class _Runs:
    """A batch sorted by slot: one run for each slot, each in order of arrival.

    By row: `order` (its place in the batch), `time`, and `before`, the greatest event time that its slot had
    seen before it. By run: `slots` and `max_time`. `told`: who came, for the rings.
    """

    order: Places
    time: Ints
    before: Ints
    slots: Ints
    max_time: Ints
    told: Runs


def _runs(batch: Batch, seen: Slab) -> _Runs:
    order = _by_slot(batch.slots)
    slots, time = batch.slots[order], batch.rows.time[order]
    first = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
    count = np.diff(np.append(first, len(slots)))
    run = np.repeat(np.arange(len(first)), count)
    known = _times(seen, "max_time", slots[first])
    base = np.where(known == NEVER, time[first], known)[run]
    greatest = base + _running_max(np.maximum(time - base, 0), run)
    before = np.empty_like(greatest)
    before[1:] = greatest[:-1]
    before[first] = known
    return _Runs(
        order=order,
        time=time,
        before=before,
        slots=slots[first],
        max_time=greatest[first + count - 1],
        told=Runs(slots, run, identities(batch.rows)[order], first, count),
    )


def _times(seen: Slab, name: str, slots: Ints) -> Ints:
    return seen.take(name, slots).astype(np.int64, copy=False)


def _by_slot(slots: Ints) -> Places:
    """Places by slot, stable. numpy sorts 16-bit numbers by radix, larger ones by merging, ten times slower."""
    low = np.argsort((slots & 0xFFFF).astype(np.uint16), kind="stable")
    if int(slots.max(initial=0)) <= 0xFFFF:
        return low
    return low[np.argsort((slots >> 16).astype(np.uint16)[low], kind="stable")]


def _running_max(ahead: Ints, run: Ints) -> Ints:
    """The running maximum within each run, of numbers from 0: each run is lifted above the one before it."""
    room = 62 - int(run[-1]).bit_length()
    if int(ahead.max()) >> room:
        levels, rank = np.unique(ahead, return_inverse=True)
        back: Ints = levels[_running_max(rank, run)]
        return back
    lift = run << room
    lifted: Ints = np.maximum.accumulate(ahead + lift)
    return lifted - lift


def _late(runs: _Runs, rest: Places, seen: Slab, lateness: int) -> Bools:
    """Which of these rows, in runs, come after they were due. Fresh rows never do."""
    watermark = runs.before[rest] - lateness
    if lateness:
        watermark = np.maximum(watermark, _times(seen, "let_go", runs.told.slots[rest])) + 1
    return runs.time[rest] < watermark


def _first_of_moment(runs: _Runs, rest: Places, sequence: Ints, seen: Slab) -> tuple[Ints, Ints]:
    """By row, in runs, the sequence of the last fresh row up to it: the first of its moment, unless it is late.

    And by run that of the last one. A run before its first fresh row goes on from what its slot has seen. All
    rows but the `rest` are fresh.
    """
    own, told = sequence[runs.order], runs.told
    begins = np.append(True, rest[1:] != rest[:-1] + 1)[: len(rest)]
    fresh = np.maximum.accumulate(np.where(begins, rest, 0)) - 1
    run = told.run[rest]
    own[rest] = np.where(fresh >= told.first[run], own[fresh], _times(seen, "first", told.slots[rest]))
    return own, own[told.last]


def _mixed(value: Hashes) -> Hashes:
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return value ^ value >> np.uint64(31)
