"""The state of a detect partition as named bytes, and back. No pickle: raw columns, Arrow and JSON.

Only what changed since it was last asked is given; all that was ever given, the newest of each name,
is the whole state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from tutela.maths.known import COUNTS, RINGS, Known
from tutela.maths.order import FIELDS, Batch, Order, Wait, joined
from tutela.maths.slab import Field, Slab
from tutela.model import wire
from tutela.model.flow import Column
from tutela.model.noun import Noun

from .detect import Detect, State, newest_fields
from .doubt import Doubt
from .noticed import Late
from .stage import Saved

FOLD = "fold"


class Kept(Noun, frozen=True, kw_only=True):
    """What is small: the last tick, late rows and greatest event time by lateness, and who is doubted by slot."""

    tick: int
    late: dict[int, Late]
    greatest: dict[int, int]
    doubts: dict[int, Doubt] = {}


def columns(detect: Detect, state: State) -> Iterator[Column]:
    """The columns that changed since this was last asked. Held rows always count as changed."""
    for name, detector in detect.parts.items():
        for column, body in detector.changed(state.parts[name]).items():
            yield Column(detector=name, name=column, body=body)
    for lateness, order in state.orders.items():
        yield from _order(f"order/{lateness}", order)
    for name, newest in state.newest.items():
        for column, body in newest.changed():
            yield Column(detector=f"newest/{name}", name=column, body=body)
    greatest = {lateness: order.greatest for lateness, order in state.orders.items()}
    kept = Kept(tick=state.tick, late=dict(state.late), greatest=greatest, doubts=dict(state.doubts))
    yield Column(detector=FOLD, name="kept", body=msgspec.json.encode(kept))


def restored(detect: Detect, saved: Saved, partitions: int) -> State:
    """The state that all these columns describe; a detector that is new, or is yet to begin, begins."""
    start = detect.begin()
    if FOLD not in saved:
        return start
    kept = msgspec.json.decode(saved[FOLD]["kept"], type=Kept)
    orders = {
        lateness: _restored(saved.get(f"order/{lateness}", {}), kept.greatest[lateness], partitions)
        for lateness in start.orders
        if lateness in kept.greatest
    }
    return State(
        orders={**start.orders, **orders},
        newest={name: Slab.load(newest_fields(name), saved.get(f"newest/{name}", {})) for name in start.newest},
        parts={
            name: detector.load(saved[name]) if name in saved else start.parts[name]
            for name, detector in detect.parts.items()
        },
        late=kept.late,
        tick=kept.tick,
        doubts=kept.doubts,
    )


def _order(name: str, order: Order) -> Iterator[Column]:
    for column, body in order.seen.changed():
        yield Column(detector=name, name=column, body=body)
    for what, slab in (("ring", order.known.rings), ("count", order.known.counts)):
        for column, body in slab.changed():
            yield Column(detector=name, name=f"{what}/{column}", body=body)
    for kind, waiting in order.held.items():
        if waiting:
            held = joined([wait.batch for wait in waiting])
            yield Column(detector=name, name=f"held/{kind}", body=wire.encode(held.rows))
            yield Column(detector=name, name=f"sequence/{kind}", body=held.sequence.tobytes())
        else:
            yield Column(detector=name, name=f"held/{kind}", body=b"")


def _restored(saved: Mapping[str, bytes], greatest: int, partitions: int) -> Order:
    held = {}
    for name, body in saved.items():
        what, _, kind = name.partition("/")
        if what == "held" and body:
            rows = wire.decode(body)
            sequence = np.frombuffer(saved[f"sequence/{kind}"], np.int64)
            held[kind] = Wait.of(Batch(rows, rows.datastream.astype(np.int64) // partitions, sequence))
    known = Known(_slab(RINGS, "ring/", saved), _slab(COUNTS, "count/", saved))
    return Order(_slab(FIELDS, "", saved), known, held, greatest)


def _slab(fields: Mapping[str, Field], before: str, saved: Mapping[str, bytes]) -> Slab:
    return Slab.load(fields, {name: saved[before + name] for name in fields if before + name in saved})
