"""What two people decide, over HTTP: proposed, voted on, done; and the page on which people do it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_routes import ENTRY
from tests.screens.town import NOW, Town, application, town

from tutela.model.approval import HOLD_LIFT, Stage, Wanted
from tutela.model.people import Role
from tutela.model.when import DAY, MINUTE
from tutela.screens.approvals import lines

Client = AsyncTestClient[Litestar]
DESK = "?purpose=public-safety&basis=LegalObligation"
SYSTEM = "?purpose=system-operation&basis=PublicInterest"
OVERSIGHT = "?purpose=oversight&basis=PublicInterest"


class Hall:
    """A town whose clock is moved by hand, and whoever asks in it."""

    here: Town
    client: Client
    now: int = NOW

    async def be(self, role: Role) -> None:
        """Be somebody new, by a token and by a cookie."""
        token = await self.here.token(role)
        self.client.cookies.set("tutela_session", token)
        self.client.headers["Authorization"] = f"Bearer {token}"

    def again(self) -> Callable[[], None]:
        """Come back as whoever one is now."""
        header, cookie = self.client.headers["Authorization"], self.client.cookies["tutela_session"]

        def back() -> None:
            self.client.headers["Authorization"] = header
            self.client.cookies.set("tutela_session", cookie)

        return back

    async def post(self, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        answer = await self.client.post(path, json=body)
        return answer.status_code, answer.json() if answer.content else {}


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    made = Hall()
    made.here = await town(lambda: made.now)
    async with made.here.living(), AsyncTestClient(application(made.here)) as client:
        made.client = client
        yield made


async def test_a_hold_is_lifted_over_the_api_by_two_people(hall: Hall) -> None:
    await hall.be(Role.SUPERVISOR)
    placing = {
        "case": "R 1",
        "authority": "a court",
        "reason": "r",
        "review": NOW + 80 * DAY,
        "bucket": "traffic/calls/2026-11",
    }
    _, hold = await hall.post(f"/v1/holds{DESK}", placing)
    path = f"/v1/holds/{hold['id']}/lift"
    alone = await hall.post(path + DESK, {"reason": "closed"})
    _, proposal = await hall.post(f"{path}/propose{DESK}", {"reason": "closed"})
    own = await hall.post(f"/v1/approvals/{proposal['id']}/vote{SYSTEM}", {"yes": True, "reason": "I say so"})
    supervisor = hall.again()

    await hall.be(Role.PRIVACY_OFFICER)
    status, seen = await hall.post(f"/v1/approvals/{proposal['id']}/vote{OVERSIGHT}", {"yes": True, "reason": "it is"})
    assert (status, seen["stage"]) == (200, Stage.APPROVED)

    supervisor()
    early = await hall.post(path + DESK, {"reason": "closed", "approval": proposal["id"]})
    hall.now += DAY
    await hall.be(Role.SUPERVISOR)
    done = await hall.post(path + DESK, {"reason": "closed", "approval": proposal["id"]})
    listed = (await hall.client.get("/v1/approvals" + SYSTEM)).json()

    assert [one[1]["policy"] for one in (alone, own, early)] == [
        "G27-second-person",
        "G27-own-proposal",
        "G27-second-person",
    ]
    assert done == (204, {})
    assert [one["stage"] for one in listed] == ["taken"]
    assert (await hall.client.get(f"/v1/approvals/{proposal['id']}{SYSTEM}")).json() == listed[0]


PEOPLE = {**ENTRY, "personal_data": True}


async def test_a_source_is_entered_over_the_api_by_two_people(hall: Hall) -> None:
    await hall.be(Role.IT)
    alone = await hall.post("/v1/entries" + SYSTEM, {"source": PEOPLE})
    _, proposal = await hall.post("/v1/entries/propose" + SYSTEM, {"source": PEOPLE, "reason": "needed"})
    await hall.be(Role.SUPERVISOR)
    await hall.post(f"/v1/approvals/{proposal['id']}/vote{SYSTEM}", {"yes": True, "reason": "it is"})
    hall.now += DAY
    await hall.be(Role.IT)
    status, entered = await hall.post("/v1/entries" + SYSTEM, {"source": PEOPLE, "approval": proposal["id"]})

    assert (alone[0], alone[1]["policy"]) == (403, "G27-second-person")
    assert (status, entered["name"]) == (201, "new")
    assert "new" in {one.name for one in await hall.here.facts.sources()}


async def test_what_is_proposed_is_withdrawn_over_the_api(hall: Hall) -> None:
    await hall.be(Role.IT)
    _, proposal = await hall.post("/v1/entries/propose" + SYSTEM, {"source": ENTRY, "reason": "needed"})

    status, seen = await hall.post(f"/v1/approvals/{proposal['id']}/withdraw{SYSTEM}", {"reason": "not needed"})

    assert (status, seen["stage"]) == (200, "withdrawn")


async def test_the_page_shows_what_would_be_done_and_takes_votes_without_a_script(hall: Hall) -> None:
    await hall.be(Role.IT)
    entry = {**ENTRY, "place": "<b>Square</b>"}
    _, proposal = await hall.post("/v1/entries/propose" + SYSTEM, {"source": entry, "reason": "<i>needed</i>"})
    own = (await hall.client.get("/approvals")).text
    it = hall.again()
    await hall.be(Role.SUPERVISOR)
    theirs = (await hall.client.get("/approvals")).text
    path = f"/approvals/{proposal['id']}"

    yes = (await hall.client.post(f"{path}/yes", data={"reason": "it is"}, follow_redirects=True)).text
    again = (await hall.client.post(f"{path}/yes", data={"reason": "it is"}, follow_redirects=True)).text
    it()
    withdrawn = (await hall.client.post(f"{path}/withdraw", data={"reason": "no"}, follow_redirects=True)).text

    assert ("Withdraw</button>" in own, "Yes</button>" in own) == (True, False)
    assert ("Withdraw</button>" in theirs, "Yes</button>" in theirs) == (False, True)
    assert "&lt;b&gt;Square&lt;/b&gt;" in theirs
    assert "&lt;i&gt;needed&lt;/i&gt;" in theirs
    assert "You said yes. The proposal is approved: it is in force from" in yes
    assert "No</button>" in yes  # it cools, and may still be stopped
    assert "Not done: you voted on this already" in again
    assert "Withdrawn." in withdrawn


async def test_a_no_on_the_page_ends_it(hall: Hall) -> None:
    await hall.be(Role.IT)
    _, proposal = await hall.post("/v1/entries/propose" + SYSTEM, {"source": ENTRY, "reason": "needed"})
    await hall.be(Role.PRIVACY_OFFICER)

    said = await hall.client.post(f"/approvals/{proposal['id']}/no", data={"reason": "why?"}, follow_redirects=True)

    assert "You said no. The proposal is refused" in said.text
    assert "why?" in said.text


async def test_a_blind_vote_is_on_nobodys_page_before_they_voted(hall: Hall) -> None:
    wanted = Wanted(matter=HOLD_LIFT, target="h", body="{}", reason="r", needs=2, blind=True)
    proposal = await hall.here.approvals.approvals.propose(wanted, "somebody")
    await hall.be(Role.SUPERVISOR)
    first = hall.again()
    await hall.be(Role.SUPERVISOR)
    before = (await hall.client.get("/approvals")).text
    second = hall.again()
    first()
    own = await hall.client.post(f"/approvals/{proposal.id}/yes", data={"reason": "canary"}, follow_redirects=True)
    second()
    hall.now += MINUTE

    after = (await hall.client.get("/approvals")).text

    assert "canary" in own.text
    assert after == before


async def test_roles_that_decide_nothing_see_nothing(hall: Hall) -> None:
    for role in (Role.OPERATOR, Role.ANALYST):
        await hall.be(role)
        answer = await hall.client.get("/approvals")

        assert answer.status_code == 403
    await hall.be(Role.AUDITOR)
    assert "Nothing was proposed yet." in (await hall.client.get("/approvals")).text


def test_what_would_be_done_is_told_field_by_field() -> None:
    body = {"widens": ["a", "b"], "after": {"ends": None, "personal_data": True, "days": 3, "subjects": []}, "x": False}

    assert list(lines(body)) == [
        ("widens", "a; b"),
        ("after, ends", "none"),
        ("after, personal_data", "yes"),
        ("after, days", "3"),
        ("after, subjects", "none"),
        ("x", "no"),
    ]


async def test_an_invitation_to_a_role_that_answers_for_others_is_proposed_and_made_on_the_page(hall: Hall) -> None:
    await hall.be(Role.SUPERVISOR)
    boss = hall.again()
    alone = await hall.client.post("/you/invite", data={"role": "supervisor"}, follow_redirects=True)
    said = await hall.client.post(
        "/you/invite", data={"role": "supervisor", "reason": "holidays"}, follow_redirects=True
    )
    (proposal,) = (await hall.client.get("/v1/approvals" + SYSTEM)).json()
    await hall.be(Role.PRIVACY_OFFICER)
    path = f"/approvals/{proposal['proposal']['id']}"
    await hall.client.post(f"{path}/yes", data={"reason": "we need one"}, follow_redirects=True)
    hall.now += DAY
    boss()
    await hall.be(Role.SUPERVISOR)
    made = await hall.client.post(
        "/you/invite", data={"role": "supervisor", "approval": proposal["proposal"]["id"]}, follow_redirects=True
    )
    known, _ = await hall.here.person(Role.IT, "Ilta")
    wrong = await hall.client.post("/you/invite", data={"agent": known.id, "reason": "r"}, follow_redirects=True)
    again = await hall.client.post(
        "/you/invite", data={"agent": known.id, "reason": "r", "until": "2027-01-01"}, follow_redirects=True
    )

    assert "takes two people" in alone.text
    assert "Proposed." in said.text
    code = made.text.partition("this once: <b>")[2].partition("</b>")[0]
    assert (await hall.here.staff.enrol(code, "Bo"))[0].role is Role.SUPERVISOR
    assert "say until when" in wrong.text
    assert "lasts no longer" in again.text


async def test_an_invitation_is_proposed_and_made_over_the_api(hall: Hall) -> None:
    await hall.be(Role.SUPERVISOR)
    asked = {"role": "it", "agency": "city"}
    _, proposal = await hall.post("/v1/invitations/propose" + SYSTEM, {**asked, "reason": "more work"})
    ends = {"agent": proposal["by"], "until": "2027-01-01T00:00:00Z", "reason": "r"}
    needless = await hall.post("/v1/invitations/again/propose" + SYSTEM, ends)
    await hall.be(Role.PRIVACY_OFFICER)
    await hall.post(f"/v1/approvals/{proposal['id']}/vote{OVERSIGHT}", {"yes": True, "reason": "it is"})
    hall.now += DAY
    await hall.be(Role.SUPERVISOR)
    status, made = await hall.post("/v1/invitations" + SYSTEM, {**asked, "approval": proposal["id"]})

    assert (status, len(str(made["code"])), needless[0]) == (201, 19, 400)
