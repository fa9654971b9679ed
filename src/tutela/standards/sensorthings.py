"""OGC SensorThings 1.1 (18-088): the CreateObservations action of the data array extension (§12)."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.model.flow import Refusal
from tutela.model.rows import Rows
from tutela.model.when import parse

from .observations import SAMPLE, UNREADABLE


class _Ref(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = msgspec.field(name="@iot.id")


class _Array(msgspec.Struct):
    Datastream: _Ref
    components: tuple[str, ...]
    dataArray: list[list[object]]  # noqa: N815  SensorThings spells it so


_DECODER = msgspec.json.Decoder(list[_Array])


def create_observations(body: bytes, of: str = "readings") -> tuple[Rows | None, tuple[Refusal, ...]]:
    """The rows of a CreateObservations body, whose datastreams are the register's numbers (`@iot.id`)."""
    try:
        arrays = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadInput(f"this is not a CreateObservations body (OGC 18-088 §12): {wrong}") from wrong
    except RecursionError as deep:
        raise BadInput("this is not a CreateObservations body (OGC 18-088 §12): it is nested too deeply") from deep
    ids: list[int] = []
    times: list[int] = []
    results: list[float] = []
    refused: list[Refusal] = []
    for array in arrays:
        when, what = _where(array.components)
        for number, row in enumerate(array.dataArray, start=1):
            try:
                time, result = parse(str(row[when])), float(str(row[what]))
            except (BadInput, ValueError, IndexError) as wrong:
                says = f"datastream {array.Datastream.id}, row {number}: {wrong}"
                refused.append(Refusal(UNREADABLE, says, 1, msgspec.json.encode(row)[:SAMPLE]))
                continue
            ids.append(array.Datastream.id)
            times.append(time)
            results.append(result)
    if not ids:
        return None, tuple(refused)
    dtype = np.int64 if of == "counts" else np.float64
    rows = Rows(
        of, np.asarray(ids, np.int32), np.asarray(times, np.int64), {"result": np.asarray(results).astype(dtype)}
    )
    return rows, tuple(refused)


def _where(components: tuple[str, ...]) -> tuple[int, int]:
    """At which places of a row the time and the result stand."""
    try:
        return components.index("phenomenonTime"), components.index("result")
    except ValueError as wrong:
        says = f"components {list(components)} lack phenomenonTime or result; both are needed"
        raise BadInput(says) from wrong


part = create_observations
