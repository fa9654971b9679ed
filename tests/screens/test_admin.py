"""A source is added from a page in one go, a rule is tried before it is armed, and everybody sees the pages of their role."""

from __future__ import annotations

from dataclasses import replace

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.flow.test_read_rules import Trial
from tests.screens.town import Town, application

from tutela.errors import BadInput
from tutela.flow.rates import Rates
from tutela.flow.read_rules import RuleReads
from tutela.model.people import Role
from tutela.screens import admin
from tutela.screens.adding import adding
from tutela.screens.admin_index import PAGES, of
from tutela.screens.guard import Guard
from tutela.screens.problem import HANDLERS

Client = AsyncTestClient[Litestar]
FORM = {
    "name": "attic-air",
    "owner": "Kallio <library>",
    "kind": "air sensor",
    "place": "Kallio",
    "purpose": "environment",
    "legal_basis": "PublicInterest",
    "personal": "no",
    "way": "sends",
    "measures": "attic/pm25 pm25 ug/m3 60\nattic/open open",
}
BROKER = {
    **FORM,
    "way": "fetched",
    "part": "broker",
    "standard": "ttn",
    "options": 'host = "b.example"\ntopics = ["a/+"]',
}
RULE = """name = "fire-and-calls"
says = "A fire, and somebody called."
purpose = "emergency-response"
[rule]
when = { all = [{ fact = "call" }, { fact = "smoke" }] }
"""


async def client_of(here: Town, role: Role) -> tuple[Client, dict[str, str]]:
    return AsyncTestClient(application(here)), {"Authorization": f"Bearer {await here.token(role)}"}


async def test_a_source_is_added_from_the_page_and_its_token_is_shown_on_the_answer_alone(here: Town) -> None:
    client, it = await client_of(here, Role.IT)
    async with here.living(), client:
        empty = (await client.get("/admin/sources", headers=it)).text
        added = await client.post("/admin/sources", headers=it, data=FORM)
        after = (await client.get("/admin/sources", headers=it)).text
        fetched = await client.post("/admin/sources", headers=it, data={**BROKER, "name": "flat"})
    streams = {one.name: one for one in await here.facts.datastreams() if one.source == "attic-air"}

    assert "broker" in empty
    assert added.status_code == 200
    assert "a token of attic-air" in added.text
    assert "a token of attic-air" not in after
    assert "Kallio &lt;library&gt;" in after
    assert (streams["attic/pm25"].interval, streams["attic/open"].interval) == (60.0, None)
    assert (streams["attic/pm25"].unit, streams["attic/open"].unit) == ("ug/m3", "1")
    assert "It is fetched from now on" in fetched.text


async def test_what_is_wrong_is_said_on_the_page_with_all_that_was_written_but_the_secret(here: Town) -> None:
    client, it = await client_of(here, Role.IT)
    async with here.living(), client:
        answer = await client.post(
            "/admin/sources", headers=it, data={**BROKER, "part": "nothing", "secret": 'a = "kim"'}
        )

    assert answer.status_code == 400
    assert "Not entered:" in answer.text
    assert 'value="attic-air"' in answer.text
    assert 'a = "kim"' not in answer.text.replace("&#34;", '"')


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "give the source a name"),
        ({"owner": ""}, "say the source's owner"),
        ({"measures": "pm25"}, "is not THING/NAME PROPERTY UNIT SECONDS"),
        ({"measures": "a/b c d often"}, "'often' is no number of seconds"),
        ({"retention_days": "many"}, "retention days: give a number"),
        ({"retention_days": "0"}, "retention days: give a number from 1 to 36500"),
        ({"way": "fetched", "options": "host"}, "the options can't be read"),
    ],
)
def test_a_form_that_can_not_be_read_says_which_field_and_how(changes: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        adding({**FORM, **changes})


async def test_a_rule_is_tried_from_the_page_and_nothing_is_armed(here: Town) -> None:
    guard = Guard(here.staff, Rates(here.clock), here.glass)
    reads = RuleReads(ledger=here.ledger, rules=here.facts, ticks=here.facts, try_=Trial().run)
    app = Litestar([admin.routes(replace(here.admin_desk, rules=reads), guard)], exception_handlers=HANDLERS)
    operator = {"Authorization": f"Bearer {await here.token(Role.OPERATOR)}"}
    async with here.living(), AsyncTestClient(app) as client:
        tried = await client.post("/admin/rules", headers=operator, data={"rule": RULE, "days": "1", "each": "3"})
        wrong = await client.post("/admin/rules", headers=operator, data={"rule": "name =", "days": "1", "each": "3"})

    assert (tried.status_code, wrong.status_code) == (200, 400)
    assert "fire-and-calls would have told" in tried.text
    assert "Not tried: the rule can" in wrong.text
    assert not await here.facts.rules()


async def test_retention_is_a_table_for_those_who_keep_and_those_who_oversee(here: Town) -> None:
    for role in (Role.IT, Role.PRIVACY_OFFICER, Role.AUDITOR, Role.SUPERVISOR):
        client, who = await client_of(here, role)
        async with here.living(), client:
            page = await client.get("/admin/retention", headers=who)

        assert page.status_code == 200
        assert "call-contents" in page.text


@pytest.mark.parametrize("role", Role)
async def test_every_page_on_the_list_of_a_role_opens_for_it(here: Town, role: Role) -> None:
    client, who = await client_of(here, role)
    async with here.living(), client:
        page = (await client.get("/admin", headers=who)).text
        links = [link.address for group in of(role).values() for link in group]
        answers = {link: (await client.get(link, headers=who)).status_code for link in links}

    assert [link for link in links if f'href="{link}"' not in page] == []
    assert {link: status for link, status in answers.items() if status != 200} == {}


def test_every_page_is_somebodys() -> None:
    assert [page for *_, page, roles in PAGES if not roles] == []
