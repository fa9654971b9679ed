"""The gate: who comes in, who does not, and what is kept of those."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from tutela.errors import BadInput, Quarantined
from tutela.model.call import Call
from tutela.model.flow import Offer, Refusal
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.register import Datastream, Source
from tutela.model.report import ServiceRequest
from tutela.model.rows import Rows
from tutela.model.when import DAY, MINUTE, parse
from tutela.policy.gate import SAYS, Admission, Reason, admit, admit_told

NOW = parse("2026-11-25T08:00:00Z")
KINDS_OF = {1: "readings", 2: "counts", 3: "positions", 4: "readings", 9: "readings"}
OWNERS = {1: "air", 2: "air", 3: "buses", 4: "buses", 9: "air"}


def source(name: str, **changes: Any) -> Source:  # noqa: ANN401  any field
    entry = Source(
        name=name,
        owner="city",
        kind="sensors",
        purposes=("environment",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Helsinki",
    )
    return replace(entry, **changes)


def datastream(number: int) -> Datastream:
    return Datastream(
        id=number,
        name=f"d{number}",
        source=OWNERS[number],
        thing="t",
        kind=KINDS_OF[number],
        observed_property="p",
        unit="1",
    )


SOURCES = (
    source("air"),
    source("buses", personal_data=True),
    source("new"),
    source("centre", purposes=("emergency-response",), personal_data=True),
    source("deaf", purposes=("emergency-response",)),
    source("feed", purposes=("public-safety",), personal_data=True),
)
REGISTER = Admission.empty().knowing(SOURCES, [datastream(number) for number in KINDS_OF])


def rows(kind: str, *entries: tuple[int, int, Any]) -> Rows:
    numbers = np.array([number for number, _, _ in entries], np.int32)
    times = np.array([NOW + time for _, time, _ in entries], np.int64)
    values = [value for _, _, value in entries]
    if kind == "positions":
        pairs = np.array(values, np.float64).reshape(-1, 2)
        return Rows(kind, numbers, times, {"lat": pairs[:, 0], "lon": pairs[:, 1]})
    return Rows(kind, numbers, times, {"result": np.array(values, np.int64 if kind == "counts" else np.float64)})


def offer(batch: Rows | None, name: str = "air", timeline: str = "live", *refused: Refusal) -> Offer:
    return Offer(name, timeline, batch, refused)


def reasons(refused: tuple[Refusal, ...]) -> dict[str, int]:
    return {refusal.reason: refusal.count for refusal in refused}


def test_rows_that_are_fine_come_in_as_they_are() -> None:
    batch = rows("readings", (1, 0, 20.5), (9, -MINUTE, -3.0))

    assert admit(offer(batch), REGISTER, NOW) == (batch, ())


def test_whole_numbers_and_positions_come_in() -> None:
    counts = rows("counts", (2, 0, 12))
    positions = rows("positions", (3, 0, (60.17, 24.94)))

    assert admit(offer(counts), REGISTER, NOW)[0] is counts
    assert admit(offer(positions, "buses"), REGISTER, NOW)[0] is positions


def test_of_a_source_without_an_entry_nothing_is_kept() -> None:
    garbled = Refusal("not-json", "…", 2, b"somebody's words")

    admitted, refused = admit(offer(rows("readings", (1, 0, 1.0)), "stranger", "live", garbled), REGISTER, NOW)

    assert admitted is None
    assert refused == (Refusal(Reason.QUARANTINED, SAYS[Reason.QUARANTINED], 3),)


def test_an_entry_that_has_ended_is_none() -> None:
    register = REGISTER.knowing([source("air", ends=NOW)], [])

    assert reasons(admit(offer(rows("readings", (1, 0, 1.0))), register, NOW)[1]) == {"quarantined": 1}
    assert admit(offer(rows("readings", (1, 0, 1.0))), register, NOW - 1)[0] is not None


def test_a_stranger_who_sends_nothing_is_told_so_too() -> None:
    assert reasons(admit(offer(None, "stranger"), REGISTER, NOW)[1]) == {"quarantined": 0}


@pytest.mark.parametrize("batch", [None, rows("readings")])
def test_what_the_source_itself_refused_is_passed_on(batch: Rows | None) -> None:
    garbled = Refusal("not-json", "…", 2, b"{")

    assert admit(offer(batch, "air", "live", garbled), REGISTER, NOW) == (None, (garbled,))


def test_rows_about_people_need_an_entry_that_says_so() -> None:
    batch = rows("positions", (3, 0, (60.0, 25.0)))

    assert reasons(admit(offer(batch, "air"), REGISTER, NOW)[1]) == {"undeclared": 1}


GOOD = {"readings": (1, 0, 1.0), "positions": (3, 0, (60.0, 25.0))}


@pytest.mark.parametrize(
    ("kind", "name", "bad", "reason"),
    [
        ("readings", "air", (7, 0, 1.0), "unknown"),
        ("readings", "air", (0, 0, 1.0), "unknown"),
        ("readings", "air", (-3, 0, 1.0), "unknown"),
        ("readings", "air", (2**31 - 1, 0, 1.0), "unknown"),
        ("readings", "air", (4, 0, 1.0), "foreign"),
        ("readings", "air", (2, 0, 1.0), "other-kind"),
        ("readings", "air", (1, 0, float("nan")), "not-finite"),
        ("readings", "air", (1, 0, float("inf")), "not-finite"),
        ("readings", "air", (1, 0, float("-inf")), "not-finite"),
        ("readings", "air", (1, 5 * MINUTE + 1, 1.0), "future"),
        ("readings", "air", (1, -30 * DAY - 1, 1.0), "too-old"),
        ("readings", "air", (1, -NOW, 1.0), "clock-unset"),
        ("positions", "buses", (3, 0, (90.1, 25.0)), "off-earth"),
        ("positions", "buses", (3, 0, (-90.1, 25.0)), "off-earth"),
        ("positions", "buses", (3, 0, (60.0, 180.1)), "off-earth"),
        ("positions", "buses", (3, 0, (60.0, -180.1)), "off-earth"),
        ("positions", "buses", (3, 0, (float("nan"), 25.0)), "not-finite"),
        ("positions", "buses", (3, 0, (60.0, float("inf"))), "not-finite"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_come_in(
    kind: str, name: str, bad: tuple[int, int, Any], reason: str
) -> None:
    batch = rows(kind, GOOD[kind], bad, GOOD[kind])

    admitted, refused = admit(offer(batch, name), REGISTER, NOW)

    assert admitted is not None
    assert len(admitted) == 2
    assert refused == (Refusal(reason, SAYS[Reason(reason)], 1),)


@pytest.mark.parametrize("time", [5 * MINUTE, -30 * DAY])
def test_the_edge_of_the_window_comes_in(time: int) -> None:
    assert admit(offer(rows("readings", (1, time, 1.0))), REGISTER, NOW)[0] is not None


def test_history_comes_in_on_a_timeline_of_its_own() -> None:
    batch = rows("readings", (1, parse("1983-01-01T00:00:00Z") - NOW, 1.0), (1, DAY, 1.0))

    assert admit(offer(batch, timeline="import/air"), REGISTER, NOW) == (batch, ())


def test_no_timeline_takes_times_that_no_calendar_has() -> None:
    batch = rows("readings", (1, 2**62 - NOW, 1.0), (1, -(2**62), 1.0))

    admitted, refused = admit(offer(batch, timeline="import/air"), REGISTER, NOW)

    assert admitted is None
    assert reasons(refused) == {"future": 1, "too-old": 1}


def test_a_source_without_datastreams_owns_none() -> None:
    assert reasons(admit(offer(rows("readings", (1, 0, 1.0), (7, 0, 1.0)), "new"), REGISTER, NOW)[1]) == {
        "foreign": 1,
        "unknown": 1,
    }


def test_every_reason_has_its_sentence() -> None:
    assert SAYS.keys() == set(Reason)


def test_the_table_grows_and_forgets_no_datastream() -> None:
    first = Admission.empty().knowing(SOURCES, [datastream(4)])

    later = first.knowing(SOURCES, [datastream(1), datastream(2)])
    unchanged = later.knowing(SOURCES, [])

    assert (first.last, later.last, unchanged.last) == (4, 4, 4)
    for number, name in ((4, "buses"), (1, "air")):
        code = unchanged.codes(np.array([number], np.int32))
        assert code == unchanged.wanted(name, "readings")
    assert Admission.empty().last == 0


def test_an_entry_that_is_taken_out_of_the_register_quarantines_its_source() -> None:
    register = REGISTER.knowing(SOURCES[1:], [])

    assert reasons(admit(offer(rows("readings", (1, 0, 1.0))), register, NOW)[1]) == {"quarantined": 1}


numbers = some.sampled_from([-1, 0, 1, 2, 3, 4, 5, 9, 10, 2**31 - 1])
times = some.sampled_from([0, -MINUTE, 6 * MINUTE, -31 * DAY, -NOW])
reals = some.floats(width=64)


@given(entries=some.lists(some.tuples(numbers, times, reals), min_size=1, max_size=20))
def test_each_row_comes_in_or_is_counted_once(entries: list[tuple[int, int, float]]) -> None:
    admitted, refused = admit(offer(rows("readings", *entries)), REGISTER, NOW)

    fine = [
        (number, time, value)
        for number, time, value in entries
        if number in (1, 9) and time in (0, -MINUTE) and np.isfinite(value)
    ]
    inside = (
        [] if admitted is None else list(zip(admitted.datastream, admitted.time - NOW, admitted.result, strict=True))
    )
    assert inside == fine
    assert sum(refusal.count for refusal in refused) == len(entries) - len(fine)


CALL = Call(
    id="c1",
    timeline="live",
    source="centre",
    at=NOW,
    place=Place(lat=60.17, lon=24.94),
    cell=0,
    category="fire",
)


def test_a_call_comes_in() -> None:
    admit_told(CALL, REGISTER, NOW)
    admit_told(replace(CALL, timeline="import/911", at=parse("2015-12-10T17:10:00Z")), REGISTER, NOW)


def test_a_call_from_a_source_without_an_entry_is_quarantined() -> None:
    with pytest.raises(Quarantined, match="no valid entry"):
        admit_told(replace(CALL, source="stranger"), REGISTER, NOW)


@pytest.mark.parametrize("name", ["buses", "deaf"])
def test_a_call_from_a_source_that_is_not_entered_for_calls_is_quarantined(name: str) -> None:
    """One is entered for another purpose, the other says that it has no personal data."""
    with pytest.raises(Quarantined, match="correct the entry first"):
        admit_told(replace(CALL, source=name), REGISTER, NOW)


POST = Post(id="p1", timeline="live", source="feed", at=NOW, place=CALL.place, cell=0, category="Fire")


@pytest.mark.parametrize("timeline", ["live", "import/posts"])
def test_a_post_comes_in_on_its_day_and_never_after(timeline: str) -> None:
    post = replace(POST, timeline=timeline)
    admit_told(replace(post, at=NOW - DAY), REGISTER, NOW)

    with pytest.raises(BadInput, match="the post's time does not lie between"):
        admit_told(replace(post, at=NOW - DAY - 1), REGISTER, NOW)


def test_a_feed_that_is_followed_by_subjects_brings_posts_on_no_other() -> None:
    entry = replace(REGISTER.sources["feed"], subjects=("Fire", "Storm"))
    register = REGISTER.knowing([*REGISTER.sources.values(), entry], ())
    admit_told(POST, register, NOW)

    with pytest.raises(BadInput, match="its subjects are: Fire, Storm") as wrong:
        admit_told(replace(POST, category="aino"), register, NOW)
    assert "aino" not in wrong.value.message
    admit_told(replace(POST, category="aino"), REGISTER, NOW)


def test_a_report_needs_an_entry_for_what_it_is_for() -> None:
    report = ServiceRequest(id="r1", timeline="live", source="centre", at=NOW, place=CALL.place, cell=0, category="x")

    with pytest.raises(Quarantined, match="reports are personal data for city-operations"):
        admit_told(report, REGISTER, NOW)


@pytest.mark.parametrize("at", [NOW + 6 * MINUTE, NOW - 31 * DAY, 2**62, -(2**62)])
def test_a_call_of_another_time_is_told_the_time(at: int) -> None:
    with pytest.raises(BadInput, match="set the clock"):
        admit_told(replace(CALL, at=at), REGISTER, NOW)
