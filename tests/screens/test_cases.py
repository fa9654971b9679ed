"""Cases over HTTP and as pages: opened by one, approved by another, searched by members, and closed to everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import NOW, SQUARE, WHY, Town, application

from tutela.model.people import Agent, Role
from tutela.model.when import DAY, HOUR

Client = AsyncTestClient[Litestar]
SAID = "My name is Matti Meikäläinen. A blue van, ABC-123."


@dataclass
class Staffed:
    """A client, and the tokens and ids of people."""

    here: Town
    client: Client
    people: dict[str, tuple[Agent, str]]

    def be(self, name: str) -> Client:
        self.client.headers["Authorization"] = f"Bearer {self.people[name][1]}"
        return self.client

    async def asked(self) -> str:
        """A case that Aino asked for; its id."""
        members = [
            {"agent": self.people[name][0].id, "role": role}
            for name, role in (("Cai", "investigator"), ("Dora", "reviewer"), ("Bo", "reviewer"))
        ]
        scope = {
            "since": NOW - HOUR,
            "until": NOW + DAY,
            "kinds": ["call", "report"],
            "area": {"shape": "circle", "centre": {"lat": SQUARE.lat, "lon": SQUARE.lon}, "radius": 500.0},
        }
        said = {
            "offence": "Theft of a van",
            "reason": "A caller saw it",
            "authority": "Helsinki police",
            "reference": "R 26/77",
            "scope": scope,
            "members": members,
            "until": NOW + 30 * DAY,
        }
        answer = await self.be("Aino").post(f"/v1/cases{WHY}", json=said)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def stands(self) -> str:
        """One that Bo approved."""
        case = await self.asked()
        assert (await self.be("Bo").post(f"/v1/cases/{case}/approve{WHY}")).status_code == 200
        return case


@pytest.fixture
async def there(here: Town) -> AsyncIterator[Staffed]:
    roles = {
        "Aino": Role.SUPERVISOR,
        "Bo": Role.SUPERVISOR,
        "Cai": Role.OPERATOR,
        "Dora": Role.OPERATOR,
        "Eva": Role.OPERATOR,
    }
    people = {name: await here.person(role, f"{name} Nimi{name.lower()}") for name, role in roles.items()}
    await here.call(SAID)
    async with here.living(), AsyncTestClient(application(here)) as client:
        yield Staffed(here, client, people)


async def test_a_case_over_the_api_from_its_opening_to_what_leaves_it(there: Staffed) -> None:
    case = await there.asked()
    early = await there.be("Cai").get(f"/v1/cases/{case}{WHY}")
    own = await there.be("Aino").post(f"/v1/cases/{case}/approve{WHY}")
    approved = await there.be("Bo").post(f"/v1/cases/{case}/approve{WHY}")
    found = await there.be("Cai").post(f"/v1/cases/{case}/search{WHY}", json={"words": "abc 123"})
    record = found.json()["items"][0]["id"]
    tag = {"record": record, "kind": "place", "name": "blue van"}
    tagged = await there.client.post(f"/v1/cases/{case}/tags{WHY}", json=tag)
    graph = (await there.client.get(f"/v1/cases/{case}{WHY}")).json()["graph"]
    link = next(one["id"] for one in graph["links"] if one["because"].startswith("tagged by"))
    answers = [
        (await there.be(name).post(f"/v1/cases/{case}/links/{link}/answer{WHY}", json={"confirms": True})).json()
        for name in ("Dora", "Bo")
    ]
    handed = {"recipient": "A court", "agreement": "R 26/77", "reason": "It asked"}
    none = await there.client.post(f"/v1/cases/{case}/export{WHY}", json=handed)
    await there.here.agreement("A court", "R 26/77", "cases", "call-contents")
    left = await there.client.post(f"/v1/cases/{case}/export{WHY}", json=handed)
    listed = await there.client.get(f"/v1/cases{WHY}")
    extended = await there.client.post(f"/v1/cases/{case}/extend{WHY}", json={"until": NOW + 60 * DAY})
    closed = await there.client.post(f"/v1/cases/{case}/close{WHY}")
    after = await there.be("Cai").get(f"/v1/cases/{case}{WHY}")

    assert (early.status_code, early.json()["policy"]) == (403, "G28-case")
    assert (own.status_code, approved.json()["status"], tagged.status_code) == (409, "open", 201)
    assert [one["state"] for one in answers] == ["hint", "confirmed"]
    assert none.json()["policy"] == "G20-agreement"
    assert [one["id"] for one in left.json()["links"]] == [link]
    assert [one["id"] for one in listed.json()] == [case]
    assert (extended.status_code, closed.json()["status"]) == (200, "closed")
    assert (after.status_code, after.json()["policy"]) == (403, "G28-case")


async def test_a_colleagues_name_needs_a_reason_over_the_api(there: Staffed) -> None:
    case = await there.stands()
    there.be("Cai")

    silent = await there.client.post(f"/v1/cases/{case}/search{WHY}", json={"words": "Aino Nimiaino"})
    told = await there.client.post(
        f"/v1/cases/{case}/search{WHY}", json={"words": "Aino Nimiaino", "reason": "A witness"}
    )

    assert (silent.status_code, silent.json()["policy"], told.status_code) == (403, "G28-reason", 200)


async def test_the_pages_show_a_case_to_its_members_and_no_link_to_others(there: Staffed) -> None:
    case = await there.asked()
    waiting = (await there.be("Bo").get("/cases")).text
    done = await there.client.post(f"/cases/{case}/approve", follow_redirects=True)
    page = (await there.be("Cai").get(f"/cases/{case}")).text
    found = (await there.client.post(f"/cases/{case}/search", data={"words": "van"})).text
    nothing = (await there.client.post(f"/cases/{case}/search", data={"words": "zebra"})).text
    wrong = (await there.client.post(f"/cases/{case}/search", data={"words": "Aino Nimiaino"})).text
    other = await there.be("Eva").get(f"/cases/{case}")
    none = (await there.client.get("/cases")).text

    assert "Approve until" in waiting
    assert "Approved: its members may look into it now." in done.text
    assert "ABC-123" in page
    assert "found as plate" in page
    assert "a hint" in page
    assert "It is so" in page
    assert "that say “van”" in found
    assert "ABC-123" in found
    assert "No record of this case says so." in nothing
    assert "Not searched: This is the name of somebody who works here." in wrong
    assert other.status_code == 403
    assert "ABC-123" not in other.text
    assert "You are a member of no case." in none
    assert case not in none


async def test_the_forms_of_a_case_tag_and_answer_and_say_what_is_wrong(there: Staffed) -> None:
    case = await there.stands()
    graph = (await there.be("Cai").get(f"/v1/cases/{case}{WHY}")).json()["graph"]
    record, link = graph["items"][0]["id"], graph["links"][0]["id"]

    async def says(path: str, **form: str) -> str:
        answer = await there.client.post(f"/cases/{case}/{path}", data=form, follow_redirects=True)
        assert answer.status_code == 200
        return answer.text

    tag = {"record": record, "kind": "place", "name": "blue van"}
    assert "Tagged. Two others say" in await says("tag", **tag)
    assert "tagged by you" in (await there.client.get(f"/cases/{case}")).text
    assert "Not tagged: &#39;face&#39; is none of" in await says("tag", **{**tag, "kind": "face"})
    assert "Not tagged: that record does not say so" in await says("tag", **{**tag, "name": "red car"})
    there.be("Dora")
    assert "Answered." in await says(f"answer/{link}", answer="yes")
    assert "Not answered: this is answered" in await says(f"answer/{link}", answer="no")
    assert "Not answered: &#39;perhaps&#39; is none of" in await says(f"answer/{link}", answer="perhaps")
    there.be("Bo")
    assert (
        "Not approved: nothing waits for a second person"
        in (await there.client.post(f"/cases/{case}/approve", follow_redirects=True)).text
    )
    await says(f"answer/{link}", answer="yes")
    assert "confirmed by two people" in (await there.client.get(f"/cases/{case}")).text
