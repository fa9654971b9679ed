"""Papers over the API and on their page: entered by whose duty it is, and plain to whoever may read them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, Town, application

from tutela.model.people import Role
from tutela.model.when import DAY

Client = AsyncTestClient[Litestar]
OFFICE = {"purpose": "oversight", "basis": "LegalObligation"}
PAPER: dict[str, Any] = {
    "number": "DPIA 26/7",
    "authority": "The town's office",
    "signed": "Aino Virtanen",
    "about": {"kind": "dpia", "covers": ["smoke"]},
    "since": NOW,
    "until": NOW + 30 * DAY,
    "sha256": "0f" * 32,
}


@pytest.fixture
async def officer(here: Town) -> AsyncIterator[Client]:
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.headers["Authorization"] = f"Bearer {await here.token(Role.PRIVACY_OFFICER)}"
        yield client


async def test_a_paper_is_entered_read_and_ended(here: Town, officer: Client) -> None:
    entered = await officer.post("/v1/papers", params=OFFICE, json=PAPER)
    listed = await officer.get("/v1/papers", params=OFFICE)
    ended = await officer.post(
        f"/v1/papers/{entered.json()['paper']['id']}/end", params=OFFICE, json={"reason": "withdrawn"}
    )

    assert (entered.status_code, entered.json()["stands"]) == (201, True)
    assert (listed.json()[0]["state"], listed.json()[0]["paper"]["signed"]) == (
        "stands until 2026-12-25T08:00:00.000Z",
        "(sealed)",
    )
    assert (ended.status_code, ended.json()["stands"]) == (200, False)
    assert [event.kind for event in await here.facts.about("papers")] == ["paper@1", "paper-ended@1"]


async def test_a_purpose_change_takes_two(here: Town, officer: Client) -> None:
    about = {"kind": "compatibility", "collected_for": "traffic", "used_for": "public-health", "reason": "falls"}
    made = (await officer.post("/v1/papers", params=OFFICE, json={**PAPER, "about": about})).json()
    address = f"/v1/papers/{made['paper']['id']}/grant"
    own = await officer.post(address, params=OFFICE, json={})
    officer.headers["Authorization"] = f"Bearer {await here.token(Role.PRIVACY_OFFICER, 'Eino')}"
    second = await officer.post(address, params=OFFICE, json={"sha256": "0e" * 32})

    assert (own.status_code, "a second person" in own.json()["detail"]) == (409, True)
    assert (second.status_code, second.json()["stands"]) == (200, True)


async def test_a_paper_that_can_t_be_says_what_is_wrong(officer: Client) -> None:
    for change, says in (
        ({"until": NOW}, "stands for up to 366 days"),
        ({"about": {"kind": "wish"}}, "about"),
        ({"sha256": ""}, "sha256sum FILE"),
        ({"id": "mine"}, "id"),
    ):
        answer = await officer.post("/v1/papers", params=OFFICE, json={**PAPER, **change})

        assert (answer.status_code, says in answer.json()["detail"]) == (400, True), answer.text


async def test_the_page_tells_what_stands_and_what_lapsed(here: Town, officer: Client) -> None:
    empty = await officer.get("/papers")
    abouts = (
        {"kind": "dpia", "covers": ["smoke"]},
        {"kind": "agreement", "recipient": "The court", "classes": ["alerts"], "purposes": ["public-safety"]},
        {"kind": "authorisation", "objective": "find a child", "area": "Kallio", "case": "R 26/9"},
        {"kind": "compatibility", "collected_for": "traffic", "used_for": "public-health", "reason": "<b>falls"},
    )
    for about in abouts:
        await officer.post("/v1/papers", params=OFFICE, json={**PAPER, "about": about})
    page = await officer.get("/papers")

    assert (empty.status_code, "No paper is entered yet" in empty.text) == (200, True)
    assert page.text.count("stands until") == 3
    assert "✕ waits for a second person" in page.text
    assert "Aino Virtanen" not in page.text
    officer.headers["Authorization"] = f"Bearer {await here.token(Role.SUPERVISOR, 'Bo')}"
    named = (await officer.get("/papers")).text
    assert "signed by Aino Virtanen" in named
    assert "&lt;b&gt;falls" in named


async def test_an_operator_s_page_says_whose_duty_it_is(operator: Client) -> None:
    answer = await operator.get("/papers")

    assert (answer.status_code, "No policy lets operator read papers" in answer.text) == (403, True)
