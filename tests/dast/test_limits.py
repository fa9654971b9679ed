"""How much one person can ask for, over the real doors."""

from __future__ import annotations

import pytest
from litestar.testing import AsyncTestClient
from prometheus_client import generate_latest
from tests.screens.town import NOW, WHY, application, town

from tutela.app.measuring import slowed
from tutela.backends.metrics import Meters
from tutela.errors import TooOften
from tutela.flow.rates import ACTS, READS, Rates
from tutela.model.when import SECOND


async def test_whoever_asks_without_end_is_told_to_wait_and_nobody_else_is() -> None:
    now = [NOW]
    here = await town(lambda: now[0])
    eager, other = await here.token(), await here.token(name="Bo")
    async with here.living(), AsyncTestClient(application(here)) as client:
        asks = {"Authorization": f"Bearer {eager}"}
        through = [(await client.get("/v1/me", headers=asks)).status_code for _ in range(READS.burst)]
        late = await client.get(f"/v1/alerts{WHY}", headers=asks)
        page = await client.get("/", headers=asks)
        theirs = await client.get("/v1/me", headers={"Authorization": f"Bearer {other}"})
        now[0] += SECOND
        again = await client.get("/v1/me", headers=asks)

    assert set(through) == {200}
    assert (late.status_code, late.json()["type"], late.headers["retry-after"]) == (429, "tutela:TooOften", "1")
    assert "wait a little" in late.json()["detail"]
    assert (page.status_code, page.headers["retry-after"]) == (429, "1")
    assert not here.events("query@1")
    assert (theirs.status_code, again.status_code) == (200, 200)


async def test_acts_have_a_limit_of_their_own() -> None:
    here = await town()
    token = await here.token()
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        through = [(await client.post("/do/shift/on", follow_redirects=False)).status_code for _ in range(ACTS.burst)]
        late = await client.post(f"/v1/shift{WHY}", json={"budget": 6})
        read = await client.get("/v1/me")

    assert set(through) == {303}
    assert (late.status_code, read.status_code) == (429, 200)


def test_metrics_tell_how_many_had_to_wait_and_not_who() -> None:
    meters = Meters()
    rates = Rates(lambda: NOW, told=slowed(meters))
    for _ in range(READS.burst):
        rates.take("aino", "read")
    for _ in range(3):
        with pytest.raises(TooOften):
            rates.take("aino", "read")

    assert meters.registry.get_sample_value("tutela_slowed_requests_total", {"kind": "read"}) == 3
    assert meters.registry.get_sample_value("tutela_slowed_requests_total", {"kind": "act"}) is None
    assert b"aino" not in generate_latest(meters.registry)


def test_work_with_the_page_never_meets_the_limit() -> None:
    """Ten sections again each second of half an hour, two pages open, and an act every other second."""
    now = [NOW]
    rates = Rates(lambda: now[0])
    for second in range(1800):
        for _ in range(20):
            rates.take("aino", "read")
        if second % 2:
            rates.take("aino", "act")
        now[0] += SECOND
