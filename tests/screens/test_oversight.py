"""Those who oversee see on one page what is at work, what waits, what was refused and what stands out; and nobody else does."""

from __future__ import annotations

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import Town

from tutela.model.capability import Words
from tutela.model.people import Role
from tutela.model.rights import Claim, Right

Client = AsyncTestClient[Litestar]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PRIVACY_OFFICER])
async def test_the_page_has_all_that_there_is_to_oversee(here: Town, stranger: Client, role: Role) -> None:
    operator, token = await here.person(Role.OPERATOR, "Aino Kettunen")
    await here.reads.log.about(here.access(operator), "live", "Aino Kettunen")
    stranger.headers["Authorization"] = f"Bearer {token}"
    assert (await stranger.get("/v1/alerts?purpose=marketing&basis=Consent")).status_code == 403
    filed = await here.rights.file(Right.ERASURE, Claim(name="Liisa", contact="c", words="Erase it."), simulated=True)
    await here.registering.write(Words(system="environment", lawful_basis="The act on clean air."), "install")
    await here.seal()

    stranger.headers["Authorization"] = f"Bearer {await here.token(role, 'Maija')}"
    page = (await stranger.get("/oversight")).text

    for words in (
        filed.reference,
        "simulated</span>",
        "R12-advertising",
        "Looked up themselves",
        "events about Aino Kettunen",  # what was typed; whose name it is, the page does not say
        f"{operator.id}, operator of city",
        "The act on clean air.",
        "Nobody has written by which right.",
        "smoke",
    ):
        assert words in page, words
    assert "Liisa" not in page
    assert [event.kind for event in here.facts.store.events.values()][-1] == "query@1"


async def test_an_empty_log_is_a_calm_page(here: Town, stranger: Client) -> None:
    stranger.headers["Authorization"] = f"Bearer {await here.token(Role.AUDITOR, 'Maija')}"
    page = (await stranger.get("/oversight?days=1&draw=0")).text

    for words in ("Nobody read anything.", "Nothing was refused.", "None was drawn.", "Nobody waits for an answer."):
        assert words in page


async def test_nobody_else_sees_it(operator: Client) -> None:
    answer = await operator.get("/oversight")

    assert (answer.status_code, "No policy lets operator" in answer.text or "another purpose" in answer.text) == (
        403,
        True,
    )


@pytest.mark.parametrize("query", ["days=0", "days=32", "draw=101", "days=many"])
async def test_a_look_that_can_not_be_is_refused(here: Town, stranger: Client, query: str) -> None:
    stranger.headers["Authorization"] = f"Bearer {await here.token(Role.AUDITOR, 'Maija')}"

    assert (await stranger.get(f"/oversight?{query}")).status_code == 400
