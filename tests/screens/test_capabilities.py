"""Capabilities over the API: residents comment without an account, people answer and arm; the register says where each one is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from tests.flow.test_arming import EXTENT, GATHER, LOUD, Case
from tests.screens.town import application

from tutela.flow.register_public import OLDEST
from tutela.model.arming import OPEN_FOR
from tutela.model.people import Role
from tutela.model.when import DAY, MINUTE

Client = AsyncTestClient[Litestar]
HOUSE = {"purpose": "system-operation", "basis": "LegalObligation"}
SAID = {"text": "Whose units are these?"}
TEXT = {"text": "It counts <b>units</b>.", "extent": msgspec.to_builtins(EXTENT)}


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


@pytest.fixture
async def client(case: Case) -> AsyncIterator[Client]:
    async with case.here.living(), AsyncTestClient(application(case.here)) as client:
        yield client


async def supervisor(case: Case, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await case.here.token(Role.SUPERVISOR, name)}"}


async def act(client: Client, who: dict[str, str], path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  JSON
    answer = await client.post(f"/v1/capabilities/{path}", params=HOUSE, headers=who, json=body)
    return answer.status_code, answer.json()


async def test_the_whole_way_of_a_capability(case: Case, client: Client) -> None:
    """Published, commented on by somebody without an account, answered, armed."""
    await case.assessed()
    published = await act(client, await supervisor(case, "Aino"), f"{GATHER}/publish", TEXT)
    said = await client.post(f"/v1/register/{GATHER}/comments", json=SAID)
    case.now += OPEN_FOR
    one = await supervisor(case, "Aino")
    early = await act(client, one, f"{GATHER}/arm", {})
    waiting = (await client.get("/v1/capabilities/comments", params=HOUSE, headers=one)).json()
    answer = {"text": "The city's.", "signed": "Aino L."}
    answered = await act(client, one, f"comments/{waiting[0]['id']}/answer", answer)
    armed = await act(client, one, f"{GATHER}/arm", {})

    assert (published[0], said.status_code, early[0], answered[0], armed[0]) == (200, 201, 409, 200, 200)
    assert waiting[0]["text"] == SAID["text"]
    assert armed[1]["state"] == "armed"


async def test_widening_takes_two_and_disarming_one(case: Case, client: Client) -> None:
    await case.armed()
    await case.publish(extent=replace(EXTENT, days=2))
    case.now += OPEN_FOR
    one, other = await supervisor(case, "Aino"), await supervisor(case, "Eino")
    alone = await act(client, one, f"{GATHER}/arm", {})
    proposed = await act(client, one, f"{GATHER}/arm/propose", {"reason": "one more day"})
    vote = {"yes": True, "reason": "I looked"}
    await client.post(f"/v1/approvals/{proposed[1]['id']}/vote", params=HOUSE, headers=other, json=vote)
    case.now += DAY
    again = await supervisor(case, "Aino")
    widened = await act(client, again, f"{GATHER}/arm", {"approval": proposed[1]["id"]})
    disarmed = await act(client, again, f"{GATHER}/disarm", {"reason": "no need"})

    assert (alone[0], alone[1]["policy"], proposed[0], widened[0]) == (403, "G27-second-person", 201, 200)
    assert (disarmed[0], disarmed[1]["state"]) == (200, "disarmed")


async def test_the_register_says_what_is_off_and_why_to_everybody(case: Case, client: Client) -> None:
    before = (await client.get("/register")).text
    await case.armed(lasts=20 * DAY)
    on = (await client.get("/register")).text
    await case.publish()
    said = await case.arming.comment(GATHER, "My neighbour Mr Korhonen drives one")
    case.now += 10 * DAY
    lapsed = (await client.get("/register")).text
    await case.arming.answer(said.id, "It counts <i>only</i>.", "Eino Laine", "eino")
    case.now += OLDEST
    page, states = (await client.get("/register")).text, (await client.get("/v1/register")).json()["states"]

    assert "Drafted, and off: it has no dpia; it was not published." in before
    assert "it stops by itself when its dpia lapses" in on
    assert "Lapsed, and off: its dpia DPIA 1 lapsed 2026-12-15T08:00:00.000Z" in lapsed
    assert "1 comments wait for an answer" in lapsed
    assert "Say what you think of it until 2026-12-23, without an account" in lapsed
    assert "Answered by Eino Laine: It counts &lt;i&gt;only&lt;/i&gt;." in page
    assert "Korhonen" not in lapsed + page
    assert {one["name"]: one["off"] for one in states}[LOUD] == ""


async def test_health_says_what_is_off(case: Case, client: Client) -> None:
    await case.armed(lasts=20 * DAY)
    case.now += 10 * DAY
    one = await supervisor(case, "Aino")
    vitals = (await client.get("/v1/health", params=HOUSE, headers=one)).json()
    page = (await client.get("/", headers=one)).text

    assert vitals["off"][GATHER] == "its dpia DPIA 1 lapsed 2026-12-15T08:00:00.000Z"
    assert f"✕ {GATHER}" in page


async def test_a_resident_comments_on_what_is_published_and_not_without_end(case: Case, client: Client) -> None:
    address = f"/v1/register/{GATHER}/comments"
    unpublished = await client.post(address, json=SAID)
    await case.publish()
    answers = [
        (await client.post(address, json=body)).status_code for body in (SAID, {"text": " "}, {}, SAID, SAID, SAID)
    ]
    often = await client.post(address, json=SAID)
    elsewhere = await client.post(address, json=SAID, headers={"Origin": "https://elsewhere.example"})
    case.now += MINUTE
    later = await client.post(address, json=SAID)

    assert unpublished.status_code == 404
    assert answers == [201, 400, 400, 201, 201, 201]
    assert (often.status_code, "Retry-After" in often.headers) == (429, True)
    assert (elsewhere.status_code, later.status_code) == (403, 201)


async def test_a_resident_says_what_they_think_on_the_page_and_is_answered_there(case: Case, client: Client) -> None:
    page, address = "What you think of it", f"/transparency/capability/{GATHER}"
    closed = (await client.get(address)).text
    refused = await client.post(address, data=SAID)
    await case.publish()
    case.now += OLDEST
    opened = (await client.get(address)).text
    empty = await client.post(address, data={"text": " "})
    sent = await client.post(address, data=SAID)
    elsewhere = await client.post(address, data=SAID, headers={"Origin": "https://elsewhere.example"})
    (waiting,) = await case.arming.comments()

    assert (page in closed, page in opened) == (False, True)
    assert (refused.status_code, empty.status_code, elsewhere.status_code) == (404, 400, 403)
    assert waiting.text == SAID["text"]
    assert f"number {waiting.id}" in sent.text
    assert SAID["text"] not in sent.text


async def test_a_description_that_there_is_not_is_told_like_everything_else(client: Client) -> None:
    answer = await client.get("/schema/nothing")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
