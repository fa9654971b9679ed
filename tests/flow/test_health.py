"""Promises of the health of sources."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Protocol

import pytest

from tutela.errors import EngineDown
from tutela.flow.health import OTHERS, Count, Health
from tutela.model.flow import Refusal
from tutela.model.when import MINUTE, SECOND

NOW = 1_000 * MINUTE + 17 * SECOND


def test_a_source_is_reported_with_what_it_sent_and_when() -> None:
    health = Health()
    health.stored("b", 100, NOW)
    health.stored("a", 1, NOW)
    health.stored("b", 50, NOW + SECOND)

    a, b = health.report(NOW + SECOND)

    assert (a.source, a.rows, a.last) == ("a", 1, NOW)
    assert (b.source, b.rows, b.last) == ("b", 150, NOW + SECOND)


def test_the_rate_comes_to_what_is_sent_and_fades_when_nothing_is() -> None:
    health = Health()
    for second in range(200):
        health.stored("a", 500, NOW + second * SECOND)

    steady = health.report(NOW + 199 * SECOND)[0].rows_per_second
    later = health.report(NOW + 299 * SECOND)[0].rows_per_second

    assert steady == pytest.approx(500, rel=0.06)
    assert later < 0.1


def test_a_clock_set_back_does_not_blow_up_the_rate() -> None:
    health = Health()
    health.stored("a", 500, NOW)
    health.stored("a", 500, NOW - MINUTE)

    report = health.report(NOW - MINUTE)[0]

    assert (report.rows_per_second, report.last) == (100.0, NOW)


def test_refusals_are_counted_by_source_minute_and_reason() -> None:
    health = Health()
    health.refused("a", (Refusal("future", "…", 3), Refusal("unknown", "…", 1)), NOW)
    health.refused("a", (Refusal("future", "…", 2),), NOW + SECOND)
    health.refused("a", (Refusal("future", "…", 2),), NOW + MINUTE)

    assert health.take() == {
        ("a", 1_000 * MINUTE, "future"): 5,
        ("a", 1_000 * MINUTE, "unknown"): 1,
        ("a", 1_001 * MINUTE, "future"): 2,
    }
    assert health.take() == {}
    (report,) = health.report(NOW)
    assert (report.refused, report.last, report.rows_per_second) == ({"future": 7, "unknown": 1}, None, 0.0)


def test_made_up_names_can_not_fill_the_memory() -> None:
    health = Health(most=10)
    for number in range(1000):
        health.refused(f"made-up-{number}", (Refusal("quarantined", "…", 1),), NOW)

    counts = health.take()

    assert len(counts) == 11
    assert counts[OTHERS, 1_000 * MINUTE, "quarantined"] == 990
    assert len(health.report(NOW)) == 11
    health.stored("registered", 1, NOW)
    assert "registered" in {report.source for report in health.report(NOW)}


class Register:
    """Takes refusals, after it was away for a while."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.told: list[Mapping[Count, int]] = []

    async def refuse(self, counts: Mapping[Count, int]) -> None:
        self.away -= 1
        if self.away >= 0:
            raise EngineDown("PostgreSQL does not answer")
        self.told.append(dict(counts))


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


def test_refusals_are_told_each_second_and_none_is_lost_while_postgresql_is_away(virtually: Virtually) -> None:
    async def main() -> None:
        health, register = Health(), Register(away=2)
        telling = asyncio.create_task(health.run(register))
        health.refused("a", (Refusal("future", "…", 3),), NOW)
        await asyncio.sleep(1.5)
        health.refused("a", (Refusal("future", "…", 4),), NOW)
        await asyncio.sleep(5)
        telling.cancel()

        assert register.told == [{("a", 1_000 * MINUTE, "future"): 7}]

    virtually(main())
