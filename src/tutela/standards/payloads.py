"""What one message says whose topic names its datastream: a number, a JSON object, or several of these, one a line.

    21.5
    {"result": 21.5, "phenomenonTime": "2026-11-25T08:00:00Z", "unit": "Cel"}

The words are those of OGC SensorThings 1.1, as in `observations`, and so is what is refused; true is 1 and false is 0. Positions say `lat` and `lon` in
place of `result`. Without a `phenomenonTime` it is the time when the message came. A `datastream`, where it is given, must
be the topic's. A line that can't be understood is refused by itself; the others are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.model.flow import Refusal
from tutela.model.kinds import kind
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.when import SECOND

from .observations import NAMED, SAMPLE, UNREADABLE
from .sensorthings import instant

LINES = 5_000
"""Lines of one message: nobody else gets a turn while they are read."""

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Reading(msgspec.Struct, gc=False):
    """One reading. SensorThings' truth observations are 1 and 0."""

    result: float | bool
    phenomenonTime: str | Whole | None = None  # noqa: N815  SensorThings spells it so
    unit: str | None = None
    datastream: str | None = None


class Count(msgspec.Struct, gc=False):
    """One count."""

    result: Whole
    phenomenonTime: str | Whole | None = None  # noqa: N815  SensorThings spells it so
    unit: str | None = None
    datastream: str | None = None


class Position(msgspec.Struct, gc=False):
    """One position."""

    lat: float
    lon: float
    phenomenonTime: str | Whole | None = None  # noqa: N815  SensorThings spells it so
    unit: str | None = None
    datastream: str | None = None


Line = Reading | Count | Position
_DECODERS: dict[str, msgspec.json.Decoder[float | Line]] = {
    "readings": msgspec.json.Decoder(float | Reading),
    "counts": msgspec.json.Decoder(Whole | Count),
    "positions": msgspec.json.Decoder(Position),
}
_BAD = (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError, BadInput)
Now = Callable[[], int]


class Names(Protocol):
    """What a source whose topics name datastreams asks of the register."""

    def number(self, name: str) -> int | None:
        """The register's number of the datastream of that name."""

    def datastream(self, number: int) -> Datastream:
        """The datastream of that number; raises NotFound."""


class Stamps:
    """The time of messages that say none: the clock's, and never the same twice, or two would count as one."""

    def __init__(self, clock: Now) -> None:
        self._clock, self._last = clock, 0

    def __call__(self) -> int:
        """Microseconds since 1970. A clock that is set back by more than a second is followed."""
        now = self._clock()
        if self._last - SECOND < now <= self._last:
            now = self._last + 1
        self._last = now
        return now


def read(payload: bytes, about: Datastream, now: Now) -> tuple[Sequence[Line], Sequence[Refusal]]:
    """The lines of a message about that datastream, each with its time in microseconds, and what was refused.

    `now` gives the time of what came without one, as `Stamps` do.
    """
    decoder = _DECODERS[about.kind]
    try:
        return (_line(decoder.decode(payload), about, now),), ()
    except _BAD as wrong:
        lines = [line for line in payload.split(b"\n") if line.strip()]
        if len(lines) < 2:
            return (), (_refusal(about.name, payload, wrong),)
        if len(lines) > LINES:
            says = f"{about.name}: {len(lines)} lines are too many for one message; send {LINES} at most"
            return (), (Refusal(UNREADABLE, says, len(lines), payload[:SAMPLE]),)
    return _each(lines, about, now)


def _each(lines: Sequence[bytes], about: Datastream, now: Now) -> tuple[Sequence[Line], Sequence[Refusal]]:
    """Several lines, each for itself. The first refused ones are told by themselves."""
    good: list[Line] = []
    refused: list[Refusal] = []
    more = 0
    for number, line in enumerate(lines, 1):
        try:
            good.append(_line(_DECODERS[about.kind].decode(line), about, now))
        except _BAD as wrong:
            if len(refused) < NAMED:
                refused.append(_refusal(f"{about.name}, line {number}", line, wrong))
            else:
                more += 1
    others = [Refusal(UNREADABLE, "more lines that can't be understood", more)] if more else []
    return good, (*refused, *others)


def _line(said: float | Line, about: Datastream, now: Now) -> Line:
    """What was said, with its time as microseconds; raises BadInput when it does not fit the register."""
    if isinstance(said, int | float):
        return Reading(said, now()) if isinstance(said, float) else Count(said, now())
    if said.unit is not None and said.unit != about.unit:
        raise BadInput(f"the unit {said.unit!r} is not the register's {about.unit!r}")
    if said.datastream is not None and said.datastream != about.name:
        raise BadInput(f"the datastream {said.datastream!r} is not the topic's, {about.name!r}; leave it out")
    time = said.phenomenonTime
    if time is None:
        said.phenomenonTime = now()
    elif isinstance(time, str):
        said.phenomenonTime = instant(time)
    return said


def _refusal(what: str, line: bytes, wrong: Exception) -> Refusal:
    says = "nested too deeply" if isinstance(wrong, RecursionError) else wrong
    return Refusal(UNREADABLE, f"{what}: {says}", 1, line[:SAMPLE])


def rows(of: str, datastreams: Sequence[int], lines: Sequence[Line]) -> Rows:
    """Lines of that kind as columns; `datastreams` has the register's number for each. All have been read by `read`."""
    n = len(lines)
    time = np.fromiter([line.phenomenonTime for line in lines], np.int64, n)
    values = {name: np.fromiter([getattr(line, name) for line in lines], dtype, n) for name, dtype in kind(of).columns}
    return Rows(of, np.fromiter(datastreams, np.int32, n), time, values)


part = read
