"""How long what a bucket holds is kept, and the rows of a source that lie in the clear: who destroys and who reports ask the same.

What people told is kept by the hour that it was told in, what moves by its day, words about an alert or incident as long as it, the name of
somebody who worked here for a year after their role's end, the reasons that oversight asks for for seven years, and what a resident asked for by right for three. All else has no limit here:
secrets of connections, which go with the connection, and the one key of all that detectors know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

import numpy as np

from tutela.model.kinds import KINDS
from tutela.model.register import Datastream, Source
from tutela.model.retention import BucketKey
from tutela.model.when import DAY, EVER, HOUR, parse
from tutela.policy.purposes import CLASSES

from .ports import Ids
from .spared import Spared

CONTENTS = {
    "calls": "call-contents",
    "reports": "report-contents",
    "contacts": "report-contacts",
    "photos": "report-photos",
    "posts": "post-contents",
}
"""The buckets with what people told, one a purpose and hour, each with its class of records."""

WORDS = ("alerts", "incidents")
"""The buckets with what people wrote about one alert or incident: the class of records is that of incidents."""

NAMES = 365
"""Days after the end of their role for which somebody's name is kept, so that the log's ids can be told apart for a year."""

REASONS, REQUESTS = 7 * 365, 3 * 365
"""Days for which a reason that oversight asked for is kept: as long as the log is looked into; and what a resident asked for by right."""

SINCE_MADE = {"reasons": REASONS, "requests": REQUESTS}
"""Of classes whose time begins with their key, the days."""

LEARNT = HOUR
"""Microseconds after which every process has learnt how a datastream is defined now, and no sender's clock is ahead."""

PERSONAL = frozenset(name for name, of in KINDS.items() if of.personal_data)

Stretch = tuple[Ids, int, int]


class Register(Protocol):
    """What there is of the register: see `ports.Register`."""

    async def sources(self) -> Sequence[Source]: ...  # noqa: D102  told above
    async def datastreams(self, after: int = 0) -> Sequence[Datastream]: ...  # noqa: D102  told above


class Ages(Protocol):
    """When the time of each of these began; what is not in it has none yet.

    That of an incident when it was opened, of an alert when it was last seen, of somebody who works here when their role ends.
    """

    async def begun(self, ids: Sequence[str]) -> Mapping[str, int]: ...  # noqa: D102  told above


@dataclass(frozen=True, slots=True)
class Own:
    """A source that keeps what is in the clear for so many days, and the numbers of those datastreams."""

    source: str
    days: int
    datastreams: Ids

    def before(self, now: int) -> int:
        """What is older than this goes."""
        return now - self.days * DAY

    def stretches(self, before: int, spared: Spared) -> list[Stretch]:
        """What is before then and not kept, as (datastreams, since, before): of most datastreams all of it."""
        kept = np.isin(self.datastreams, np.fromiter(spared.rows, np.int32, len(spared.rows)))
        free = [(self.datastreams[~kept], EVER, before)]
        for number in self.datastreams[kept].tolist():
            one = np.array([number], np.int32)
            free += [(one, since, until) for since, until in spared.between(number, before)]
        return free


@dataclass(slots=True)
class Limits:
    """The sources whose time is limited, and for how many days (inf: for ever) each sort of bucket is kept.

    A sort is `purpose/kind`. And each kind by itself, whatever its purpose: for buckets of a purpose that no datastream
    has any more. `changed`: by kind and number of days, when one of those datastreams was last defined otherwise; it may
    have had any purpose before. `begun` is what `Ages` says.
    """

    sources: tuple[Own, ...] = ()
    days: dict[str, float] = field(default_factory=dict)
    changed: dict[str, dict[float, int]] = field(default_factory=dict)
    begun: Mapping[str, int] = field(default_factory=dict)

    def add(self, stream: Datastream, days: float) -> None:
        """A datastream of which what is sealed is kept for so many days."""
        for sort in (f"{stream.purpose}/{stream.kind}", stream.kind):
            self.days[sort] = max(days, self.days.get(sort, 0))
        if stream.changed is not None:
            of = self.changed.setdefault(stream.kind, {})
            of[days] = max(stream.changed, of.get(days, stream.changed))

    def until(self, key: BucketKey) -> float:
        """When what a bucket holds is past its time (microseconds; inf: never)."""
        purpose, kind, period = parts(key.bucket)
        name = class_of(key.bucket)
        if kind in CONTENTS:
            return _span(period)[1] + (CLASSES[CONTENTS[kind]].days or inf) * DAY
        if kind in PERSONAL:
            return self._moved(purpose, kind, period)
        if name == "incidents":
            return self.begun.get(period, key.at) + (CLASSES[name].days or inf) * DAY
        if name == "names":
            return self.begun.get(period, inf) + NAMES * DAY
        return key.at + SINCE_MADE.get(name, inf) * DAY

    def begins(self, key: BucketKey) -> int:
        """The time of the oldest record that a bucket can hold."""
        _, kind, period = parts(key.bucket)
        if kind in CONTENTS or kind in PERSONAL:
            return _span(period)[0]
        return min(key.at, self.begun.get(period, key.at)) if kind in WORDS else key.at

    def _moved(self, purpose: str, kind: str, period: str) -> float:
        """It is kept as its most patient source says."""
        days = self.days.get(f"{purpose}/{kind}", self.days.get(kind, inf))
        if days == inf:
            return inf
        begin, end = _span(period)
        before = (own for own, changed in self.changed.get(kind, {}).items() if changed + LEARNT > begin)
        return end + max(days, *before, 0) * DAY


async def limits(register: Register, spared: Spared) -> Limits:
    """What the register says: of a million datastreams the numbers alone are held. It tells `spared` of those it keeps."""
    own = {source.name: source.retention_days for source in await register.sources()}
    numbers: dict[str, list[int]] = {name: [] for name, limit in own.items() if limit is not None}
    found, after = Limits(), 0
    while numbers and (some := await register.datastreams(after)):
        after = some[-1].version
        for stream in some:
            if stream.kind in PERSONAL:
                spared.cover(stream)
                limit = own.get(stream.source)
                found.add(stream, inf if limit is None else limit)
            elif stream.source in numbers:
                numbers[stream.source].append(stream.id)
    found.sources = tuple(Own(name, own[name] or 0, np.array(ids, np.int32)) for name, ids in numbers.items())
    return found


SOME = 10_000


async def ages(of: Ages, keys: Sequence[BucketKey]) -> Mapping[str, int]:
    """When the time of what these keys are about began, as far as it is a record's own."""
    ids = [parts(key.bucket)[2] for key in keys if class_of(key.bucket) in ("incidents", "names")]
    found: dict[str, int] = {}
    for place in range(0, len(ids), SOME):
        found |= await of.begun(ids[place : place + SOME])
    return found


def parts(bucket: str) -> tuple[str, str, str]:
    """Purpose, kind and period (or id) of a bucket; of another one nothing."""
    if bucket.count("/") != 2:
        return "", "", ""
    purpose, kind, period = bucket.split("/")
    return purpose, kind, period


def class_of(bucket: str) -> str:
    """The class of records that a bucket holds; "" for one without people in it, or that nobody knows."""
    purpose, kind, _ = parts(bucket)
    if kind in CONTENTS or kind in PERSONAL:
        return CONTENTS.get(kind, kind)
    if kind in WORDS:
        return "incidents"
    if (purpose, kind) == ("system-operation", "people"):
        return "names"
    if (purpose, kind) == ("rights-request", "requests"):
        return "requests"
    return "reasons" if purpose == "oversight" else ""


def _span(period: str) -> tuple[int, int]:
    """When that month (YYYY-MM), day or hour (YYYY-MM-DDTHH) begins, and when it is over."""
    if "T" in period:
        begin = parse(f"{period}:00:00Z")
        return begin, begin + HOUR
    if len(period) > len("2026-11"):
        begin = parse(f"{period}T00:00:00Z")
        return begin, begin + DAY
    year, number = divmod(int(period[:4]) * 12 + int(period[5:]), 12)
    return parse(f"{period}-01T00:00:00Z"), parse(f"{year:04}-{number + 1:02}-01T00:00:00Z")
