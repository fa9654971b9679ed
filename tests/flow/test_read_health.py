"""Health is read like everything else: decided, and written down."""

from __future__ import annotations

import pytest
from tests.flow.read_support import NOW, City, access, city, source

from tutela.errors import Refused
from tutela.flow.health import Health
from tutela.flow.read_health import HealthReads
from tutela.model.flow import Refusal
from tutela.model.people import Role


@pytest.fixture
async def here() -> City:
    here = await city()
    await here.define([source("lamps", "city-operations"), source("air", "environment")], [])
    return here


def health(here: City) -> tuple[HealthReads, Health]:
    told = Health()

    async def off() -> dict[str, str]:
        return {"crowds": "it has no dpia"}

    return HealthReads(
        ledger=here.ledger,
        known=here.known,
        progress=here.facts,
        report=told.report,
        witnesses=here.facts.watched,
        off=off,
    ), told


async def test_every_source_is_told_of_also_a_silent_one_and_a_stranger(here: City) -> None:
    reads, told = health(here)
    told.stored("lamps", 30, NOW - 1_000_000)
    told.refused("stranger", [Refusal("unregistered", "enter it first", 4)], NOW)

    found = await reads.vitals(access())

    assert [(one.health.source, one.health.rows, one.entry is None) for one in found.sources] == [
        ("air", 0, False),
        ("lamps", 30, False),
        ("stranger", 0, True),
    ]
    assert found.sources[2].health.refused == {"unregistered": 4}
    assert found.off == {"crowds": "it has no dpia"}
    assert [query.query for query in here.queries()] == ["health"]


async def test_the_lag_is_how_long_the_oldest_event_waits(here: City) -> None:
    reads, _ = health(here)
    here.now[0] += 2_000_000

    waiting = await reads.vitals(access())
    epoch = await here.facts.lead("sealer") or 0
    await here.facts.round(epoch, lambda _: b"leaf", 100)
    sealed = await reads.vitals(access())

    assert (waiting.sealing.size, waiting.sealing.waiting, waiting.lag) == (0, 2, 2.0)
    assert (sealed.sealing.size, sealed.sealing.waiting, sealed.lag) == (3, 0, 0.0)


async def test_who_has_no_duty_that_needs_it_is_refused(here: City) -> None:
    reads, _ = health(here)

    with pytest.raises(Refused):
        await reads.vitals(access(Role.ANALYST, "statistics"))
    assert not here.queries()
