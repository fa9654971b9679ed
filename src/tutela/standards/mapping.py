"""A declarative mapping, in TOML, that brings a foreign table to our nouns.

It names the register entry of the source, where the time stands, and then either datastreams (one block per
measured column) or calls. Text in braces is replaced by the row's own columns: `air/{station}/pm25`.
`docs/how-to/import-a-file.md` walks through one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Table_
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tutela.errors import BadInput
from tutela.model.call import Call
from tutela.model.flow import Refusal
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, micros, moment, parse

_BRACES = re.compile(r"\{([^{}]+)\}")
_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


class When(Noun, frozen=True, kw_only=True):
    """Where the time stands, and the zone of times that carry no offset.

    `hours`: a column of hours that are added to it. `begins`: when the first row was, where none tells its time; the others follow
    `every` so many seconds.
    """

    column: str = "time"
    zone: str = "UTC"
    hours: str = ""
    begins: str = ""
    every: Annotated[float, msgspec.Meta(gt=0)] = 60.0


class Stream(Noun, frozen=True, kw_only=True):
    """One measured column, as datastreams whose names are made from other columns.

    `factor`: what brings the column's numbers to `unit`, such as 1.609344 for miles to kilometres.
    """

    name: str
    thing: str
    result: str
    observed_property: str
    unit: str
    factor: float = 1.0
    kind: str = "readings"
    thing_kind: str = "station"
    place: str = ""
    interval: float | None = None
    purpose: str = ""


class CallShape(Noun, frozen=True, kw_only=True):
    """How a row becomes a call; `id` is a template that is stable when the file is read again."""

    id: str
    category: str
    lat: str
    lon: str
    said: str = ""


class Mapping(Noun, frozen=True, kw_only=True):
    """The whole mapping. `tick` is how often event time is told while importing, such as "10m".

    `wide`: each column but the time's is a series of its own. Then a row has only `column`, its name, and `value`.
    `without`: by column, what it says in rows that are left out, such as corrections of others.
    """

    source: Source
    time: When
    datastream: tuple[Stream, ...] = ()
    call: CallShape | None = None
    places: dict[str, tuple[float, float]] = {}
    tick: str = "10m"
    wide: bool = False
    without: dict[str, tuple[str, ...]] = {}
    about: str = ""

    @property
    def step(self) -> int:
        """The tick in microseconds."""
        found = re.fullmatch(r"(\d+)([smhd])", self.tick)
        if not found or not int(found[1]):
            raise BadInput(f"tick {self.tick!r} is not a duration; write it like 30s, 10m, 6h or 1d")
        return int(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True, slots=True)
class Column:
    """One block's rows: `names[codes[i]]` was `result[i]` at `time[i]`."""

    stream: Stream
    names: tuple[str, ...]
    codes: npt.NDArray[np.int32]
    time: npt.NDArray[np.int64]
    result: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What became of a table."""

    things: tuple[Thing, ...]
    datastreams: tuple[Datastream, ...]
    columns: tuple[Column, ...]
    calls: tuple[Call, ...]
    refused: tuple[Refusal, ...]


def read(text: str) -> Mapping:
    """A mapping from its TOML; the error says which field is wrong."""
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise BadInput(f"the mapping can't be read: {wrong}") from wrong
    if not mapping.datastream and mapping.call is None:
        raise BadInput("the mapping maps nothing: add a [[datastream]] block or a [call] block")
    return mapping


def shaped(mapping: Mapping, table: pa.Table) -> pa.Table:
    """The table with its time in one column, and of a wide one each value in a row of its own."""
    when = mapping.time
    if when.begins:
        first, step = parse(when.begins), round(when.every * SECOND)
        times = pa.array(first + step * np.arange(table.num_rows, dtype=np.int64), pa.timestamp("us", tz="UTC"))
        table = table.append_column(when.column, times)
    if when.hours:
        table = _hours(when, table)
    return _long(when.column, table) if mapping.wide else table


def _hours(when: When, table: pa.Table) -> pa.Table:
    if lacking := sorted({when.column, when.hours} - set(table.column_names)):
        raise BadInput(f"the file has no column {', '.join(lacking)}; it has {', '.join(table.column_names)}")
    dates, hours = (table[name].combine_chunks() for name in (when.column, when.hours))
    try:
        more = pc.cast(pc.multiply(pc.cast(hours, pa.int64()), HOUR), pa.duration("us"))
        times = pc.add(pc.cast(dates, pa.timestamp("us")), more)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise BadInput(f"{when.column!r} and {when.hours!r} are no dates and hours: {wrong}") from wrong
    return table.set_column(table.column_names.index(when.column), when.column, times)


def _long(time: str, table: pa.Table) -> pa.Table:
    if time not in table.column_names:
        raise BadInput(f"the file has no column {time!r} for the time; it has {', '.join(table.column_names)}")
    names = [name for name in table.column_names if name != time]
    times = table[time].combine_chunks()
    return pa.concat_tables(
        pa.table(
            {time: times, "column": pa.array([name] * len(times), pa.string()), "value": table[name].cast("float64")}
        )
        for name in names
    )


def apply(mapping: Mapping, table: pa.Table, timeline: str) -> Mapped:
    """The table in our nouns: rows that have no time, place or number are refused, and counted by reason."""
    _complete(mapping, table)
    table, refused = _without(mapping, table)
    time, told = _times(mapping.time, table)
    if n := int((~told).sum()):
        refused.append(Refusal("no-time", f"{mapping.time.column!r} is empty or no time", n))
    columns, whole = [], {}
    for stream in mapping.datastream:
        column, there, lost = _column(stream, table, time, told)
        refused += lost
        columns.append(column)
        whole[stream] = table.filter(pa.array(there))
    calls, bad = _calls(mapping, table, time, told, timeline) if mapping.call else ((), ())
    things, datastreams = _register(mapping, whole)
    return Mapped(things, datastreams, tuple(columns), calls, (*refused, *bad))


def _without(mapping: Mapping, table: pa.Table) -> tuple[pa.Table, list[Refusal]]:
    """The table without the rows that the mapping leaves out, and how many these were, by column."""
    refused = []
    for name, values in mapping.without.items():
        stays = pc.invert(pc.is_in(pc.cast(table[name], pa.string()), pa.array(values, pa.string())))
        if n := table.num_rows - (pc.sum(stays).as_py() or 0):
            refused.append(Refusal("left-out", f"{name!r} is {' or '.join(values)}, which the mapping leaves out", n))
        table = table.filter(stays)
    return table, refused


def _complete(mapping: Mapping, table: pa.Table) -> None:
    """Raise when the mapping names a column that the table lacks."""
    wanted = {mapping.time.column, *mapping.without}
    for stream in mapping.datastream:
        wanted |= {stream.result, *_BRACES.findall(stream.name + stream.thing + stream.place)}
    if mapping.call:
        call = mapping.call
        wanted |= {call.lat, call.lon, *_BRACES.findall(call.id + call.category + call.said)} - {"row"}
    if lacking := sorted(wanted - set(table.column_names)):
        raise BadInput(f"the file has no column {', '.join(lacking)}; it has {', '.join(table.column_names)}")


def _times(when: When, table: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Microseconds UTC of each row, and which rows have a time."""
    column = table[when.column].combine_chunks()
    zoned = _zoned(column)
    try:
        stamps = pc.cast(column, pa.timestamp("us", tz="UTC" if zoned else None)).view(pa.int64())
    except pa.ArrowInvalid as wrong:
        # The slow road: one that is no time does not take the others with it.
        stamps = pa.array([_stamp(text, zoned=zoned) for text in column.to_pylist()], pa.int64())
        if stamps.null_count == len(stamps):
            raise BadInput(f"the column {when.column!r} holds no times: {wrong}") from wrong
    told = ~np.asarray(stamps.is_null())
    whole = stamps.fill_null(0).to_numpy(zero_copy_only=False)
    return (whole if zoned else _utc(whole, when.zone)), told


def _stamp(text: str | None, *, zoned: bool) -> int | None:
    """Microseconds of one time; None for what is none, or is in another form than the others."""
    try:
        when = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if (when.tzinfo is not None) != zoned:
        return None
    return micros(when if zoned else when.replace(tzinfo=UTC))


def _zoned(column: pa.Array) -> bool:
    if pa.types.is_timestamp(column.type):
        return column.type.tz is not None
    first = next((str(value) for value in column if value.is_valid), "")
    return bool(re.search(r"(Z|[+-]\d\d:?\d\d)$", first))


def _utc(local: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Local wall-clock times as UTC; an hour that comes twice is taken as its first."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError) as wrong:
        raise BadInput(f"there is no time zone {zone!r}; write it like Europe/Helsinki") from wrong
    quarters, which = np.unique(local // (15 * MINUTE), return_inverse=True)
    offsets = np.array([_offset(where, int(quarter) * 15 * MINUTE) for quarter in quarters], np.int64)
    return local - offsets[which]


def _offset(where: ZoneInfo, local: int) -> int:
    offset = moment(local).replace(tzinfo=where).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)


def _filled(template: str, table: pa.Table) -> pa.Array:
    """The template with each row's own columns, as text."""
    parts: list[pa.Array | str] = []
    for position, part in enumerate(_BRACES.split(template)):
        if position % 2:
            whole = np.arange(table.num_rows) if part == "row" else table[part].combine_chunks()
            parts.append(pc.fill_null(pc.cast(pa.array(whole) if part == "row" else whole, pa.string()), ""))
        elif part:
            parts.append(part)
    if not any(not isinstance(part, str) for part in parts):
        return pa.array([template] * table.num_rows, pa.string())
    return pc.binary_join_element_wise(*parts, "")


def _numbers(name: str, table: pa.Table) -> npt.NDArray[np.float64]:
    """A column as numbers; NaN where it holds none. One word among numbers does not take the others with it."""
    column = table[name].combine_chunks()
    if pa.types.is_string(column.type):
        number = pc.match_substring_regex(column, pattern=_NUMBER)
        if len(column) and not pc.any(number).as_py() and column.null_count < len(column):
            raise BadInput(f"the column {name!r} holds no numbers, but such as {column.drop_null()[0].as_py()[:40]!r}")
        column = pc.utf8_trim_whitespace(pc.if_else(number, column, None))
    try:
        numbers = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise BadInput(f"the column {name!r} holds no numbers: {wrong}") from wrong
    found: npt.NDArray[np.float64] = numbers
    return found


def _column(
    stream: Stream, table: pa.Table, time: npt.NDArray[np.int64], told: npt.NDArray[np.bool_]
) -> tuple[Column, npt.NDArray[np.bool_], list[Refusal]]:
    """The rows of one block, which ones these are, and what was refused."""
    number = stream.factor * _numbers(stream.result, table)
    named = _named(stream, table)
    there = told & named & ~np.isnan(number)
    names = _filled(stream.name, table).filter(pa.array(there)).dictionary_encode()
    column = Column(
        stream,
        tuple(names.dictionary.to_pylist()),
        names.indices.to_numpy().astype(np.int32),
        time[there],
        number[there],
    )
    lost = {
        "no-name": (f"a column of {stream.name!r} is empty", int((told & ~named).sum())),
        "no-result": (f"{stream.result!r} is empty or no number", int((told & named & ~there).sum())),
    }
    return column, there, [Refusal(reason, says, count) for reason, (says, count) in lost.items() if count]


def _named(stream: Stream, table: pa.Table) -> npt.NDArray[np.bool_]:
    """The rows of which every column is told that makes their names and place."""
    named = np.ones(table.num_rows, np.bool_)
    for name in set(_BRACES.findall(stream.name + stream.thing + stream.place)):
        text = pc.fill_null(pc.cast(table[name].combine_chunks(), pa.string()), "")
        named &= np.asarray(pc.not_equal(pc.utf8_trim_whitespace(text), ""))
    return named


def _register(mapping: Mapping, whole: Table_[Stream, pa.Table]) -> tuple[tuple[Thing, ...], tuple[Datastream, ...]]:
    """The Things and Datastreams that the whole rows of each block speak of, each once."""
    things: dict[str, Thing] = {}
    streams: dict[str, Datastream] = {}
    for stream, table in whole.items():
        keys = pa.table(
            [_filled(text, table) for text in (stream.name, stream.thing, stream.place)], ["name", "thing", "at"]
        )
        for row in keys.group_by(["name", "thing", "at"]).aggregate([]).to_pylist():
            place = _place(mapping, row["at"]) if stream.place else None
            source = mapping.source.name
            things[row["thing"]] = Thing(id=0, name=row["thing"], kind=stream.thing_kind, source=source, place=place)
            streams[row["name"]] = Datastream(
                id=0,
                name=row["name"],
                source=source,
                thing=row["thing"],
                kind=stream.kind,
                observed_property=stream.observed_property,
                unit=stream.unit,
                place=place,
                interval=stream.interval,
                purpose=stream.purpose,
            )
    return tuple(things.values()), tuple(streams.values())


def _place(mapping: Mapping, key: str) -> Place:
    if key not in mapping.places:
        raise BadInput(f"[places] has no entry {key!r}; add it as {key} = [latitude, longitude]")
    lat, lon = mapping.places[key]
    return Place(lat=lat, lon=lon)


def _calls(
    mapping: Mapping, table: pa.Table, time: npt.NDArray[np.int64], told: npt.NDArray[np.bool_], timeline: str
) -> tuple[tuple[Call, ...], tuple[Refusal, ...]]:
    """The calls of a table; rows without a place on Earth are refused."""
    shape = mapping.call
    assert shape is not None  # noqa: S101  asked by `apply`
    lat, lon = (_numbers(name, table) for name in (shape.lat, shape.lon))
    there = told & (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ((lat != 0) | (lon != 0))
    ids, categories, said = (_filled(text, table).to_pylist() for text in (shape.id, shape.category, shape.said))
    calls = tuple(
        Call(
            id=ids[row],
            timeline=timeline,
            source=mapping.source.name,
            at=int(time[row]),
            place=Place(lat=float(lat[row]), lon=float(lon[row])),
            cell=0,
            category=categories[row],
            said=said[row],
        )
        for row in np.flatnonzero(there).tolist()
    )
    lost = int((told & ~there).sum())
    says = f"{shape.lat!r} and {shape.lon!r} give no place on Earth"
    return calls, ((Refusal("no-place", says, lost),) if lost else ())


part = apply
