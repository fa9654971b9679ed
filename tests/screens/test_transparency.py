"""How the city watches can be read by everybody, says what is missing, and lets everybody say what they think."""

from __future__ import annotations

import re

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, SQUARE, Town, application, source

from tutela.flow.entering import enter
from tutela.model.capability import Words
from tutela.model.people import Role

Client = AsyncTestClient[Litestar]
PAGES = (
    "/transparency",
    "/transparency/near",
    f"/transparency/near?lat={SQUARE.lat}&lon={SQUARE.lon}",
    "/transparency/near?words=mast",
    "/transparency/source/sensors",
    "/transparency/source/sensors/sign",
    "/transparency/capability/loud",
)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_for_everybody_without_a_script_and_asks_nobody_else(stranger: Client, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href|action)="https?://', answer.text)
    assert "style=" not in answer.text


async def test_the_front_page_leads_to_every_source_every_capability_and_every_right(
    here: Town, stranger: Client
) -> None:
    page = (await stranger.get("/transparency")).text
    register = await here.registering.public()
    links = [f"/transparency/source/{one.source.name}" for one in register.sources]
    links += [f"/transparency/capability/{one.name}" for one in register.capabilities]
    pages = {link: (await stranger.get(link)).status_code for link in links}

    assert [link for link in links if f'href="{link}"' not in page] == []
    assert set(pages.values()) == {200}
    assert all(f"/requests/new?right={right}" in page for right in ("access", "erasure", "objection", "contest"))


async def test_a_right_that_somebody_chose_is_chosen_in_the_form_with_what_it_is_about(stranger: Client) -> None:
    page = (await stranger.get("/requests/new?right=objection&record=sensors<i>")).text

    assert '<option value="objection" selected>' in page
    assert 'name="record" value="sensors&lt;i&gt;"' in page


async def test_what_nobody_has_written_is_shown_as_missing_and_what_somebody_wrote_is_shown(
    here: Town, stranger: Client
) -> None:
    await enter(here.facts, source("homes", "public-health", personal=True), "install", NOW)
    unsaid = (await stranger.get("/transparency/source/homes")).text
    loud = (await stranger.get("/transparency/capability/loud")).text
    said = Words(system="environment", contact_email="air@town.example", risks="A sensor may lie.", goal="Quiet.")
    await here.registering.write(said, "install")
    after = (await stranger.get("/transparency/capability/loud")).text

    assert "Missing, nobody has written it yet: an impact assessment." in unsaid
    assert "whom to write to" in unsaid
    assert "Missing, nobody has written it yet: risks." in loud
    assert "Missing, nobody has written it yet: risks." not in after
    assert "Quiet." in after


async def test_nothing_about_a_person_is_on_any_page(here: Town, stranger: Client) -> None:
    call, (agent, _) = await here.call("canary-said"), await here.person(Role.OPERATOR, "Aino Canary")
    await here.incidents.open_from_call(here.access(agent), call.id, "1")
    texts = [(await stranger.get(path)).text for path in (*PAGES, "/transparency/source/calls")]

    assert not [text for text in texts if agent.id in text or "anary" in text or call.id in text]


async def test_a_place_is_asked_in_degrees_and_anything_else_is_refused(stranger: Client) -> None:
    found = (await stranger.get(f"/transparency/near?lat={SQUARE.lat}&lon={SQUARE.lon}")).text
    nowhere = (await stranger.get("/transparency/near?lat=0&lon=0")).text
    wrong = [await stranger.get(f"/transparency/near?{what}") for what in ("lat=91&lon=0", "reach=1", "lat=north")]

    assert "Railway Square mast 1" in found
    assert "Nothing in the register stands here" in nowhere
    assert {one.status_code for one in wrong} == {400}


async def test_where_somebody_is_stands_in_no_address_and_a_street_is_a_place(stranger: Client) -> None:
    here = await stranger.post("/transparency/near", data={"lat": str(SQUARE.lat), "lon": str(SQUARE.lon)})
    named = await stranger.post("/transparency/near", data={"where": "mast 1"})
    street = await stranger.post("/transparency/near", data={"where": "Kaivokatu 1"})
    elsewhere = await stranger.post("/transparency/near", data={}, headers={"Origin": "https://elsewhere.example"})
    wrong = await stranger.post("/transparency/near", data={"lat": "north", "lon": "0"})

    assert "Railway Square mast 1" in here.text
    assert str(here.url).endswith("/transparency/near")
    assert "Railway Square mast 1" in named.text
    assert "Within 300 m" in street.text
    assert "Kaivokatu 1" in street.text
    assert (elsewhere.status_code, wrong.status_code) == (403, 400)


async def test_a_sign_says_who_why_and_how_long_and_its_code_leads_to_the_page_of_that_source(here: Town) -> None:
    async with here.living(), AsyncTestClient(application(here, "https://city.example")) as client:
        sign = (await client.get("/transparency/source/sensors/sign?thing=Railway Square mast 1")).text
        unknown = await client.get("/transparency/source/sensors/sign?thing=home 5")

    assert "Railway Square mast 1" in sign
    assert "Town (simulated)" in sign
    assert "No data about people" in sign
    assert "<title>https://city.example/transparency/source/sensors</title>" in sign
    assert "For trying only" not in sign
    assert unknown.status_code == 404


async def test_a_sign_without_an_address_says_that_it_is_for_trying_only(stranger: Client) -> None:
    assert "For trying only" in (await stranger.get("/transparency/source/sensors/sign")).text
