"""Requests that are ready to send but for their time, and what is known of each: how many rows, which sums.

A round goes once over all datastreams; every other round has spikes, so that each spike is a detection of its
own. One row in a hundred is late, one in a hundred comes twice; one datastream in twenty is a mover, whose
positions are stored sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tutela.maths.cells import cell_of
from tutela.model import wire
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.when import SECOND, iso

SENSORS, MOVERS = "bench-sensors", "bench-movers"
SPIKES = 0.002
"""Of the rows of a round that has them: one in a thousand over all."""
LATE = DOUBLED = 0.01
MOVING = 20
PLACES = 2000
HOME = Place(lat=60.17, lon=24.94)
STAMP = len("2026-11-25T08:00:00.123")

Index = npt.NDArray[np.int64]


class Plan(Noun, frozen=True, kw_only=True):
    """What to send: `rows` to a request, so many datastreams, of which `first` are the numbers by kind.

    Results lie around `base`, and at `spike` where something is to be noticed.
    """

    form: str
    rows: int
    streams: int
    first: dict[str, int]
    tokens: dict[str, str]
    base: float
    spike: float
    late_by: int = 5 * SECOND
    seed: int = 2026


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `doubled` rows are copies of the row before, `late` ones come `late_by` after their time."""

    kind: str
    numbers: Index
    offsets: Index
    late: Index
    doubled: int
    spikes: Index
    late_by: int
    head: bytes
    body: bytearray
    stamps: npt.NDArray[np.uint8] | npt.NDArray[np.int64] = field(repr=False)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.numbers)

    def stamp(self, at: int) -> None:
        """Write the time (microseconds, whole milliseconds) into the rows."""
        if self.stamps.dtype == np.uint8:
            self.stamps[:] = _text(at)
            self.stamps[self.late] = _text(at - self.late_by)
        else:
            np.add(self.offsets, at, out=self.stamps)
            self.stamps[self.late] -= self.late_by

    def times(self, at: int) -> Index:
        """The time of each row, when it was stamped with `at`."""
        times = self.offsets + at
        times[self.late] -= self.late_by
        return times


def datastreams(streams: int, observed_property: str) -> tuple[list[Datastream], list[Datastream]]:
    """The register's sensors (of that observed property) and movers, in the order of their numbers."""
    places = [Place(lat=HOME.lat + 0.004 * (n % 45 - 22), lon=HOME.lon + 0.008 * (n // 45 - 22)) for n in range(PLACES)]
    cells = [cell_of(place) for place in places]
    movers = streams // MOVING

    def one(number: int, source: str, kind: str, name: str, what: tuple[str, str]) -> Datastream:
        place = number % PLACES if kind == "readings" else None
        return Datastream(
            id=0,
            name=name,
            source=source,
            thing=name.rpartition("/")[0],
            kind=kind,
            observed_property=what[0],
            unit=what[1],
            place=None if place is None else places[place],
            cell=0 if place is None else cells[place],
            interval=60.0,
        )

    sensors = [one(n, SENSORS, "readings", sensor(n), (observed_property, "1")) for n in range(streams - movers)]
    return sensors, [one(n, MOVERS, "positions", mover(n), ("position", "deg")) for n in range(movers)]


def rounds(plan: Plan) -> tuple[list[Request], list[Request]]:
    """The requests of a round without spikes, and those of a round with them."""
    both: tuple[list[Request], list[Request]] = ([], [])
    for number, (kind, places) in enumerate(_shares(plan)):
        for spiky, requests in enumerate(both):
            requests.append(_request(plan, kind, places, np.random.default_rng([plan.seed, number]), spiky=bool(spiky)))
    return both


def _shares(plan: Plan) -> Iterator[tuple[str, Index]]:
    """Which datastreams each request is of: those of movers lie between the others."""
    sensors = plan.streams - plan.streams // MOVING
    moving = iter(range(0, plan.streams // MOVING - plan.rows + 1, plan.rows))
    for number, first in enumerate(range(0, sensors - plan.rows + 1, plan.rows), 1):
        yield "readings", np.arange(first, first + plan.rows)
        if number % (MOVING - 1) == 0 and (place := next(moving, None)) is not None:
            yield "positions", np.arange(place, place + plan.rows)


def _request(plan: Plan, kind: str, places: Index, chance: np.random.Generator, *, spiky: bool) -> Request:
    odd = chance.permutation(np.arange(1, len(places)))[: _three(len(places))]
    late, doubled, spikes = np.split(odd, [_of(LATE, len(places)), _of(LATE, len(places)) + _of(DOUBLED, len(places))])
    doubled = doubled[~np.isin(doubled - 1, odd)]  # a copy of a plain row
    copies = np.arange(len(places))
    copies[doubled] -= 1
    places, offsets = places[copies], chance.integers(0, 1000, len(places))[copies]
    values = _values(plan, kind, chance)
    if spiky and kind == "readings":
        values["result"][spikes] = plan.spike
    else:
        spikes = spikes[:0]
    values = {name: column[copies] for name, column in values.items()}
    body, stamps = (_lines if plan.form == "json" else _arrow)(plan, kind, places, offsets, values)
    return Request(
        kind=kind,
        numbers=places + plan.first[kind],
        offsets=offsets,
        late=late,
        doubled=len(doubled),
        spikes=spikes,
        late_by=plan.late_by,
        head=_head(plan, kind, len(body)),
        body=body,
        stamps=stamps,
    )


def _of(share: float, rows: int) -> int:
    return round(share * rows)


def _three(rows: int) -> int:
    return _of(LATE, rows) + _of(DOUBLED, rows) + _of(SPIKES, rows)


def _values(plan: Plan, kind: str, chance: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    if kind == "readings":
        return {"result": (plan.base * (1 + 0.05 * chance.standard_normal(plan.rows))).round(2)}
    near = {"lat": HOME.lat, "lon": HOME.lon}
    return {name: (middle + 0.01 * chance.standard_normal(plan.rows)).round(6) for name, middle in near.items()}


def _lines(
    plan: Plan,  # noqa: ARG001  the same shape as `_arrow`
    kind: str,
    places: Index,
    offsets: Index,
    values: dict[str, npt.NDArray[np.float64]],
) -> tuple[bytearray, npt.NDArray[np.uint8]]:
    """Lines of one length, and a view of the place of the time in each."""
    name = sensor if kind == "readings" else mover
    columns = [column.tolist() for column in values.values()]
    lines = [
        f'{{"datastream":"{name(place)}","phenomenonTime":"{"0" * STAMP}{offset:03d}Z",'
        + ",".join(f'"{key}":{value:9.6f}' if kind == "positions" else f'"{key}":{value:6.2f}' for key, value in pairs)
        + "}\n"
        for place, offset, pairs in (
            (place, offset, zip(values, row, strict=True))
            for place, offset, row in zip(places.tolist(), offsets.tolist(), zip(*columns, strict=True), strict=True)
        )
    ]
    body = bytearray("".join(lines).encode())
    whole = np.frombuffer(body, np.uint8).reshape(len(lines), len(lines[0]))
    first = lines[0].index("0" * STAMP)
    return body, whole[:, first : first + STAMP]


def _arrow(
    plan: Plan, kind: str, places: Index, offsets: Index, values: dict[str, npt.NDArray[np.float64]]
) -> tuple[bytearray, npt.NDArray[np.int64]]:
    """An Arrow stream, and a view of its column of times."""
    marks = offsets + (1 << 60)
    body = bytearray(wire.encode(Rows(kind, (places + plan.first[kind]).astype(np.int32), marks, values)))
    return body, np.frombuffer(body, np.int64, len(marks), body.index(marks.tobytes()))


def _head(plan: Plan, kind: str, length: int) -> bytes:
    form = "application/x-ndjson" if plan.form == "json" else "application/vnd.apache.arrow.stream"
    return (
        f"POST /v1/observations?kind={kind} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\n"
        f"Authorization: Bearer {plan.tokens[kind]}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _text(at: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(iso(at)[:STAMP].encode(), np.uint8)


def sensor(number: int) -> str:
    """The name of that sensor's datastream."""
    return f"bench/{number:07d}/result"


def mover(number: int) -> str:
    """The name of that mover's datastream."""
    return f"bench/mover-{number:07d}/position"
