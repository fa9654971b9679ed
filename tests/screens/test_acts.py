"""What people do over the API is done once, under their name, and told in the log."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import GRAVE, WHY, Town, application

from tutela.flow.people import SESSION_LASTS
from tutela.model.alert import AlertStatus
from tutela.model.people import Role

Client = AsyncTestClient[Litestar]
HOUR_ON = "2026-11-25T09:00:00Z"


async def do(client: Client, path: str, body: object = None, key: str | None = None, method: str = "POST") -> Any:  # noqa: ANN401  JSON
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await client.request(method, f"/v1/{path}{WHY}", json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def test_an_alert_is_acknowledged_shelved_taken_back_and_dismissed(here: Town, operator: Client) -> None:
    alert = f"alerts/{(await here.alert()).id}"

    stands = [
        await do(operator, f"{alert}/acknowledge"),
        await do(operator, f"{alert}/shelve", {"reason": "works till nine", "until": HOUR_ON}),
        await do(operator, f"{alert}/unshelve"),
        await do(operator, f"{alert}/dismiss", {"reason": "a concert"}),
    ]

    assert [one["status"] for one in stands] == ["acknowledged", "shelved", "new", "dismissed"]
    assert [one["revision"] for one in stands] == [1, 2, 3, 4]
    me = (await operator.get("/v1/me")).json()["id"]
    assert [event.by for event in here.events("alert@1")] == ["desk", me, me, me, me]


async def test_an_act_sent_twice_with_one_key_is_done_once(here: Town, operator: Client) -> None:
    alert = f"alerts/{(await here.alert()).id}"

    first = await do(operator, f"{alert}/acknowledge", key="once")
    again = await do(operator, f"{alert}/acknowledge", key="once")

    assert first == again
    assert len(here.events("alert@1")) == 2


async def test_a_step_that_there_is_not_is_a_conflict_and_says_who_was_first(here: Town, operator: Client) -> None:
    alert = await here.alert()
    async with AsyncTestClient(application(here)) as colleague:
        agent, token = await here.person(Role.OPERATOR, "Bo")
        colleague.headers["Authorization"] = f"Bearer {token}"
        await do(colleague, f"alerts/{alert.id}/dismiss", {"reason": "false"})

    answer = await operator.post(f"/v1/alerts/{alert.id}/acknowledge{WHY}")

    assert answer.status_code == 409
    assert agent.id in answer.json()["detail"]


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("shelve", {"reason": "r", "until": "2026-11-25T07:00:00Z"}, 400),
        ("shelve", {"reason": "r", "until": "2026-11-25T20:00:00Z"}, 400),
        ("shelve", {"reason": "r", "until": "tomorrow"}, 400),
        ("shelve", {"reason": "r", "until": "2026-11-25T09:00:00"}, 400),
        ("unshelve", None, 409),
        ("dismiss", {"reason": "  "}, 400),
        ("dismiss", {}, 400),
        ("dismiss", {"reason": "r", "also": 1}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    here: Town, operator: Client, verb: str, body: object, status: int
) -> None:
    alert = await here.alert()

    answer = await operator.post(f"/v1/alerts/{alert.id}/{verb}{WHY}", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert len(here.events("alert@1")) == 1


async def test_a_grave_alert_is_never_shelved(here: Town, operator: Client) -> None:
    grave = await here.alert("fire", GRAVE)

    answer = await operator.post(f"/v1/alerts/{grave.id}/shelve{WHY}", json={"reason": "not now", "until": HOUR_ON})

    assert (answer.status_code, len(here.events("alert@1"))) == (409, 1)


async def test_an_incident_lives_from_an_alert_to_its_end(here: Town, operator: Client) -> None:
    alert, other, call = await here.alert(), await here.alert("fire"), await here.call()

    opened = await do(operator, "incidents", {"alert": alert.id})
    incident = f"incidents/{opened['id']}"
    await do(operator, f"{incident}/alerts", {"alert": other.id})
    await do(operator, f"{incident}/calls", {"call": call.id})
    await do(operator, f"{incident}/status", {"status": "Active"})
    await do(operator, f"{incident}/agencies", {"agencies": ["city", "fire", "city"]}, method="PUT")
    noted = await do(operator, f"{incident}/notes", {"text": "Engine 2 on the way."})
    await do(operator, f"{incident}/alerts/{other.id}", method="DELETE")
    left = await do(operator, f"{incident}/calls/{call.id}", method="DELETE")
    await do(operator, f"{incident}/status", {"status": "Resolved"})
    closed = await do(operator, f"{incident}/disposition", {"disposition": "Put out."})

    assert (noted["agencies"], noted["notes"][0]["text"]) == (["city", "fire"], "Engine 2 on the way.")
    assert (left["alerts"], left["calls"]) == ([alert.id], [])
    assert (closed["status"], closed["disposition"]) == ("Closed", "Put out.")
    assert here.facts.store.alerts[other.id].status is AlertStatus.ACKNOWLEDGED
    assert len(here.events("incident@1")) == 10


async def test_two_incidents_are_fused_and_taken_apart(here: Town, operator: Client) -> None:
    first = await do(operator, "incidents", {"alert": (await here.alert()).id})
    second = await do(operator, "incidents", {"call": (await here.call()).id})

    fused = await do(operator, f"incidents/{first['id']}/fused", {"incident": second["id"]})
    apart = await do(operator, f"incidents/{first['id']}/fused/{second['id']}", method="DELETE")

    assert (fused["fused"], apart["fused"]) == ([second["id"]], [])
    assert (await operator.get(f"/v1/incidents/{second['id']}{WHY}")).json()["status"] == "Active"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"alert": "a", "call": "c"},
        {"alert": None, "call": None},
        {"type": "fire"},
        {"place": {"lat": 60.0, "lon": 24.0}},
        {"call": "c", "type": "fire", "place": {"lat": 60.0, "lon": 24.0}},
    ],
)
async def test_an_incident_is_opened_from_one_thing(operator: Client, body: object) -> None:
    answer = await operator.post(f"/v1/incidents{WHY}", json=body)

    assert answer.status_code == 400
    assert "name one of these" in answer.json()["detail"]


async def test_an_incident_is_opened_from_what_somebody_saw_and_where(operator: Client) -> None:
    opened = await do(operator, "incidents", {"type": "gas leak", "place": {"lat": 60.1702, "lon": 24.9412}})

    assert (opened["type"], opened["place"]["lat"], opened["status"]) == ("gas leak", 60.1702, "New")


async def test_people_come_in_sign_on_and_off_and_invite(here: Town, stranger: Client) -> None:
    code = await here.staff.invite_here(Role.SUPERVISOR, "city")
    enrolled = await stranger.post("/v1/enrol", json={"code": code, "name": "Aino"})
    again = await stranger.post("/v1/enrol", json={"code": code, "name": "Bo"})
    stranger.cookies.clear()
    stranger.headers["Authorization"] = f"Bearer {enrolled.json()['token']}"

    on = await do(stranger, "shift", {"budget": 6})
    off = await do(stranger, "shift", method="DELETE")
    invited = await stranger.post(
        "/v1/invitations?purpose=system-operation&basis=PublicInterest", json={"role": "operator", "agency": "city"}
    )

    cookie = enrolled.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (enrolled.status_code, again.status_code, invited.status_code) == (201, 409, 201)
    assert (on["budget"], on["until"], off["until"]) == (6, here.clock() + SESSION_LASTS, here.clock())
    assert len(invited.json()["code"]) == len("ABCD-EFGH-IJKL-MNOP")


async def test_somebody_comes_again_as_the_same_person(here: Town, stranger: Client) -> None:
    agent, _ = await here.person(Role.OPERATOR, "Aino")
    supervisor = {"Authorization": f"Bearer {await here.token(Role.SUPERVISOR)}"}
    why = "purpose=system-operation&basis=PublicInterest"

    invited = await stranger.post(f"/v1/invitations/again?{why}", json={"agent": agent.id}, headers=supervisor)
    nobody = await stranger.post(f"/v1/invitations/again?{why}", json={"agent": "nobody"}, headers=supervisor)
    again = await stranger.post("/v1/enrol", json={"code": invited.json()["code"], "name": "whoever"})
    stranger.cookies.clear()
    me = await stranger.get("/v1/me", headers={"Authorization": f"Bearer {again.json()['token']}"})

    assert (invited.status_code, nobody.status_code) == (201, 404)
    assert again.json()["agent"] == me.json()
    assert (me.json()["id"], me.json()["name"]) == (agent.id, "Aino")


async def test_nobody_invites_into_another_agency(here: Town, stranger: Client) -> None:
    supervisor = {"Authorization": f"Bearer {await here.token(Role.SUPERVISOR)}"}

    invited = await stranger.post(
        "/v1/invitations?purpose=system-operation&basis=PublicInterest",
        json={"role": "operator", "agency": "police"},
        headers=supervisor,
    )

    assert (invited.status_code, invited.json()["policy"]) == (403, "F18-own-agency-invites")
