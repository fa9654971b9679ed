"""A shift is handed over on a page that works without a script, and how fast help came is drawn beside the lines, with a table."""

from __future__ import annotations

import re

from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import WHY, Town, application

from tutela.model.people import Role

Client = AsyncTestClient[Litestar]


async def test_a_shift_is_signed_on_the_page_and_taken_over_by_the_next_person(here: Town) -> None:
    async with here.living(), AsyncTestClient(application(here)) as client:
        aino = {"Authorization": f"Bearer {await here.token(Role.OPERATOR, 'Aino')}"}
        bo = {"Authorization": f"Bearer {await here.token(Role.OPERATOR, 'Bo')}"}
        alert = await here.alert()
        await client.post(f"/v1/alerts/{alert.id}/acknowledge{WHY}", headers=aino)
        await here.seal()
        page = (await client.get("/handover", headers=aino)).text
        form = dict(re.findall(r'name="(key|since)" value="([^"]*)"', page))
        form["words"] = "The <b>market</b> ends at nine."
        signed = [await client.post("/handover", headers=aino, data=form) for _ in range(2)]
        (one,) = (await client.get(f"/v1/handovers{WHY}", headers=bo)).json()
        waiting = (await client.get("/handover", headers=bo)).text
        own = await client.post(f"/handover/{one['id']}/take", headers=aino)
        taken = await client.post(f"/handover/{one['id']}/take", headers=bo)
        (after,) = (await client.get(f"/v1/handovers{WHY}", headers=aino)).json()

    assert "acknowledged" in page
    assert [answer.status_code for answer in signed] == [200, 200]
    assert "Signed, and written down" in signed[0].text
    assert "The &lt;b&gt;market&lt;/b&gt; ends at nine." in waiting
    assert "I read it and take over" in waiting
    assert "you signed this handover yourself" in own.text
    assert "Taken over" in taken.text
    assert after["taken_by"]


async def test_a_time_that_is_none_is_refused_with_how_to_write_one(operator: Client) -> None:
    answer = await operator.get(f"/v1/handover{WHY}&since=yesterday")

    assert (answer.status_code, "write it like" in answer.json()["detail"]) == (400, True)


async def test_response_times_have_a_table_beside_each_drawing_and_say_what_is_not_measured(
    here: Town, operator: Client
) -> None:
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    access, call = here.access(agent), await here.call()
    await here.incidents.open_from_call(access, call.id, "1")
    await here.seal()
    page = (await operator.get("/kpis?days=1")).text
    told = (await operator.get(f"/v1/kpis{WHY}")).json()

    assert page.count("<svg") == 1
    assert page.count("Not measured:") == 5
    assert 'aria-label="call to incident: nine of ten within 40 s, half within 40 s"' in page
    assert [one["name"] for one in told["steps"]] == [
        "answer",
        "process",
        "turnout",
        "travel",
        "call to incident",
        "alert to person",
    ]
