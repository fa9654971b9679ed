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
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, BadInput, pa.ArrowInvalid)


def read(body: bytes, of: str, names: Names) -> tuple[Rows | None, tuple[Refusal, ...]]:
    """The rows of NDJSON `body`, all of kind `of`, and what was refused of it."""
    try:
        lines = _DECODERS[of].decode_lines(body)
        _units(lines, names)
        return _columns(lines, of, names), ()
    except _BAD:
        return _one_by_one(body, of, names)


def _one_by_one(body: bytes, of: str, names: Names) -> tuple[Rows | None, tuple[Refusal, ...]]:
    """The slow road, taken only when a line is bad: each line for itself."""
    parts: list[Line] = []
    refused: list[Refusal] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            read_ = _DECODERS[of].decode(line)
            _check(read_, of, names)
        except _BAD as wrong:
            says = "nested too deeply" if isinstance(wrong, RecursionError) else wrong
            refused.append(Refusal("unreadable", f"line {number}: {says}", 1, line[:SAMPLE]))
        else:
            parts.append(read_)
    return _columns(parts, of, names), tuple(refused)


def _check(line: Line, of: str, names: Names) -> None:
    """Raise what is wrong with one line."""
    _units([line], names)
    _columns([line], of, names)


def _units(lines: Sequence[Line], names: Names) -> None:
    """Raise BadInput when a line says another unit than the register."""
    for line in lines:
        if line.unit is not None and line.unit != (known := names.unit(names.number(line.datastream) or 0)):
            raise BadInput(f"the unit {line.unit!r} is not the register's {known!r} for {line.datastream!r}")


def _columns(lines: Sequence[Line], of: str, names: Names) -> Rows | None:
    """Lines as columns. A name that the register doesn't know becomes datastream 0, which the gate refuses."""
    n = len(lines)
    if not n:
        return None
    number = names.number
    ids = np.fromiter([number(line.datastream) or 0 for line in lines], np.int32, n)
    time = _micros([line.phenomenonTime for line in lines])
    values = {name: np.fromiter([getattr(line, name) for line in lines], dtype, n) for name, dtype in kind(of).columns}
    return Rows(of, ids, time, values)


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
