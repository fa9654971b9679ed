"""Nouns look to people as they are: in order, in the city's time, never fresher than they are."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.screens.town import GRAVE, MINOR, MODERATE, NOW, Town

from tutela.flow.bundle import rank
from tutela.flow.read import Observed
from tutela.model.people import Agent, Role
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.when import DAY, HOUR, MINUTE, SECOND
from tutela.screens import look

ME = Agent(id="anna-0123456789", name="Anna", role=Role.OPERATOR, agency="city")


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (-5 * SECOND, "0 s"),
        (999_999, "0 s"),
        (59 * SECOND, "59 s"),
        (MINUTE, "1 min"),
        (HOUR - 1, "59 min"),
        (25 * HOUR, "1 d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(passed: int, says: str) -> None:
    assert look.ago(NOW, NOW + passed) == says


def test_a_time_is_the_citys_and_has_its_day_when_that_is_not_today() -> None:
    assert look.clock(NOW, "Europe/Helsinki") == "10:00:00"
    assert look.clock(NOW, "Europe/Helsinki", NOW + HOUR) == "10:00:00"
    assert look.clock(NOW, "Europe/Helsinki", NOW + DAY) == "25 Nov 10:00"


def test_people_go_by_their_ids() -> None:
    assert [look.who(by, ME) for by in (ME.id, "desk", "bo-0123456789")] == [
        "you",
        "the desk, by itself",
        "colleague bo-01234",
    ]


async def test_priorities_never_contradict_the_order_of_the_queue(here: Town) -> None:
    alert = await here.alert()
    scales = [
        Scale(urgency=urgency, severity=severity, certainty=Certainty.LIKELY)
        for urgency in Urgency
        for severity in Severity
    ]
    ranked = sorted(
        (msgspec.structs.replace(alert, scale=one, rank=rank(one, 0.9)) for one in scales), key=lambda one: -one.rank
    )
    priorities = [look.priority(one) for one in ranked]

    assert priorities == sorted(priorities)
    assert [look.priority(msgspec.structs.replace(alert, rank=rank(one, 0.9))) for one in (GRAVE, MODERATE, MINOR)] == [
        1,
        3,
        4,
    ]
    assert {one.scale.grave for one in ranked if look.priority(one) == 1} == {True}


@pytest.mark.parametrize(
    ("value", "says"), [(0.00012345, "0.0001234"), (12.3456, "12.35"), (999.9, "999.9"), (12345.6, "12,346"), (7, "7")]
)
def test_numbers_have_the_digits_they_deserve(value: float, says: str) -> None:
    assert look.number(value) == says


def test_names_of_ours_are_headings() -> None:
    assert [look.title(name) for name in ("bad-air", "pm25", "no2", "EMS: fall", "")] == [
        "Bad air",
        "PM2.5",
        "NO₂",
        "EMS: fall",
        "",
    ]


def test_newest_values_are_grouped_with_what_is_stale_first() -> None:
    streams = [datastream(number, interval) for number, interval in enumerate((10.0, 10.0, None, 10.0), 1)]
    ages = (29, 31, 5000, 90)
    rows = Rows(
        "readings",
        np.array([one.id for one in streams], np.int32),
        np.array([NOW - age * SECOND for age in ages], np.int64),
        {"result": np.array([3.0, 4.0, 9.0, 1.0])},
    )

    (group,) = look.groups([Observed(rows, tuple(streams))], NOW)

    assert [(value.datastream.id, value.stale) for value in group.shown] == [
        (4, True),
        (2, True),
        (3, False),
        (1, False),
    ]
    assert (group.count, group.low, group.middle, group.high, group.stale) == (4, 1.0, 3.5, 9.0, 2)
    assert group.newest == NOW - 29 * SECOND
    assert group.unit == "µg/m³"


def datastream(number: int, interval: float | None) -> Datastream:
    return Datastream(
        id=number,
        name=f"d{number}",
        source="s",
        thing="t",
        kind="readings",
        observed_property="pm25",
        unit="ug/m3",
        interval=interval,
    )
