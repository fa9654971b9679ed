"""What a source's register entry lets go is let go by the running keeper, and the log says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.integration.running import Instance, Person, datastream, line, now, until

from tutela.app.core import core
from tutela.app.lake import lake
from tutela.app.settings import settings

pytestmark = pytest.mark.integration

DAY = 86_400.0


async def archived(data: Path, datastream: int) -> list[float]:
    """What the lake has of it, whoever may read that."""
    async with core(settings(data, env={}), "test", connections=1) as inside:
        history = lake(inside)
        rows = await history.series("live", "readings", datastream, 0, 2**62, 100)
        await history.close()
        found: list[float] = rows.result.tolist()
        return found


def test_rows_past_their_retention_are_gone_and_an_event_counts_them(city: Instance, operator: Person) -> None:
    sensors = city.enter("fleeting", datastream("fleeting/a"), retention_days=1)
    sensors.known("fleeting/a")
    sensors.take(line("fleeting/a", 7.0, now(-2 * DAY)), line("fleeting/a", 8.0, now(-2 * DAY - 60)))
    city.keeper_again()  # it archives before it stops, and looks for what is past when it starts

    def told() -> list[dict[str, object]]:
        about = operator.get("/v1/events/about/fleeting")
        return [one["body"] for one in about if one["kind"] == "retention@1"]

    until(told, "the log tells of it")
    until(lambda: asyncio.run(archived(city.data, city.numbers()["fleeting/a"])) == [1.0], "the rows are gone")
    assert [(body["source"], body["days"], body["rows"]) for body in told()] == [("fleeting", 1, 2)]
