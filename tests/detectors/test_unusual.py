"""Unusual: what it says row by row is what it does with columns, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.detectors.unusual_row_by_row import Datastream

from tutela import parts
from tutela.detectors.unusual import Unusual
from tutela.errors import BadInput
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, parse
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of
from tutela_promises.streams import observations

WORLD = World(property="pm25", size=5, interval=3600.0)


def row_by_row(part: Unusual, items: Sequence[Item]) -> list[tuple[int, int, float]]:
    """(time, slot, usual level) of each detection."""
    streams = [Datastream(part) for _ in range(WORLD.size)]
    rows = [item for item in items if isinstance(item, Observed)]
    return sorted(
        (row.time, row.slot, streams[row.slot].usual) for row in rows if streams[row.slot].row(row.time, row.result)
    )


def columns(part: Unusual, items: Sequence[Item], cuts: Sequence[int] = ()) -> list[tuple[int, int, float]]:
    found = play(part, seens(WORLD, items, cuts))
    return sorted((each.at, slot_of(each.datastreams[0]), float(each.why.inputs["usual"])) for each in found)


def by_the_minute(seed: int, hours: int, start: int = START) -> list[Item]:
    """Rows a few minutes apart, some at the same time, that come in bursts; no ticks."""
    chance = np.random.default_rng(seed)
    time = start + np.sort(chance.integers(0, hours * HOUR // MINUTE, hours * 12)) * MINUTE
    values = 20.0 + 5.0 * chance.standard_t(3, len(time)) + 4.0 * np.sin(time / HOUR)
    slots = chance.integers(0, WORLD.size, len(time))
    return [Observed(*row) for row in zip(slots.tolist(), time.tolist(), values.tolist(), strict=True)]


@pytest.mark.parametrize("options", [{"weeks": 2, "beyond": 4.0}, {"weeks": 3, "direction": "above", "memory": 3}])
@pytest.mark.parametrize("seed", [1, 2])
def test_does_what_it_says_row_by_row_with_a_row_an_hour(seed: int, options: dict[str, object]) -> None:
    part: Unusual = parts.make("detectors", "unusual", options)
    items = observations(seed, weeks=6)

    assert columns(part, items) == row_by_row(part, items) != []


@pytest.mark.parametrize("options", [{"beyond": 3.0}, {"direction": "below", "least": 12.0}, {"zone": "Asia/Kolkata"}])
def test_does_what_it_says_row_by_row_with_many_rows_an_hour(options: dict[str, object]) -> None:
    part: Unusual = parts.make("detectors", "unusual", {"weeks": 2, "beyond": 4.0, **options})
    items = by_the_minute(3, 24 * 7 * 4)
    cuts = np.random.default_rng(4).integers(0, len(items), 60).tolist()
    expected = row_by_row(part, items)

    assert expected
    assert columns(part, items) == expected
    assert columns(part, items, cuts) == expected


def test_does_what_it_says_row_by_row_where_clocks_go_back_two_hours() -> None:
    """At Troll, on 2026-10-25, the hours from one to three come twice."""
    part = Unusual(weeks=2, beyond=4.0, zone="Antarctica/Troll")
    items = by_the_minute(5, 24 * 7 * 4, start=parse("2026-10-01T00:00:00Z"))

    assert columns(part, items) == row_by_row(part, items) != []


def weekly(part: Unusual, values: Sequence[float], last: float, step: int = 7 * DAY) -> int:
    """How many detections a value makes after these, each at the same time of its week."""
    items = [Observed(0, START + week * step, value) for week, value in enumerate((*values, last))]
    return len(play(part, seens(WORLD, items)))


def test_says_nothing_before_it_has_seen_that_hour_often_enough() -> None:
    assert weekly(Unusual(weeks=5), (20, 21, 20, 21), 500.0) == 0
    assert weekly(Unusual(weeks=4), (20, 21, 20, 21), 500.0) == 1


def test_never_judges_what_never_varies() -> None:
    assert weekly(Unusual(weeks=3), (20, 20, 20, 20), 500.0) == 0


def test_one_wild_week_teaches_little() -> None:
    """After a week of steady hours, a value counts up to three spreads and no further."""
    steady = [Observed(0, START + hour * HOUR, 20.0 + hour % 5) for hour in range(168 * 4)]
    wild = Observed(0, START + (168 * 4 + 5) * HOUR, 1e9)
    over = Observed(0, START + (168 * 4 + 6) * HOUR, 22.0)
    after = Observed(0, START + (168 * 5 + 5) * HOUR, 60.0)

    found = play(Unusual(weeks=3), seens(WORLD, [*steady, wild, over, after]))

    assert [each.at for each in found] == [wild.time, after.time]
    assert float(found[1].why.inputs["usual"]) < 25.0


def test_an_hour_of_the_week_is_one_of_the_citys_clock() -> None:
    """Clocks change on 2026-03-29: eight o'clock in Helsinki stays eight o'clock."""
    before = [parse(f"2026-03-{day:02d}T08:30:00+02:00") for day in (2, 9, 16, 23)]
    items = [Observed(0, at, 20.0 + n % 2) for n, at in enumerate(before)]

    on_time = play(Unusual(weeks=4), seens(WORLD, [*items, Observed(0, parse("2026-03-30T08:30:00+03:00"), 90.0)]))
    too_late = play(Unusual(weeks=4), seens(WORLD, [*items, Observed(0, parse("2026-03-30T09:30:00+03:00"), 90.0)]))

    assert [each.why.inputs["hour_of_week"] for each in on_time] == [8]
    assert too_late == []


@pytest.mark.parametrize(("interval", "step", "last"), [(7 * 86_400.0, 7, 16), (86_400.0, 1, 16 * 7)])
def test_what_comes_once_a_day_or_a_week_is_no_other_when_clocks_change(interval: float, step: int, last: int) -> None:
    """Sundays at midnight in UTC are Saturdays at 19:00 or at 20:00 in New York: the clocks changed on 2025-11-02."""
    world = World(property="pm25", size=5, interval=interval)
    begins = parse("2025-09-07T00:00:00Z")
    items = [Observed(0, begins + step * n * DAY, 20.0 + n // (7 // step) % 2) for n in range(last)]
    part = Unusual(weeks=8, zone="America/New_York")

    found = play(part, seens(world, [*items, Observed(0, begins + step * last * DAY, 90.0)]))

    assert [(each.at, each.why.inputs["weeks"]) for each in found] == [(parse("2025-12-28T00:00:00Z"), 16)]


def test_the_surer_the_further_off() -> None:
    values = (20, 21, 20, 21)
    found = [
        play(
            Unusual(weeks=4),
            seens(WORLD, [Observed(0, START + week * 7 * DAY, value) for week, value in enumerate((*values, last))]),
        )[0].confidence
        for last in (30.0, 60.0)
    ]

    assert 0.9 < found[0] < found[1] < 1.0


def test_only_the_properties_it_is_told_to_watch() -> None:
    assert weekly(Unusual(weeks=4, only=("pm25",)), (20, 21, 20, 21), 500.0) == 1
    assert weekly(Unusual(weeks=4, only=("another",)), (20, 21, 20, 21), 500.0) == 0


def test_absurd_numbers_do_not_spoil_what_it_knows() -> None:
    items = [Observed(0, START + hour * HOUR + SECOND, 1e308 if hour % 50 == 7 else 20.0) for hour in range(168 * 3)]

    for detection in play(Unusual(weeks=2), seens(WORLD, items)):
        assert np.isfinite(float(detection.why.inputs["usual"]))


def test_a_zone_that_does_not_exist_stops_the_start() -> None:
    with pytest.raises(BadInput, match="no zone called 'Europe/Turku'"):
        parts.make("detectors", "unusual", {"zone": "Europe/Turku"})
