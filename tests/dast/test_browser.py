"""What a browser is told: headers, cookies, and nothing for other sites."""

from __future__ import annotations

import re
from email.message import Message
from http.cookies import SimpleCookie

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import WHY, Town, application

from tutela.model.people import Role
from tutela.screens.guard import COOKIE

Client = AsyncTestClient[Litestar]

EVERYWHERE = ("/enrol", "/ready", "/nowhere", "/static/page.css", "/static/none", "/v1/me", f"/v1/alerts{WHY}", "/")
"""Pages, files, answers of the API, and what is not there."""

KINDS = {"text/html", "text/plain", "text/css", "text/javascript", "application/json", "application/problem+json"}
YEAR = 31_536_000


def policy(answer: Response) -> dict[str, str]:
    """The directives of the content security policy."""
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


def kind(answer: Response) -> Message:
    told = Message()
    told["content-type"] = answer.headers["content-type"]
    return told


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_answer_lets_a_page_run_or_fetch_what_is_not_ours(stranger: Client, path: str) -> None:
    told = policy(await stranger.get(path, follow_redirects=False))

    assert told["default-src"] == "'self'"
    assert (told["object-src"], told["base-uri"], told["form-action"]) == ("'none'", "'none'", "'self'")
    assert not any("unsafe" in value or "*" in value or "data:" in value for value in told.values())


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_answer_may_be_shown_inside_of_another_site(stranger: Client, path: str) -> None:
    assert policy(await stranger.get(path, follow_redirects=False))["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_answer_is_guessed_at_nor_tells_others_where_somebody_was(stranger: Client, path: str) -> None:
    headers = (await stranger.get(path, follow_redirects=False)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_over_tls_every_answer_asks_for_tls_for_a_year(stranger: Client, path: str) -> None:
    told = (await stranger.get(path, follow_redirects=False)).headers["strict-transport-security"]

    lasts = re.search(r"max-age=(\d+)", told)
    assert lasts is not None
    assert int(lasts[1]) >= YEAR
    assert "includeSubDomains" in told


async def test_without_tls_no_answer_promises_it(here: Town) -> None:
    async with AsyncTestClient(application(here), base_url="http://localhost.local") as client:
        assert "strict-transport-security" not in (await client.get("/ready")).headers


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_every_answer_says_what_it_is_and_in_which_characters(stranger: Client, path: str) -> None:
    answer = await stranger.get(path, follow_redirects=False)
    told = kind(answer)

    assert told.get_content_type() in KINDS
    if told.get_content_maintype() == "text":
        assert told.get_param("charset") == "utf-8"


async def test_what_was_read_is_kept_by_no_browser_and_no_proxy(operator: Client) -> None:
    for path in (f"/v1/alerts{WHY}", "/v1/me", f"/v1/shift{WHY}", "/enrol"):
        assert (await operator.get(path)).headers["cache-control"] == "no-store", path


async def test_another_site_is_told_nothing_by_cors(operator: Client) -> None:
    for origin in ("https://evil.example", "null", "https://tutela.example.evil.example"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for method, path in (("GET", f"/v1/alerts{WHY}"), ("OPTIONS", "/v1/shift"), ("GET", "/ready")):
            answer = await operator.request(method, path, headers=headers)

            assert not [name for name in answer.headers if name.startswith("access-control-")], (origin, path)


async def test_the_cookie_of_a_session_is_seen_by_no_script_and_sent_by_no_other_site(
    here: Town, stranger: Client
) -> None:
    code = await here.staff.invite_here(Role.OPERATOR, "city")
    answer = await stranger.post("/enrol", data={"code": code, "name": "Aino"}, follow_redirects=False)
    cookies = SimpleCookie()
    for told in answer.headers.get_list("set-cookie"):
        cookies.load(told)
    session = cookies[COOKIE]

    assert session["httponly"] is True
    assert session["secure"] is True
    assert session["samesite"].lower() == "strict"
    assert (session["path"], session["domain"]) == ("/", "")
    assert all(cookie["samesite"].lower() == "strict" and cookie["httponly"] for cookie in cookies.values())


async def test_a_change_by_cookie_from_elsewhere_is_refused_whatever_it_is_sent_as(
    here: Town, stranger: Client
) -> None:
    stranger.cookies.set(COOKIE, await here.token())
    bodies = {
        "text/plain": b'{"budget": 6}',
        "application/x-www-form-urlencoded": b"budget=6",
        "application/json": b'{"budget": 6}',
    }
    for kind_, body in bodies.items():
        headers = {"Content-Type": kind_, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = await stranger.post(f"/v1/shift{WHY}", content=body, headers=headers)

        assert answer.status_code in {400, 403}, body  # a form is no body of the API at all
        assert answer.status_code == 400 or answer.json()["policy"] == "same-site"
    assert not here.events("shift@1")


async def test_reading_changes_nothing(here: Town, stranger: Client) -> None:
    """Whatever changes something is a POST or DELETE: no GET of an address that acts is answered."""
    stranger.cookies.set(COOKIE, await here.token())
    alert = await here.alert()
    before = len(here.events("alert@1"))
    for path in (f"/do/alert/acknowledge/{alert.id}", f"/v1/alerts/{alert.id}/acknowledge{WHY}", "/sign-out"):
        assert (await stranger.get(path, follow_redirects=False)).status_code == 405, path
    assert len(here.events("alert@1")) == before


async def test_nobody_is_led_to_another_site(stranger: Client) -> None:
    for path in ("/?next=https://evil.example", "//evil.example/", "/enrol?next=//evil.example", "/part/queue"):
        answer = await stranger.get(path, follow_redirects=False)

        assert answer.headers.get("location", "/").startswith("/"), path
        assert not answer.headers.get("location", "/").startswith("//"), path


async def test_the_page_lets_somebody_out_wherever_they_are(here: Town, stranger: Client) -> None:
    stranger.cookies.set(COOKIE, await here.token())

    assert 'action="/sign-out"' in (await stranger.get("/")).text
