"""Was it found: staged events beside alerts; what was found and how late, what was not, and what had no cause."""

from __future__ import annotations

import msgspec
import pytest
from tests.flow.read_support import NOW, City, access, city
from tests.flow.test_read_desk import ALERT, PLACE

from tutela.errors import Refused
from tutela.flow.read_staged import BACK, SOON, StagedReads, judged, of_day
from tutela.maths.cells import north_of
from tutela.model.alert import Alert
from tutela.model.flow import encode
from tutela.model.people import Role
from tutela.model.staged import Staged
from tutela.model.when import MINUTE, SECOND

START = NOW - 60 * MINUTE


def staged(what: str = "fire", minute: float = 0, lasts: float = 3, north: float = 0) -> Staged:
    at = START + round(minute * MINUTE)
    return Staged(
        what=what,
        says="It is staged.",
        at=at,
        until=at + round(lasts * MINUTE),
        place=north_of(PLACE, north),
        expects=(what, "smoke"),
    )


def alert(type_: str, minute: float, north: float = 0, **more: object) -> Alert:
    at = START + round(minute * MINUTE)
    made = msgspec.structs.replace(
        ALERT,
        id=f"{type_}@{minute}",
        type=type_,
        since=at,
        last=at,
        shown_at=at + 2 * SECOND,
        place=north_of(PLACE, north),
        simulated=True,
    )
    return msgspec.structs.replace(made, **more)


def test_a_staged_event_is_found_by_the_first_alert_of_an_expected_type_near_it() -> None:
    found = judged([staged()], [alert("smoke", 2), alert("fire", 1), alert("loud", 0.5)], NOW)

    (one,) = found.outcomes
    assert (one.alert and one.alert.id, one.late, found.found) == ("fire@1", 62.0, 1)
    assert found.without_cause == ()


def test_what_is_too_far_too_early_or_too_late_does_not_find_it() -> None:
    late = 3 + SOON / MINUTE + 0.1
    for other in (alert("fire", 1, north=700), alert("fire", -0.1), alert("fire", late)):
        assert judged([staged()], [other], NOW).found == 0
    assert judged([staged()], [alert("fire", late - 0.2)], NOW).found == 1


def test_an_alert_without_a_place_finds_it_by_time_alone() -> None:
    assert judged([staged("silence")], [alert("silence", 1, place=None)], NOW).found == 1


def test_an_alert_that_nobody_was_shown_is_told_as_held() -> None:
    (one,) = judged([staged()], [alert("fire", 1, shown_at=None)], NOW).outcomes

    assert one.alert is not None
    assert one.late is None


def test_an_alert_that_went_on_since_before_finds_it_at_once() -> None:
    before = alert("fire", -5, last=START + MINUTE)

    assert [one.late for one in judged([staged()], [before], NOW).outcomes] == [0.0]


def test_what_nothing_was_staged_for_is_told_newest_first() -> None:
    plan = [staged(), staged("crowd", 30, north=5000)]
    causeless = [alert("loud", 10), alert("loud", 20)]
    told = judged(plan, [*causeless, alert("loud", 1), alert("loud", 15, simulated=False)], NOW)

    assert [one.id for one in told.without_cause] == ["loud@20", "loud@10"]
    assert [one.staged.what for one in told.outcomes] == ["crowd", "fire"]
    assert told.since == START


def test_alerts_after_the_last_event_that_is_over_may_have_a_cause_that_is_not_told_yet() -> None:
    assert judged([staged()], [alert("loud", 10)], NOW).without_cause == ()
    assert judged([], [alert("loud", 10)], NOW).outcomes == ()


def test_an_alert_of_what_still_goes_on_is_not_said_to_have_no_cause() -> None:
    """Several events are on at a time, and one that began before another may be over long after it."""
    plan = [staged(), staged("crowd", 54, north=5000)]
    young, old = alert("loud", 31), alert("loud", 29)

    assert judged(plan, [young, old], NOW).without_cause == (old,)
    assert judged(plan, [young, old], NOW + 5 * MINUTE).without_cause == (young, old)


# ── as a read ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def here() -> City:
    return await city()


def reads(here: City) -> StagedReads:
    return StagedReads(ledger=here.reads.desk.ledger, desk=here.facts, log=here.facts)


async def tell(here: City, one: Staged, at: int = NOW) -> None:
    event = here.event("staged@1", of_day(at), encode(one), id=f"{one.what}-{one.at}", at=at)
    await here.facts.act([event], (), (), ())


async def test_whoever_may_see_alerts_sees_what_became_of_the_last_day(here: City) -> None:
    await tell(here, staged())
    await tell(here, staged("crowd", -60 * 25), NOW - BACK)
    await here.facts.act((here.event("other@1", of_day(NOW), b"{}", id="x"),), (alert("fire", 1),), (), ())

    found = await reads(here).outcomes(access())

    assert [(one.staged.what, one.late) for one in found.outcomes] == [("fire", 62.0)]
    assert [(query.query, query.count) for query in here.queries()] == [("staged events and alerts of the last day", 1)]


async def test_whoever_may_not_see_alerts_is_refused(here: City) -> None:
    with pytest.raises(Refused):
        await reads(here).outcomes(access(Role.AUDITOR, "oversight"))
    assert [denial.policy for denial in here.denials()] == ["no-permit"]
