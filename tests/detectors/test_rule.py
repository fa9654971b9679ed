"""Rules: sequence, count, absence, all and any of these; more and less pressing; by place, source and datastream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest

from tutela.detectors.rule import Rule
from tutela.errors import BadInput
from tutela.flow.detector import is_citywide
from tutela.maths.cells import north_of
from tutela.model.detection import Detection
from tutela.model.scales import Severity
from tutela.model.when import MINUTE
from tutela_promises.examples import START, fact_of
from tutela_promises.stage import CENTRE, Item, Ticked, Told, World, play, seens

WORLD = World(property="none", size=1)


def told(type_: str, minute: float, north: float = 0.0, id_: str = "", **more: Any) -> Told:  # noqa: ANN401  as in JSON
    """A fact: a call where the type says so ("call:Fire: smoke"), else a detection of that type."""
    called, _, category = type_.partition(":")
    said: dict[str, object] = {"noun": "call"} if called == "call" else {"noun": "detection", "type": type_}
    said |= {"category": category} if category else {}
    place = msgspec.to_builtins(north_of(CENTRE, north))
    return Told(
        fact_of({"place": place, **said, "id": id_ or f"{type_}@{minute}", **more}, START + round(minute * MINUTE))
    )


def tick(minute: float) -> Ticked:
    return Ticked(START + round(minute * MINUTE))


def rule(when: Mapping[str, object], **more: object) -> Rule:
    return msgspec.convert({"name": "rule-1", "when": when, **more}, Rule)


def found(part: Rule, *items: Item) -> list[Detection]:
    return play(part, seens(WORLD, items))


def minutes(detections: list[Detection]) -> list[float]:
    return [(one.at - START) / MINUTE for one in detections]


SMOKE, CALL, CROWD = {"fact": ["smoke"]}, {"fact": ["call"]}, {"fact": ["crowd"]}


def test_all_is_met_when_the_last_of_them_comes_in_any_order() -> None:
    part = rule({"all": [SMOKE, CALL]})

    (one,) = found(part, told("call", 0), told("smoke", 4))
    assert minutes(found(part, told("smoke", 0), told("call", 4))) == [4]
    assert (one.facts, one.since, minutes([one])) == (("call@0", "smoke@4"), START, [4])


def test_any_is_met_by_one_of_them() -> None:
    part = rule({"any": [SMOKE, {"all": [CALL, CROWD]}]})

    assert minutes(found(part, told("call", 0), told("crowd", 1))) == [1]
    assert minutes(found(part, told("call", 0), told("smoke", 1))) == [1]
    assert found(part, told("call", 0)) == []


def test_a_sequence_is_met_in_its_order_only() -> None:
    part = rule({"sequence": [CALL, SMOKE, CROWD]})

    assert minutes(found(part, told("call", 0), told("smoke", 1), told("crowd", 2))) == [2]
    assert found(part, told("smoke", 0), told("call", 1), told("crowd", 2)) == []
    assert found(part, told("crowd", 0), told("smoke", 1), told("call", 2)) == []


def test_a_sequence_goes_by_event_time_also_when_its_facts_come_out_of_order() -> None:
    part = rule({"sequence": [CALL, SMOKE]})

    assert found(part, told("smoke", 5), told("call", 1))[0].facts == ("call@1", "smoke@5")


def test_a_count_is_met_by_so_many_within_the_time_and_not_by_one_fewer() -> None:
    part = rule({"fact": ["call:Theft"], "count": 3}, within=600)
    calls = [told("call:Theft: bicycle", minute) for minute in (0, 4, 8, 12)]

    assert minutes(found(part, *calls[:3])) == [8]
    assert found(part, *calls[:2], told("call:Fire: smoke", 5)) == []
    assert found(part, calls[0], calls[1], told("call:Theft: bicycle", 10.1)) == []


YARD = {"shape": "circle", "centre": msgspec.to_builtins(CENTRE), "radius": 100.0}


def test_with_an_area_only_what_is_in_it_counts() -> None:
    part = rule({"all": [SMOKE, {**CALL, "count": 2, "area": YARD}]}, metres=500.0)
    smoke = told("smoke", 3, north=300.0)  # the smoke may be anywhere

    assert minutes(found(part, told("call", 0, north=99.0), told("call", 1, north=-99.0), smoke)) == [3]
    assert found(part, told("call", 0, north=99.0), told("call", 1, north=-102.0), smoke) == []
    nowhere = rule({**CROWD, "area": YARD}, per="city")
    assert (found(nowhere, told("crowd", 0, place=None)), minutes(found(nowhere, told("crowd", 0)))) == ([], [0])


def test_an_area_follows_each_step_of_a_sequence_through_the_city() -> None:
    far = msgspec.to_builtins(north_of(CENTRE, 5000.0))
    part = rule(
        {"sequence": [{**CROWD, "area": YARD}, {**CROWD, "area": {**YARD, "centre": far}}]}, per="city", within=3600.0
    )
    here, there = told("crowd", 0), told("crowd", 10, north=5000.0)

    assert minutes(found(part, here, there)) == [10]
    assert found(part, here, told("crowd", 5, north=2500.0)) == []
    assert found(part, told("crowd", 0, north=5000.0), told("crowd", 10)) == []


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"all": [SMOKE, CALL], "area": YARD}, "rule-1: area goes with fact, and not with all"),
        ({**CALL, "area": {**YARD, "radius": 50_000.0}}, "rule-1: the area of call: "),
    ],
    ids=["of no fact", "too large"],
)
def test_an_area_that_can_not_be_is_refused_by_the_name_of_its_rule(when: Mapping[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        rule(when)


def test_facts_of_different_places_are_not_one_thing() -> None:
    part = rule({"all": [SMOKE, CALL]}, metres=100)

    assert found(part, told("call", 0), told("smoke", 1, north=120)) == []
    assert minutes(found(part, told("call", 0), told("smoke", 1, north=90))) == [1]


def test_per_source_and_per_datastream_it_matters_not_where() -> None:
    tamper, silent = {"fact": ["tamper"]}, {"fact": ["silent"]}
    one: dict[str, Any] = {"sources": ["door-7"], "datastreams": [7]}
    for per in ("source", "datastream"):
        part = rule({"sequence": [tamper, silent]}, per=per)
        again = told("silent", 1, north=5000, **one)
        other = told("silent", 1, sources=["door-8"], datastreams=[8])

        assert minutes(found(part, told("tamper", 0, **one), again)) == [1]
        assert found(part, told("tamper", 0, **one), other) == []


def test_per_city_all_facts_belong_together() -> None:
    part = rule({"all": [SMOKE, CALL]}, per="city")

    assert minutes(found(part, told("call", 0), told("smoke", 1, north=9000, place=None, cell=0))) == [1]


def test_only_a_rule_of_a_place_looks_at_neighbourhoods_by_themselves() -> None:
    whole = {per: is_citywide(rule(SMOKE, per=per)) for per in ("place", "source", "datastream", "city")}

    assert whole == {"place": False, "source": True, "datastream": True, "city": True}


def test_what_has_no_place_is_not_of_a_place() -> None:
    nowhere = told("smoke", 1, place=None, cell=0)

    assert found(rule({"fact": ["smoke"]}), nowhere) == []
    assert found(rule({"fact": ["smoke"]}, per="source"), told("smoke", 1, place=None, cell=0, sources=["s"]))


# ── absence ────────────────────────────────────────────────────────────────────────────────────

ABSENT = {"of": {"fact": ["arrived"]}, "within": 300}


def test_absence_is_told_at_the_moment_when_it_is_due() -> None:
    part = rule({"fact": ["call"]}, absent=ABSENT)

    (one,) = found(part, told("call", 0), tick(4), tick(9))
    assert (minutes([one]), one.why.message, one.facts) == ([5], "rule.missing", ("call@0",))


def test_what_comes_in_time_is_not_missing_and_what_comes_a_moment_later_is() -> None:
    part = rule({"fact": ["call"]}, absent=ABSENT)

    assert found(part, told("call", 0), told("arrived", 5), tick(9)) == []
    assert minutes(found(part, told("call", 0), told("arrived", 5.01), tick(9))) == [5]
    assert minutes(found(part, told("arrived", 0), told("call", 1), tick(9))) == [6]
    assert minutes(found(part, told("call", 0), told("arrived", 3, north=5000), tick(9))) == [5]


def test_a_wait_is_begun_once_and_each_place_waits_for_itself() -> None:
    part = rule({"fact": ["call"]}, absent=ABSENT)
    calls = told("call", 0), told("call", 1), told("call", 1, north=2000, id_="far")

    assert minutes(found(part, *calls, tick(9))) == [5, 6]


@pytest.mark.parametrize("ticks", [range(1, 60), (59,)])
def test_ticks_may_be_far_apart(ticks: Iterable[int]) -> None:
    """As on an import: what is missing is told at its own moment all the same, and once while it lasts."""
    part = rule({"fact": ["call"]}, absent=ABSENT, quiet=900)
    calls = [told("call", minute) for minute in (0, 7, 40)]
    items: list[Item] = [*calls, *(tick(minute + 0.5) for minute in ticks)]

    assert minutes(found(part, *sorted(items, key=at_of))) == [5, 45]


def at_of(item: Item) -> int:
    return item.fact.at if isinstance(item, Told) else getattr(item, "at", 0)


# ── more and less pressing ─────────────────────────────────────────────────────────────────────


def test_while_it_lasts_it_becomes_more_and_then_less_pressing_as_revisions_of_one_detection() -> None:
    part = rule(
        CALL,
        changes=[
            {"when": SMOKE, "scale": {"severity": "Severe"}},
            {"when": {"fact": ["over"]}, "scale": {"severity": "Minor"}},
        ],
    )
    items = told("call", 0), told("smoke", 5), told("smoke", 6), told("over", 9), told("smoke", 10)
    all_ = found(part, *items)

    assert [one.scale.severity for one in all_] == [Severity.MODERATE, Severity.SEVERE, Severity.MINOR, Severity.SEVERE]
    assert [one.revision for one in all_] == [0, 1, 2, 3]
    assert len({one.id for one in all_}) == 1
    assert all_[1].facts == ("call@0", "smoke@5")


def test_of_several_changes_that_are_met_the_last_one_listed_holds_and_nothing_flaps() -> None:
    severe, extreme = {"severity": "Severe"}, {"severity": "Extreme"}
    part = rule(
        SMOKE, changes=[{"when": CALL, "scale": severe}, {"when": {"fact": ["call"], "count": 2}, "scale": extreme}]
    )
    all_ = found(part, told("smoke", 0), *(told("call", minute) for minute in range(1, 8)))

    assert [one.scale.severity.value for one in all_] == ["Moderate", "Severe", "Extreme"]


def test_of_two_ways_to_meet_any_the_one_that_is_soon_enough_counts() -> None:
    slow, quick = {"sequence": [SMOKE, CALL]}, CALL
    for ways in ([slow, quick], [quick, slow]):
        part = rule({"any": ways, "within": 60}, within=7200, quiet=60)
        assert minutes(found(part, told("smoke", 0), told("call", 50))) == [50]


def test_a_fact_that_comes_late_neither_stamps_a_finding_back_nor_makes_what_is_missing_due_too_early() -> None:
    both = {"all": [SMOKE, CALL]}

    assert minutes(found(rule(both), told("smoke", 8), told("call", 2))) == [8]
    assert minutes(found(rule(both, absent=ABSENT), told("smoke", 8), told("call", 2), tick(20))) == [13]


def test_what_came_before_it_changes_nothing() -> None:
    part = rule(CALL, changes=[{"when": SMOKE, "scale": {"severity": "Severe"}}])

    assert [one.revision for one in found(part, told("smoke", 0), told("call", 1))] == [0]


def test_it_is_told_anew_only_after_it_was_quiet() -> None:
    part = rule(CALL, quiet=600)
    calls = [told("call", minute) for minute in (0, 8, 16, 27)]

    assert minutes(found(part, *calls)) == [0, 27]


def test_a_fact_that_is_told_twice_counts_once() -> None:
    part = rule({"fact": ["call"], "count": 2})

    assert found(part, told("call", 0), told("call", 0)) == []


def test_a_fact_that_is_older_than_anything_remembered_is_let_go() -> None:
    part = rule({"all": [SMOKE, CALL]}, within=60, quiet=60)

    assert found(part, told("call", 9), told("smoke", 1)) == []


# ── what can't be met ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({}, "one of fact, all, any and sequence; this one has none of them"),
        ({"fact": ["call"], "any": [CALL]}, "this one has fact and any"),
        ({"all": [CALL, SMOKE], "count": 2}, "count goes with fact"),
        ({"all": [{"any": [{"all": [{"any": [{"all": [CALL]}]}]}]}]}, "at most 5 deep"),
        ({"fact": [" "]}, "is no fact"),
    ],
)
def test_a_condition_that_says_nothing_plainly_is_refused_by_the_name_of_its_rule(
    when: Mapping[str, object], says: str
) -> None:
    with pytest.raises((BadInput, msgspec.ValidationError), match=f"rule-1: .*{says}"):
        rule(when)


def test_changes_and_absences_are_looked_at_likewise() -> None:
    with pytest.raises((BadInput, msgspec.ValidationError), match="has none of them"):
        rule(CALL, absent={"of": {}, "within": 5})
    with pytest.raises((BadInput, msgspec.ValidationError), match="has none of them"):
        rule(CALL, changes=[{"when": {}, "scale": {}}])
