"""Sessions and codes: made of enough chance, nobody's before they are made, kept by nobody."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import replace
from math import log2

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import Town

from tutela.app.core import chance
from tutela.model.people import Role
from tutela.screens.guard import COOKIE

Client = AsyncTestClient[Litestar]


@pytest.fixture
async def real(here: Town) -> Town:
    """The town, with the chance that an installation has."""
    here.staff = replace(here.staff, chance=chance)
    return here


async def test_a_session_has_256_bits_of_chance_and_no_two_are_alike(real: Town) -> None:
    tokens = [await real.token(name=f"Person {number}") for number in range(50)]
    raw = [urlsafe_b64decode(f"{token}=") for token in tokens]
    counted = Counter(b"".join(raw))
    entropy = -sum(n / 1600 * log2(n / 1600) for n in counted.values())

    assert {len(one) for one in raw} == {32}
    assert len(set(tokens)) == 50
    assert entropy > 7.5  # of 8; 1,600 random bytes have some 7.89


async def test_a_code_has_80_bits_of_chance(real: Town) -> None:
    codes = {await real.staff.invite_here(Role.OPERATOR, "city") for _ in range(50)}

    assert len(codes) == 50
    assert {len(code.replace("-", "")) * 5 for code in codes} == {80}


async def test_a_session_that_somebody_laid_ready_is_nobodys_after_signing_in(here: Town, stranger: Client) -> None:
    laid = "A" * 43
    stranger.cookies.set(COOKIE, laid)
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    came = await stranger.post("/enrol", data={"code": code, "name": "Aino"}, follow_redirects=False)

    assert came.cookies[COOKIE] not in {"", laid}
    assert (await stranger.get("/v1/me", headers={"Authorization": f"Bearer {laid}"})).status_code == 401


async def test_each_signing_in_makes_another_session(here: Town) -> None:
    agent, first = await here.person(Role.OPERATOR, "Aino")
    code = (await here.staff.invite_again_here(agent.id))[1]
    _, second = await here.staff.enrol(code, "Aino")

    assert first != second
    assert (await here.staff.who(second)).id == agent.id


async def test_a_session_is_asked_of_the_store_at_each_request(here: Town, stranger: Client) -> None:
    token = await here.token()
    asked = {"Authorization": f"Bearer {token}"}
    assert (await stranger.get("/v1/me", headers=asked)).status_code == 200
    await here.staff.sign_out(token)

    assert (await stranger.get("/v1/me", headers=asked)).status_code == 401


async def test_signing_out_takes_the_cookie_from_the_browser(here: Town, stranger: Client) -> None:
    stranger.cookies.set(COOKIE, await here.token())
    answer = await stranger.post("/sign-out", follow_redirects=False)

    assert any(f"{COOKIE}=" in told and "Max-Age=0" in told for told in answer.headers.get_list("set-cookie"))
    assert (await stranger.get("/", follow_redirects=False)).headers["location"] == "/enrol"


async def test_a_session_begins_with_an_act_of_a_person_and_never_by_a_visit(here: Town, stranger: Client) -> None:
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    answer = await stranger.get(f"/enrol?code={code}")

    assert COOKIE not in answer.cookies
    assert not here.events("session@1")


async def test_a_wrong_code_tells_nobody_who_there_is(here: Town, stranger: Client) -> None:
    """A code that never was and one for somebody known that is used up say nothing of the person."""
    agent, _ = await here.person(Role.OPERATOR, "Aino Secret-Name")
    code = (await here.staff.invite_again_here(agent.id))[1]
    await here.staff.enrol(code, "x")
    for tried in (code, "NONE-SUCH"):
        answer = await stranger.post("/v1/enrol", json={"code": tried, "name": "x"})

        assert answer.status_code in {404, 409}
        assert "Secret-Name" not in answer.text
        assert agent.id not in answer.text


async def test_who_comes_in_and_who_goes_is_in_the_log_without_the_secret(here: Town) -> None:
    token = await here.token()
    await here.staff.sign_out(token)
    told = here.events("session@1")

    assert len(told) == 2
    assert all(event.at and event.by and event.subject for event in told)
    assert not any(token.encode() in event.body for event in told)
