"""Promises of the desk's fold: what is joined, what is shown when, and that nothing is lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.flow import alert as step
from tutela.flow import bundle
from tutela.flow.alert import FAR, PACE, Change, DeskState, Options
from tutela.maths import cells
from tutela.model.alert import OPEN, STEPS, Alert, AlertStatus
from tutela.model.detection import Detection
from tutela.model.flow import Tick
from tutela.model.people import Shift
from tutela.model.place import Place
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.when import HOUR, SECOND
from tutela.model.why import Fewer, Why

START = 1_700_000_000 * SECOND
HERE = Place(lat=60.1699, lon=24.9384)
MINOR = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.LIKELY)
MODERATE = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY)
GRAVE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.EXTREME, certainty=Certainty.LIKELY)
USUAL = Options()


def detection(
    id_: str = "d1",
    at: float = 0.0,
    *,
    place: Place | None = HERE,
    scale: Scale = MINOR,
    confidence: float = 0.5,
    type_: str = "noise",
    revision: int = 0,
    datastreams: tuple[int, ...] = (),
    sources: tuple[str, ...] = ("city",),
    purpose: str = "public-safety",
    says: str = "noise.high",
) -> Detection:
    """A detection `at` seconds after the start."""
    time = START + round(at * SECOND)
    return Detection(
        id=id_,
        revision=revision,
        timeline="live",
        detector="threshold",
        version=1,
        options="00",
        type=type_,
        key="k",
        since=time,
        at=time,
        place=place,
        cell=cells.cell_of(place),
        scale=scale,
        confidence=confidence,
        purpose=purpose,
        why=Why(message=says, inputs={"result": at}, unless=Fewer(by=1, of=(id_,))),
        datastreams=datastreams,
        sources=sources,
    )


def tick(at: float) -> Tick:
    return Tick(START + round(at * SECOND))


def run(
    *seen: Detection | Tick, budget: int = 100, desk: DeskState | None = None
) -> tuple[DeskState, tuple[Change, ...]]:
    return step.fold(desk or DeskState(budget=budget), seen, USUAL)


def alerts(desk: DeskState) -> list[Alert]:
    return list(desk.queue.alerts.values())


def only(desk: DeskState) -> Alert:
    (alert,) = desk.queue.alerts.values()
    return alert


def acted(desk: DeskState, *done: Alert, now: int | None = None) -> DeskState:
    """The desk after people changed these alerts."""
    stored = dict(desk.queue.alerts) | {alert.id: alert for alert in done}
    return step.stand(desk if now is None else replace(desk, now=now), stored.values(), USUAL)


# ── joining ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_place_type_and_time_is_one_alert() -> None:
    near = cells.north_of(HERE, 290)

    desk, changes = run(detection("d1"), detection("d2", 60, place=near), detection("d3", 120, sources=("tram",)))

    alert = only(desk)
    assert alert.count == 3
    assert alert.detections == ("d1", "d2", "d3")
    assert alert.sources == ("city", "tram")
    assert (alert.since, alert.last) == (START, START + 120 * SECOND)
    assert [change.because.id for change in changes if change.because] == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    "other",
    [
        detection("d2", place=cells.north_of(HERE, 310)),
        detection("d2", 15 * 60 + 1),
        detection("d2", -15 * 60 - 1),
        detection("d2", type_="silence"),
        detection("d2", purpose="traffic"),
        detection("d2", sources=("toy",)),
        detection("d2", place=None),
    ],
    ids=["far", "late", "early", "type", "purpose", "simulated", "nowhere"],
)
def test_what_differs_is_an_alert_of_its_own(other: Detection) -> None:
    desk, _ = step.fold(DeskState(budget=9, simulated=frozenset({"toy"})), [detection(), other], USUAL)

    assert [alert.count for alert in alerts(desk)] == [1, 1]


def test_a_simulated_source_says_so_on_its_alert() -> None:
    desk, _ = step.fold(DeskState(simulated=frozenset({"toy"})), [detection(sources=("city", "toy"))], USUAL)

    assert only(desk).simulated


def test_two_detections_without_a_place_join_on_their_datastream_alone() -> None:
    nowhere = [detection(f"d{n}", place=None, datastreams=(n % 2,)) for n in range(4)]

    desk, _ = run(*nowhere)

    assert sorted(alert.detections for alert in alerts(desk)) == [("d0", "d2"), ("d1", "d3")]


def test_many_silent_datastreams_of_one_source_are_one_alert_wherever_they_were_noticed() -> None:
    parts = [detection(f"d{n}", place=None, datastreams=(2 * n, 2 * n + 1), sources=("air",)) for n in range(3)]
    other = detection("other", place=None, datastreams=(91, 92), sources=("noise",))
    single = detection("single", place=None, datastreams=(93,), sources=("air",))
    later = detection("later", 16 * 60, place=None, datastreams=(94, 95), sources=("air",))

    desk, _ = run(*parts, other, single, later)

    assert sorted(alert.detections for alert in alerts(desk)) == [
        ("d0", "d1", "d2"),
        ("later",),
        ("other",),
        ("single",),
    ]


def test_one_without_a_place_is_not_near_another_on_a_shared_spot() -> None:
    desk, _ = run(detection("d1", place=None, datastreams=(7,)), detection("d2", 3600, datastreams=(7,)))

    assert only(desk).count == 2


def test_the_same_datastream_joins_while_the_alert_waits_but_not_once_it_is_acknowledged() -> None:
    first = detection("d1", datastreams=(7,), scale=MODERATE)
    later = detection("d2", 3 * 3600, datastreams=(7,), scale=MODERATE)

    waiting, _ = run(first, later)
    seen, _ = run(first)
    done = acted(seen, only(seen).to(AlertStatus.ACKNOWLEDGED, by="anna"))
    asked, _ = run(later, desk=done)

    assert only(waiting).count == 2
    assert len(alerts(asked)) == 2


def test_an_acknowledged_alert_takes_what_follows_at_once() -> None:
    desk, _ = run(detection("d1"))
    desk, _ = run(detection("d2", 60), desk=acted(desk, only(desk).to(AlertStatus.ACKNOWLEDGED, by="anna")))

    assert (only(desk).count, only(desk).status, only(desk).by) == (2, AlertStatus.ACKNOWLEDGED, "anna")


def test_of_two_alerts_it_joins_the_newer() -> None:
    first, second = detection("d1", -60), detection("d2", 0, place=cells.north_of(HERE, 400))
    between = detection("d3", 30, place=cells.north_of(HERE, 200))

    desk, _ = run(first, second, between)

    assert sorted(alert.detections for alert in alerts(desk)) == [("d1",), ("d2", "d3")]


def test_an_alert_speaks_for_its_most_pressing_detection() -> None:
    desk, _ = run(
        detection("d1", says="low"), detection("d2", 1, says="high", scale=MODERATE), detection("d3", 2, says="low")
    )

    alert = only(desk)
    assert (alert.scale, alert.message, alert.parameters) == (MODERATE, "high", {"result": 1.0})


def test_a_new_revision_updates_and_is_not_counted_twice() -> None:
    desk, _ = run(detection("d1"))
    desk, changes = run(detection("d1", 5, revision=1, scale=MODERATE, says="higher"), desk=desk)

    alert = only(desk)
    assert (alert.count, alert.message, alert.scale) == (1, "higher", MODERATE)
    assert [change.alert.revision for change in changes] == [alert.revision]


def test_the_same_detection_again_changes_nothing() -> None:
    desk, _ = run(detection("d1"), detection("d2"))

    again, changes = run(detection("d2"), desk=desk)

    assert changes == ()
    assert again == desk


def test_an_alert_names_its_newest_detections_and_its_events_name_them_all() -> None:
    many = [detection(f"d{n}", n) for n in range(120)]

    desk, changes = run(*many)

    alert = only(desk)
    assert (alert.count, len(alert.detections), alert.detections[-1]) == (120, bundle.KEPT, "d119")
    assert {one for change in changes for one in change.alert.detections} == {one.id for one in many}
    assert set(desk.queue.holders) == set(alert.detections)


@given(st.floats(-70, 70), st.floats(-179, 179), st.floats(0, 2), st.floats(0, 300))
def test_a_place_within_reach_is_always_found(lat: float, lon: float, turn: float, metres: float) -> None:
    """The rings of cells that the queue looks through hold everything within 300 m, anywhere on Earth."""
    one = Place(lat=lat, lon=lon)
    other = Place(
        lat=cells.north_of(one, metres * (turn - 1)).lat, lon=min(lon + (1 - abs(turn - 1)) * metres / 2e5, 180)
    )
    if cells.metres(one, other) <= USUAL.near:
        desk, _ = run(detection("d1", place=one), detection("d2", place=other))

        assert only(desk).count == 2


# ── rank ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_rank_can_be_worked_out_by_hand() -> None:
    assert bundle.rank(MODERATE, 0.5) == 100 * 4 * 5 + 10 * 6 + 50
    assert bundle.rank(MODERATE, 0.5, 8, 3) == bundle.rank(MODERATE, 0.5) + 3 * 5 + 2 * 20
    assert bundle.rank(GRAVE, 1.0) == 10_000 + 100 * 8 * 8 + 60 + 100


scales = st.builds(
    Scale, urgency=st.sampled_from(Urgency), severity=st.sampled_from(Severity), certainty=st.sampled_from(Certainty)
)


@given(scales, scales, st.floats(0, 1), st.floats(0, 1), st.integers(1, 10**6), st.integers(0, 50))
def test_whatever_is_grave_stands_above_whatever_is_not(
    one: Scale, other: Scale, sure: float, unsure: float, count: int, sources: int
) -> None:
    if one.grave and not other.grave:
        assert bundle.rank(one, unsure) > bundle.rank(other, sure, count, sources)


@given(scales, st.floats(0, 1), st.integers(1, 1000), st.integers(1, 9))
def test_more_backing_never_lowers_the_rank(scale: Scale, confidence: float, count: int, sources: int) -> None:
    backed = bundle.rank(scale, confidence, count, sources)

    assert bundle.rank(scale, confidence, count + 1, sources) >= backed
    assert bundle.rank(scale, confidence, count, sources + 1) >= backed
    assert bundle.rank(scale, 1.0, count, sources) >= backed


# ── showing ─────────────────────────────────────────────────────────────────────────────────────────


def apart(n: int, at: float = 0.0, scale: Scale = MINOR) -> Detection:
    """One of many that have nothing to do with each other."""
    return detection(f"d{n}", at, place=cells.north_of(HERE, 1000 * n), scale=scale)


def test_a_new_alert_is_committed_first_and_then_shown() -> None:
    desk, changes = run(detection())

    assert [(change.alert.status, change.alert.revision) for change in changes] == [
        (AlertStatus.HELD, 0),
        (AlertStatus.NEW, 1),
    ]
    assert only(desk).shown_at == START
    assert changes[1].after == changes[0].alert.event


def test_without_anybody_on_shift_an_alert_is_held() -> None:
    desk, _ = run(detection(), budget=0)

    assert (only(desk).status, only(desk).shown_at) == (AlertStatus.HELD, None)


def test_a_sixth_of_the_budget_is_shown_in_ten_minutes_and_the_rest_when_its_time_comes() -> None:
    desk, _ = run(*(apart(n) for n in range(20)), budget=12)
    at_once = Counter(alert.status for alert in alerts(desk))
    ten, _ = run(tick(600), desk=desk)
    hour, _ = run(*(tick(600 * n) for n in range(1, 6)), desk=desk)

    assert at_once == {AlertStatus.NEW: 2, AlertStatus.HELD: 18}
    assert Counter(alert.status for alert in alerts(ten))[AlertStatus.NEW] == 4
    assert Counter(alert.status for alert in alerts(hour))[AlertStatus.NEW] == 12


def test_a_token_comes_back_after_an_hour() -> None:
    desk, _ = run(apart(1), apart(2, scale=MODERATE), budget=1)
    desk, _ = run(tick(3599), desk=desk)
    before = Counter(alert.status for alert in alerts(desk))
    desk, _ = run(tick(3600), desk=desk)

    assert before[AlertStatus.HELD] == 1
    assert {alert.detections: alert.status for alert in alerts(desk)}["d2",] is AlertStatus.NEW


def test_what_is_held_comes_up_by_rank() -> None:
    desk, _ = run(apart(1), apart(2), apart(3, scale=MODERATE), budget=1)
    desk, changes = run(tick(3600), desk=desk)

    assert [change.alert.detections for change in changes if change.alert.status is AlertStatus.NEW] == [("d3",)]


def test_of_equals_the_one_that_waits_longest_comes_up() -> None:
    desk, _ = run(apart(1), apart(2, 20, MODERATE), apart(3, 10, MODERATE), budget=1)
    _, changes = run(tick(3600), desk=desk)

    assert [change.alert.detections for change in changes if change.alert.status is AlertStatus.NEW] == [("d3",)]


def test_a_grave_alert_is_shown_at_once_and_takes_no_token() -> None:
    desk, changes = run(apart(1, scale=GRAVE), apart(2, scale=GRAVE), budget=0)

    assert [(change.alert.status, change.alert.revision) for change in changes] == [(AlertStatus.NEW, 0)] * 2
    assert desk.shown == {}


def test_a_grave_detection_brings_a_held_alert_up() -> None:
    desk, _ = run(detection("d1"), detection("d2", 60, scale=GRAVE), budget=0)

    assert (only(desk).status, only(desk).count, only(desk).shown_at) == (AlertStatus.NEW, 2, START)


def shelved(desk: DeskState, until: float) -> DeskState:
    end = START + round(until * SECOND)
    return acted(desk, only(desk).to(AlertStatus.SHELVED, by="anna", reason="roadworks", shelved_until=end))


def test_a_shelved_alert_takes_what_comes_and_returns_when_its_time_is_up() -> None:
    desk, _ = run(detection("d1", datastreams=(7,)))
    desk, quiet = run(detection("d2", 7000, datastreams=(7,)), tick(7199), desk=shelved(desk, 7200))
    desk, back = run(tick(7200), desk=desk)

    assert [change.alert.status for change in quiet] == [AlertStatus.SHELVED]
    assert [change.alert.status for change in back] == [AlertStatus.NEW]
    assert (only(desk).count, only(desk).shown_at) == (2, START)


def test_a_shelved_alert_that_returns_takes_no_token_and_waits_its_full_time() -> None:
    desk, _ = run(detection("d1"), budget=1)
    desk, _ = run(tick(7200), desk=shelved(desk, 7200))
    waits, _ = run(tick(7200 + 3599), desk=desk)
    over, _ = run(tick(7200 + 3600), desk=desk)

    assert desk.shown == {}
    assert only(waits).status is AlertStatus.NEW
    assert only(over).status is AlertStatus.EXPIRED


def test_a_grave_detection_brings_a_shelved_alert_back() -> None:
    desk, _ = run(detection("d1"))
    desk, _ = run(detection("d2", 60, scale=GRAVE), desk=shelved(desk, 7200))

    assert (only(desk).status, only(desk).count) == (AlertStatus.NEW, 2)


def test_a_grave_detection_is_news_where_something_less_was_acknowledged() -> None:
    desk, _ = run(detection("d1"))
    desk = acted(desk, only(desk).to(AlertStatus.ACKNOWLEDGED, by="anna"))
    desk, _ = run(detection("d2", 60, scale=GRAVE), detection("d1", 60, revision=1, scale=GRAVE), desk=desk)

    assert [(alert.status, alert.detections) for alert in alerts(desk)] == [
        (AlertStatus.ACKNOWLEDGED, ("d1",)),
        (AlertStatus.NEW, ("d2", "d1")),
    ]


def test_a_grave_alert_that_somebody_acknowledged_takes_what_follows() -> None:
    desk, _ = run(detection("d1", scale=GRAVE))
    desk = acted(desk, only(desk).to(AlertStatus.ACKNOWLEDGED, by="anna"))
    desk, _ = run(detection("d2", 60, scale=GRAVE), detection("d1", 61, revision=1, scale=GRAVE), desk=desk)

    assert (only(desk).status, only(desk).count) == (AlertStatus.ACKNOWLEDGED, 2)


# ── over ────────────────────────────────────────────────────────────────────────────────────────────


def dismissed(desk: DeskState, at: float = 0.0) -> DeskState:
    gone = only(desk).to(AlertStatus.DISMISSED, by="anna", reason="a street musician")
    return acted(desk, gone, now=START + round(at * SECOND))


def test_what_comes_soon_after_a_dismissal_is_counted_and_not_shown_again() -> None:
    desk, _ = run(detection("d1", datastreams=(7,)))
    desk, changes = run(
        detection("d2", 60), detection("d3", 61, place=None, datastreams=(7,)), desk=dismissed(desk, 30)
    )

    assert (only(desk).status, only(desk).count, only(desk).by) == (AlertStatus.DISMISSED, 3, "anna")
    assert [change.alert.status for change in changes] == [AlertStatus.DISMISSED] * 2


@pytest.mark.parametrize(
    "other",
    [
        [detection("d2", 60, place=cells.north_of(HERE, 400))],
        [detection("d2", 60, scale=GRAVE)],
        [tick(15 * 60 + 30), detection("d2", 15 * 60 + 30)],
    ],
    ids=["elsewhere", "grave", "later"],
)
def test_a_dismissal_does_not_silence(other: list[Detection | Tick]) -> None:
    desk, _ = run(detection("d1"))
    desk, _ = run(*other, desk=dismissed(desk, 30))

    assert [alert.detections for alert in alerts(desk) if alert.status is AlertStatus.NEW] == [("d2",)]


def test_a_revision_after_a_dismissal_is_noted_and_shown_again_only_if_it_is_now_grave() -> None:
    desk, _ = run(detection("d1"))
    quiet, _ = run(detection("d1", 60, revision=1, scale=MODERATE), desk=dismissed(desk))
    loud, _ = run(detection("d1", 60, revision=1, scale=GRAVE), desk=dismissed(desk))
    again, changes = run(detection("d1", 60, revision=1, scale=GRAVE), desk=loud)

    assert only(quiet).status is AlertStatus.DISMISSED
    assert [(alert.status, alert.count) for alert in alerts(loud)] == [
        (AlertStatus.DISMISSED, 1),
        (AlertStatus.NEW, 1),
    ]
    assert (again, changes) == (loud, ())


def test_what_became_an_incident_is_not_joined_but_takes_revisions() -> None:
    desk, _ = run(detection("d1"))
    desk = acted(desk, only(desk).to(AlertStatus.INCIDENT, by="anna", incident="i1"))
    desk, _ = run(detection("d2", 1), detection("d1", 2, revision=1, scale=GRAVE), desk=desk)

    assert [(alert.status, alert.detections, alert.scale.grave) for alert in alerts(desk)] == [
        (AlertStatus.INCIDENT, ("d1",), True),
        (AlertStatus.NEW, ("d2",), False),
    ]


def test_an_alert_that_is_taken_out_of_its_incident_is_open_again() -> None:
    desk, _ = run(detection("d1"))
    gone = acted(desk, only(desk).to(AlertStatus.INCIDENT, by="anna", incident="i1"))
    back = acted(gone, only(gone).to(AlertStatus.ACKNOWLEDGED, by="anna", incident=None))
    desk, _ = run(tick(3600), detection("d2", 60), desk=back)

    assert (set(gone.closed), set(back.closed)) == ({only(desk).id}, set())
    assert (only(desk).status, only(desk).count) == (AlertStatus.ACKNOWLEDGED, 2)


def test_where_one_of_two_alerts_became_an_incident_the_other_takes_what_comes() -> None:
    desk, _ = run(detection("d1", datastreams=(7,)), detection("d2", 20 * 60, datastreams=(8,)))
    one = next(alert for alert in alerts(desk) if alert.detections == ("d1",))
    desk = acted(desk, one.to(AlertStatus.INCIDENT, by="anna", incident="i1"))
    desk, _ = run(detection("d3", 21 * 60, datastreams=(9,)), desk=desk)

    assert sorted(alert.detections for alert in alerts(desk)) == [("d1",), ("d2", "d3")]


@pytest.mark.parametrize("budget", [0, 9], ids=["held", "shown"])
def test_an_alert_expires_with_an_event_and_is_forgotten_later(budget: int) -> None:
    desk, _ = run(detection("d1"), budget=budget)
    desk, before = run(tick(3599), desk=desk)
    desk, changes = run(tick(3600), detection("d1", 3601, revision=1), detection("d2", 3601), desk=desk)
    later, _ = run(tick(3600 + 15 * 60), desk=desk)

    assert before == ()
    assert changes[0].alert.status is AlertStatus.EXPIRED
    assert [alert.detections for alert in alerts(desk)] == [("d1",), ("d2",)]
    assert [alert.detections for alert in alerts(later)] == [("d2",)]
    assert set(later.queue.holders) == {"d2"}


def test_a_grave_revision_of_an_expired_alert_is_shown_once() -> None:
    desk, _ = run(detection("d1"), tick(3600))
    desk, _ = run(detection("d1", 3601, revision=1, scale=GRAVE), desk=desk)
    gone, _ = run(tick(3600 + 24 * 3600 + 1), desk=desk)
    again, changes = run(detection("d1", 3601, revision=1, scale=GRAVE), desk=gone)

    assert [alert.status for alert in alerts(desk)] == [AlertStatus.EXPIRED, AlertStatus.NEW]
    assert changes == ()
    assert again == gone


def test_a_revision_of_what_was_forgotten_is_taken_for_new() -> None:
    desk, _ = run(detection("d1"), tick(3600), tick(3600 + 15 * 60))
    desk, _ = run(detection("d1", 5000, revision=1), desk=desk)

    assert (only(desk).status, only(desk).detections) == (AlertStatus.NEW, ("d1",))


def test_an_acknowledged_alert_waits_for_its_person() -> None:
    desk, _ = run(detection("d1"))
    desk = acted(desk, only(desk).to(AlertStatus.ACKNOWLEDGED, by="anna"))
    desk, changes = run(tick(10**6), desk=desk)

    assert changes == ()
    assert desk.due == FAR


def test_a_tick_from_the_past_changes_nothing() -> None:
    desk, _ = run(detection("d1"), tick(100))

    assert run(tick(50), desk=desk) == (desk, ())


# ── saving ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_desk_is_refused() -> None:
    with pytest.raises(BadInput, match="not what a desk saved"):
        step.load(b"{}")


def test_a_desk_begins_empty() -> None:
    assert step.load(None) == DeskState()


def test_tokens_taken_after_the_desk_was_saved_are_remembered() -> None:
    saved = step.save(DeskState(now=START, budget=6), USUAL)
    desk, _ = run(apart(1), apart(2), budget=6)

    again = step.stand(replace(step.load(saved), budget=6), alerts(desk), USUAL)

    assert again.shown == desk.shown
    assert len(again.shown) == 1


def test_looking_again_when_nobody_did_anything_changes_nothing() -> None:
    desk, _ = run(apart(1), apart(2, scale=GRAVE), tick(60), budget=1)

    assert acted(desk) == desk


def test_the_budget_is_that_of_all_who_are_on_shift() -> None:
    shifts = [
        Shift(agent="anna", since=START, budget=6),
        Shift(agent="bo", since=START, budget=3, until=START + 10),
        Shift(agent="cem", since=START + 5, budget=12),
    ]

    assert [step.budget(shifts, START + at) for at in (-1, 0, 5, 10)] == [0, 9, 21, 18]


# ── properties ──────────────────────────────────────────────────────────────────────────────────────

PLACES = [None, HERE, cells.north_of(HERE, 150), cells.north_of(HERE, 350), cells.north_of(HERE, 2000)]


@st.composite
def streams(draw: st.DrawFn) -> list[Detection | Tick]:
    """Detections with revisions and repeats, and ticks, over some hours."""
    seen: list[Detection | Tick] = []
    at = 0.0
    for n in range(draw(st.integers(1, 40))):
        at += draw(st.sampled_from([0, 1, 30, 400, 1200, 5000]))
        what = draw(st.sampled_from(["new", "new", "new", "again", "revised", "tick"]))
        past = [one for one in seen if isinstance(one, Detection) and one.at >= START + (at - 600) * SECOND]
        if what == "tick" or (what in {"again", "revised"} and not past):
            seen.append(tick(at))
        elif what == "new":
            seen.append(
                detection(
                    f"d{n}",
                    at,
                    place=draw(st.sampled_from(PLACES)),
                    scale=draw(st.sampled_from([MINOR, MODERATE, MODERATE, GRAVE])),
                    type_=draw(st.sampled_from(["noise", "silence"])),
                    datastreams=tuple(draw(st.lists(st.integers(0, 3), max_size=2, unique=True))),
                )
            )
        else:
            one = draw(st.sampled_from(past))
            bump = (
                {}
                if what == "again"
                else {"revision": one.revision + 1, "scale": draw(st.sampled_from([MINOR, GRAVE]))}
            )
            seen.append(msgspec.structs.replace(one, **bump))
    return seen


def histories(changes: Iterable[Change]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for change in changes:
        found[change.alert.id].append(change.alert)
    return found


@given(streams(), st.integers(0, 4))
def test_each_life_is_a_path_of_the_table_without_gaps(seen: list[Detection | Tick], budget: int) -> None:
    _, changes = run(*seen, tick(10**6), budget=budget)

    for life in histories(changes).values():
        assert [alert.revision for alert in life] == list(range(len(life)))
        assert life[0].status in {AlertStatus.HELD, AlertStatus.NEW}
        for before, after in pairwise(life):
            assert after.status is before.status or after.status in STEPS[before.status]


@given(streams(), st.integers(0, 4))
def test_no_detection_is_lost_and_none_is_in_two_alerts(seen: list[Detection | Tick], budget: int) -> None:
    """The one exception: a revision that has become grave, when its alert was over before."""
    _, changes = run(*seen, budget=budget)

    held = defaultdict(set)
    for change in changes:
        for one in change.alert.detections:
            held[one].add(change.alert.id)
    graver = {one.id for one in seen if isinstance(one, Detection) and one.revision and one.scale.grave}
    ids = {one.id for one in seen if isinstance(one, Detection)}
    assert set(held) == ids
    assert {one for one, where in held.items() if len(where) > 1} <= graver
    last = [life[-1] for life in histories(changes).values()]
    assert sum(alert.count for alert in last) == sum(len(where) for where in held.values())


@given(streams(), st.integers(0, 2))
def test_what_is_grave_is_before_people_at_once(seen: list[Detection | Tick], budget: int) -> None:
    desk = DeskState(budget=budget)
    for one in seen:
        desk, _ = step.fold(desk, [one], USUAL)
        if isinstance(one, Detection) and one.scale.grave and one.at > desk.now - HOUR:
            holder = desk.queue.holder(one.id)
            assert holder is not None
            assert holder.status is AlertStatus.NEW


@given(streams(), st.integers(0, 9))
def test_no_hour_shows_more_than_the_budget(seen: list[Detection | Tick], budget: int) -> None:
    _, changes = run(*seen, *(tick(200_000 + 300 * n) for n in range(30)), budget=budget)

    times = [one.at for one in shows(changes) if not one.alert.scale.grave]
    for start in times:
        assert sum(start <= at < start + HOUR for at in times) <= budget
        assert sum(start <= at < start + PACE for at in times) <= -(-budget // 6)


def shows(changes: Sequence[Change]) -> list[Change]:
    """The changes that put an alert before people for the first time."""
    first: dict[str, Change] = {}
    for change in changes:
        if change.alert.shown_at is not None:
            first.setdefault(change.alert.id, change)
    return list(first.values())


@given(streams(), st.integers(0, 4))
def test_what_is_held_ends_up_shown_or_expired(seen: list[Detection | Tick], budget: int) -> None:
    desk, changes = run(*seen, tick(10**6), budget=budget)

    assert not [alert for alert in alerts(desk) if alert.status in OPEN]
    assert all(life[-1].status is AlertStatus.EXPIRED for life in histories(changes).values())
    assert desk.queue.spots == {}
    assert run(tick(10**6 + 1000), desk=desk)[0].queue.alerts == {}


@given(streams(), st.integers(0, 4), st.integers(1, 5))
def test_cutting_the_stream_elsewhere_changes_nothing(seen: list[Detection | Tick], budget: int, size: int) -> None:
    whole = run(*seen, budget=budget)
    desk = DeskState(budget=budget)
    changes: list[Change] = []
    for first in range(0, len(seen), size):
        before = (desk, step.save(desk, USUAL), dict(desk.queue.alerts))
        after, some = step.fold(desk, seen[first : first + size], USUAL)
        assert before == (desk, step.save(desk, USUAL), dict(desk.queue.alerts))
        desk = after
        changes += some

    assert (desk, tuple(changes)) == whole


@given(streams(), st.integers(0, 7), st.lists(st.integers(0, 60_000), max_size=30))
def test_more_ticks_between_change_nothing(seen: list[Detection | Tick], budget: int, more: list[int]) -> None:
    """Time has come to each detection before it is seen, as on an import."""
    sparse = [item for one in seen for item in (Tick(one.at), one)] + [tick(10**6)]
    dense: list[Detection | Tick] = []
    for item in sparse:
        now = max((one.at for one in dense), default=START)
        dense += [tick(at) for at in sorted(more) if now < START + at * SECOND < item.at]
        dense.append(item)

    told = [(one.alert, one.at) for one in run(*sparse, budget=budget)[1]]

    assert [(one.alert, one.at) for one in run(*dense, budget=budget)[1]] == told


def test_who_signs_on_sees_what_is_held_even_if_the_next_tick_is_hours_away() -> None:
    held, _ = run(*(apart(n, n, scale=MODERATE) for n in range(3)), tick(10), budget=0)

    desk, _ = run(tick(4 * 3600), desk=replace(held, budget=18))

    assert {alert.status for alert in alerts(desk)} == {AlertStatus.NEW}


@given(streams(), st.integers(0, 4))
def test_a_desk_that_stops_and_begins_again_stands_where_it_was(seen: list[Detection | Tick], budget: int) -> None:
    desk, _ = run(*seen, budget=budget)

    again = replace(step.load(step.save(desk, USUAL)), budget=budget)
    again = step.stand(again, alerts(desk), USUAL)

    assert again.queue.alerts == desk.queue.alerts
    assert again.queue.holders == desk.queue.holders
    assert {spot: set(ids) for spot, ids in again.queue.spots.items()} == {
        spot: set(ids) for spot, ids in desk.queue.spots.items()
    }
    assert (again.queue.held, again.closed) == (desk.queue.held, desk.closed)
    assert desk.due <= again.due


@pytest.mark.parametrize("seed", range(3))
def test_at_ten_times_the_noise_every_grave_one_is_shown_at_once_and_the_queue_stays_within_the_budget(
    seed: int,
) -> None:
    """An hour with a hundred times as many alerts as the operators can look at."""
    chance = Random(seed)
    noise = [detection(f"n{n}", n * 3, place=cells.north_of(HERE, chance.uniform(-9e5, 9e5))) for n in range(1200)]
    staged = [
        detection(f"g{n}", 100 + n * 500, type_="smoke", scale=GRAVE, place=cells.north_of(HERE, 900 * n))
        for n in range(7)
    ]
    ticks = [tick(n * 10) for n in range(360)]
    seen: list[Detection | Tick] = sorted([*noise, *staged, *ticks], key=lambda one: one.at)

    desk, changes = run(*seen, budget=12)

    shown = shows(changes)
    grave = {change.alert.detections[0]: change for change in shown if change.alert.scale.grave}
    assert {one.id for one in staged} == set(grave)
    assert all(one.because is not None and one.at - one.because.at <= 10 * SECOND for one in grave.values())
    assert len(shown) - len(grave) == 12
    assert sum(alert.count for alert in alerts(desk)) == len(noise) + len(staged)
