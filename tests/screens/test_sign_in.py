"""Coming in again: an end of one's role, half an hour without an act, and too many codes that were wrong."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, Request
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, WHY, Town, application, town

from tutela.flow.people import IDLE
from tutela.model.people import Role
from tutela.model.when import HOUR, iso
from tutela.screens.guard import address_of

Client = AsyncTestClient[Litestar]
OFFICE = "?purpose=system-operation&basis=PublicInterest"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def at(now: list[int]) -> Town:
    return await town(lambda: now[0])


async def test_an_invitation_says_until_when_and_after_it_the_person_is_told_so() -> None:
    now = [NOW]
    here = await at(now)
    async with AsyncTestClient(application(here)) as client:
        boss = bearer(await here.token(Role.SUPERVISOR))
        asked = {"role": "operator", "agency": "city", "until": iso(NOW + HOUR)}
        code = (await client.post(f"/v1/invitations{OFFICE}", json=asked, headers=boss)).json()["code"]
        enrolled = (await client.post("/v1/enrol", json={"code": code, "name": "Oskari"})).json()
        past = await client.post(f"/v1/invitations{OFFICE}", json=asked | {"until": iso(NOW)}, headers=boss)
        now[0] += HOUR
        client.cookies.clear()
        over = await client.get("/v1/me", headers=bearer(enrolled["token"]))
        client.cookies.set("tutela_session", enrolled["token"])
        page = await client.get("/", follow_redirects=False)

    assert (enrolled["agent"]["until"], past.status_code) == (NOW + HOUR, 400)
    assert (over.status_code, over.json()["policy"]) == (403, "role-ended")
    assert (page.status_code, page.headers["location"]) == (303, "/enrol")


async def test_an_idle_console_keeps_its_view_and_acts_only_after_a_fresh_sign_in() -> None:
    now = [NOW]
    here = await at(now)
    agent, token = await here.person(Role.OPERATOR, "Aino")
    alert = await here.alert()
    async with AsyncTestClient(application(here)) as client:
        client.cookies.set("tutela_session", token)
        await client.post("/do/shift/on", data={"key": "1", "budget": "12"})
        for _ in range(3):  # the page fetches its parts by itself: that is nobody who sits there
            now[0] += IDLE // 3
            assert (await client.get("/part/queue")).status_code == 200
        page = await client.get("/")
        over = await client.post(f"/v1/alerts/{alert.id}/acknowledge{WHY}", headers=bearer(token))
        form = {"key": "2", "back": f"alert={alert.id}"}
        done = await client.post(f"/do/alert/acknowledge/{alert.id}", data=form, follow_redirects=True)

        assert (page.status_code, "On shift since" in page.text) == (200, True)
        assert (over.status_code, over.json()["policy"]) == (403, "idle")
        assert "Not done: you did nothing here since" in done.text
        assert (await here.facts.alert(alert.id)).status == "new"

        code = (await here.staff.invite_again_here(agent.id))[1]
        await client.post("/enrol", data={"code": code, "name": "Aino"})
        await client.post(f"/do/alert/acknowledge/{alert.id}", data=form)

    assert (await here.facts.alert(alert.id)).status == "acknowledged"


async def test_opening_pages_keeps_a_session_awake() -> None:
    now = [NOW]
    here = await at(now)
    async with AsyncTestClient(application(here)) as client:
        client.cookies.set("tutela_session", await here.token())
        for _ in range(3):
            now[0] += IDLE - 1
            await client.get("/")
        on = await client.post("/do/shift/on", data={"key": "1", "budget": "12"}, follow_redirects=True)

    assert "On shift since" in on.text


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_failures_are_counted_by_address_and_of_ipv6_by_network(host: str | None, counted: str) -> None:
    scope: Any = {"type": "http", "method": "POST", "client": (host, 1) if host else None}

    assert address_of(Request(scope)) == counted


async def test_wrong_codes_end_in_429_which_says_until_when_and_nothing_else(here: Town, stranger: Client) -> None:
    right = await here.staff.invite_here(Role.OPERATOR, "city")
    for _ in range(3):
        assert (await stranger.post("/v1/enrol", json={"code": "WRONG", "name": "Eve"})).status_code == 404
    for _ in range(2):
        assert (await stranger.post("/enrol", data={"code": "WRONG", "name": "Eve"})).status_code == 404

    api = [await stranger.post("/v1/enrol", json={"code": code, "name": "Eve"}) for code in (right, "WRONG")]
    page = await stranger.post("/enrol", data={"code": right, "name": "Eve"})

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in api] == [(429, "900")] * 2
    assert api[0].json() == api[1].json()
    assert (page.status_code, "nothing is tried from here until 2026-11-25T08:15:00" in page.text) == (429, True)
