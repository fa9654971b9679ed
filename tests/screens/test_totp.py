"""An app's codes over the API and on the pages, and suspending people."""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_passkeys import bearer
from tests.screens.town import NOW, Town, application

from tutela.maths.totp import STEP, code
from tutela.model.people import Role
from tutela.model.when import SECOND

Client = AsyncTestClient[Litestar]
OFFICE = "?purpose=system-operation&basis=PublicInterest"


@pytest.fixture
async def client(here: Town) -> AsyncIterator[Client]:
    async with AsyncTestClient(application(here)) as made:
        yield made


def shows(secret: str, off: int = 0) -> str:
    """What the app shows at that time."""
    return code(b32decode(secret), NOW // SECOND // STEP + off)


async def test_an_app_is_set_up_used_and_removed_over_the_api(here: Town, client: Client) -> None:
    agent, token = await here.person(Role.OPERATOR, "Aino")
    made = (await client.post("/v1/me/totp/make", headers=bearer(token))).json()
    wrong = await client.post("/v1/me/totp", json={"code": shows(made["secret"], 7)}, headers=bearer(token))
    right = await client.post("/v1/me/totp", json={"code": shows(made["secret"])}, headers=bearer(token))

    came = await client.post("/v1/totp/come", json={"agent": agent.id, "code": shows(made["secret"])})
    twice = await client.post("/v1/totp/come", json={"agent": agent.id, "code": shows(made["secret"])})
    me = await client.get("/v1/me", headers=bearer(came.json()["token"]))
    gone = await client.delete("/v1/me/totp", headers=bearer(token))
    again = await client.delete("/v1/me/totp", headers=bearer(token))

    assert (wrong.status_code, right.status_code, came.status_code, twice.status_code) == (403, 204, 201, 403)
    assert me.json()["name"] == "Aino"
    assert "tutela_session" in came.headers["set-cookie"]
    assert (gone.status_code, again.status_code) == (204, 404)


async def test_an_app_is_set_up_on_the_page_and_comes_in_at_the_entrance(here: Town, client: Client) -> None:
    agent, token = await here.person(Role.OPERATOR, "Aino")
    client.cookies.set("tutela_session", token)
    asked = await client.post("/you/app")
    (secret,) = re.findall(r"<b>([A-Z2-7]{32})</b>", asked.text)
    done = await client.post("/you/app/show", data={"code": shows(secret)})
    client.cookies.clear()
    wrong = await client.post("/enrol", data={"agent": agent.id, "code": "12"})
    came = await client.post("/enrol", data={"agent": agent.id, "code": shows(secret)})
    you = await client.get("/you")
    removed = await client.post("/you/app/remove")
    twice = await client.post("/you/app/remove")

    assert "From now on you can come in" in done.text
    assert (wrong.status_code, agent.id in wrong.text) == (403, True)
    assert "Welcome, Aino" in came.text
    assert "You came in by the code of an app" in you.text
    assert f"the id <b>{agent.id}</b>" in you.text
    assert secret not in you.text
    assert "Removed." in removed.text
    assert "Not done: no codes" in twice.text


async def test_somebody_is_suspended_by_one_and_restored_by_another(here: Town, client: Client) -> None:
    _, one = await here.person(Role.SUPERVISOR, "Onni")
    _, two = await here.person(Role.SUPERVISOR, "Tuuli")
    agent, token = await here.person(Role.OPERATOR, "Aino")
    why = {"reason": "a lost phone"}
    path = f"/v1/people/{agent.id}"

    out = await client.post(f"{path}/suspension{OFFICE}", json=why, headers=bearer(one))
    me = await client.get("/v1/me", headers=bearer(token))
    same = await client.post(f"{path}/restoration{OFFICE}", json=why, headers=bearer(one))
    back = await client.post(f"{path}/restoration{OFFICE}", json=why, headers=bearer(two))

    assert (out.status_code, out.json()["suspended"]) == (201, True)
    assert me.status_code == 401
    assert (same.status_code, back.status_code) == (409, 201)
    assert (await client.get("/v1/me", headers=bearer(token))).status_code == 200


async def test_removing_somebodys_app_is_for_whoever_may_invite_them(here: Town, client: Client) -> None:
    _, chief = await here.person(Role.SUPERVISOR, "Onni")
    agent, token = await here.person(Role.OPERATOR, "Aino")
    made = (await client.post("/v1/me/totp/make", headers=bearer(token))).json()
    await client.post("/v1/me/totp", json={"code": shows(made["secret"])}, headers=bearer(token))

    no = await client.delete(f"/v1/people/{agent.id}/totp{OFFICE}", headers=bearer(token))
    yes = await client.delete(f"/v1/people/{agent.id}/totp{OFFICE}", headers=bearer(chief))

    assert (no.status_code, yes.status_code) == (403, 204)
    assert not await here.totp.has(agent.id)


async def test_the_page_shows_ones_sessions_and_ends_all_others(here: Town, client: Client) -> None:
    agent, token = await here.person(Role.OPERATOR, "Aino")
    other = await here.staff.begin(agent)
    client.cookies.set("tutela_session", token)
    seen = await client.get("/you")
    told = (await client.get("/v1/me/sessions", headers=bearer(token))).json()
    ended = await client.post("/you/sessions")

    assert "End all but this one" in seen.text
    assert sorted(one["own"] for one in told) == [False, True]
    assert "All your other sessions are over" in ended.text
    assert (await client.get("/v1/me", headers=bearer(other))).status_code == 401
    assert (await client.delete("/v1/me/sessions", headers=bearer(token))).status_code == 204


async def test_whoever_comes_in_anew_in_a_browser_ends_the_session_that_it_had(here: Town, client: Client) -> None:
    _, token = await here.person(Role.OPERATOR, "Aino")
    client.cookies.set("tutela_session", token)
    code_ = await here.staff.invite_here(Role.OPERATOR, "city")
    await client.post("/enrol", data={"code": code_, "name": "Bo"})

    assert (await client.get("/v1/me", headers=bearer(token))).status_code == 401
