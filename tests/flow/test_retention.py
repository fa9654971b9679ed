"""What is kept is measured: nothing outlives its time by an hour, nothing goes before it, and what went has receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.flow.test_retain import Copies
from tests.screens.town import Town, town

from tutela.errors import Refused
from tutela.flow import batch
from tutela.flow.limits import NAMES, REASONS, REQUESTS, Limits, Own, class_of
from tutela.flow.retain import Erased, Retainer
from tutela.flow.retention import BACKUPS, RetentionReads
from tutela.flow.spared import Spared, wider
from tutela.maths.ids import uuid_of
from tutela.model import wire
from tutela.model.event import Event
from tutela.model.flow import Message
from tutela.model.hold import Hold
from tutela.model.people import Role
from tutela.model.retention import BucketKey, Kept, Retention
from tutela.model.rows import Rows
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, iso, parse

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

START: int = parse("2026-11-25T08:00:00Z")
YEAR = 365 * DAY
LIMITS = {
    "call-contents": YEAR,
    "report-contents": YEAR,
    "post-contents": DAY,
    "positions": 3 * DAY,
    "incidents": 7 * YEAR,
    "names": YEAR,
    "reasons": 7 * YEAR,
}
"""What the table of the governance page says, and for positions what their source says: written down once more."""


@dataclass
class Span:
    """Since when the time of what a key sealed runs: of its first record, and of its last."""

    name: str
    first: int
    last: int


@dataclass
class Life:
    """A town in which something of every class is told, day after day, on the loop's own time."""

    here: Town
    loop: asyncio.AbstractEventLoop
    spans: dict[str, Span] = field(default_factory=dict)

    def now(self) -> int:
        return START + round(self.loop.time() * SECOND)

    async def until(self, at: int) -> None:
        await asyncio.sleep(max(0.0, (at - self.now()) / SECOND))

    def retainer(self) -> Retainer:
        here = self.here
        return Retainer(
            register=here.facts,
            ages=here.facts,
            lake=here.lake,
            keys=here.keys,
            log=here.facts,
            spared=here.holds.spared,
            copying=Copies(),
            clock=self.now,
            gone=lambda _name, _rows: None,
            left=lambda _left: None,
        )

    def told(self, key: str | None, name: str, at: int) -> None:
        """A record under that key, whose time runs since then."""
        assert key is not None
        span = self.spans.setdefault(key, Span(name, at, at))
        span.first, span.last = min(span.first, at), max(span.last, at)

    async def day(self) -> None:
        """What happens on one day."""
        here, now = self.here, self.now()
        for name, id_, ago in (
            ("call-contents", (await here.call()).id, 40),
            ("report-contents", await here.report(), 60),
            ("post-contents", await here.post(), 20),
        ):
            self.told((await here.facts.telling(id_)).key, name, now - ago * SECOND)
        moved = Rows(
            "positions",
            np.array([self.bus], np.int32),
            np.array([now]),
            {"lat": np.array([60.1]), "lon": np.array([24.9])},
        )
        for bucket, rows in batch.by_bucket(moved, here.known.purposes):
            self.told((await here.keys.seal(bucket, wire.encode(rows)))[0], "positions", now)

    async def month(self, number: int) -> None:
        """What people write, and somebody who comes to work here for a month."""
        here, now = self.here, self.now()
        rows = Rows("readings", np.array([1], np.int32), np.array([now]), {"result": np.array([50.0])})
        sent = Message(number + 1, "obs.live.readings.1", {"Schema": "readings@1"}, wire.encode(rows), 0)
        await here.lake.archive("OBS-live", [sent], number, number + 1)
        agent, _ = await here.staff.enrol(await here.staff.invite_here(Role.OPERATOR, "city", now + 30 * DAY), "Aino")
        self.told((await here.facts.about(agent.id))[-2].key, "names", now + 30 * DAY)
        access = here.access(agent)
        alert = await here.alert()
        incident = await here.incidents.open_from_alert(access, alert.id, f"one {number}")
        await here.incidents.note(access, incident.id, "Mrs Korhonen is well", f"two {number}")
        hold = Hold(id="", case="R 1", authority="A court", reason="asked for", at=0, review=now + DAY, bucket="a/b/c")
        stands = await here.holds.place(hold, "somebody")
        await here.holds.lift(stands.id, "no more", "somebody")
        for key, bucket in ((key.id, key.bucket) for key in await here.keys.in_use()):
            if bucket.endswith(incident.id):
                self.told(key, "incidents", now)
            elif bucket.endswith(stands.id):
                self.told(key, "reasons", now)

    async def begin(self) -> None:
        self.bus = await self.here.tracked("bus 1")
        for name, days in (("radio", 3), ("sensors", 30)):
            entry = self.here.facts.store.sources[name]
            self.here.facts.store.sources[name] = msgspec.structs.replace(entry, retention_days=days)

    async def proved(self, every: float) -> None:
        """What is measured now: nothing is overdue, and nothing is older than its limit."""
        found = await self.here.retained.measure()
        assert found.overdue == 0, found
        for one in found.kept:
            if one.oldest is not None and one.name in {*LIMITS, "source/sensors"} - {"names"}:
                limit = LIMITS.get(one.name, 30 * DAY)
                most = (
                    DAY if one.name in ("positions", *(["source/sensors"] if every > HOUR / SECOND else [])) else HOUR
                )
                assert self.now() - one.oldest <= limit + most, one


async def _lived(loop: asyncio.AbstractEventLoop) -> Life:
    def now() -> int:
        return START + round(loop.time() * SECOND)

    life = Life(await town(now), loop)
    await life.begin()
    retainer, stop = life.retainer(), asyncio.Event()
    keeping = asyncio.ensure_future(retainer.run(stop))
    for number in range(400):
        await life.until(START + number * DAY + 7 * MINUTE)
        await life.day()
        if number % 30 == 0:
            await life.month(number // 30)
        if number == 45:
            retainer.every = DAY / SECOND  # keys go when their time ends; so did what lies in the clear, within an hour
        if number % 7 == 0:
            await life.until(START + number * DAY + HOUR)
            await life.proved(retainer.every)
    retainer.every = 10 * DAY / SECOND  # nothing lies in the clear any more
    for week in range(58, 7 * 52 + 70):
        await life.until(START + week * 7 * DAY)
        if week % 8 == 0:
            await life.proved(retainer.every)
    stop.set()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    return life


def test_in_seven_years_nothing_outlives_its_time_by_an_hour_and_nothing_goes_before_it(virtually: Virtually) -> None:
    async def main() -> Life:
        return await _lived(asyncio.get_running_loop())

    life: Life = virtually(main())

    told = {msgspec.json.decode(one.body, type=Erased).key: one.at for one in life.here.events("erasure@1")}
    names = {life.spans[key].name for key in told}
    assert names == LIMITS.keys()
    for key, at in told.items():
        span = life.spans[key]
        assert span.last + LIMITS[span.name] <= at, ("too early", span)
        most = DAY if span.name == "positions" else HOUR  # what moves is kept by whole days
        assert at <= span.first + LIMITS[span.name] + most, ("too late", span)
    assert life.spans.keys() == told.keys()  # by then all of it is past its time
    assert not [event for event in life.here.facts.store.events.values() if event.at < START]
    assert (min(event.at for event in life.here.facts.store.events.values()), life.here.lake.shredded > 1) == (
        START,
        True,
    )


# ── what is measured ────────────────────────────────────────────────────────────────────────────
def of(found: Retention, name: str) -> Kept:
    (one,) = [one for one in found.kept if one.name == name]
    return one


async def test_what_the_retainer_could_not_destroy_is_due_for_an_hour_and_overdue_from_then_on() -> None:
    now = START
    here = await town(lambda: now)
    await here.call()
    hour = parse("2026-11-25T08:00:00Z")

    now = hour + YEAR
    first = await here.retained.measure()
    now += HOUR
    then = await here.retained.measure()

    row = of(first, "call-contents")
    assert (row.due, row.overdue, row.oldest, row.ends) == (1, 0, hour - HOUR, hour + YEAR)
    assert (of(then, "call-contents").due, of(then, "call-contents").overdue, then.overdue) == (0, 1, 1)


async def test_what_a_hold_keeps_is_counted_as_held_and_not_as_overdue() -> None:
    now = START
    here = await town(lambda: now)
    await here.call()
    hold = Hold(
        id="",
        case="R 1",
        authority="A court",
        reason="asked for",
        at=0,
        review=START + DAY,
        bucket="emergency-response/calls/2026-11",
    )
    await here.holds.place(hold, "somebody")

    now = START + 2 * YEAR
    found = await here.retained.measure()

    row = of(found, "call-contents")
    assert (row.held, row.overdue, row.ends, found.overdue, found.holds) == (1, 0, None, 0, 1)


async def test_what_went_has_the_event_of_the_last_as_its_receipt() -> None:
    now = START
    here = await town(lambda: now)
    life = Life(here, asyncio.get_running_loop())
    await life.begin()
    await life.day()
    await life.month(0)
    await here.seal()
    retainer = life.retainer()
    retainer.clock = lambda: now

    now = START + YEAR
    await retainer.turn()
    found = await here.retained.measure()

    calls, sensors = of(found, "call-contents"), of(found, "source/sensors")
    (erased,) = [one for one in here.events("erasure@1") if "/calls/" in one.subject]
    assert (calls.destroyed, calls.first, calls.last, calls.receipt) == (1, now, now, erased.id)
    (over,) = here.events("retention@1")
    assert (sensors.destroyed, sensors.first, sensors.last, sensors.receipt) == (1, now, now, over.id)
    assert (sensors.oldest, sensors.ends, of(found, "log").oldest) == (None, None, here.facts.store.sealed[0].event.at)


async def test_a_key_that_was_destroyed_by_hand_is_counted_and_has_no_receipt() -> None:
    here = await town(lambda: START)
    key, _ = await here.keys.seal("emergency-response/calls/2026-11-25T07", b"a call")
    await here.keys.destroy(key)

    row = of(await here.retained.measure(), "call-contents")

    assert (row.destroyed, row.receipt, row.kept) == (1, None, 0)


async def test_only_backups_of_the_last_35_days_are_told() -> None:
    now = START
    here = await town(lambda: now)
    for day in (0, 20):
        event = Event(
            id=uuid_of("backup", day),
            at=START + day * DAY,
            by="install",
            cause=None,
            kind="backup@1",
            timeline="live",
            body=b"{}",
            subject=BACKUPS,
        )
        await here.facts.append([event])

    now = START + 36 * DAY
    row = of(await here.retained.measure(), "backups")

    assert (row.kept, row.oldest, row.ends) == (1, START + 20 * DAY, START + 55 * DAY)


async def test_who_may_read_the_register_may_read_what_is_kept_and_that_is_an_event() -> None:
    here = await town(lambda: START)
    reads = RetentionReads(ledger=here.ledger, retained=here.retained)
    auditor, _ = await here.person(Role.AUDITOR, "Elina")
    nobody = msgspec.structs.replace(here.access(auditor), purpose="traffic")

    found = await reads.look(msgspec.structs.replace(here.access(auditor), purpose="oversight"))
    with pytest.raises(Refused):
        await reads.look(nobody)

    assert len(found.kept) == 14
    assert b'"retention"' in here.events("query@1")[-1].body


# ── limits ──────────────────────────────────────────────────────────────────────────────────────
def key(bucket: str, at: int = START) -> BucketKey:
    return BucketKey(id="k", bucket=bucket, at=at)


@pytest.mark.parametrize(
    ("bucket", "name", "until"),
    [
        ("emergency-response/calls/2026-11", "call-contents", "2027-12-01T00:00:00Z"),
        ("emergency-response/calls/2026-12", "call-contents", "2028-01-01T00:00:00Z"),
        ("public-safety/posts/2026-11-25T23", "post-contents", "2026-11-27T00:00:00Z"),
        ("a/incidents/i1", "incidents", iso(7 * SECOND + 7 * YEAR)),
        ("a/alerts/unknown", "incidents", iso(START + 7 * YEAR)),
        ("system-operation/people/p1", "names", iso(8 * SECOND + NAMES * DAY)),
        ("oversight/holds/h1", "reasons", iso(START + REASONS * DAY)),
        ("rights-request/requests/r1", "requests", iso(START + REQUESTS * DAY)),
        ("rights-request/others/r1", "", None),
        ("oversight/positions/2026-11-25", "positions", None),
        ("system-operation/people/p2", "names", None),
        ("system-operation/connections/calls", "", None),
        ("system-operation/connections/calls/2000-01", "", None),
        ("state/detect", "", None),
    ],
)
def test_each_sort_of_bucket_has_its_class_and_its_end(bucket: str, name: str, until: str | None) -> None:
    found = Limits(begun={"i1": 7 * SECOND, "p1": 8 * SECOND})

    assert class_of(bucket) == name
    assert found.until(key(bucket)) == (np.inf if until is None else parse(until))


def test_a_bucket_begins_with_the_oldest_record_that_it_can_hold() -> None:
    found = Limits(begun={"i1": 7, "p1": START + DAY})

    assert [
        found.begins(key(one)) for one in ("a/calls/2026-11-25T07", "a/positions/2026-11-24", "a/incidents/i1")
    ] == [
        parse("2026-11-25T07:00:00Z"),
        parse("2026-11-24T00:00:00Z"),
        7,
    ]
    assert found.begins(key("system-operation/people/p1")) == found.begins(key("a/alerts/x")) == START


def test_a_hold_on_a_month_or_day_keeps_the_hours_in_it() -> None:
    spared = Spared(buckets={"a/calls/2026-11", "a/reports/2026-11-25"})

    kept = ("a/calls/2026-11-25T07", "a/calls/2026-11-30", "a/calls/2026-11", "a/reports/2026-11-25T07")
    free = ("a/calls/2026-12-01T00", "b/calls/2026-11-25T07", "a/reports/2026-11-24T23", "a/calls/2026-11x")
    assert [spared.keeps("k", bucket) for bucket in kept] == [True] * 4
    assert [spared.keeps("k", bucket) for bucket in free] == [False] * 4
    assert wider("state/detect") == {"state/detect"}


def test_rows_of_a_source_go_when_its_days_are_over() -> None:
    assert Own("a", 2, np.array([1], np.int32)).before(5 * DAY) == 3 * DAY
