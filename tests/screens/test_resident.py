"""The resident portal as it is served: for anybody, in their language; a report from the first step to the last."""

from __future__ import annotations

import re

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import SQUARE, Town

from tutela.model.people import Role
from tutela.model.report import ServiceRequest
from tutela.screens.headers import LOCATED
from tutela.screens.languages import NAMES

Client = AsyncTestClient[Litestar]

LAMP = "Lighting: lamp out"
WHAT = {"category": LAMP, "where": "Kaivokatu 1"}
WHY = "?purpose=public-safety&basis=PublicInterest"


async def filed(client: Client, **more: str) -> str:
    """A report that somebody sends; the address of its page."""
    second = await client.post("/resident/report", data=WHAT)
    key = re.search(r'name="key" value="(\w+)"', second.text)
    assert key is not None, second.text
    said = {**WHAT, "step": "send", "key": key[1], "words": "Dark since Monday.", **more}
    sent = await client.post("/resident/report", data=said, follow_redirects=False)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].partition("?")[0]


@pytest.mark.parametrize("code", NAMES)
async def test_each_page_is_in_the_language_that_is_asked_for(stranger: Client, code: str) -> None:
    for path in ("/resident", "/resident/report", "/resident/reports", "/resident/reports/nothing"):
        answer = await stranger.get(path, headers={"Accept-Language": f"xx, {code};q=0.5"})

        assert f'<html lang="{code}" dir="ltr">' in answer.text, path
        assert answer.headers["content-language"] == code


async def test_the_language_that_somebody_chose_stays(stranger: Client) -> None:
    await stranger.get("/resident?lang=fi")

    assert '<html lang="fi"' in (await stranger.get("/resident", headers={"Accept-Language": "fr"})).text
    assert stranger.cookies["tutela_lang"] == "fi"


async def test_the_page_says_that_nothing_is_known_and_how_it_knows(stranger: Client) -> None:
    text = (await stranger.get("/resident")).text

    assert "Nothing needs you now." in text
    assert "This page can’t receive warnings yet" in text
    assert "simulated, and nobody is sent out" in text


async def test_what_is_near_a_place_is_shown_and_the_place_is_kept_nowhere(here: Town, stranger: Client) -> None:
    text = (await stranger.post("/resident", data={"where": "asema-aukio"})).text

    assert "Near Asema-aukio." in text
    assert "Noise" in text
    assert "Nobody measures the air" in text
    assert "No source tells this city of closed roads" in text
    assert not [event for event in here.facts.store.events.values() if b"sema-aukio" in event.body]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "Say where"),
        ({"where": "Nowhere Street"}, "no such place"),
        ({"lat": "91", "lon": "24"}, "Say where"),
        ({"lat": "x", "lon": "24"}, "Say where"),
        ({"lat": "60.17"}, "Say where"),
        ({"lat": "nan", "lon": "nan"}, "Say where"),
    ],
)
async def test_a_place_that_is_none_is_told_and_what_was_written_stays(
    stranger: Client, said: dict[str, str], says: str
) -> None:
    near = await stranger.post("/resident", data=said)
    report = await stranger.post("/resident/report", data={"category": LAMP, **said})

    assert (near.status_code, report.status_code) == (400, 400)
    assert says in near.text
    assert says in report.text
    assert f'value="{LAMP}" selected' in report.text


async def test_a_report_is_sent_in_two_steps_and_its_page_shows_what_becomes_of_it(
    here: Town, stranger: Client
) -> None:
    address = await filed(stranger, contact="liisa@example.org", lat="", lon="")
    shown = (await stranger.get(f"{address}?sent=yes")).text

    assert "Thank you. Your report is here." in shown
    assert "Received. A person looks at it" in shown
    assert "Dark since Monday" not in shown
    assert (await stranger.get(address.rsplit("/", 1)[0])).status_code == 404
    assert (await stranger.get(f"{address}X")).status_code == 404
    assert len(here.events("report@1")) == 1


async def test_a_moderator_deals_with_it_over_the_api_and_everybody_sees_what_may_be_seen(
    here: Town, stranger: Client
) -> None:
    address = await filed(stranger, contact="liisa@example.org", blur="yes")
    token = await here.token(Role.OPERATOR)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "once"}

    async def done(path: str, body: dict[str, str]) -> None:
        answer = await stranger.post(f"/v1/reports/{path}{WHY}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    (listed,) = (await stranger.get(f"/v1/reports/handled{WHY}", headers=headers)).json()
    id_ = listed["report"]["id"]
    opened = (await stranger.get(f"/v1/reports/{id_}{WHY}", headers=headers)).json()
    await done(f"{id_}/open", {"words": "A dark lamp.", "says": "We look at it."})
    await done(f"{id_}/begin", {})
    await done(f"{id_}/close", {"says": "The lamp was replaced."})
    own, public = (await stranger.get(address)).text, (await stranger.get("/resident/reports")).text

    assert listed["report"].get("said", "") == ""
    assert (opened["report"]["said"], opened["contact"]) == ("Dark since Monday.", "liisa@example.org")
    assert "We look at it." in own
    assert "We look at it." not in public
    for words in ("A dark lamp.", "The lamp was replaced.", "Closed."):
        assert words in public
    assert "Dark since Monday" not in public
    assert "liisa" not in public

    again = await stranger.post(address, data={"why": "It is dark again: canary."})

    assert "Open: somebody looked at it" in again.text
    assert "canary" in again.text
    assert "canary" not in (await stranger.get("/resident/reports")).text
    assert (await stranger.post(address, data={"why": "Once more."})).status_code == 409


async def test_what_is_dealt_with_near_by_is_offered_before_anything_is_written(here: Town, stranger: Client) -> None:
    address = await filed(stranger)
    number = address.split("/")[3]
    report, _ = await here.handlings.numbered(number)
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    assert "Is it one of these?" not in (await stranger.post("/resident/report", data=WHAT)).text

    await here.moderating.open(here.access(agent), report.id, "1", words="A dark lamp.")
    text = (await stranger.post("/resident/report", data=WHAT)).text

    assert "Is it one of these?" in text
    assert f'href="/resident/reports/{number}"' in text
    assert "A dark lamp." in text


async def test_a_file_that_is_no_photo_is_told_with_what_was_written(here: Town, stranger: Client) -> None:
    said = {**WHAT, "step": "send", "key": "k", "words": "Dark since Monday."}

    answer = await stranger.post("/resident/report", data=said, files={"photo": ("a.jpg", b"no photo", "image/jpeg")})

    assert answer.status_code == 400
    assert "The photo can" in answer.text
    assert "Dark since Monday." in answer.text
    assert here.events("report@1") == []


async def test_whoever_sends_very_many_has_to_wait(stranger: Client) -> None:
    answers: list[httpx.Response] = []
    for number in range(12):
        said = {**WHAT, "step": "send", "key": f"k{number}"}
        answers.append(await stranger.post("/resident/report", data=said, follow_redirects=False))

    assert [one.status_code for one in answers] == [303] * 10 + [429] * 2
    assert "Retry-After" in answers[-1].headers


async def test_another_site_files_nothing_in_somebodys_name(here: Town, stranger: Client) -> None:
    headers = {"Origin": "https://evil.example"}

    for path in ("/resident", "/resident/report"):
        assert (
            await stranger.post(path, data={**WHAT, "step": "send", "key": "k"}, headers=headers)
        ).status_code == 403
    assert here.events("report@1") == []


async def test_only_pages_with_a_button_for_it_may_ask_where_somebody_is(stranger: Client) -> None:
    for path in ("/resident", "/resident/report", "/resident/reports", "/enrol"):
        allowed = "geolocation=(self)" in (await stranger.get(path)).headers["permissions-policy"]

        assert allowed == (path in LOCATED)


async def test_a_place_in_numbers_is_taken_as_it_is(here: Town, stranger: Client) -> None:
    place = {"category": LAMP, "lat": f"{SQUARE.lat}", "lon": f"{SQUARE.lon}".replace(".", ",")}
    await stranger.post("/resident/report", data={**place, "step": "send", "key": "k"})

    ((report, _),) = here.facts.store.told.values()
    assert isinstance(report, ServiceRequest)
    assert report.place == SQUARE
