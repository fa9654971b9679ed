"""Step 2, the gate: what a source sends is admitted, or refused with a reason and counted; no more is kept of it.

The register decides (governance G01). When all rows are fine, which is nearly always, a batch costs a
few passes over its columns, some nanoseconds a row; only a batch with a bad row is sorted out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput, Quarantined
from tutela.model.flow import Offer, Refusal
from tutela.model.kinds import KINDS, kind
from tutela.model.post import Post
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.telling import Telling, word_of
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, MINUTE, iso, parse

CLOCK_SET = parse("2000-01-01T00:00:00Z")
LIVE_AHEAD = 5 * MINUTE
LIVE_BEHIND = 30 * DAY
ELSEWHERE = (parse("1900-01-01T00:00:00Z"), parse("2100-01-01T00:00:00Z"))
HUGE = float(np.finfo(np.float64).max)
BOUNDS = {"lat": (-90.0, 90.0), "lon": (-180.0, 180.0)}


class Reason(StrEnum):
    """Why rows are refused: a closed set, counted by source and minute."""

    QUARANTINED = "quarantined"
    UNDECLARED = "undeclared"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    OTHER_KIND = "other-kind"
    NOT_FINITE = "not-finite"
    OFF_EARTH = "off-earth"
    FUTURE = "future"
    CLOCK_UNSET = "clock-unset"
    TOO_OLD = "too-old"


SAYS = {
    Reason.QUARANTINED: "This source has no valid entry in the register, so nothing of it is kept. Enter it first, "
    "with its owner, purposes, legal basis and place, or renew the entry if it has ended.",
    Reason.UNDECLARED: "These rows may follow people, and the source's entry says that it has no personal data. "
    "Correct the entry first.",
    Reason.UNKNOWN: "The register knows no such datastream. Define it before sending observations of it.",
    Reason.FOREIGN: "The datastream belongs to another source. Send it from there, or define one of your own.",
    Reason.OTHER_KIND: "The datastream is of another kind. Send these rows to a datastream of their kind.",
    Reason.NOT_FINITE: "The value is not a finite number. Leave the row out when there is no value.",
    Reason.OFF_EARTH: "The position is not on the Earth. Send WGS 84 degrees: latitude ±90, longitude ±180.",
    Reason.FUTURE: "The time lies in the future: more than 5 minutes on the live timeline, after 2100 elsewhere. "
    "Set the device's clock.",
    Reason.CLOCK_UNSET: "The time is before the year 2000, so the device's clock was never set. Set it.",
    Reason.TOO_OLD: "The time is more than 30 days ago, too old for the live timeline (before 1900 elsewhere). "
    "Import history on a timeline of its own.",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate knows of the register. The gateway refreshes it with `knowing`.

    `code`: int32 by datastream id, the number of its source × kinds + the number of its kind; -1 where
    no datastream is, and so at both ends, where clipped ids fall. `numbers`: source → its number, for
    ever. `sources`: source → entry, those in the register now.
    """

    code: npt.NDArray[np.int32]
    numbers: Mapping[str, int]
    sources: Mapping[str, Source]

    @classmethod
    def empty(cls) -> Admission:
        """A gate that admits nothing yet."""
        return cls(np.full(2, -1, np.int32), {}, {})

    @property
    def last(self) -> int:
        """The highest datastream known: ask the register for those after it."""
        return len(self.code) - 2

    def knowing(self, sources: Iterable[Source], datastreams: Iterable[Datastream]) -> Admission:
        """The gate with all `sources` of the register as they are now, and with new `datastreams`."""
        entries = {source.name: source for source in sources}
        numbers = dict(self.numbers)
        codes: dict[int, int] = {}
        for stream in datastreams:
            number = numbers.setdefault(stream.source, len(numbers))
            codes[stream.id] = number * len(KINDS) + _KIND[stream.kind]
        if not codes:
            return Admission(self.code, numbers, entries)
        code = np.full(max(self.last, *codes) + 2, -1, np.int32)
        code[: len(self.code)] = self.code
        code[np.fromiter(codes, np.int64, len(codes))] = np.fromiter(codes.values(), np.int32, len(codes))
        return Admission(code, numbers, entries)

    def entry(self, source: str, now: int) -> Source | None:
        """The source's entry, if there is one that has not ended."""
        found = self.sources.get(source)
        return None if found is None or (found.ends is not None and found.ends <= now) else found

    def codes(self, datastream: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The code of each datastream; -1 where the register knows none."""
        return self.code.take(datastream, mode="clip")

    def wanted(self, source: str, kind_: str) -> int:
        """The code that the datastreams of that source and kind have; -2 when it has none at all."""
        number = self.numbers.get(source)
        return -2 if number is None else number * len(KINDS) + _KIND[kind_]


_KIND = {name: number for number, name in enumerate(KINDS)}


def admit(offer: Offer, register: Admission, now: int) -> tuple[Rows | None, tuple[Refusal, ...]]:
    """The rows that may come in, and all that was refused, by the source itself or here; `now` in microseconds.

    Of a source without a valid entry nothing is kept, no sample either. Pure.
    """
    entry = register.entry(offer.source, now)
    rows = offer.rows
    if entry is None:
        count = (0 if rows is None else len(rows)) + sum(refusal.count for refusal in offer.refused)
        return None, (_refusal(Reason.QUARANTINED, count),)
    if rows is None or not len(rows):
        return None, offer.refused
    if kind(rows.kind).personal_data and not entry.personal_data:
        return None, (*offer.refused, _refusal(Reason.UNDECLARED, len(rows)))
    wanted = register.wanted(offer.source, rows.kind)
    window = _window(offer.timeline, now)
    if _all_fine(rows, register.codes(rows.datastream), wanted, window):
        return rows, offer.refused
    good, refused = _sorted_out(rows, register, wanted, window)
    return good, (*offer.refused, *refused)


def admit_told(told: Telling, register: Admission, now: int) -> None:
    """It comes in, or it raises: Quarantined without an entry that allows it, BadInput for an impossible time or subject."""
    entry, word = register.entry(told.source, now), word_of(told)
    if entry is None:
        raise Quarantined(SAYS[Reason.QUARANTINED], source=told.source)
    if not entry.personal_data or told.purpose not in entry.purposes:
        raise Quarantined(
            f"{word}s are personal data for {told.purpose}, and the entry of {told.source} does not say that it sends "
            "such data for that purpose, so nothing of this is kept; correct the entry first",
            source=told.source,
        )
    if isinstance(told, Post) and entry.subjects and told.category not in entry.subjects:
        raise BadInput(
            f"the entry of {told.source} does not say that it is followed by the subject of this post; "
            f"its subjects are: {', '.join(entry.subjects)}"
        )
    earliest, latest = _window(told.timeline, now)
    if isinstance(told, Post):  # its words are kept for a day, and those of one that is older for no time at all (G24)
        earliest = max(earliest, now - DAY)
    if not earliest <= told.at <= latest:
        raise BadInput(
            f"the {word}'s time does not lie between {iso(earliest)} and {iso(latest)}; set the clock and send it again"
        )


def _window(timeline: str, now: int) -> tuple[int, int]:
    return (now - LIVE_BEHIND, now + LIVE_AHEAD) if timeline == LIVE else ELSEWHERE


def _refusal(reason: Reason, count: int) -> Refusal:
    return Refusal(reason, SAYS[reason], count)


def _floats(rows: Rows) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    for name, column in rows.values.items():
        if column.dtype.kind == "f":
            yield name, column.astype(np.float64, copy=False)


def _all_fine(rows: Rows, codes: npt.NDArray[np.int32], wanted: int, window: tuple[int, int]) -> bool:
    if not (codes == wanted).all() or rows.time.min() < window[0] or rows.time.max() > window[1]:
        return False
    for name, column in _floats(rows):
        low, high = BOUNDS.get(name, (-HUGE, HUGE))
        if not (low <= column.min() and column.max() <= high):  # NaN is neither
            return False
    return True


def _sorted_out(
    rows: Rows, register: Admission, wanted: int, window: tuple[int, int]
) -> tuple[Rows | None, list[Refusal]]:
    """The good rows, and how many were bad: each counts once, for the first reason that it meets."""
    good = np.ones(len(rows), np.bool_)
    counts: Counter[Reason] = Counter()
    for reason, bad in _faults(rows, register.codes(rows.datastream), wanted, window):
        counts[reason] += int(np.count_nonzero(bad & good))
        good &= ~bad
    refused = [_refusal(reason, count) for reason, count in counts.items() if count]
    return (rows.take(good) if good.any() else None), refused


def _faults(
    rows: Rows, codes: npt.NDArray[np.int32], wanted: int, window: tuple[int, int]
) -> Iterator[tuple[Reason, npt.NDArray[np.bool_]]]:
    yield Reason.UNKNOWN, codes < 0
    yield Reason.FOREIGN, codes // len(KINDS) != wanted // len(KINDS)
    yield Reason.OTHER_KIND, codes != wanted
    for name, column in _floats(rows):
        yield Reason.NOT_FINITE, ~np.isfinite(column)
        low, high = BOUNDS.get(name, (-HUGE, HUGE))
        yield Reason.OFF_EARTH, (column < low) | (column > high)
    yield Reason.FUTURE, rows.time > window[1]
    yield Reason.CLOCK_UNSET, (rows.time < CLOCK_SET) & (window != ELSEWHERE)
    yield Reason.TOO_OLD, rows.time < window[0]
