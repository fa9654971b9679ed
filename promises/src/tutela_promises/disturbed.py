"""The same recorded stream as a bad network would bring it, and the stage of the city that puts it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tutela.flow.detect import Came, Detect
from tutela.flow.detector import Detector
from tutela.flow.stage import Where
from tutela.maths.order import Batch
from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.when import HOUR, SECOND

from .stage import Item, Observed, Ticked, Told, World, by_time, columns, play, seens


def disturbed(card: Card, items: Sequence[Item], seed: int) -> list[Item]:
    """Some rows and facts twice; rows long too late, with wild values; rows in any order that the card allows."""
    chance = np.random.default_rng(seed)
    worse: list[Item] = []
    for item in items:
        worse.append(item)
        if isinstance(item, Ticked):
            continue
        if chance.random() < 0.2:
            worse.append(item)
        if isinstance(item, Observed) and chance.random() < 0.1:
            wild = None if item.place is None else Place(lat=0.0, lon=0.0)
            worse.append(Observed(item.slot, item.time - 2 * HOUR - 1, 999.0, wild))
    return _shuffled(worse, round(card.lateness * SECOND), chance)


def _shuffled(items: Sequence[Item], lateness: int, chance: np.random.Generator) -> list[Item]:
    """Between two ticks, rows change places with rows that are not much older."""
    moved = list(items)
    for place in range(1, len(moved)):
        one, other = moved[place - 1 : place + 1]
        close = isinstance(one, Observed) and isinstance(other, Observed) and abs(other.time - one.time) < lateness
        if close and chance.random() < 0.5:
            moved[place - 1 : place + 1] = [other, one]
    return moved


def staged(detector: Detector, world: World, items: Sequence[Item]) -> list[Detection]:
    """What the detector finds in the city's own stage: `flow.detect` for rows; facts come as they are."""
    if any(isinstance(item, Told) for item in items):
        return play(detector, seens(world, items))
    detect = Detect([detector], Where("live", "detect", 3, "OBS-live"))
    watch, state = detect.watch(world.catalogue()), detect.begin()
    _, noticed = detect.turn(state, watch, list(_came(world, items)))
    return by_time(noticed.detections)


def _came(world: World, items: Sequence[Item]) -> Iterator[Came]:
    for sequence, item in enumerate(items, 1):
        if isinstance(item, Ticked):
            yield Came(sequence, tick=item.at)
        if isinstance(item, Observed):
            rows, slots = columns(world, [item])
            yield Came(sequence, batch=Batch(rows, slots, np.full(1, sequence)))
