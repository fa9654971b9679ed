"""Anybody files a request without an account and sees how it stands by its secret; staff answer it on a page, and over the API."""

from __future__ import annotations

import json
import re
from io import BytesIO
from zipfile import ZipFile

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, Town, application, town

from tutela.flow.ledger import Query
from tutela.flow.rights import Rights
from tutela.model.people import Role
from tutela.model.rights import Claim, Right, RightsStatus
from tutela.model.when import DAY
from tutela.screens.rights import FILING

Client = AsyncTestClient[Litestar]
FILING_ = {
    "right": "access",
    "name": "Liisa Mäki",
    "contact": "liisa@example.org",
    "words": "What is kept of me? <b>All of it.</b>",
    "phones": "+358 40 0000000\n",
}
FOR = "?purpose=rights-request&basis=LegalObligation"


async def officer(here: Town, client: Client, role: Role = Role.PRIVACY_OFFICER) -> None:
    client.headers["Authorization"] = f"Bearer {await here.token(role, 'Pia')}"


async def filed(client: Client) -> tuple[str, str]:
    """By the page, as anybody does."""
    answer = await client.post("/requests/new", data=FILING_)
    reference, secret = re.findall(r"<dd><b>([A-Z0-9-]+)</b></dd>", answer.text)
    assert answer.status_code == 201
    return reference, secret


async def test_anybody_files_by_a_page_and_sees_how_it_stands_and_nothing_personal(stranger: Client) -> None:
    assert "Nobody" not in (await stranger.get("/requests/new")).text
    reference, secret = await filed(stranger)

    by_address = await stranger.post(f"/requests/{reference}", data={"secret": secret})
    by_form = await stranger.post("/requests/status", data={"reference": reference, "secret": secret})
    for answer in (by_address, by_form):
        assert (answer.status_code, "<b>received</b>" in answer.text, "30 days left" in answer.text) == (
            200,
            True,
            True,
        )
        assert "Mäki" not in answer.text
    wrong = await stranger.post(f"/requests/{reference}", data={"secret": "guessed"})
    assert (wrong.status_code, "No request has this reference" in wrong.text) == (404, True)
    assert secret not in (await stranger.get(f"/requests/{reference}")).text


async def test_anybody_files_over_the_api_without_an_account(here: Town, stranger: Client) -> None:
    body = {**FILING_, "phones": ["+358 40 0000000"], "names": ["Liisa Virtanen"], "record": "alert 1"}
    answer = await stranger.post("/v1/requests", json=body)
    told = answer.json()

    assert (answer.status_code, told.keys()) == (201, {"reference", "secret", "due"})
    stands = await here.rights.status(told["reference"], told["secret"])
    claim = await here.rights.claim(await here.rights.one(told["reference"]))
    assert (stands.right, claim and claim.record) == (Right.ACCESS, "alert 1")


@pytest.mark.parametrize(
    ("changed", "says"), [({"right": "money"}, "choose what you ask for"), ({"name": " "}, "a request needs &#39;name")]
)
async def test_a_form_that_lacks_something_says_so_and_keeps_what_was_written(
    stranger: Client, changed: dict[str, str], says: str
) -> None:
    answer = await stranger.post("/requests/new", data={**FILING_, **changed})

    assert (answer.status_code, says in answer.text) == (400, True)
    assert "What is kept of me? &lt;b&gt;All of it." in answer.text


async def test_one_address_can_not_file_without_end(here: Town, stranger: Client) -> None:
    answers = [await stranger.post("/requests/new", data=FILING_) for _ in range(FILING.burst + 1)]

    assert [one.status_code for one in answers] == [201] * FILING.burst + [429]
    assert "more than 10 at once and one in 30 seconds" in answers[-1].text
    assert (await stranger.post("/v1/requests", json={**FILING_, "phones": []})).status_code == 429
    assert len(here.events("rights-request@1")) == FILING.burst


async def test_another_site_can_not_file_in_somebodys_name(here: Town, stranger: Client) -> None:
    answer = await stranger.post("/requests/new", data=FILING_, headers={"Origin": "https://evil.example"})

    assert answer.status_code in {303, 403}
    assert not here.events("rights-request@1")


async def test_a_privacy_officer_answers_on_the_page(here: Town, stranger: Client) -> None:
    reference, secret = await filed(stranger)
    call = await here.call("It was my cat.")
    await here.seal()
    await officer(here, stranger)
    page = (await stranger.get(f"/requests?open={reference}")).text
    assert "What is kept of me? &lt;b&gt;All of it.&lt;/b&gt;" in page
    too_early = await stranger.get(f"/v1/requests/{reference}/answer{FOR}")
    assert (too_early.status_code, "first check who asks" in too_early.text) == (409, True)

    for verb, said in (
        ("identity", {"how": "passport, at the counter"}),
        ("extension", {"reason": "Many records."}),
        ("decision", {"outcome": "granted", "reasons": "You have got all of it."}),
    ):
        answer = await stranger.post(f"/requests/{reference}/{verb}", data=said, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
        if verb == "identity":
            answer = await stranger.get(f"/v1/requests/{reference}/answer{FOR}&own={call.id}")
            with ZipFile(BytesIO(answer.content)) as zip_:
                data, readable = json.loads(zip_.read("what-is-kept.json")), zip_.read("what-is-kept.html").decode()
            assert [one["id"] for one in data["records"]] == [call.id]
            assert ("It was my cat." in readable, "You told it yourself." in readable) == (True, True)
    del stranger.headers["Authorization"]
    stands = (await stranger.post(f"/requests/{reference}", data={"secret": secret})).text
    assert ("<b>granted</b>" in stands, "You have got all of it." in stands, "Many records." in stands) == (True,) * 3


async def test_the_file_for_the_person_does_not_tell_that_anything_is_withheld_and_whoever_answers_sees_it() -> None:
    now = NOW
    here = await town(lambda: now)
    async with here.living(), AsyncTestClient(application(here)) as client:
        reference, _ = await filed(client)
        await here.call("My stairs are on fire.")
        await here.seal()
        await officer(here, client)
        at = f"/v1/requests/{reference}"
        await client.post(f"{at}/identity{FOR}", json={"how": "passport"})
        nothing = (await client.get(f"{at}/withheld{FOR}")).json()
        now += 400 * DAY  # the time of the call is over
        await officer(here, client)
        withheld = (await client.get(f"{at}/withheld{FOR}")).json()
        answer = await client.get(f"{at}/answer{FOR}")

    assert (nothing, withheld) == ({}, {"F07-retention": 1})
    with ZipFile(BytesIO(answer.content)) as zip_:
        files = [zip_.read(name).decode() for name in zip_.namelist()]
    assert not [one for one in files if "F07" in one or "not_shown" in one]


async def test_the_list_opens_nothing_and_a_click_opens_one_that_is_then_written_down(
    here: Town, stranger: Client
) -> None:
    first, _ = await filed(stranger)
    claim = Claim(name="Aino", contact="c", words="What about me?")
    second = (await here.rights.file(Right.ACCESS, claim, simulated=True)).reference
    await officer(here, stranger)

    def read() -> list[tuple[str, ...]]:
        said = [msgspec.json.decode(one.body, type=Query) for one in here.events("query@1")]
        return [one.persons for one in said if one.persons]

    page = (await stranger.get("/requests")).text
    assert (first in page, second in page, "All of it" in page, "What about me?" in page) == (True, True, False, False)
    assert read() == []
    page = (await stranger.get(f"/requests?open={second}")).text
    assert ("All of it" in page, "What about me?" in page, read()) == (False, True, [(second,)])
    assert (await stranger.get("/requests?open=AAAA-AAAA")).status_code == 200
    assert read() == [(second,)]


async def test_what_was_not_done_is_told_on_the_page_with_what_was_written(here: Town, stranger: Client) -> None:
    reference, _ = await filed(stranger)
    await officer(here, stranger)
    for said in ({"outcome": "granted", "reasons": "Yes."}, {"outcome": "sold", "reasons": "Yes."}):
        await stranger.post(f"/requests/{reference}/decision", data=said, follow_redirects=False)
        page = (await stranger.get("/requests")).text
        assert ("Not done: " in page, "You wrote: Yes." in page) == (True, True)
    assert (await here.rights.one(reference)).status is RightsStatus.RECEIVED


async def test_a_privacy_officer_answers_over_the_api(here: Town, stranger: Client) -> None:
    reference, _ = await filed(stranger)
    await officer(here, stranger)
    at = f"/v1/requests/{reference}"
    assert (await stranger.get(at + FOR)).json()["claim"]["name"] == "Liisa Mäki"
    await stranger.post(f"{at}/identity{FOR}", json={"how": "passport"})
    await stranger.post(f"{at}/extension{FOR}", json={"reason": "Many records."})
    said = {"outcome": "refused", "reasons": "It is a case.", "exemption": "investigation", "complain": "ombudsman"}
    answer = await stranger.post(f"{at}/decision{FOR}", json=said)

    assert (answer.json()["status"], answer.json()["exemption"]) == ("refused", "investigation")
    (one,) = (await stranger.get(f"/v1/requests{FOR}")).json()
    assert (one["id"], one["claim"], one["secret"]) == (reference, "", "")


async def test_an_operator_sees_no_request(here: Town, stranger: Client) -> None:
    await filed(stranger)
    await officer(here, stranger, Role.OPERATOR)

    for path in ("/requests", f"/v1/requests{FOR}"):
        assert (await stranger.get(path)).status_code == 403


async def test_the_list_says_what_is_overdue_what_is_soon_and_what_is_simulated() -> None:
    now = NOW - 40 * DAY
    here = await town(lambda: now)
    rights: Rights = here.rights
    claim = Claim(name="n", contact="c", words="w")
    late = await rights.file(Right.CONTEST, claim, simulated=True)
    now = NOW - 26 * DAY
    await rights.file(Right.ERASURE, claim)
    now = NOW
    async with here.living(), AsyncTestClient(application(here)) as client:
        await officer(here, client)
        page = (await client.get("/requests")).text
        stands = (await client.post(f"/requests/{late.reference}", data={"secret": late.secret})).text

    assert page.index("✕ overdue since 2026-11-16") < page.index("▲ 5 days left, until 2026-11-30")
    assert (page.count("simulated</span>"), "overdue. You can complain" in stands) == (1, True)
