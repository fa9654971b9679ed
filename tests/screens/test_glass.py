"""Break-glass over HTTP: a banner on every page while it lasts, and a notice on the pages of those who review it."""

from __future__ import annotations

from litestar import Litestar
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from tests.screens.test_routes import pages
from tests.screens.town import NOW, WHY, Town, application, town

from tutela.model.people import Role
from tutela.model.when import HOUR

Client = AsyncTestClient[Litestar]
LIFE = "?purpose=emergency-response&basis=VitalInterest"
SYSTEM = "?purpose=system-operation&basis=PublicInterest"
BANNER = "The glass is broken: you read past your agency"
PAGES = ("/", "/you", "/staged", "/part/glass")


async def be(client: Client, here: Town, role: Role) -> str:
    token = await here.token(role)
    come(client, token)
    return token


def come(client: Client, token: str) -> None:
    client.cookies.set("tutela_session", token)
    client.headers["Authorization"] = f"Bearer {token}"


async def test_over_the_api_a_call_of_another_agency_is_opened_ended_and_reviewed(here: Town) -> None:
    entry = here.facts.store.sources["calls"]
    here.facts.store.sources["calls"] = replace(entry, agency="fire")
    await here.known.refresh()
    call = (await here.call()).id
    async with here.living(), AsyncTestClient(application(here)) as client:
        operator = await be(client, here, Role.OPERATOR)
        closed = await client.get(f"/v1/calls/{call}{LIFE}")
        wrong = await client.post(f"/v1/break-glass{WHY}", json={"reason": "curious"})
        begun = await client.post(f"/v1/break-glass{LIFE}", json={"reason": "a child", "minutes": 5})
        opened = await client.get(f"/v1/calls/{call}{LIFE}")
        path = f"/v1/break-glass/{begun.json()['begun']['id']}"
        own = await client.get(f"/v1/break-glass/noticed{WHY}")
        await be(client, here, Role.OPERATOR)
        others = await client.get(f"/v1/break-glass/noticed{WHY}")
        await be(client, here, Role.SUPERVISOR)
        to_review = await client.get(f"/v1/break-glass/noticed{SYSTEM}")
        come(client, operator)
        ended = await client.post(f"{path}/end{LIFE}")
        again = await client.get(f"/v1/calls/{call}{LIFE}")
        await be(client, here, Role.SUPERVISOR)
        reviewed = await client.post(f"{path}/review{SYSTEM}", json={"fine": True, "reason": "it was"})
        listed = await client.get(f"/v1/break-glass{SYSTEM}")
        come(client, operator)
        refused = await client.get(f"/v1/break-glass{WHY}")

    assert [one.status_code for one in (closed, wrong, begun, opened, ended, again, reviewed)] == [
        403,
        403,
        201,
        200,
        200,
        403,
        200,
    ]
    assert wrong.json()["policy"] == "G26-life-and-limb"
    assert own.json() == to_review.json() == [begun.json()]
    assert others.json() == []
    assert listed.json()[0]["review"]["fine"] is True
    assert refused.status_code == 403


async def test_the_banner_stands_on_every_page_of_theirs_until_it_ends() -> None:
    now = [NOW]
    here = await town(lambda: now[0])
    async with here.living(), AsyncTestClient(application(here)) as client:
        await be(client, here, Role.OPERATOR)
        before = [(await client.get(page)).text for page in PAGES]
        said = await client.post("/break-glass", data={"reason": "a <b>child</b>"}, follow_redirects=True)
        during = [(await client.get(page)).text for page in PAGES]
        now[0] += HOUR
        after = [(await client.get(page)).text for page in PAGES]

    assert "Break the glass</button>" in before[0]
    assert "You read more for an hour now." in said.text
    assert "a &lt;b&gt;child&lt;/b&gt;" in said.text
    assert "on the basis of <b>VitalInterest</b>" in said.text
    assert "Break the glass</button>" not in said.text
    assert [BANNER in text for text in (*before, *during, *after)] == [False] * 4 + [True] * 4 + [False] * 4
    assert all('role="status"' in text for text in during[:3])


async def test_no_page_that_there_is_or_will_be_is_without_the_banner(here: Town) -> None:
    """Whatever is added later has to show it: the pages are those of the app itself."""
    async with here.living(), AsyncTestClient(application(here)) as client:
        await be(client, here, Role.SUPERVISOR)
        await client.post("/break-glass", data={"reason": "a child"})
        answers = {
            route: await client.get(route.removeprefix("GET "))
            for route in pages(client.app)
            if route.startswith("GET ") and "{" not in route
        }

    shown = {route: answer.text for route, answer in answers.items() if answer.status_code == 200}
    assert len(shown) >= 5
    # The console's page has no data: its script asks for the banner, and tests/browser/test_console.py sees it stand.
    assert [route for route, text in shown.items() if BANNER not in text and route != "GET /console"] == []


async def test_those_who_review_it_see_it_at_once_end_it_and_review_it_on_their_page(here: Town) -> None:
    async with here.living(), AsyncTestClient(application(here)) as client:
        operator = await be(client, here, Role.OPERATOR)
        await client.post("/break-glass", data={"reason": "a child"})
        officer = await be(client, here, Role.PRIVACY_OFFICER)
        seen = [(await client.get(page)).text for page in ("/you", "/approvals")]
        await be(client, here, Role.SUPERVISOR)
        page = (await client.get("/")).text
        path = page.partition('action="/break-glass/')[2].partition("/")[0]
        ended = await client.post(f"/break-glass/{path}/end", follow_redirects=True)
        come(client, operator)
        own = (await client.get("/")).text
        wrong = await client.post(f"/break-glass/{path}/fine", data={"reason": "I"}, follow_redirects=True)
        come(client, officer)
        await client.post(f"/break-glass/{path}/not-fine", data={"reason": "no child"}, follow_redirects=True)
        last = (await client.get("/you")).text

    assert ["has broken the glass until" in text for text in (*seen, page)] == [True] * 3
    assert "It is ended." in ended.text
    assert "broke the glass from" in ended.text
    assert BANNER not in own
    assert "Not done: No policy lets operator approve break-glass" in wrong.text
    assert "the glass" not in last


async def test_a_review_that_is_overdue_says_so() -> None:
    now = [NOW]
    here = await town(lambda: now[0])
    async with here.living(), AsyncTestClient(application(here)) as client:
        await be(client, here, Role.OPERATOR)
        await client.post("/break-glass", data={"reason": "a child"})
        now[0] += 24 * HOUR
        await be(client, here, Role.SUPERVISOR)

        assert "The review is overdue." in (await client.get("/")).text


async def test_who_may_not_break_it_is_offered_nothing(here: Town) -> None:
    async with here.living(), AsyncTestClient(application(here)) as client:
        await be(client, here, Role.ANALYST)
        said = await client.post("/break-glass", data={"reason": "a child"}, follow_redirects=True)

    assert "Break the glass</button>" not in said.text
    assert "Not done: No policy lets analyst break-glass" in said.text
