"""What a hostile request gets: a clear refusal, and nothing that it did not have before."""

from __future__ import annotations

import logging
import re
from typing import NoReturn

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_routes import There, ask, pages
from tests.screens.town import WHY, Town, application

Client = AsyncTestClient[Litestar]

UP = (
    "/static/../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static/..%2f..%2f..%2fetc%2fpasswd",
    "/static/%252e%252e%252fetc%252fpasswd",
    "/static//etc/passwd",
    "/static/..%5c..%5cheaders",
    "/static/%00",
    "/static/../headers.py",
    "/static/../templates/page.html",
    "/schema/../../etc/passwd",
)
INSIDE = re.compile(
    r"Traceback|\.py\"|site-packages|asyncpg|duckdb|postgres(ql)?://|nats://|root:x:0|hunter2|select ",
    re.IGNORECASE,
)
"""What only the inside knows."""

HOSTILE = ("' or 1=1 --", "'; drop table event; --", "../../etc/passwd", "${7*7}", "{{7*7}}", "$(id)", "%s%n", "%00")


@pytest.mark.parametrize("path", UP)
async def test_no_file_is_served_but_those_of_the_page(stranger: Client, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code in {400, 404, 405}
    assert not INSIDE.search(answer.text)


@pytest.mark.parametrize("path", ["/static/", "/static", "/.git/config", "/.env", "/static/.git/HEAD"])
async def test_no_folder_is_listed_and_no_history_is_served(stranger: Client, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code in {404, 405}
    assert "page.css" not in answer.text


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "PUT", "PATCH"])
async def test_no_method_is_answered_but_those_of_a_route(operator: Client, method: str) -> None:
    for path in ("/", "/v1/me", "/ready", "/static/page.css"):
        answer = await operator.request(method, path, headers={"X-Canary": "canary-7281"})

        assert answer.status_code == 405, path
        assert "canary-7281" not in answer.text


async def test_a_method_is_the_one_of_the_request_and_no_header_makes_another(here: Town, operator: Client) -> None:
    assert (await operator.post(f"/v1/shift{WHY}", json={"budget": 6})).status_code == 201
    names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
    for headers in ({name: "DELETE"} for name in names):
        answer = await operator.post(f"/v1/shift{WHY}&_method=DELETE", json={"budget": 6}, headers=headers)

        assert answer.status_code == 409, answer.text  # signed on already: it was a POST
    assert len(here.events("shift@1")) == 1


async def test_no_header_of_the_request_names_where_answers_lead(stranger: Client) -> None:
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path in ("/", "/enrol", "/nowhere", "/v1/me", "/schema/openapi.json"):
        answer = await stranger.get(path, headers=lies, follow_redirects=False)

        assert "evil.example" not in answer.text + "".join(answer.headers.values()), path


async def test_a_fault_of_ours_shows_its_number_and_nothing_else(
    here: Town, operator: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("postgresql://tutela:hunter2@127.0.0.1 says: select secret from data_key")

    monkeypatch.setattr(type(here.facts), "shifts", breaks)
    with caplog.at_level(logging.ERROR):
        answer = await operator.get(f"/v1/shift{WHY}")
    told = answer.json()

    assert (answer.status_code, set(told)) == (500, {"type", "title", "status", "detail", "policy", "id"})
    assert not INSIDE.search(answer.text)
    assert told["id"] in told["detail"]
    assert any(told["id"] in record.getMessage() and record.exc_info for record in caplog.records)
    assert (await operator.get("/v1/me")).status_code == 200  # and it goes on


async def test_an_act_that_breaks_half_way_leaves_nothing(
    here: Town, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(type(here.facts), "act", breaks)
        assert (await operator.post(f"/v1/shift{WHY}", json={"budget": 6})).status_code == 500

    assert not here.events("shift@1")
    assert (await operator.get(f"/v1/shift{WHY}")).json() is None


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_names_are_only_names(operator: Client, text: str) -> None:
    for path in ("/v1/alerts/{}", "/v1/incidents/{}", "/v1/units/{}/history", "/part/{}", "/v1/log/inclusion/{}"):
        answer = await operator.get(path.format(text.replace("%s%n", "%25s%25n").replace("/", "%2F")) + WHY)

        assert answer.status_code in {303, 400, 404}, (path, answer.text)
        assert not INSIDE.search(answer.text)
        assert "49" not in answer.text or "{{7*7}}" in answer.text or "${7*7}" in answer.text


async def test_hostile_purposes_are_refused_and_never_taken_for_another(here: Town, operator: Client) -> None:
    for text in HOSTILE:
        answer = await operator.get("/v1/alerts", params={"purpose": text, "basis": "PublicInterest"})

        assert answer.status_code in {400, 403}, answer.text
    assert not here.events("query@1")


@pytest.mark.parametrize("two", [("public-safety", "neighbourhood"), ("neighbourhood", "public-safety")])
async def test_a_parameter_that_is_there_twice_never_reads_for_one_purpose_and_logs_another(
    here: Town, operator: Client, two: tuple[str, str]
) -> None:
    answer = await operator.get(f"/v1/alerts?purpose={two[0]}&purpose={two[1]}&basis=PublicInterest")

    if answer.status_code == 200:
        assert [b'"public-safety"' in event.body for event in here.events("query@1")] == [True]
    else:
        assert answer.status_code in {400, 403}
        assert not here.events("query@1")


async def test_no_field_is_taken_that_a_route_does_not_have(operator: Client) -> None:
    """Nobody makes themselves more by a field that they add."""
    there = There()
    tried = 0
    for route in ("POST /v1/invitations", "POST /v1/shift", "POST /v1/incidents", "POST /v1/enrol"):
        method, path = route.split(" ")
        body = {**(there.body(path) or {"code": "x", "name": "x"}), "role": "oversight", "admin": True}
        answer = await operator.request(method, path + WHY, json=body)

        assert answer.status_code == 400, (route, answer.text)
        tried += 1
    assert tried == 4


@pytest.mark.parametrize("budget", ["six", 6.5, True, None, [6], {"$gt": 0}, -1, 2**63, 10**30])
async def test_no_value_is_taken_for_one_of_another_type_or_beyond_its_range(operator: Client, budget: object) -> None:
    assert (await operator.post(f"/v1/shift{WHY}", json={"budget": budget})).status_code == 400


async def test_who_is_signed_in_is_told_by_no_header_of_a_proxy(stranger: Client) -> None:
    lies = {
        "X-Forwarded-User": "operator",
        "X-Remote-User": "root",
        "X-Original-URL": "/ready",
        "X-Forwarded-For": "::1",
    }

    assert (await stranger.get("/v1/me", headers=lies)).status_code == 401


async def test_no_secret_goes_in_an_address(here: Town, stranger: Client) -> None:
    """A session is a header or a cookie: nothing signs in by what stands in the address."""
    token = await here.token()
    for name in ("token", "access_token", "session", "tutela_session", "authorization"):
        assert (await stranger.get(f"/v1/me?{name}={token}")).status_code == 401


READ_NONE = {
    "POST /sign-out",
    "POST /you/app",
    "POST /you/sessions",
    "POST /you/remove/{passkey}",
    "POST /you/provider/remove",
    "POST /handover/{handover}/take",
}
"""Pages that take a form and read nothing of it."""


async def test_a_large_body_is_refused_at_every_page(here: Town) -> None:
    async with AsyncTestClient(application(here)) as client:
        client.cookies.set("tutela_session", await here.token())
        answered = set()
        for route in pages(client.app):
            if route.startswith("POST") and route not in READ_NONE:
                path = re.sub(r"\{[^}]*\}", "x", route.split(" ")[1].replace("{verb}", "acknowledge"))
                answer = await client.post(path, data={"text": "x" * 200_000})

                assert answer.status_code in {404, 413}, (route, answer.text)
                answered.add(answer.status_code)
        assert 413 in answered


async def test_a_status_of_the_api_is_the_same_whatever_is_accepted(operator: Client) -> None:
    for accept in ("text/html", "application/xml", "image/png", "*/*"):
        status, says = await ask(operator, "GET /v1/me", "")
        answer = await operator.get("/v1/me", headers={"Accept": accept})

        assert (answer.status_code, answer.text) == (status, says)
