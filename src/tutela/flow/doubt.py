"""Rows that are not believed: what a quality detector doubts is kept from the other detectors. Pure.

Told row by row, in the order of arrival within one datastream: a row is doubted when any quality detector says so, or
when it tells of the same moment as the doubted row before it. A datastream is doubted from its first such row until
its next row that is not, and then an event `believed@1` says from when to when, and how many rows were withheld. What
comes out of order was never judged: it is withheld when its datastream is doubted at its place in the stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tutela.maths.ids import uuid_of
from tutela.maths.order import Arrived, Batch
from tutela.maths.runs import runs
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.seen import Catalogue

from .stage import Where

Bools = npt.NDArray[np.bool_]


class Doubt(Noun, frozen=True, kw_only=True):
    """Of one datastream: the event times of the first and the last row that was withheld, and how many there were."""

    since: int
    last: int
    rows: int


Doubts = Mapping[int, Doubt]
"""By slot; those alone that are doubted now."""


class Believed(Noun, frozen=True, kw_only=True):
    """Body of `believed@1`: so many rows of that datastream, from `since` to before `until`, were kept from detectors."""

    datastream: int
    since: int
    until: int
    rows: int


@dataclass(frozen=True, slots=True)
class Over:
    """A doubt that a row ended: at that slot, by a row of that time, which the message of that sequence brought."""

    slot: int
    doubt: Doubt
    until: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a batch: who is doubted after it, which rows are believed (None: all), and what is over."""

    doubts: Doubts
    kept: Bools | None
    over: Sequence[Over]


def judged(doubts: Doubts, batch: Batch, bad: Bools | None) -> Judged:
    """Go through the rows, by slot and in order of arrival; `bad` are those that a quality detector doubts (None: none)."""
    if bad is None and not doubts:
        return Judged(doubts, None, ())
    touched = np.zeros(len(batch), np.bool_) if bad is None else bad
    slots = sorted({*doubts, *batch.slots[touched].tolist()})
    places = np.flatnonzero(np.isin(batch.slots, slots))
    after, kept, over = dict(doubts), np.ones(len(batch), np.bool_), []
    columns = (batch.slots[places], batch.rows.time[places], touched[places], batch.sequence[places], places)
    for slot, time, doubted, sequence, place in zip(*(column.tolist() for column in columns), strict=True):
        known = after.get(slot)
        if doubted or (known is not None and time == known.last):
            kept[place] = False
            after[slot] = Doubt(since=known.since if known else time, last=time, rows=known.rows + 1 if known else 1)
        elif known is not None:
            over.append(Over(slot, after.pop(slot), time, sequence))
    return Judged(after, None if kept.all() else kept, over)


def entering(batch: Batch, arrived: Arrived, kept: Bools | None, before: Doubts) -> Batch:
    """The rows of a batch, in order of arrival, that detectors with some lateness may get.

    `kept`: which of the released rows are believed; `before`: who was doubted before the batch. A row that comes again
    does not go on either: withheld the first time, it would not be known as doubled there.
    """
    if kept is None and not before and not len(arrived.doubled):
        return batch
    order = np.argsort(batch.slots, kind="stable")
    own = np.ones(len(batch), np.bool_)
    own[arrived.late] = own[arrived.doubled] = False
    own = own[order]
    doubted = np.zeros(len(batch), np.bool_)
    doubted[own] = False if kept is None else ~kept
    each = runs(batch.slots[order])
    last = np.maximum.accumulate(np.where(own, np.arange(len(own)), -1))
    stood = np.isin(each.by_row(each.slots), sorted(before))
    withheld = np.empty_like(own)
    withheld[order] = np.where(last >= each.by_row(each.first), doubted[last], stood)
    withheld[arrived.doubled] = True
    return batch.take(~withheld)


def event_of(over: Over, where: Where, catalogue: Catalogue) -> Event:
    """The event that says from when to when a datastream was not believed."""
    datastream = catalogue.id_of(over.slot)
    body = Believed(datastream=datastream, since=over.doubt.since, until=over.until, rows=over.doubt.rows)
    return Event(
        id=uuid_of("believed", where.timeline, datastream, over.doubt.since),
        at=over.until,
        by=where.stage,
        cause=where.cause(over.sequence),
        kind="believed@1",
        timeline=where.timeline,
        body=encode(body),
        subject=str(datastream),
    )
