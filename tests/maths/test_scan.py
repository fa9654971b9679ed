"""The scan: what its definition finds, by hand and case by case; as rare by chance as it says."""

from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.scan_plainly import best, circles, dealt, ratio_of

from tutela.errors import BadInput
from tutela.maths import scan
from tutela.maths.scan import UNIT, Cases, Chance, Deals, Scan

Places = list[tuple[int, int]]
Told = list[tuple[int, int]]


def cases(places: Places, told: Told) -> Cases:
    x, y = np.array(places, np.int64).T
    place, age = np.array(told, np.int64).reshape(-1, 2).T
    return Cases(x, y, place, age)


TWO: Places = [(0, 0), (1000, 0)]
EIGHT: Told = [(0, 0), (0, 0), (0, 0), (0, 5), (1, 5), (1, 5), (1, 5), (1, 5)]


def test_a_case_that_can_be_worked_out_by_hand() -> None:
    """Of eight cases half are at one place, and the three of today are all there: 1.5 are expected."""
    (found,) = Scan(cases(TWO, EIGHT), reach=500, windows=[1]).clusters(3)

    assert (found.centre, found.places, found.radius, found.window) == (0, (0,), 0.0, 1)
    assert (found.observed, found.expected) == (3, 1.5)
    assert found.score == pytest.approx((3 * log(3 / 1.5) + 5 * log(5 / 6.5)) * UNIT, abs=1)


def test_a_p_value_that_can_be_worked_out_by_hand() -> None:
    """By chance all three are at the one place or at the other in 2 of 14 cases."""
    scanned = Scan(cases(TWO, EIGHT), reach=500, windows=[1])

    chance = scanned.chance(scanned.clusters()[0].score, Deals(seed=1, most=9999))

    exact = 2 * comb(4, 3) / comb(8, 3)
    assert abs(chance.p - exact) < 4 * (exact * (1 - exact) / 9999) ** 0.5


def test_a_busy_place_or_a_busy_day_is_no_cluster() -> None:
    """Every day has nine cases at the one place for each at the other, and the last day has ten times the cases."""
    told = [(0, age) for age in range(5) for _ in range(9)] + [(1, age) for age in range(5)]
    told += [(0, 0)] * 81 + [(1, 0)] * 9

    assert Scan(cases(TWO, told), reach=500, windows=[1, 2]).clusters(3) == ()


def test_a_circle_grows_until_it_has_the_cluster() -> None:
    places = [(0, 0), (300, 0), (0, 400), (5000, 0), (5000, 100)]
    told = [(0, 0), (1, 1), (2, 0), *((3, age) for age in range(2, 9)), *((4, age) for age in range(2, 9))]
    (found,) = Scan(cases(places, told), reach=2000, windows=[1, 2, 3]).clusters(3)

    assert (found.places, found.window, found.observed, found.centre, found.radius) == ((0, 1, 2), 2, 3, 0, 400.0)


def test_places_at_one_distance_come_into_a_circle_together() -> None:
    places = [(0, 0), (100, 0), (-100, 0), (9000, 0)]
    told = [(0, 0), (1, 0), (1, 0), (2, 9), (2, 9), *((3, 9) for _ in range(9))]
    found = Scan(cases(places, told), reach=150, windows=[1]).clusters(9)

    assert all(one.centre != 0 or set(one.places) in ({0}, {0, 1, 2}) for one in found)
    assert found[0].places == (0, 1)  # around the place at its edge


def test_no_place_is_in_two_clusters() -> None:
    places = [(1000 * n, 0) for n in range(6)]
    told = [(0, 0)] * 4 + [(1, 0)] * 3 + [(4, 0)] * 4 + [(n, 5 + n) for n in range(6) for _ in range(8)]
    one, other = Scan(cases(places, told), reach=1500, windows=[1]).clusters(9)

    assert set(one.places).isdisjoint(other.places)
    assert one.score >= other.score


places_ = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=7, unique=True)


@st.composite
def towns(draw: st.DrawFn) -> tuple[Places, Told]:
    places = [(100 * x, 100 * y) for x, y in draw(places_)]
    case = st.tuples(st.integers(0, len(places) - 1), st.sampled_from((0, 0, 1, 2, 3, 5, 9)))
    return places, draw(st.lists(case, min_size=1, max_size=25))


@settings(deadline=None)
@given(town=towns(), reach=st.sampled_from((0, 100, 150, 300, 900)), windows=st.sampled_from(([1], [1, 2, 4], [2, 20])))
def test_the_best_cylinder_is_the_best_of_all(town: tuple[Places, Told], reach: float, windows: list[int]) -> None:
    places, told = town
    found = Scan(cases(places, told), reach=reach, windows=windows).clusters(1)

    highest = best(places, told, reach, windows)
    if not found:
        assert highest == 0.0
        return
    (one,) = found
    there = dict[tuple[int, frozenset[int]], None].fromkeys((at, inside) for at, _, inside in circles(places, reach))
    assert (one.centre, frozenset(one.places)) in there
    assert one.score == pytest.approx(highest * UNIT, abs=2)
    assert ratio_of(frozenset(one.places), one.window, told) == pytest.approx(highest)
    assert one.observed == sum(place in one.places and age < one.window for place, age in told)


@settings(deadline=None, max_examples=60)
@given(town=towns(), reach=st.sampled_from((0, 150, 300)), seed=st.integers(0, 9))
def test_a_deal_is_as_good_as_the_data_when_its_best_cylinder_is(
    town: tuple[Places, Told], reach: float, seed: int
) -> None:
    """The definition: deal the times out, look at all cylinders again. Ours looks at no logarithm."""
    places, told = town
    windows = [1, 2, 4]
    scanned = Scan(cases(places, told), reach=reach, windows=windows)
    for one in scanned.clusters(2):
        orders = scan._dealt(seed, np.arange(19), len(told)).tolist()
        again = [best(places, dealt(told, order), reach, windows) for order in orders]

        assert scanned.chance(one.score, Deals(seed, most=19)).hits == sum(
            round(each * UNIT) >= one.score - 1 for each in again
        )


@pytest.mark.parametrize("many", [30, 300, 70_000])
def test_counts_are_as_wide_as_they_have_to_be(many: int) -> None:
    told = [(0, 0)] * many + [(1, 0)] + [(0, 9)] * 3 + [(1, 9)] * (2 * many)
    scanned = Scan(cases(TWO, told), reach=500, windows=[1])
    (found,) = scanned.clusters()

    assert found.observed == many
    assert scanned.chance(found.score, Deals(seed=1, most=19)).hits == 0


def town(seed: int, planted: int = 0) -> Cases:
    """Two hundred cases at sixty places and in thirty days, by chance; and some more at one place of late."""
    chance = np.random.default_rng(seed)
    x, y = chance.integers(0, 10_000, (2, 60))
    place, age = chance.integers(0, 60, 200), chance.integers(0, 30, 200)
    more = np.zeros(planted, np.int64)
    return Cases(x, y, np.append(place, more), np.append(age, more))


def p_value(given: Cases, seed: int, most: int = 99) -> float:
    scanned = Scan(given, reach=2000, windows=range(1, 8))
    return scanned.chance(scanned.clusters()[0].score, Deals(seed, most)).p


def test_without_a_cluster_p_values_are_uniform() -> None:
    """Kolmogorov and Smirnov at one in a hundred, over 200 towns; p goes by steps of a hundredth."""
    found = np.sort([p_value(town(seed), seed) for seed in range(200)])

    steps = np.arange(1, 101) / 100
    off = np.abs(np.searchsorted(found, steps + 1e-9) / len(found) - steps).max()
    assert off < 1.63 / len(found) ** 0.5


def test_the_more_is_planted_the_more_is_found() -> None:
    power = [sum(p_value(town(seed, planted), seed) <= 0.05 for seed in range(30)) for planted in (0, 2, 4, 8)]

    assert power == sorted(power)
    assert power[0] <= 5
    assert power[-1] == 30


def test_the_same_seed_deals_the_same_everywhere() -> None:
    assert scan._dealt(7, np.arange(2), 6).tolist() == [[1, 4, 5, 3, 0, 2], [4, 1, 0, 3, 5, 2]]


def test_a_deal_is_a_fair_order() -> None:
    orders = scan._dealt(3, np.arange(4000), 5)
    seen = np.array([np.bincount(orders[:, place], minlength=5) for place in range(5)])

    assert (np.sort(orders, axis=1) == np.arange(5)).all()
    assert ((seen - 800) ** 2 / 800).sum(axis=1).max() < 18.5  # chi-squared, 4 degrees: one in a thousand


@pytest.mark.parametrize("block", [1, 1 << 12, 1 << 22])
def test_how_many_deals_are_worked_on_together_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = Scan(town(3, 1), reach=2000, windows=range(1, 8))
    score = scanned.clusters()[0].score
    whole, early = scanned.chance(score, Deals(5, 500)), scanned.chance(score, Deals(5, 500, enough=7))
    monkeypatch.setattr(scan, "BLOCK", block)

    assert scanned.chance(score, Deals(5, 500)) == whole
    assert scanned.chance(score, Deals(5, 500, enough=7)) == early
    assert Scan(town(3, 1), reach=2000, windows=range(1, 8)).clusters(5) == scanned.clusters(5)


def test_it_stops_at_the_deal_that_makes_enough() -> None:
    scanned = Scan(town(3), reach=2000, windows=range(1, 8))
    score = scanned.clusters()[0].score
    early = scanned.chance(score, Deals(5, 500, enough=7))

    assert early == Chance(7, early.dealt, stopped=True)
    assert scanned.chance(score, Deals(5, early.dealt)).hits == 7
    assert scanned.chance(score, Deals(5, early.dealt - 1)).hits == 6
    assert early.p == 7 / early.dealt


@pytest.mark.parametrize(
    ("places", "told", "windows", "says"),
    [
        (TWO, [], [1], "no cases"),
        (TWO, [(2, 0)], [1], "a place that is not one of the 2"),
        (TWO, [(0, -1)], [1], "newer than now"),
        (TWO, EIGHT, [], "must be whole numbers from 1 on that ascend"),
        (TWO, EIGHT, [0, 1], "must be whole numbers"),
        (TWO, EIGHT, [2, 1], "must be whole numbers"),
    ],
)
def test_what_cannot_be_scanned_is_refused(places: Places, told: Told, windows: list[int], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Scan(cases(places, told), reach=100, windows=windows)


def test_columns_of_other_lengths_are_refused() -> None:
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)

    with pytest.raises(BadInput, match="an x and a y for each place"):
        Scan(Cases(two, one, one, one), reach=100, windows=[1])
