"""Observations as JSON lines (NDJSON) or one JSON object, in the words of OGC SensorThings 1.1.

    {"datastream": "air/kallio/pm25", "phenomenonTime": "2026-11-25T08:00:00Z", "result": 12.5}

`phenomenonTime` is ISO 8601 with an offset, or whole microseconds since 1970. Positions say `lat` and
`lon` in place of `result`. A `unit`, where it is given, must be the register's. Fields that we don't know
are left unread. A line that can't be understood is refused by itself, with its number; the others are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa

from tutela.errors import BadInput
from tutela.model.flow import Refusal
from tutela.model.kinds import kind
from tutela.model.rows import Rows
from tutela.model.when import parse


class Names(Protocol):
    """What a source may ask of the register."""

    def number(self, name: str) -> int | None:
        """The register's number of the datastream of that name."""

    def unit(self, number: int) -> str | None:
        """The unit that the register has for a datastream."""


SAMPLE = 200
UNREADABLE = "unreadable"

NAMED = 20
"""Refused lines of one piece of a body that are told by themselves."""

FEW = 16
"""So many lines are looked at one by one."""


class Reading(msgspec.Struct, gc=False):
    """One line of readings."""

    datastream: str
    phenomenonTime: str | int  # noqa: N815  SensorThings spells it so
    result: float
    unit: str | None = None


class Count(msgspec.Struct, gc=False):
    """One line of counts."""

    datastream: str
    phenomenonTime: str | int  # noqa: N815  SensorThings spells it so
    result: int
    unit: str | None = None


class Position(msgspec.Struct, gc=False):
    """One line of positions."""

    datastream: str
    phenomenonTime: str | int  # noqa: N815  SensorThings spells it so
    lat: float
    lon: float
    unit: str | None = None


Line = Reading | Count | Position
_DECODERS: dict[str, msgspec.json.Decoder[Line]] = {
    "readings": msgspec.json.Decoder(Reading),
    "counts": msgspec.json.Decoder(Count),
    "positions": msgspec.json.Decoder(Position),
}
_BAD = (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError, BadInput, pa.ArrowInvalid)


def read(body: bytes, of: str, names: Names, first: int = 1) -> tuple[Rows | None, tuple[Refusal, ...]]:
    """The rows of NDJSON `body`, all of kind `of`, and what was refused of it; `first` is its first line's number."""
    try:
        return _columns(_DECODERS[of].decode_lines(body), of, names), ()
    except _BAD:
        numbered = [(number, line) for number, line in enumerate(body.split(b"\n"), first) if line.strip()]
    sorting = _Sorting(of, names)
    lines = sorting.halves(numbered)
    return _columns(lines, of, names), sorting.told()


class _Sorting:
    """The slow road, taken only when a line is bad: which ones are good, and what is wrong with the others."""

    def __init__(self, of: str, names: Names) -> None:
        self._of, self._names, self._decoder = of, names, _DECODERS[of]
        self._refused: list[Refusal] = []
        self._more = 0

    def halves(self, numbered: list[tuple[int, bytes]]) -> list[Line]:
        """Half by half, until a few lines are left to be looked at one by one."""
        if len(numbered) <= FEW:
            return [line for one in numbered for line in self._alone(*one)]
        try:
            lines = self._decoder.decode_lines(b"\n".join([line for _, line in numbered]))
            _columns(lines, self._of, self._names)
        except _BAD:
            half = len(numbered) // 2
        else:
            return lines
        return self.halves(numbered[:half]) + self.halves(numbered[half:])

    def _alone(self, number: int, line: bytes) -> list[Line]:
        """A line for itself, or none."""
        try:
            lines = [self._decoder.decode(line)]
            _columns(lines, self._of, self._names)
        except _BAD as wrong:
            self._refuse(number, line, wrong)
            return []
        return lines

    def _refuse(self, number: int, line: bytes, wrong: Exception) -> None:
        """The first ones are told by themselves: a body of nothing but noise gets no answer of its own size."""
        if len(self._refused) >= NAMED:
            self._more += 1
            return
        says = "nested too deeply" if isinstance(wrong, RecursionError) else wrong
        self._refused.append(Refusal(UNREADABLE, f"line {number}: {says}", 1, line[:SAMPLE]))

    def told(self) -> tuple[Refusal, ...]:
        """What was refused."""
        others = (Refusal(UNREADABLE, "more lines that can't be understood", self._more),) if self._more else ()
        return (*self._refused, *others)


def _columns(lines: Sequence[Line], of: str, names: Names) -> Rows | None:
    """Lines as columns; raises what is wrong with one of them.

    A name that the register doesn't know becomes datastream 0, which the gate refuses.
    """
    n = len(lines)
    if not n:
        return None
    number = names.number
    ids = [number(line.datastream) or 0 for line in lines]
    _units(lines, ids, names)
    time = _micros([line.phenomenonTime for line in lines])
    values = {name: np.fromiter([getattr(line, name) for line in lines], dtype, n) for name, dtype in kind(of).columns}
    return Rows(of, np.fromiter(ids, np.int32, n), time, values)


def _units(lines: Sequence[Line], ids: Sequence[int], names: Names) -> None:
    """Raise BadInput when a line says another unit than the register."""
    unit = names.unit
    for line, id_ in zip(lines, ids, strict=True):
        if line.unit is not None and id_ and line.unit != unit(id_):
            raise BadInput(f"the unit {line.unit!r} is not the register's {unit(id_)!r} for {line.datastream!r}")


def _micros(times: Sequence[str | int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Times as microseconds: numbers as they are, text by Arrow's ISO 8601 parser, which wants an offset."""
    if all(isinstance(time, int) for time in times):
        return np.fromiter(times, np.int64, len(times))
    if not all(isinstance(time, str) for time in times):
        return np.fromiter([time if isinstance(time, int) else parse(time) for time in times], np.int64, len(times))
    stamps = pa.array(times, pa.string()).cast(pa.timestamp("us", tz="UTC"))
    micros: np.ndarray[tuple[int], np.dtype[np.int64]] = stamps.view(pa.int64()).to_numpy()
    return micros


part = read
