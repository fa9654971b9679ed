"""Which city this is, for whoever is signed in."""

from __future__ import annotations

from typing import Any, cast

import httpx
from tests.screens.town import INSTALL, NOW, application, town


async def test_whoever_is_signed_in_reads_which_city_this_is_and_what_time_it_is_there() -> None:
    here = await town(lambda: NOW)
    transport = httpx.ASGITransport(cast("Any", application(here)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        nobody = await client.get("/v1/city")
        client.headers["Authorization"] = f"Bearer {await here.token()}"
        answer = await client.get("/v1/city")

    assert nobody.status_code == 401
    assert answer.json() == {"name": INSTALL.city, "zone": INSTALL.zone, "at": NOW}
