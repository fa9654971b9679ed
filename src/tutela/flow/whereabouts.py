"""Where Things that move are now: the newest position of each, folded on reading from what JetStream still has.

No newest value of a personal kind is stored (see `detect`), so this is made when somebody who may see it asks, and kept in
memory only. A look is held for a second; the next one forgets what is older than `KEEPS`, and whatever was sealed with
a key that was destroyed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tutela.model.flow import Message
from tutela.model.place import Place
from tutela.model.rows import Rows, joined
from tutela.model.when import MINUTE, SECOND

from .history import History

POSITIONS = "positions"
HOLDS = SECOND
KEEPS = 15 * MINUTE
BACK = 50_000
"""Messages of all kinds to look back at first: two and a half minutes of the most that there may be, 300 a second."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A position: when (microseconds), where, and the key that sealed it in the record."""

    at: int
    place: Place
    key: str


@dataclass(slots=True)
class _Fold:
    """What is known of one timeline: how far it was read and when, the newest by datastream, and a message of each key."""

    timeline: str
    wanted: frozenset[int]
    looked: int
    sequence: int = 0
    newest: dict[int, Seen] = field(default_factory=dict)
    probes: dict[str, Message] = field(default_factory=dict)


class Whereabouts:
    """The newest position of each of some datastreams, of one timeline at a time.

    It remembers those of all datastreams that were asked for; when another one is asked for, it begins anew.
    """

    def __init__(self, history: History, partitions: int) -> None:
        self._history = history
        self._partitions = partitions
        self._fold = _Fold("", frozenset(), 0)
        self._looking = asyncio.Lock()

    async def of(self, timeline: str, datastreams: Iterable[int], now: int) -> Mapping[int, Seen]:
        """The newest position of each of these that told one in the last quarter of an hour before `now`."""
        wanted = frozenset(datastreams)
        if not wanted:
            return {}
        async with self._looking:
            if self._fold.timeline != timeline:
                self._fold = _Fold(timeline, wanted, now - HOLDS)
            elif not wanted <= self._fold.wanted:
                self._fold = _Fold(timeline, wanted | self._fold.wanted, now - HOLDS)
            if not 0 <= now - self._fold.looked < HOLDS:
                await self._look(self._fold, now)
            return {number: seen for number, seen in self._fold.newest.items() if number in wanted}

    async def _look(self, fold: _Fold, now: int) -> None:
        newest = await self._history.newest(fold.timeline)
        for key, parts in (await self._came(fold, max(fold.sequence, newest - BACK))).items():
            _put(fold, key, joined(parts))
        gone = [key for key, message in fold.probes.items() if await self._history.rows(message) is None]
        fold.newest = {
            number: seen for number, seen in fold.newest.items() if seen.key not in gone and seen.at >= now - KEEPS
        }
        keys = {seen.key for seen in fold.newest.values()}
        fold.probes = {key: message for key, message in fold.probes.items() if key in keys}
        fold.sequence, fold.looked = newest, now

    async def _came(self, fold: _Fold, after: int) -> dict[str, list[Rows]]:
        """The rows that were recorded after that sequence, by the key that sealed them."""
        partitions = {number % self._partitions for number in fold.wanted}
        came: dict[str, list[Rows]] = {}
        async for message in self._history.recorded(fold.timeline, POSITIONS, partitions, after):
            rows = await self._history.rows(message)
            if rows is not None:
                key = message.headers.get("Key", "")
                fold.probes.setdefault(key, message)
                came.setdefault(key, []).append(rows)
        return came


def _put(fold: _Fold, key: str, rows: Rows) -> None:
    """Rows that came; what is older than what is known stays out."""
    wanted = np.array(sorted(fold.wanted), np.int32)
    rows = rows.take(np.isin(rows.datastream, wanted))
    rows = rows.take(_last(rows))
    lats, lons = rows.values["lat"].tolist(), rows.values["lon"].tolist()
    for number, at, lat, lon in zip(rows.datastream.tolist(), rows.time.tolist(), lats, lons, strict=True):
        if number not in fold.newest or fold.newest[number].at <= at:
            fold.newest[number] = Seen(at, Place(lat=lat, lon=lon), key)


def _last(rows: Rows) -> npt.NDArray[np.intp]:
    """The place of each datastream's newest row; of one time, the one that came last."""
    order = np.lexsort((rows.time, rows.datastream))
    ends = np.append(np.diff(rows.datastream[order]) != 0, True)[: len(order)]
    last: npt.NDArray[np.intp] = order[ends]
    return last
