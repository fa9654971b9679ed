"""Passkeys over the API, and the page about oneself."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.flow.authenticator import Authenticator, Json, text
from tests.screens.town import NOW, Town, application, town

from tutela.flow.people import IDLE
from tutela.flow.rates import ACTS
from tutela.model.people import Role

Client = AsyncTestClient[Litestar]
HERE = "https://city.example"
OFFICE = "?purpose=system-operation&basis=PublicInterest"


@pytest.fixture
async def client(here: Town) -> AsyncIterator[Client]:
    async with AsyncTestClient(application(here, HERE), base_url=HERE) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def add(client: Client, token: str, device: Authenticator, name: str = "phone") -> Json:
    options = (await client.post("/v1/me/passkeys/make", headers=bearer(token))).json()
    said = {"name": name, "answer": device.make(options)}
    answer = await client.post("/v1/me/passkeys", json=said, headers=bearer(token))
    assert answer.status_code == 201, answer.text
    added: Json = answer.json()
    return added


async def test_a_stranger_who_asks_without_end_is_told_to_wait(client: Client) -> None:
    for _ in range(ACTS.burst):
        assert (await client.post("/v1/passkeys/ask")).status_code == 200
    answer = await client.post("/v1/passkeys/ask")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_a_passkey_is_added_used_named_and_removed(here: Town, client: Client) -> None:
    agent, token = await here.person(Role.OPERATOR, "Aino")
    device = Authenticator(origin=HERE)
    added = await add(client, token, device)

    asked = (await client.post("/v1/passkeys/ask")).json()
    came = await client.post("/v1/passkeys/come", json={"answer": device.show(asked)})
    twice = await client.post("/v1/passkeys/come", json={"answer": device.show(asked)})
    me = await client.get("/v1/me", headers=bearer(came.json()["token"]))
    own = await client.get("/v1/me/passkeys", headers=bearer(token))
    gone = await client.delete(f"/v1/me/passkeys/{added['id']}", headers=bearer(token))
    client.cookies.clear()
    out = await client.get("/v1/me", headers=bearer(came.json()["token"]))

    assert (came.status_code, came.json()["agent"]["name"], me.json()["id"]) == (201, "Aino", agent.id)
    assert "HttpOnly" in came.headers["set-cookie"]
    assert (twice.status_code, twice.json()["policy"]) == (403, "passkey")
    assert [(one["id"], one["name"]) for one in own.json()] == [(added["id"], "phone")]
    assert (gone.status_code, out.status_code) == (204, 401)


async def test_a_supervisor_sees_and_removes_those_of_a_colleague(here: Town, client: Client) -> None:
    agent, token = await here.person(Role.OPERATOR, "Aino")
    added = await add(client, token, Authenticator(origin=HERE))
    boss, other = bearer(await here.token(Role.SUPERVISOR)), bearer(await here.token(Role.SUPERVISOR, agency="fire"))
    path = f"/v1/people/{agent.id}/passkeys"

    seen = await client.get(f"{path}{OFFICE}", headers=boss)
    refused = await client.delete(f"{path}/{added['id']}{OFFICE}", headers=other)
    gone = await client.delete(f"{path}/{added['id']}{OFFICE}", headers=boss)

    assert [one["name"] for one in seen.json()] == ["phone"]
    assert (refused.status_code, refused.json()["policy"]) == (403, "F18-own-agency-invites")
    assert (gone.status_code, (await client.get(f"{path}{OFFICE}", headers=boss)).json()) == (204, [])


async def test_a_passkey_wakes_who_was_idle_and_is_what_policies_are_asked_with() -> None:
    now = [NOW]
    here = await town(lambda: now[0])
    async with AsyncTestClient(application(here, HERE), base_url=HERE) as client:
        token, device = await here.token(), Authenticator(origin=HERE)
        await add(client, token, device)
        now[0] += IDLE
        idle = await client.post("/v1/me/passkeys/make", headers=bearer(token))
        asked = (await client.post("/v1/passkeys/ask")).json()
        again = (await client.post("/v1/passkeys/come", json={"answer": device.show(asked)})).json()["token"]
        awake = await client.post("/v1/me/passkeys/make", headers=bearer(again))

    assert (idle.status_code, idle.json()["policy"], awake.status_code) == (403, "idle", 200)


async def test_a_passkey_is_for_the_address_that_was_set_and_no_header_changes_it(here: Town, client: Client) -> None:
    evil = {**bearer(await here.token()), "Host": "evil.example"}
    set_ = await client.post("/v1/me/passkeys/make", headers=evil)
    async with AsyncTestClient(application(here)) as unset:
        answers = [
            await unset.post("/v1/me/passkeys/make", headers={**evil, "Host": host})
            for host in ("evil.example", "localhost.evil.example", "localhost:8466")
        ]

    assert set_.json()["rp"]["id"] == "city.example"
    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert "TUTELA_SITE" in answers[0].json()["detail"]
    assert answers[2].json()["rp"]["id"] == "localhost"


async def test_another_site_asks_for_nothing(client: Client) -> None:
    asked: tuple[tuple[str, Json], ...] = (("/v1/passkeys/ask", {}), ("/v1/passkeys/come", {"answer": {}}))
    for path, said in asked:
        answer = await client.post(path, json=said, headers={"Origin": "https://evil.example"})
        assert (answer.status_code, answer.json()["policy"]) == (403, "same-site")


async def test_nothing_of_a_passkey_is_logged(here: Town, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token, device = await here.token(), Authenticator(origin=HERE)
    await add(client, token, device, "Aino's phone")
    asked = (await client.post("/v1/passkeys/ask")).json()
    await client.post("/v1/passkeys/come", json={"answer": {**device.show(asked), "type": "nonsense"}})

    for secret in (text(device.id), repr(device.id), "Aino's phone", asked["challenge"]):
        assert secret not in caplog.text


async def test_the_page_about_oneself_lists_and_removes_passkeys_without_a_script(here: Town, client: Client) -> None:
    token = await here.token()
    added = await add(client, token, Authenticator(origin=HERE), "<b>phone</b>")
    client.cookies.set("tutela_session", token)

    page = await client.get("/you")
    done = await client.post(f"/you/remove/{added['id']}", follow_redirects=True)
    again = await client.post(f"/you/remove/{added['id']}", follow_redirects=True)

    assert "&lt;b&gt;phone&lt;/b&gt;" in page.text
    assert "Invite somebody" not in page.text
    assert ("Removed." in done.text, "None yet." in done.text) == (True, True)
    assert "Not done: there is no passkey" in again.text


async def test_the_page_makes_a_code_with_a_last_day_in_the_city(here: Town, client: Client) -> None:
    client.cookies.set("tutela_session", await here.token(Role.SUPERVISOR))
    known, _ = await here.person(Role.OPERATOR, "Oskari")

    page = await client.post("/you/invite", data={"role": "operator", "until": "2026-11-30"})
    again = await client.post("/you/invite", data={"agent": known.id})
    wrong = [
        await client.post("/you/invite", data=data, follow_redirects=True)
        for data in ({"role": "king"}, {"role": "operator", "until": "soon"}, {"role": "auditor"}, {"agent": "nobody"})
    ]

    codes = [answer.text.partition("this once: <b>")[2].partition("</b>")[0] for answer in (page, again)]
    came = [await here.staff.enrol(code, "Mary") for code in codes]
    assert (came[0][0].role, came[0][0].until) == ("operator", 1_796_076_000_000_000)
    assert came[1][0] == known
    says = ("there is no role", "is no day", "is not chosen by those", "nobody with the id")
    assert [said in answer.text for said, answer in zip(says, wrong, strict=True)] == [True] * 4
