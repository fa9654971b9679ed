"""From the entrance to the city's own provider and back, without a script; and an account that lets nobody in any more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from html import unescape

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.app.identity import Identity, identity
from tests.screens.test_passkeys import bearer
from tests.screens.town import NOW, Town, application

from tutela.app.provider import HttpProvider
from tutela.model.people import Role
from tutela.model.when import SECOND
from tutela.screens.provider import JOURNEY

Client = AsyncTestClient[Litestar]
OFFICE = "?purpose=system-operation&basis=PublicInterest"
SITE = "https://city.example"
CROSS = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def there() -> Iterator[Identity]:
    with identity(lambda: NOW // SECOND) as made:
        yield made


@pytest.fixture
async def client(here: Town, there: Identity) -> AsyncIterator[Client]:
    here.provider = HttpProvider(there.settings, here.clock)
    async with AsyncTestClient(application(here, SITE), base_url=SITE) as made:
        yield made


async def away(client: Client, **typed: str) -> str:
    """Where a browser goes from there."""
    answer = await client.post("/enrol/provider", data=typed)
    (address,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    return unescape(address)


async def back(client: Client, there: Identity, **typed: str) -> httpx.Response:
    """There, and what the way back says."""
    told = there.authorize(await away(client, **typed))
    return await client.get("/enrol/back", params=told, headers=CROSS, follow_redirects=False)


async def test_somebody_who_was_invited_comes_in_by_the_provider_and_again_without_a_code(
    here: Town, there: Identity, client: Client
) -> None:
    door = await client.get("/enrol")
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    first = await back(client, there, code=code, name="Aino")
    home = await client.get("/")
    client.cookies.clear()
    again = await back(client, there)
    you = await client.get("/you")

    assert "Sign in with the town&#39;s own" in door.text
    assert "from then on with the town&#39;s own" in door.text
    assert (first.status_code, 'url=/"' in first.text) == (200, True)
    assert "Welcome, Aino. You are here as operator of city." in home.text
    assert again.status_code == 200
    assert "You came in by the city&#39;s provider." in you.text
    assert there.authorized[0]["redirect_uri"] == f"{SITE}/enrol/back"


async def test_the_cookie_of_the_way_is_seen_by_no_script_and_gone_when_it_ends(
    there: Identity, client: Client
) -> None:
    answer = await client.post("/enrol/provider")
    (kept,) = [told for told in answer.headers.get_list("set-cookie") if told.startswith(JOURNEY)]
    ended = await client.get("/enrol/back", params={"error": "access_denied"}, headers=CROSS)
    (over,) = [told for told in ended.headers.get_list("set-cookie") if told.startswith(JOURNEY)]

    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/enrol", "Max-Age=600"} <= set(kept.split("; "))
    assert "Max-Age=0" in over
    assert not there.asked[1:]


async def test_no_other_site_begins_a_sign_in(client: Client) -> None:
    answer = await client.post("/enrol/provider", headers={**CROSS, "Origin": "https://elsewhere.example"})

    assert (answer.status_code, "another site" in answer.text) == (403, True)
    assert (await client.get("/enrol/provider")).status_code == 405


async def test_whoever_is_not_let_in_is_back_at_the_entrance_with_what_they_typed_and_why(
    here: Town, there: Identity, client: Client
) -> None:
    stranger = await back(client, there)
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    there.says = {"nonce": "another"}
    wrong = await back(client, there, code=code, name="Aino")
    bare = await client.get("/enrol/back", params={"state": "x", "code": "y"}, headers=CROSS)

    assert (stranger.status_code, "nobody here comes in with this account" in stranger.text) == (403, True)
    assert "tutela_session=" not in str(stranger.headers.get_list("set-cookie"))
    assert (wrong.status_code, code in wrong.text, "Aino" in wrong.text, "(nonce)" in wrong.text) == (
        403,
        True,
        True,
        True,
    )
    assert (bare.status_code, "did not begin this sign-in" in bare.text) == (403, True)
    assert (await here.staff.enrol(code, "Aino"))[0].name == "Aino"  # it was not used up


async def test_a_provider_that_does_not_answer_leaves_the_other_ways_open(
    here: Town, there: Identity, client: Client
) -> None:
    there.status = 500
    answer = await client.post("/enrol/provider", data={"code": "AAAA", "name": "Aino"})

    assert (answer.status_code, "AAAA" in answer.text, "answers 500" in answer.text) == (503, True, True)
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    assert "Welcome" in (await client.post("/enrol", data={"code": code, "name": "Aino"})).text


async def test_whoever_comes_in_anew_by_the_provider_ends_the_session_that_the_browser_had(
    here: Town, there: Identity, client: Client
) -> None:
    agent, token = await here.person(Role.OPERATOR, "Bo")
    client.cookies.set("tutela_session", token)
    await here.staff.sign_on(here.access(agent), 6)
    code = (await here.staff.invite_again_here(agent.id))[1]
    await back(client, there, code=code, name="Bo")

    assert (await client.get("/v1/me", headers=bearer(token))).status_code == 401
    assert await here.staff.shift(here.access(agent)) is not None  # the new session goes on with it


async def test_an_account_is_removed_by_its_owner_on_the_page_and_over_the_api_and_by_whoever_may_invite_them(
    here: Town, there: Identity, client: Client
) -> None:
    _, chief = await here.person(Role.SUPERVISOR, "Onni")
    agents = []
    for name in ("Aino", "Bo", "Cai"):
        client.cookies.clear()
        there.subject = name
        await back(client, there, code=await here.staff.invite_here(Role.OPERATOR, "city"), name=name)
        agents.append(((await client.get("/v1/me")).json()["id"], client.cookies["tutela_session"]))
    (_, aino), (_, bo), (cai, own) = agents
    client.cookies.clear()
    client.cookies.set("tutela_session", aino)
    shown = await client.get("/you")
    removed = await client.post("/you/provider/remove")
    twice = await client.post("/you/provider/remove")
    client.cookies.clear()
    mine = await client.delete("/v1/me/provider", headers=bearer(bo))
    gone = await client.delete("/v1/me/provider", headers=bearer(bo))
    no = await client.delete(f"/v1/people/{cai}/provider{OFFICE}", headers=bearer(own))
    yes = await client.delete(f"/v1/people/{cai}/provider{OFFICE}", headers=bearer(chief))

    assert "You can come in with the town&#39;s own" in shown.text
    assert "Removed. That account lets nobody in any more." in removed.text
    assert "Not done: no account at a provider" in twice.text
    assert (mine.status_code, gone.status_code, no.status_code, yes.status_code) == (204, 404, 403, 204)
    there.subject = "Aino"
    assert (await back(client, there)).status_code == 403


async def test_without_a_provider_the_entrance_names_none_and_leads_to_none(here: Town) -> None:
    async with AsyncTestClient(application(here)) as client:
        door = await client.get("/enrol")
        answer = await client.post("http://localhost/enrol/provider")

    assert "Sign in with" not in door.text
    assert "/enrol/provider" not in door.text
    assert (answer.status_code, "no identity provider is set up here" in answer.text) == (404, True)
