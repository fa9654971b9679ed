from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths import known
from tutela.maths.known import COUNTS, RINGS, WINDOW, Known
from tutela.maths.order import FIELDS, NEVER, Batch, Order, arrive, identities, tick
from tutela.maths.slab import Slab
from tutela.model.rows import Rows, empty

PARTITIONS = 16
Row = tuple[int, int, int]
"""Slot, time, value."""


def batch(rows: Sequence[Row], kind: str = "counts", since: int = 0) -> Batch:
    slots = np.array([slot for slot, _, _ in rows], np.int64)
    made = Rows(
        kind,
        (slots * PARTITIONS + 3).astype(np.int32),
        np.array([time for _, time, _ in rows], np.int64),
        {"result": np.array([value for _, _, value in rows], np.int64)},
    )
    return Batch(made, slots, np.arange(since, since + len(rows), dtype=np.int64))


@dataclass
class Told:
    """The definition, row by row, as the module's docstring tells it."""

    lateness: int
    greatest: dict[int, int] = field(default_factory=dict)
    let_go: dict[int, int] = field(default_factory=dict)
    last: dict[tuple[int, bool], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    held: dict[int, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    first: dict[int, int] = field(default_factory=dict)
    released: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    late: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)

    def row(self, number: int, row: Row) -> None:
        slot, time, value = row
        greatest = self.greatest.get(slot, NEVER)
        in_time = time >= greatest
        seen_before = time <= greatest and (time, value) in self.last[slot, True] + self.last[slot, False]
        self.last[slot, in_time] = [*self.last[slot, in_time], (time, value)][-known.WINDOW :]
        self.greatest[slot] = max(greatest, time)
        if seen_before:
            self.doubled.append(number)
        elif time < max(greatest - self.lateness, self.let_go.get(slot, NEVER)) + (self.lateness > 0):
            self.late.append(number)
        else:
            if time > greatest:
                self.first[slot] = number
            bears = number if self.lateness else self.first[slot]
            self.held[slot].append((time, bears, value))
        self._release(slot, self.greatest[slot] - self.lateness)

    def tick(self, upto: int) -> None:
        for slot in list(self.held):
            gone = self._release(slot, upto)
            if gone is not None:
                self.let_go[slot] = gone

    def _release(self, slot: int, upto: int) -> int | None:
        due = sorted((entry for entry in self.held[slot] if entry[0] <= upto), key=lambda entry: entry[0])
        self.held[slot] = [entry for entry in self.held[slot] if entry[0] > upto]
        once = set[tuple[int, int]]()
        for time, number, value in due:
            if not self.lateness or (time, value) not in once:
                self.released[slot].append((number, value))
            once.add((time, value))
        return due[-1][0] if due else None


@dataclass
class Folded:
    """What the functions give for a stream that was cut in some way, in the same words."""

    lateness: int
    order: Order = field(default_factory=Order.empty)
    released: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    late: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)

    def rows(self, number: int, rows: Sequence[Row]) -> None:
        came = batch(rows, since=number)
        self.order, arrived = arrive(self.order, came, self.lateness)
        self._take(arrived.released)
        self.late += came.sequence[arrived.late].tolist()
        self.doubled += came.sequence[arrived.doubled].tolist()

    def tick(self, upto: int) -> None:
        self.order, batches = tick(self.order, upto)
        for released in batches:
            self._take(released)

    def _take(self, released: Batch) -> None:
        times = released.rows.time.tolist()
        places = list(zip(released.slots.tolist(), times, strict=True))
        assert places == sorted(places)
        assert released.slots.tolist() == (released.rows.datastream // PARTITIONS).tolist()
        told = released.sequence.tolist(), released.rows.values["result"].tolist()
        for slot, number, value in zip(released.slots.tolist(), *told, strict=True):
            self.released[slot].append((number, value))


rows = st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 1))
far_rows = st.tuples(st.sampled_from([0, 1, 70_000]), st.sampled_from([-(2**60), 0, 5, 2**60]), st.integers(0, 1))


@st.composite
def streams(draw: st.DrawFn, row: st.SearchStrategy[Row]) -> list[Row | int | None]:
    """Rows, ticks (whole numbers) and places where a batch is cut (None)."""
    return draw(st.lists(st.one_of(row, row, row, st.integers(0, 14), st.none()), max_size=60))


def cut(stream: Sequence[Row | int | None], lateness: int, *, each: bool = False) -> Folded:
    folded, waiting, number = Folded(lateness), list[Row](), 0
    for item in [*stream, None]:
        if isinstance(item, tuple):
            waiting.append(item)
        if not isinstance(item, tuple) or each:
            folded.rows(number, waiting)
            number, waiting = number + len(waiting), []
        if isinstance(item, int):
            folded.tick(item)
    return folded


def told(stream: Sequence[Row | int | None], lateness: int) -> Told:
    model, number = Told(lateness), 0
    for item in stream:
        if isinstance(item, tuple):
            model.row(number, item)
            number += 1
        elif item is not None:
            model.tick(item)
    return model


def values(order: Order) -> list[list[int]]:
    """All that an order has seen, of four slots."""
    slots, cells = np.arange(4), np.arange(4 * known.WINDOW)
    seen = [order.seen.take(name, slots).tolist() for name in FIELDS]
    counts = [order.known.counts.take(name, slots).tolist() for name in COUNTS]
    return seen + counts + [order.known.rings.take(name, cells).tolist() for name in RINGS]


def same(one: Folded, other: Folded | Told) -> bool:
    return (
        {slot: got for slot, got in one.released.items() if got}
        == {slot: got for slot, got in other.released.items() if got}
        and sorted(one.late) == sorted(other.late)
        and sorted(one.doubled) == sorted(other.doubled)
    )


@pytest.fixture(autouse=True, params=[WINDOW, 4])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The promises hold for any window, also for one that fills within an example."""
    monkeypatch.setattr(known, "WINDOW", request.param)


@given(streams(rows), st.sampled_from([0, 3]))
def test_whole_batches_give_what_the_definition_tells_row_by_row(stream: list[Row | int | None], lateness: int) -> None:
    assert same(cut(stream, lateness), told(stream, lateness))


@given(streams(far_rows), st.sampled_from([0, 3]))
def test_times_a_geological_age_apart_and_many_datastreams_change_nothing(
    stream: list[Row | int | None], lateness: int
) -> None:
    assert same(cut(stream, lateness), told(stream, lateness))


@given(streams(rows), st.sampled_from([0, 3]))
def test_any_cut_of_the_stream_gives_the_same_releases(stream: list[Row | int | None], lateness: int) -> None:
    assert same(cut(stream, lateness), cut(stream, lateness, each=True))


@given(streams(rows), st.sampled_from([0, 3]))
def test_the_state_before_is_left_as_it_was(stream: list[Row | int | None], lateness: int) -> None:
    before = cut(stream, lateness)
    seen = values(before.order)

    arrive(before.order, batch([(0, 99, 1), (1, 99, 1), (1, 0, 5)]), lateness)

    assert seen == values(before.order)


def test_a_row_is_dropped_when_it_repeats_one_of_the_last_of_its_kind_and_kept_after_that() -> None:
    others = [(0, 5, value) for value in range(2, known.WINDOW + 1)]
    _, arrived = arrive(Order.empty(), batch([(0, 5, 1), *others, (0, 5, 1), (0, 5, -1), (0, 5, 2)]))

    assert arrived.doubled.tolist() == [known.WINDOW]
    assert arrived.released.rows.result.tolist() == [1, *range(2, known.WINDOW + 1), -1, 2]


@dataclass
class Offered:
    """A stream that has come, and an offer that comes next: of a datastream it has at most `WINDOW` rows."""

    folded: Folded
    offer: list[Row]

    def again(self, cuts: int) -> Folded:
        """What comes of the offer a second time, cut in so many parts."""
        number, folded = 1000, Folded(self.folded.lateness, self.folded.order)
        for part in np.array_split(np.arange(len(self.offer)), cuts):
            folded.rows(number, [self.offer[place] for place in part])
            number += len(part)
        return folded


@st.composite
def offers(draw: st.DrawFn) -> Offered:
    folded = cut(draw(streams(rows)), draw(st.sampled_from([0, 3])))
    offer, of = list[Row](), defaultdict[int, int](int)
    for row in draw(st.lists(rows, max_size=60)):
        if of[row[0]] < known.WINDOW:
            offer.append(row)
            of[row[0]] += 1
    folded.rows(500, offer)
    return Offered(folded, offer)


@given(offers(), st.integers(1, 3))
def test_an_offer_that_is_sent_again_leaves_no_trace(offered: Offered, cuts: int) -> None:
    again = offered.again(cuts)

    assert (dict(again.released), again.late) == ({}, [])
    assert sorted(again.doubled) == list(range(1000, 1000 + len(offered.offer)))


@given(st.lists(rows, max_size=200), st.sampled_from([0, 3]), st.sampled_from([0, 99]))
def test_what_is_sent_again_is_never_let_go_again_however_long_the_offer(
    offer: list[Row], lateness: int, waits: int
) -> None:
    """Of one moment it has few rows here."""
    offer = list(dict.fromkeys(offer))
    folded = Folded(lateness)
    folded.rows(0, offer)
    folded.tick(waits)
    folded.rows(1000, offer)
    folded.rows(2000, offer)
    folded.tick(100)
    released = [(slot, value) for slot, gone in folded.released.items() for value in gone]

    assert len(released) + len([number for number in folded.late if number < 1000]) == len(offer)
    assert all(number < 1000 for _, (number, _) in released)


def test_an_hour_sent_again_at_once_is_not_let_go_again() -> None:
    offer = [(0, time, time % 7) for time in range(3600)]
    order, first = arrive(Order.empty(), batch(offer))
    _, again = arrive(order, batch(offer, since=3600))

    assert len(first.released) == 3600
    assert len(again.released) == 0
    assert len(again.doubled) >= known.WINDOW


def test_late_rows_are_told_and_not_released() -> None:
    order, first = arrive(Order.empty(), batch([(0, 5, 1), (0, 4, 2), (1, 4, 3)]))
    _, second = arrive(order, batch([(0, 4, 9), (1, 4, 9)]))

    assert first.late.tolist() == [1]
    assert second.late.tolist() == [0]
    assert second.released.rows.result.tolist() == [9]


def test_what_else_is_told_of_the_same_moment_bears_the_sequence_of_the_first() -> None:
    order, first = arrive(Order.empty(), batch([(0, 5, 1), (0, 5, 2), (1, 7, 1), (0, 6, 1)]))
    _, then = arrive(order, batch([(0, 6, 2), (1, 7, 2), (1, 8, 1)], since=4))

    assert first.released.sequence.tolist() == [0, 0, 3, 2]
    assert then.released.sequence.tolist() == [3, 2, 6]


def test_kinds_wait_apart_and_a_tick_lets_both_go() -> None:
    order, _ = arrive(Order.empty(), batch([(0, 5, 1)], "counts"), 10)
    order, none = arrive(order, batch([(1, 5, 1)], "positions"), 10)
    order, waits = tick(order, 4)
    order, gone = tick(order, 5)

    assert not len(none.released)
    assert waits == ()
    assert [part.rows.kind for part in gone] == ["counts", "positions"]
    assert not any(order.held.values())


def test_nothing_came_in_an_empty_batch() -> None:
    nothing = Batch(empty("readings"), np.empty(0, np.int64), np.empty(0, np.int64))
    order = Order.empty()
    same_order, arrived = arrive(order, nothing)

    assert same_order is order
    assert arrived.released is nothing
    assert not len(arrived.late)
    assert not len(arrived.doubled)


@given(st.lists(st.tuples(st.integers(), st.floats(width=64), st.floats(width=64)), max_size=30))
def test_identity_is_of_time_and_the_bits_of_all_values_and_never_zero(
    drawn: list[tuple[int, float, float]],
) -> None:
    times = np.array([time % 2**62 for time, _, _ in drawn], np.int64)
    lat = np.array([value for _, value, _ in drawn], np.float64)
    lon = np.array([value for _, _, value in drawn], np.float64)
    made = identities(Rows("positions", np.ones(len(drawn), np.int32), times, {"lat": lat, "lon": lon}))
    bits = list(zip(times.tolist(), lat.view(np.uint64).tolist(), lon.view(np.uint64).tolist(), strict=True))

    assert len(set(made.tolist())) == len(set(bits))
    assert 0 not in made


def test_a_saved_order_goes_on_where_it_was() -> None:
    order, _ = arrive(Order.empty(), batch([(0, 5, 1), (3, 7, 1)]))
    saved = Known(Slab.load(RINGS, order.known.rings.dump()), Slab.load(COUNTS, order.known.counts.dump()))
    again = Order(Slab.load(FIELDS, order.seen.dump()), saved, {})

    assert arrive(again, batch([(0, 5, 1), (3, 6, 1)]))[1].doubled.tolist() == [0]
    assert arrive(again, batch([(0, 5, 1), (3, 6, 1)]))[1].late.tolist() == [1]
