"""The page works with nothing but HTML: it shows what there is, its forms do what they say, errors are calm."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import GRAVE, Town, application

from tutela.errors import EngineDown
from tutela.model.alert import AlertStatus
from tutela.model.event import Seal
from tutela.model.people import Role
from tutela.screens import sections

Client = AsyncTestClient[Litestar]


@pytest.fixture
async def page(here: Town) -> AsyncIterator[Client]:
    """An operator's browser."""
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.cookies.set("tutela_session", await here.token())
        yield client


def text(answer: Response) -> str:
    """What somebody reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


async def send(client: Client, path: str, **fields: str) -> str:
    """Send a form, go where it leads, and read what that says."""
    answer = await client.post(path, data={"key": "a key of this form", **fields}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return text(await client.get(answer.headers["location"]))


def opened(answer: Response) -> str:
    """The incident that a form has opened."""
    return parse_qs(urlsplit(answer.headers["location"]).query)["incident"][0]


async def test_the_page_shows_the_queue_the_values_the_sources_and_who_reads(here: Town, page: Client) -> None:
    await here.alert("fire", GRAVE, count=3)
    await here.alert("crowd", status=AlertStatus.HELD, shown_at=None)
    await here.call()

    answer = await page.get("/")
    says = text(answer)

    assert "Everything here is simulated, except the map" in says
    assert "1 waiting" in says
    assert "1 held" in says
    assert "◆ priority 1 Fire ×3" in says
    assert "Railway Square mast 1: noise is 91.5 dB(A), above 85 dB(A)" in says
    assert "An elderly person fell on the stairs." in says
    assert "Noise 42.5 dB(A)" in says
    assert "▲ 1 stale" in says
    assert "sensors simulated" in says
    assert "for public-safety on the basis of PublicInterest" in says
    assert "+358" not in says  # the caller is shown where the call is worked on
    assert "<style" not in answer.text
    assert not re.search(r"<script(?! src=)|\son[a-z]+=|style=", answer.text)


async def test_each_read_of_the_page_is_in_the_log(here: Town, page: Client) -> None:
    await page.get("/")

    # Health, shift, sources, alerts, incidents under way and over, calls with their incidents, reports, posts, units,
    # readings, counts.
    assert len(here.events("query@1")) == 13


async def test_a_stranger_comes_in_by_the_code_and_goes_out_again(here: Town, stranger: Client) -> None:
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    entrance = await stranger.get(f"/enrol?code={code}")
    wrong = await stranger.post("/enrol", data={"code": "NONE-SUCH", "name": "Aino"})
    came = await stranger.post("/enrol", data={"code": code, "name": "Aino"}, follow_redirects=False)
    token = came.cookies["tutela_session"]
    inside = text(await stranger.get("/"))
    again = text(await stranger.get("/"))
    await stranger.post("/sign-out", follow_redirects=False)

    assert f'value="{code}"' in entrance.text
    assert (wrong.status_code, "no such enrolment code" in text(wrong)) == (404, True)
    assert "Welcome, Aino. You are here as operator of city." in inside
    assert "Welcome" not in again
    assert (await stranger.get("/", follow_redirects=False)).status_code == 303
    stranger.cookies.set("tutela_session", token)
    assert (await stranger.get("/", follow_redirects=False)).status_code == 303


async def test_an_alert_is_worked_on_with_forms(here: Town, page: Client) -> None:
    alert = await here.alert()

    shown = text(await page.get(f"/?alert={alert.id}"))
    acknowledged = await send(page, f"/do/alert/acknowledge/{alert.id}")
    shelved = await send(page, f"/do/alert/shelve/{alert.id}", minutes="60", reason="works till nine")
    back = await send(page, f"/do/alert/unshelve/{alert.id}")
    dismissed = await send(page, f"/do/alert/dismiss/{alert.id}", reason="a concert")

    assert "It would not have fired if Railway Square mast 1 had told 75 dB(A)" in shown
    assert "Acknowledged: it waits for you now." in acknowledged
    assert "Shelved for 60 minutes." in shelved
    assert "until 11:00:00 : works till nine" in shelved
    assert "Taken back into the queue." in back
    assert "Dismissed." in dismissed
    assert "dismissed: a concert you" in text(await page.get(f"/?alert={alert.id}"))


async def test_an_incident_is_worked_on_with_forms(here: Town, page: Client) -> None:
    alert, call = await here.alert("fire"), await here.call()
    answer = await page.post(f"/do/alert/open/{alert.id}", data={"key": "1"}, follow_redirects=False)
    incident = opened(answer)
    with_call = await send(page, f"/do/call/add/{call.id}", incident=incident)
    noted = await send(page, f"/do/incident/note/{incident}", text="Engine 2 <b>on</b> the way.")
    stepped = await send(page, f"/do/incident/step/{incident}", status="Active")
    involved = await send(page, f"/do/incident/involve/{incident}", agencies="fire, police")
    without = await send(page, f"/do/incident/take-out-call/{incident}", call=call.id)
    await send(page, f"/do/incident/step/{incident}", status="Resolved")
    closed = await send(page, f"/do/incident/close/{incident}", disposition="Put out.")

    assert "EMS: fall" in with_call
    assert "Caller: +358 40 0000000" in with_call
    assert "Noted." in noted
    assert "Engine 2 <b>on</b> the way." in noted
    assert "now Active you" in stepped
    assert "works on it: fire, police, city" in involved
    assert "call taken out" in without
    assert "closed: Put out. you" in closed


async def test_no_incident_of_another_agency_hides_an_alert_or_the_calls(here: Town, page: Client) -> None:
    alert, call = await here.alert(), await here.call()
    theirs = opened(await page.post(f"/do/call/open/{call.id}", data={"key": "1"}, follow_redirects=False))
    stored = here.facts.store.incidents
    stored[theirs] = msgspec.structs.replace(stored[theirs], agencies=("fire",))

    says = text(await page.get(f"/?alert={alert.id}"))

    assert "It would not have fired if" in says
    assert "An elderly person fell on the stairs." in says
    assert "In an incident" not in says


async def test_a_page_that_does_not_show_all_incidents_says_so(
    here: Town, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "UNDER_WAY", 1)
    for key in "12":
        await page.post(f"/do/call/open/{(await here.call()).id}", data={"key": key}, follow_redirects=False)

    assert "These are the newest 1; there may be more." in text(await page.get("/"))


async def test_two_incidents_are_fused_and_taken_apart_with_forms(here: Town, page: Client) -> None:
    first = opened(
        await page.post(f"/do/alert/open/{(await here.alert()).id}", data={"key": "1"}, follow_redirects=False)
    )
    second = opened(
        await page.post(f"/do/call/open/{(await here.call()).id}", data={"key": "2"}, follow_redirects=False)
    )
    added = await send(page, f"/do/alert/add/{(await here.alert()).id}", incident=first)
    fused = await send(page, f"/do/incident/fuse/{first}", incident=second)
    apart = await send(page, f"/do/incident/take-apart/{first}", incident=second)
    alert = here.facts.store.incidents[first].alerts[1]
    out = await send(page, f"/do/incident/take-out-alert/{first}", alert=alert)

    assert "Added to this incident." in added
    assert "Fused: the two are one now." in fused
    assert "Taken apart: the other one is active again." in apart
    assert "The alert is back in the queue" in out


async def test_a_form_sent_twice_is_done_once(here: Town, page: Client) -> None:
    alert = await here.alert()

    await send(page, f"/do/alert/acknowledge/{alert.id}")
    again = await send(page, f"/do/alert/acknowledge/{alert.id}")

    assert "Acknowledged: it waits for you now." in again
    assert len(here.events("alert@1")) == 2


async def test_a_shift_is_signed_on_to_and_off(page: Client) -> None:
    on = await send(page, "/do/shift/on", budget="9")
    twice = await send(page, "/do/shift/on", budget="9")
    off = await send(page, "/do/shift/off")

    assert "On shift since 10:00:00 , 9 alerts an hour, until 22:00:00" in on
    assert "Not done: you are signed on since" in twice
    assert "Not on shift" in off


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        ("alert/dismiss/{alert}", {"reason": " "}, "Not done: the field 'reason' is empty"),
        ("alert/shelve/{alert}", {"reason": "r", "minutes": "soon"}, "Not done: 'soon' is not a whole number"),
        ("alert/shelve/{alert}", {"reason": "why not", "minutes": "0"}, "You wrote: why not"),
        ("alert/acknowledge/none", {}, "Not done: there is no alert with the id 'none'"),
        ("incident/step/none", {"status": "Lost"}, "Not done: an incident can't be 'Lost'"),
        ("incident/note/none", {"text": "a long story"}, "You wrote: a long story"),
        ("shift/on", {"budget": "²"}, "Not done: '²' is not a whole number"),
    ],
)
async def test_what_is_not_done_is_told_calmly_and_nothing_typed_is_lost(
    here: Town, page: Client, path: str, fields: dict[str, str], says: str
) -> None:
    alert = await here.alert()

    told = await send(page, "/do/" + path.format(alert=alert.id), **fields)

    assert says in told
    assert len(here.events("alert@1")) == 1


@pytest.mark.parametrize("path", ["/do/alert/explode/x", "/do/shift/over", "/part/nothing"])
async def test_what_there_is_not_is_a_page_that_leads_back(page: Client, path: str) -> None:
    answer = await (page.get(path) if path.startswith("/part") else page.post(path))

    assert answer.status_code == 404
    assert "Back to the queue" in text(answer)


async def test_a_form_that_is_far_too_large_is_a_page_too(here: Town, page: Client) -> None:
    answer = await page.post(f"/do/alert/dismiss/{(await here.alert()).id}", data={"reason": "x" * 200_000})

    assert answer.status_code == 413
    assert "Back to the queue" in text(answer)


async def test_a_part_comes_alone(here: Town, page: Client) -> None:
    await here.alert("fire", GRAVE)

    part = await page.get("/part/queue")

    assert "<html" not in part.text
    assert "Fire" in part.text
    assert len(here.events("query@1")) == 1


async def test_what_somebody_may_not_see_is_said_and_the_rest_is_shown(here: Town, stranger: Client) -> None:
    stranger.cookies.set("tutela_session", await here.token(Role.AUDITOR))

    answer = await stranger.get("/")

    assert answer.status_code == 200
    assert "No policy lets auditor read alerts for public-safety." in text(answer)


async def test_an_engine_that_is_down_takes_only_its_section_with_it(
    here: Town, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down() -> Seal:
        raise EngineDown("the log does not answer: this failure was asked for")

    await here.alert("fire", GRAVE)
    monkeypatch.setattr(here.facts, "progress", down)

    says = text(await page.get("/"))

    assert "the log does not answer" in says
    assert "Fire" in says


async def test_what_people_write_stays_text(here: Town, page: Client) -> None:
    await here.call("<script>alert(1)</script>", "<img src=x onerror=alert(1)>")

    answer = await page.get("/?alert=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")

    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text


async def test_a_sentence_from_a_made_up_cookie_is_left_out(page: Client) -> None:
    for cookie in ("%%%", "_____", "4pyT4p"):
        page.cookies.set("tutela_says", cookie)
        assert (await page.get("/")).status_code == 200


async def test_what_residents_report_and_post_is_shown(here: Town, page: Client) -> None:
    await here.report("In front of my door.")
    await here.post("Smoke!")

    says = text(await page.get("/"))

    assert "Trees: fallen tree received In front of my door." in says
    assert "Fire Smoke! feed · near" in says
    assert "Fire Smoke!" in text(await page.get("/part/posts"))
    assert "fallen tree" in text(await page.get("/part/reports"))


async def test_where_nobody_told_anything_that_is_said(here: Town, page: Client) -> None:
    del here
    says = text(await page.get("/"))

    assert "Nobody has reported anything." in says
    assert "Nobody has posted anything" in says
