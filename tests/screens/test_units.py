"""Units over the API and on the page: where they are for whoever may know, and a status that is set once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_page import send, text
from tests.screens.town import NOW, SQUARE, WHY, Town, application

from tutela.model.people import Role
from tutela.model.resource import UnitStatus
from tutela.screens import sections

Client = AsyncTestClient[Litestar]


@pytest.fixture
async def page(here: Town) -> AsyncIterator[Client]:
    """An operator's browser."""
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.cookies.set("tutela_session", await here.token())
        yield client


@pytest.fixture
async def tracked(here: Town) -> int:
    """The datastream of the positions of unit/H11."""
    return await here.tracked("unit/H11")


async def test_units_are_read_with_their_newest_place_and_its_age(here: Town, operator: Client, tracked: int) -> None:
    engine, other = await here.unit("H11", "unit/H11"), await here.unit("H12")
    await here.moves(tracked, SQUARE, ago=4)

    told = (await operator.get(f"/v1/units{WHY}")).json()

    assert told["at"] == NOW
    assert [one["unit"]["name"] for one in told["units"]] == ["H11", "H12"]
    assert told["units"][0]["place"] == {"lat": SQUARE.lat, "lon": SQUARE.lon}
    assert (told["units"][0]["age"], told["units"][0]["stale"]) == (4.0, False)
    assert (told["units"][1]["place"], told["units"][1]["age"]) == (None, None)
    assert (await operator.get(f"/v1/units/{engine.id}{WHY}")).json() == told["units"][0]
    assert (await operator.get(f"/v1/units/{other.id}{WHY}")).json() == told["units"][1]


async def test_a_status_is_set_once_under_its_key(here: Town, operator: Client) -> None:
    unit = await here.unit()

    async def set_to(status: str, key: str) -> tuple[int, str]:
        answer = await operator.post(
            f"/v1/units/{unit.id}/status{WHY}", json={"status": status}, headers={"Idempotency-Key": key}
        )
        return answer.status_code, answer.text

    first = await set_to("Enroute", "1")
    assert first[0] == 200
    assert (await set_to("OnScene", "2"))[0] == 200
    assert await set_to("Enroute", "1") == first
    assert (await here.facts.unit(unit.id)).status is UnitStatus.ON_SCENE
    status, says = await set_to("AtHospital", "3")
    assert status == 409
    assert "OnScene can't become AtHospital; it can become" in says
    assert (await set_to("Asleep", "4"))[0] == 400
    assert (await operator.post(f"/v1/units/nobody/status{WHY}", json={"status": "Enroute"})).status_code == 404


async def test_who_has_no_duty_reads_no_units_and_sets_no_status(here: Town, stranger: Client) -> None:
    unit = await here.unit()
    stranger.headers["Authorization"] = f"Bearer {await here.token(Role.ANALYST)}"

    for answer in (
        await stranger.get(f"/v1/units{WHY}"),
        await stranger.get(f"/v1/units/{unit.id}{WHY}"),
        await stranger.post(f"/v1/units/{unit.id}/status{WHY}", json={"status": "Enroute"}),
    ):
        assert answer.status_code == 403
        assert answer.json()["policy"] == "no-permit"


async def test_what_happened_to_a_unit_is_in_the_log(here: Town, operator: Client) -> None:
    unit = await here.unit()
    await operator.post(f"/v1/units/{unit.id}/status{WHY}", json={"status": "Enroute"})

    told = (await operator.get(f"/v1/events/about/{unit.id}{WHY}")).json()

    assert [(one["kind"], one["body"]["status"]) for one in told] == [("unit@1", "Available"), ("unit@1", "Enroute")]
    assert told[1]["cause"] == told[0]["id"]


async def test_the_page_shows_the_units_and_the_age_of_their_positions(here: Town, page: Client, tracked: int) -> None:
    await here.unit("H11", "unit/H11")
    await here.unit("H12", status=UnitStatus.OUT_OF_SERVICE)
    await here.moves(tracked, SQUARE, ago=40)

    says = text(await page.get("/part/units"))

    assert "H11 engine Available for 0 s fire · 60.16950, 24.93540 ▲ no position for 40 s 40 s" in says
    assert "H12 engine Out of service for 0 s fire no position" in says
    assert "En route On scene Out of service Set" in says


async def test_the_status_of_a_unit_is_set_with_a_form_and_only_possible_ones_are_offered(
    here: Town, page: Client
) -> None:
    unit = await here.unit()

    assert "H11 is en route now." in await send(page, f"/do/unit/status/{unit.id}", status="Enroute")
    assert (await here.facts.unit(unit.id)).status is UnitStatus.ENROUTE
    said = await send(page, f"/do/unit/status/{unit.id}", key="2", status="AtHospital")
    assert "Not done: a unit that is Enroute can't become AtHospital; it can become" in said
    assert "a unit can't be 'Asleep'" in await send(page, f"/do/unit/status/{unit.id}", key="3", status="Asleep")
    offered = re.findall(r'<option value="(\w+)">', (await page.get("/part/units")).text)
    assert offered == ["Available", "OnScene", "Returning", "OutOfService"]


async def test_a_form_about_a_unit_goes_back_to_what_was_opened(here: Town, page: Client) -> None:
    unit, alert = await here.unit(), await here.alert()
    sent = {"key": "1", "status": "Enroute", "back": f"alert={alert.id}"}

    answer = await page.post(f"/do/unit/status/{unit.id}", data=sent, follow_redirects=False)

    assert answer.headers["location"] == f"/?alert={alert.id}"


async def test_the_page_says_what_to_do_when_there_are_no_units_and_how_many_when_there_are_too_many(
    here: Town, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No unit is entered." in text(await page.get("/part/units"))
    for number in range(3):
        await here.unit(f"H{number}")
    monkeypatch.setattr(sections, "UNITS", 2)

    says = text(await page.get("/part/units"))

    assert "2 of 3, in order of call sign." in says
    assert "H2" not in says


async def test_who_may_not_see_units_is_told_on_the_page(here: Town, page: Client) -> None:
    page.cookies.set("tutela_session", await here.token(Role.AUDITOR, "Elina"))

    assert "No policy lets auditor read units" in text(await page.get("/part/units"))
