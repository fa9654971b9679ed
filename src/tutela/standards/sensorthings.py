"""OGC SensorThings 1.1 (18-088): the CreateObservations action of the data array extension, and where MQTT creates an Observation.

Datastreams are the register's numbers (`@iot.id`); what kind they are of, the register knows. A time that is an interval counts from its
end, when the result was known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Protocol

import msgspec
import numpy as np

from tutela.errors import BadInput, NotFound
from tutela.model.flow import Refusal
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.when import parse

from .observations import NAMED, SAMPLE, UNREADABLE

PIECE = 2_000
"""Rows that are read at once."""
MOST = 1_000_000
"""Bytes of one body, which is decoded at once. More goes in several."""
WHOLE = 2**53
"""Up to here each whole number is a float."""

DATASTREAM = re.compile(r"v1\.1/Datastreams\(([0-9]{1,9})\)/Observations")
OBSERVATIONS = "v1.1/Observations"
"""Where Observations are created by MQTT (18-088, create-observations-via-mqtt): by the datastream's number, or with it in the body."""

Found = tuple[Rows | None, tuple[Refusal, ...]]


class Kinds(Protocol):
    """What this asks of the register."""

    def datastream(self, number: int) -> Datastream:
        """The datastream of that number; raises NotFound."""


class _Ref(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = msgspec.field(name="@iot.id")


class _Array(msgspec.Struct):
    Datastream: _Ref
    components: tuple[str, ...]
    dataArray: list[list[object]]  # noqa: N815  SensorThings spells it so


class _Linked(msgspec.Struct):
    Datastream: _Ref


_LINKED = msgspec.json.Decoder(_Linked).decode
_DECODER = msgspec.json.Decoder(list[_Array])


def instant(text: str) -> int:
    """A `phenomenonTime` as microseconds; of an interval (ISO 8601, START/END) its end."""
    start, between, end = text.partition("/")
    if not between:
        return parse(text)
    if parse(start) > (until := parse(end)):
        raise BadInput(f"{text!r} ends before it starts")
    return until


def datastream_of(topic: str, payload: bytes) -> int | None:
    """The number of the datastream that this Observation is of; None when the topic, or its body, names none."""
    if found := DATASTREAM.fullmatch(topic):
        return int(found[1])
    if topic != OBSERVATIONS:
        return None
    try:
        return _LINKED(payload).Datastream.id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def create_observations(body: bytes, kinds: Kinds) -> Iterator[Found]:
    """The rows of a body, piece by piece, with what was refused of each."""
    try:
        arrays = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a CreateObservations body (OGC 18-088 §12): {wrong}") from wrong
    except RecursionError as deep:
        raise BadInput("this is not a CreateObservations body (OGC 18-088 §12): it is nested too deeply") from deep
    places = [_where(array.components) for array in arrays]
    return _pieces(arrays, places, kinds)


def _pieces(arrays: Sequence[_Array], places: Sequence[tuple[int, int]], kinds: Kinds) -> Iterator[Found]:
    named = 0
    for array, (when, what) in zip(arrays, places, strict=True):
        of = _kind(array.Datastream.id, kinds)
        for first in range(0, len(array.dataArray), PIECE):
            piece = _Piece(array.Datastream.id, of, NAMED - named)
            for number, row in enumerate(array.dataArray[first : first + PIECE], first + 1):
                piece.read(number, row, when, what)
            named += len(piece.refused)
            yield piece.found()


def _kind(number: int, kinds: Kinds) -> str:
    """Counts or readings: the gate refuses what the register has as something else, or does not know."""
    try:
        return "counts" if kinds.datastream(number).kind == "counts" else "readings"
    except NotFound:
        return "readings"


class _Piece:
    """Some rows of one data array; so many refused ones are told by themselves."""

    def __init__(self, datastream: int, of: str, named: int) -> None:
        self._datastream, self._of, self._named = datastream, of, named
        self._times: list[int] = []
        self._results: list[float] = []
        self.refused: list[Refusal] = []
        self._more = 0

    def read(self, number: int, row: Sequence[object], when: int, what: int) -> None:
        try:
            time, result = instant(str(row[when])), _result(row[what], self._of)
        except (BadInput, ValueError, IndexError) as wrong:
            self._refuse(number, row, wrong)
            return
        self._times.append(time)
        self._results.append(result)

    def _refuse(self, number: int, row: Sequence[object], wrong: Exception) -> None:
        if len(self.refused) >= self._named:
            self._more += 1
            return
        says = f"datastream {self._datastream}, row {number}: {wrong}"
        self.refused.append(Refusal(UNREADABLE, says, 1, msgspec.json.encode(row)[:SAMPLE]))

    def found(self) -> Found:
        others = (Refusal(UNREADABLE, "more rows that can't be understood", self._more),) if self._more else ()
        refused = (*self.refused, *others)
        if not self._times:
            return None, refused
        ids = np.full(len(self._times), self._datastream, np.int32)
        dtype = np.int64 if self._of == "counts" else np.float64
        values = {"result": np.array(self._results, dtype)}
        return Rows(self._of, ids, np.array(self._times, np.int64), values), refused


def _result(said: object, of: str) -> float:
    """A result, which of counts is a whole number."""
    result = float(str(said))
    if of == "counts" and not (result.is_integer() and abs(result) <= WHOLE):
        raise BadInput(f"{said!r} is not a whole number; this datastream counts")
    return result


def _where(components: tuple[str, ...]) -> tuple[int, int]:
    """At which places of a row the time and the result stand."""
    try:
        return components.index("phenomenonTime"), components.index("result")
    except ValueError as wrong:
        says = f"components {list(components)} lack phenomenonTime or result; both are needed"
        raise BadInput(says) from wrong


part = create_observations
