"""What every forecast promises. One that is added is tested the day it lands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tutela import parts
from tutela.errors import BadInput
from tutela_promises.traps import trapped

pytestmark = pytest.mark.parametrize("name", sorted(parts.names("forecasts")))

HOUR = 490_992  # a Monday in January 2026, midnight
SERIES = np.arange(4)
SEEDS = (1, 2, 3)

Counts = npt.NDArray[np.int64]


def made(name: str, **options: object) -> Any:  # noqa: ANN401  a forecast can be of any class
    return parts.make("forecasts", name, options)


def history(seed: int, weeks: int = 10) -> Counts:
    """Counts by the hour that have days and weeks in them; by row an hour, by column a series."""
    chance = np.random.default_rng(seed)
    hour = np.arange(weeks * 168)
    usual = 6 + 4 * np.sin(hour * 2 * np.pi / 24) + 2 * (hour % 168 > 119)
    counts: Counts = chance.poisson(usual[:, None] * chance.uniform(0.5, 2, len(SERIES)))
    return counts


def learnt(forecast: Any, state: Any, counts: Counts, begin: int, end: int) -> Any:  # noqa: ANN401  as above
    for row in range(begin, end):
        state = forecast.learn(state, SERIES, HOUR + row, counts[row])
    return state


def week(forecast: Any, state: Any, counts: Counts) -> list[list[float]]:  # noqa: ANN401  as above
    """What is expected of each hour of the week after."""
    return [np.stack(forecast.expected(state, SERIES, HOUR + len(counts) + row)).ravel().tolist() for row in range(168)]


def test_says_honestly_what_it_foresees_and_what_it_cannot(name: str) -> None:
    card = parts.load("forecasts", name).card

    assert card.finds.endswith(".")
    assert card.cannot.endswith(".")


@pytest.mark.parametrize("seed", SEEDS)
def test_can_stop_be_saved_and_resume_anywhere(name: str, seed: int) -> None:
    forecast, counts = made(name), history(seed)
    whole = learnt(forecast, forecast.begin(), counts, 0, len(counts))

    saved: dict[str, bytes] = {}
    cuts = np.random.default_rng(seed).integers(0, len(counts), 5).tolist()
    for begin, end in pairwise([0, *sorted(cuts), len(counts)]):
        again = made(name)
        saved |= again.changed(learnt(again, again.load(saved), counts, begin, end))

    assert week(forecast, forecast.load(saved), counts) == week(forecast, whole, counts)
    assert all(type(body) is bytes for body in saved.values())


def test_an_old_state_stays_as_it_was_and_asking_changes_nothing(name: str) -> None:
    forecast, counts = made(name), history(1)
    state = learnt(forecast, forecast.begin(), counts, 0, 800)
    before = week(forecast, state, counts)

    learnt(forecast, state, counts, 800, len(counts))

    assert week(forecast, state, counts) == before


def test_each_series_is_foreseen_by_its_own_history(name: str) -> None:
    forecast, counts = made(name), history(1)
    other = counts.copy()
    other[:, 1:] += 50

    found, changed = (
        week(forecast, learnt(forecast, forecast.begin(), each, 0, len(each)), each) for each in (counts, other)
    )

    assert [row[:: len(SERIES)] for row in found] == [row[:: len(SERIES)] for row in changed]
    assert found != changed


@pytest.mark.parametrize("seed", SEEDS)
def test_keeps_the_score_of_forecasts_that_were_made_before_the_count_was_known(name: str, seed: int) -> None:
    forecast, counts = made(name), history(seed)
    state, off = forecast.begin(), []
    for row, came in enumerate(counts):
        off.append(np.abs(forecast.expected(state, SERIES, HOUR + row).mean - came))
        state = forecast.learn(state, SERIES, HOUR + row, came)
    score = forecast.score(state, SERIES)

    assert (score.hours > len(counts) - 169).all()
    assert np.allclose(score.error, np.nanmean(off, axis=0))


@pytest.mark.parametrize("seed", SEEDS)
def test_is_no_worse_than_the_mean_of_all_that_came(name: str, seed: int) -> None:
    forecast, counts = made(name), history(seed)
    score = forecast.score(learnt(forecast, forecast.begin(), counts, 0, len(counts)), SERIES)

    assert (score.error < np.abs(counts - counts.mean(axis=0)).mean(axis=0)).all()


def test_memory_follows_the_city_and_not_the_years(name: str) -> None:
    forecast, sizes = made(name), []
    for weeks in (4, 20):
        counts = history(1, weeks)
        saved = forecast.changed(learnt(forecast, forecast.begin(), counts, 0, len(counts)))
        sizes.append(sum(len(body) for body in saved.values()))

    assert sizes[0] == sizes[1]


def test_thinks_without_clock_chance_files_or_sockets(name: str) -> None:
    forecast, counts = made(name), history(1, 2)

    with trapped():
        found = week(forecast, learnt(forecast, forecast.begin(), counts, 0, len(counts)), counts)

    assert len(found) == 168


def test_refuses_an_option_that_it_does_not_have(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} in forecasts: .*its options are name, "):
        made(name, colour="blue")
