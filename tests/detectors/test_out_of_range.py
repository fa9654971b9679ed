"""What `out_of_range` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tutela.detectors.out_of_range import RANGES, OutOfRange, Range
from tutela.model.when import MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Observed, World, seens

TEMPERATURE = {"pm10": Range(low=-90.0, high=60.0, units=("1", "Cel"))}


def doubted(part: OutOfRange, results: Sequence[float], world: World | None = None) -> tuple[list[int], int]:
    """The places of the rows that are doubted, and how many detections there were."""
    items = [Observed(0, START + place * MINUTE, result) for place, result in enumerate(results)]
    [seen] = seens(world or World(property="pm10", size=1), items)
    _, found, bad = part.judge(part.begin(), seen)
    return [] if bad is None else np.flatnonzero(bad).tolist(), len(found)


def test_it_is_believed_again_after_so_many_possible_results_in_a_row() -> None:
    part = OutOfRange(ranges=TEMPERATURE, calm=2)

    assert doubted(part, [20, 999, 20, 999, 20, 20, 20, -999, 20, 20]) == ([1, 2, 3, 4, 7, 8], 2)


def test_its_bounds_are_possible() -> None:
    assert doubted(OutOfRange(ranges=TEMPERATURE), [-90.0, 60.0]) == ([], 0)


def test_a_property_without_a_range_is_not_judged() -> None:
    assert doubted(OutOfRange(ranges=TEMPERATURE), [1e9], World(property="smell", size=1)) == ([], 0)


def test_a_unit_that_the_range_does_not_name_is_not_judged() -> None:
    """A temperature in kelvin is no impossible one in degrees."""
    celsius = {"pm10": Range(low=-90.0, high=60.0, units=("Cel",))}

    assert doubted(OutOfRange(ranges=celsius), [293.15]) == ([], 0)


def test_two_at_one_moment_are_told_once() -> None:
    part = OutOfRange(ranges=TEMPERATURE, calm=1)
    items = [Observed(0, START, result) for result in (999.0, 20.0, 998.0)]
    [seen] = seens(World(property="pm10", size=1), items)

    assert len(part.step(part.begin(), seen)[1]) == 1


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_range_has_an_inside_and_a_unit(name: str) -> None:
    assert RANGES[name].low < RANGES[name].high
    assert RANGES[name].units


@pytest.mark.parametrize("code", [-9999.0, -999.0, 65535.0, 1e9])
def test_the_codes_that_instruments_send_for_a_fault_are_impossible_for_air_and_noise(code: float) -> None:
    assert not any(RANGES[name].low <= code <= RANGES[name].high for name in ("pm25", "pm10", "no2", "noise"))
