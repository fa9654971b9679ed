"""Nobody is kept out of deciding with others; and who broke the glass is seen at once by those who review it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Desk, live
from tests.browser.test_barriers import SMALL, barriers
from tests.screens.town import Town, source

from tutela.model.access import Access
from tutela.model.people import Agent, Role

pytestmark = pytest.mark.browser


async def proposed(here: Town) -> None:
    """Something to vote on, and something that somebody voted on."""
    agent, _ = await here.person(Role.IT, "Ilta")
    officer, _ = await here.person(Role.PRIVACY_OFFICER, "Cai")
    it = Access(agent=agent, purpose="system-operation", legal_basis="PublicInterest")
    for name in ("meters", "cameras"):
        proposal = await here.entries.propose(it, source(name, "traffic"), "The plan for noise needs it")
    other = Access(agent=officer, purpose="oversight", legal_basis="PublicInterest")
    await here.approvals.vote(other, proposal.id, yes=True, reason="No people in it")


async def broken(here: Town) -> str:
    agent, _ = await here.person(Role.OPERATOR, "Aino")
    return (await here.glass.glasses.begin(agent, "A child is in the house", 60)).begun.id


def supervisor(desk: Desk, scheme: str = "dark", *, phone: bool = False) -> Page:
    page = desk.page(scheme=scheme, phone=phone)
    code = desk.site.run(desk.site.here.staff.invite_here(Role.SUPERVISOR, "city"))
    page.goto(f"/enrol?code={code}")
    page.get_by_label("Your name").fill("Bo")
    page.get_by_role("button", name="Come in").click()
    live(page)
    return page


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_of_what_two_people_decide_has_a_barrier(desk: Desk, scheme: str, *, phone: bool) -> None:
    desk.site.run(proposed(desk.site.here))
    desk.site.run(broken(desk.site.here))
    page = supervisor(desk, scheme, phone=phone)
    page.get_by_text("Break the glass").first.click()
    page.get_by_label("Why somebody's life depends on it").fill("A house burns")
    page.get_by_role("button", name="Break the glass").click()
    live(page)
    expect(page.get_by_text("The glass is broken: you read past")).to_be_visible()
    for address in ("/approvals", "/you", "/"):
        page.goto(address)
        assert barriers(page) == []
        assert page.evaluate(SMALL) == [], f"targets under 24 px on {address}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"


def test_a_vote_takes_a_keyboard_only(desk: Desk) -> None:
    desk.site.run(proposed(desk.site.here))
    page = supervisor(desk)
    page.goto("/approvals")
    page.get_by_label("Why", exact=True).last.focus()
    page.keyboard.type("It is needed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("You said yes. The proposal is approved")


def test_who_broke_the_glass_is_on_an_open_page_at_once_and_gone_when_it_was_reviewed(desk: Desk) -> None:
    here = desk.site.here
    page = supervisor(desk)
    id_ = desk.site.run(broken(here))
    expect(page.get_by_text("has broken the glass until")).to_be_visible()

    reviewer = Agent(id="somebody", name="", role=Role.SUPERVISOR, agency="city")
    desk.site.run(here.glass.glasses.end(id_, reviewer.id))
    desk.site.run(here.glass.glasses.review(id_, reviewer.id, fine=True, reason="It was"))
    page.mouse.move(0, 0)
    expect(page.locator(".glass")).to_have_count(0)
