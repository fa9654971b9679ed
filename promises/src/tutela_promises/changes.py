"""The changes that a detection names in its "would not have fired if", made to the recorded items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h3.api.basic_int as h3
import msgspec

from tutela.maths.area import Outline, outline
from tutela.maths.cells import cell_of, north_of
from tutela.model.area import Area
from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.when import SECOND
from tutela.model.why import Apart, Fewer, HadCome, Moved, ValueWas, Why

from .stage import Item, Observed, Ticked, Told, slot_of


def changed(items: Sequence[Item], detection: Detection, part: float, area: Area | None = None) -> list[Item]:
    """The items with that part of the change made: 1.0 makes it whole, 0.5 by half. `area`: what a position moves out of, or into."""
    change = detection.why.unless
    if isinstance(change, ValueWas):
        return [_valued(item, change, part) for item in items]
    if isinstance(change, HadCome):
        return _came(items, detection, change, part)
    if isinstance(change, Fewer) and not change.of:
        return _gone(items, detection, int(change.by * part))
    if isinstance(change, Fewer):
        gone = set(change.of[: int(change.by * part)])
        return [item for item in items if not (isinstance(item, Told) and item.fact.id in gone)]
    if isinstance(change, Moved):
        assert area is not None
        return [_elsewhere(item, change, detection.why, outline(area), part) for item in items]
    return [_moved(item, change, part) for item in items]


def _gone(items: Sequence[Item], detection: Detection, many: int) -> list[Item]:
    """So many of those that were counted have gone far away by the time of the tick that counted them: the furthest ones first.

    Who was counted, only somebody knows who has the positions.
    """
    tick = next(place for place, item in enumerate(items) if isinstance(item, Ticked) and item.at == detection.at)
    newest = {item.slot: item for item in items[:tick] if isinstance(item, Observed)}
    since = detection.at - round(float(detection.why.inputs["window"]) * SECOND)
    rings = {slot: h3.grid_distance(detection.cell, cell_of(one.place)) for slot, one in newest.items()}
    counted = [slot for slot, one in newest.items() if rings[slot] * 350.0 < float(detection.why.inputs["reach"])]
    counted = sorted((slot for slot in counted if newest[slot].time >= since), key=lambda slot: (-rings[slot], slot))
    assert len(counted) == detection.why.inputs["things"]
    away = [
        replace(newest[slot], time=newest[slot].time + 1, place=Place(lat=0.0, lon=slot)) for slot in counted[:many]
    ]
    return [*items[:tick], *away, *items[tick:]]


def _valued(item: Item, change: ValueWas, part: float) -> Item:
    if not isinstance(item, Observed) or (item.slot, item.time) != (slot_of(change.datastream), change.time):
        return item
    assert item.result == change.was
    return Observed(item.slot, item.time, change.was + part * (change.would - change.was))


def _came(items: Sequence[Item], detection: Detection, change: HadCome, part: float) -> list[Item]:
    """One more observation from each datastream, told just before the tick that judged its silence."""
    tick = next(place for place, item in enumerate(items) if isinstance(item, Ticked) and item.at == detection.at)
    more = [_one_more(items[:tick], datastream, change.time, part) for datastream in detection.datastreams]
    return [*items[:tick], *more, *items[tick:]]


def _one_more(items: Sequence[Item], datastream: int, time: int, part: float) -> Observed:
    mine = [item for item in items if isinstance(item, Observed) and item.slot == slot_of(datastream)]
    return replace(mine[-1], time=mine[-1].time + int(part * (time - mine[-1].time)))


def _moved(item: Item, change: Apart, part: float) -> Item:
    if not isinstance(item, Told) or item.fact.id != change.fact:
        return item
    assert item.fact.place is not None
    place = north_of(item.fact.place, part * change.metres)
    return Told(msgspec.structs.replace(item.fact, place=place, cell=cell_of(place)))


def _elsewhere(item: Item, change: Moved, why: Why, edge: Outline, part: float) -> Item:
    """The position on its way to the edge, which only somebody knows who has the position: ten metres less than told, at most."""
    if not isinstance(item, Observed) or (item.slot, item.time) != (slot_of(change.datastream), change.time):
        return item
    assert item.place is not None
    margin, out = float(why.inputs["margin"]), why.message != "fence.leaves"
    newest_alone = why.message == "fence.enters" or item.time == why.inputs["since"]
    level = -margin if out and newest_alone else margin
    lat, lon, metres = edge.walk(item.place.lat, item.place.lon, level, out=out)
    assert change.metres - 10.0 < metres <= change.metres
    return replace(item, place=Place(lat=item.place.lat + part * lat, lon=item.place.lon + part * lon))
