"""The page of capabilities: why one is off, and the whole way of one without the API; to stop one takes a reason and no more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.flow.test_arming import GATHER, LOUD, Case
from tests.screens.town import application

from tutela.model.arming import OPEN_FOR
from tutela.model.people import Role
from tutela.model.when import DAY

Client = AsyncTestClient[Litestar]
FORM = {
    "text": "It counts units.",
    "areas": "Kallio, ",
    "purposes": "emergency-response",
    "classes": "positions",
    "days": "1",
}


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


@pytest.fixture
async def client(case: Case) -> AsyncIterator[Client]:
    async with case.here.living(), AsyncTestClient(application(case.here)) as client:
        yield client


async def signed_in(case: Case, client: Client, role: Role = Role.SUPERVISOR, name: str = "Aino") -> None:
    client.headers["Authorization"] = f"Bearer {await case.here.token(role, name)}"


async def did(client: Client, path: str, **form: str) -> str:
    """What the page says after a form."""
    answer = await client.post(f"/capabilities/{path}", data=form)
    found = re.search(r'class="says" role="alert">([^<]*)<', answer.text)
    assert found, answer.text[:500]
    return found[1]


async def page(client: Client) -> str:
    return (await client.get("/capabilities")).text


async def test_the_whole_way_of_a_capability_by_forms(case: Case, client: Client) -> None:
    await case.assessed()
    await signed_in(case, client)
    before = await page(client)
    published = await did(client, f"{GATHER}/publish", **FORM)
    await case.arming.comment(GATHER, "Whose units <are> these?")
    (comment,) = await case.arming.comments()
    waiting = await page(client)
    answered = await did(client, f"{GATHER}/answer", comment=comment.id, text="The city's.", signed="Aino L.")
    case.now += OPEN_FOR
    await signed_in(case, client)
    armed = await did(client, f"{GATHER}/arm", approval="")
    at_work = await page(client)
    stopped = await did(client, f"{GATHER}/stop", reason="It sees too much.")

    assert "✕ Off: it was not published." in before
    assert published == f"{GATHER} is published: residents can comment on it now."
    assert "Whose units &lt;are&gt; these?" in waiting
    assert answered.startswith("Answered")
    assert armed.startswith(f"{GATHER} is armed")
    assert f"Stop {GATHER}" in at_work
    assert stopped == f"{GATHER} is stopped: within seconds it notices nothing more."
    assert (await case.state())[0] == "disarmed"


async def test_what_reaches_further_is_proposed_and_not_armed_by_one(case: Case, client: Client) -> None:
    await case.armed()
    await signed_in(case, client)
    await did(client, f"{GATHER}/publish", **{**FORM, "days": "2"})
    case.now += OPEN_FOR
    await signed_in(case, client)

    alone = await did(client, f"{GATHER}/arm", approval="")
    proposed = await did(client, f"{GATHER}/propose", reason="one more day")

    assert alone.startswith("Not done: ")
    assert proposed.startswith("Proposed: somebody else decides about it at /approvals")


async def test_what_is_wrong_in_a_form_is_told_and_what_was_written_is_kept(case: Case, client: Client) -> None:
    await signed_in(case, client)

    days = await did(client, f"{GATHER}/publish", **{**FORM, "days": "-1"})
    nobody = await did(client, "nothing/stop", reason="r")

    assert (
        days
        == "Not done: for how many days it is kept is a whole number; this is &#39;-1&#39;. You wrote: It counts units."
    )
    assert "there is no capability called" in nobody


async def test_whoever_may_stop_nothing_is_offered_no_form_and_refused(case: Case, client: Client) -> None:
    await case.armed()
    await signed_in(case, client, Role.IT, "Bo")
    shown = await page(client)
    says = await did(client, f"{GATHER}/stop", reason="r")

    assert GATHER in shown
    assert "<form" not in shown
    assert says.startswith("Not done: ")
    assert (await case.state())[0] == "armed"


async def test_a_privacy_officer_stops_what_somebody_else_armed(case: Case, client: Client) -> None:
    await case.armed()
    await signed_in(case, client, Role.PRIVACY_OFFICER, "Pia")

    assert (await did(client, f"{GATHER}/stop", reason="An objection.")).startswith(f"{GATHER} is stopped")


async def test_those_that_are_off_come_first(case: Case, client: Client) -> None:
    await case.armed(lasts=20 * DAY)
    case.now += 10 * DAY
    await signed_in(case, client)

    names = re.findall(r"<h3>([\w-]+)</h3>", await page(client))

    assert names.index(GATHER) < names.index(LOUD)
