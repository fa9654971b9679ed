"""Small tables in the format of the recorded files that have a mapping, made up: the real ones may not be shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from tests.docs_support.pages import ROOT

from tutela.app.importing import mapping

DATA = ROOT.parent / "shared" / "data"
"""Where the recorded files lie, if they are there."""

BEGINS = datetime(2016, 3, 5, 12)  # noqa: DTZ001  wall-clock time, as the files hold it
TIME, WORD, WHOLE, NUMBER, SINGLE, SMALL = (
    pa.timestamp("us"),
    pa.large_string(),
    pa.int64(),
    pa.float64(),
    pa.float32(),
    pa.int32(),
)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)

Row = Mapping[str, object]


@dataclass(frozen=True)
class Sample:
    """Rows in the columns of a file, of which an import says this; `finds` is at least among its alerts."""

    columns: Mapping[str, pa.DataType]
    rows: Sequence[Row]
    observations: int
    calls: int
    refused: Mapping[str, int]
    finds: str

    def table(self) -> pa.Table:
        """The rows as the file would hold them."""
        return pa.table(
            {name: pa.array([row.get(name) for row in self.rows], type_) for name, type_ in self.columns.items()}
        )


def at(hours: float) -> datetime:
    """A moment so many hours after the beginning."""
    return BEGINS + timedelta(hours=hours)


def _london() -> Sample:
    whole = dict.fromkeys(("nox", "no2", "o3", "pm10", "pm25", "wd"), WHOLE)
    usual: Row = {"ws": 4.1, "wd": 230, "nox": 153, "no2": 46, "o3": 4, "pm10": 31, "so2": 4.0, "co": 1.1, "pm25": 20}
    rows = [{"date": at(0), **usual}, {"date": at(1), **usual, "no2": None}, {"date": at(2), **usual, "pm25": 398}]
    columns = {"date": TIME, "ws": NUMBER, "so2": NUMBER, "co": NUMBER, **whole}
    return Sample(columns, rows, 23, 0, {"no-result": 1}, "smoke")


def _beijing() -> Sample:
    measured: Row = {"PM2.5": 82.0, "PM10": 104.0, "SO2": 14.0, "NO2": 50.0, "CO": 1200.0, "O3": 57.0}
    rows = [
        {"time": at(0), "station": "Dongsi", **measured},
        {"time": at(0), "station": "Tiantan", **measured, "CO": None, "O3": None},
        {"time": at(1), "station": "Dongsi", **measured, "PM2.5": 273.0},
    ]
    return Sample(
        {"time": TIME, "station": WORD, **dict.fromkeys(measured, SINGLE)}, rows, 16, 0, {"no-result": 2}, "smoke"
    )


def _ilinet() -> Sample:
    weeks = [(249.0 + week % 3, 2.13 + week % 3 / 10) for week in range(12)]
    rows = [
        {"region": "Ohio", "week_start": BEGINS + place * WEEK, "ilitotal": visits, "unweighted_ili": share}
        for place, (visits, share) in enumerate([*weeks, (None, None), (2100.0, 9.4)])
    ]
    columns = {"region": WORD, "week_start": TIME, "ilitotal": NUMBER, "unweighted_ili": NUMBER}
    return Sample(columns, rows, 26, 0, {"no-result": 2}, "unusual")


def _loops() -> Sample:
    names = mapping("los-loop").places
    rows: list[Row] = [dict.fromkeys(names, 63.5 if place < 3 else 11.0) for place in range(12)]
    rows[0] = {**rows[0], next(iter(names)): None}
    return Sample(dict.fromkeys(names, SINGLE), rows, 12 * len(names) - 1, 0, {"no-result": 1}, "jam")


def _nab() -> Sample:
    rows = [{"series": "realKnownCause/nyc_taxi.csv", "timestamp": at(place / 2), "value": 9e3} for place in range(4)]
    return Sample({"series": WORD, "timestamp": TIME, "value": NUMBER}, rows, 4, 0, {}, "silence")


def _montgomery() -> Sample:
    there: Row = {
        "cls": "Fire",
        "sub": "GAS-ODOR/LEAK",
        "station": "308A",
        "lat": 40.12,
        "lng": -75.34,
        "twp": "NORRISTOWN",
    }
    rows = [*({"created": at(place / 20), **there} for place in range(3)), {"created": None, **there}]
    return Sample(
        {"created": TIME, **dict.fromkeys(there, WORD), "lat": NUMBER, "lng": NUMBER},
        rows,
        0,
        3,
        {"no-time": 1},
        "burst-of-fire-calls",
    )


def _houston() -> Sample:
    theft: Row = {"date_local": BEGINS.replace(hour=0), "hour": 18, "offense": "theft", "lon": -95.54, "lat": 29.78}
    columns = {
        "date_local": TIME,
        "hour": SMALL,
        "offense": pa.dictionary(pa.int8(), pa.string()),
        "lon": NUMBER,
        "lat": NUMBER,
    }
    return Sample(columns, [*([theft] * 4), {**theft, "lat": None}], 0, 4, {"no-place": 1}, "series-of-thefts")


def _stlouis() -> Sample:
    there: Row = {"description": "LARCENY-SHOPLIFT UNDER $500", "lon": -90.24, "lat": 38.59, "count": 1}
    rows = [
        {"occurred": BEGINS, **there},
        *({"occurred": at(24 * 9 + place / 10), **there} for place in range(4)),
        {"occurred": at(24 * 9), **there, "count": -1},
        {"occurred": at(24 * 9), **there, "lon": None},
    ]
    columns = {"occurred": TIME, "description": WORD, "lon": NUMBER, "lat": NUMBER, "count": SMALL}
    return Sample(columns, rows, 0, 5, {"left-out": 1, "no-place": 1}, "burst-of-calls")


SAMPLES = {
    "beijing-air": _beijing(),
    "houston": _houston(),
    "ilinet": _ilinet(),
    "london-air": _london(),
    "los-loop": _loops(),
    "montgomery911": _montgomery(),
    "nab": _nab(),
    "stlouis": _stlouis(),
}
