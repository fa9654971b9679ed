"""Evidence over the API: a zip that anybody checks, for whose duty it is; and a redacted one derived from it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import LOG_KEY, ORIGIN, Town, application

from tutela.backends.outsider import BROKEN, HOLDS, LOG, Key
from tutela.backends.outsider_bundle import check_bundle
from tutela.model import note
from tutela.model.people import Role

Client = AsyncTestClient[Litestar]
KEY = note.verifier_key(ORIGIN, LOG_KEY.public_key().public_bytes_raw())
HANDED = {
    "purpose": "public-safety",
    "basis": "LegalObligation",
    "recipient": "The court",
    "agreement": "R 26/1",
    "reason": "It asked for it",
}


@pytest.fixture
async def supervisor(here: Town) -> AsyncIterator[Client]:
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.headers["Authorization"] = f"Bearer {await here.token(Role.SUPERVISOR)}"
        yield client


async def incident(here: Town) -> str:
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    call = await here.call()
    opened = await here.incidents.open_from_call(here.access(agent), call.id, "key")
    await here.agreement(HANDED["recipient"], HANDED["agreement"])
    await here.signed()
    return opened.id


async def test_a_bundle_and_its_redacted_derivative_hold(here: Town, supervisor: Client) -> None:
    address = f"/v1/incidents/{await incident(here)}/evidence"
    whole = await supervisor.post(address, params=HANDED)
    redacted = await supervisor.post(f"{address}/redacted", params=HANDED, content=whole.content)

    assert (whole.status_code, redacted.status_code) == (200, 200)
    assert whole.headers["content-type"] == "application/zip"
    assert whole.headers["content-disposition"] == 'attachment; filename="evidence.zip"'
    assert check_bundle(whole.content, Key(KEY, LOG), [])[0] == HOLDS
    assert check_bundle(redacted.content, Key(KEY, LOG), [], whole.content)[0] == HOLDS
    assert check_bundle(redacted.content, Key(KEY, LOG), [], redacted.content)[0] == BROKEN
    assert len(here.events("export@1")) == 2


async def test_an_operator_is_told_that_it_is_not_their_duty(here: Town, operator: Client) -> None:
    answer = await operator.post(f"/v1/incidents/{await incident(here)}/evidence", params=HANDED)

    assert (answer.status_code, answer.json()["policy"]) == (403, "no-permit")


async def test_without_a_recipient_nothing_leaves(here: Town, supervisor: Client) -> None:
    address = f"/v1/incidents/{await incident(here)}/evidence"

    assert (await supervisor.post(address, params={**HANDED, "recipient": ""})).status_code == 400
    assert (
        await supervisor.post(address, params={name: word for name, word in HANDED.items() if name != "agreement"})
    ).status_code == 400
    assert here.events("export@1") == []
