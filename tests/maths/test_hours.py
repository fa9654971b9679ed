"""Hours of the week are those of the city's own clock, on every machine."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths import hours
from tutela.model.when import HOUR, SECOND, moment, parse


@cache
def pinned(name: str) -> ZoneInfo:
    """The zone as the locked distribution has it; the machine's own may be of another year."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


ZONES = ("Europe/Helsinki", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


@given(
    name=st.sampled_from(ZONES),
    seconds=st.lists(st.integers(0, 4_102_444_799), min_size=1, max_size=50),
)
def test_agrees_with_the_standard_library_on_every_hour(name: str, seconds: list[int]) -> None:
    local = [moment(second * SECOND).astimezone(pinned(name)) for second in seconds]

    numbers = hours.hours(hours.zone(name), np.array(seconds) * SECOND)

    assert hours.of_week(numbers).tolist() == [each.weekday() * 24 + each.hour for each in local]


@pytest.mark.parametrize("name", ZONES)
def test_agrees_around_each_change_of_the_clocks(name: str) -> None:
    table = hours.zone(name)
    times = np.concatenate([table.since - SECOND, table.since])
    local = [moment(at).astimezone(pinned(name)) for at in times.tolist()]

    assert hours.of_week(hours.hours(table, times)).tolist() == [each.weekday() * 24 + each.hour for each in local]


def test_monday_midnight_is_hour_nought() -> None:
    monday = np.array([parse("2026-01-05T00:00:00+02:00"), parse("2026-01-11T23:59:59+02:00")])

    assert hours.of_week(hours.hours(hours.zone("Europe/Helsinki"), monday)).tolist() == [0, 167]


def test_the_hour_that_comes_twice_has_one_number() -> None:
    begun = parse("2026-10-25T03:00:00+03:00")
    numbers = hours.hours(hours.zone("Europe/Helsinki"), np.array([begun, begun + HOUR, begun + 2 * HOUR]))

    assert (numbers - numbers[0]).tolist() == [0, 0, 1]


def test_no_times_have_no_hours() -> None:
    assert len(hours.hours(hours.zone("UTC"), np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Turku", "../tzdata", "zone.tab"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="there is no zone called"):
        hours.zone(name)


@given(
    seconds=st.lists(st.integers(0, 4_102_444_799), min_size=1, max_size=50),
    interval=st.sampled_from([60.0, 3600.0, 86_400.0, 604_800.0, 2_600_000.0, float("nan")]),
)
def test_a_day_begins_at_midnight_and_a_week_on_monday(seconds: list[int], interval: float) -> None:
    every = hours.hours(hours.zone("Europe/Helsinki"), np.array(seconds) * SECOND)
    span = hours.spans(np.full(len(every), interval))
    first = hours.begins(every, span)

    assert ((first <= every) & (every < first + span)).all()
    assert (hours.of_week(first) % span == 0).all()
    assert set(span) == {168 if interval >= 604_800 else 24 if interval >= 86_400 else 1}
