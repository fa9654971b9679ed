"""Nobody is kept out of a case by its page: axe finds no barrier, dark or light, at a desk or on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.conftest import Desk
from tests.browser.test_barriers import SMALL, barriers
from tests.screens.town import SQUARE, Town

from tutela.model.area import Circle
from tutela.model.case import Case, CaseStatus, InScope, Member, MemberRole, Scope
from tutela.model.when import DAY, HOUR

pytestmark = pytest.mark.browser


async def stands(here: Town) -> str:
    """A case of which everybody is a member, with records that name something; its id."""
    await here.call("My name is Simo Simuloitu, 040 000 1234. A white van, XYZ-901, at Kaivokatu 1.")
    await here.report("A van, XYZ-901, on the pavement.")
    now = here.clock()
    wanted = Case(
        id="",
        agency="city",
        offence="Theft of bicycles",
        reason="Two callers saw a van",
        authority="Helsinki police",
        reference="R 26/77",
        scope=Scope(since=now - HOUR, until=now + DAY, kinds=tuple(InScope), area=Circle(centre=SQUARE, radius=500.0)),
        members=tuple(Member(agent=agent, role=MemberRole.INVESTIGATOR) for agent in await here.facts.agents()),
        wanted=now + DAY,
        simulated=True,
    )
    asked = await here.cases.one((await here.cases.open(wanted, "one")).id)
    await here.cases.tell(asked.to(CaseStatus.OPEN, "two", expires=now + DAY, wanted=None, approved_by="two"), "two")
    return asked.id


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_of_a_case_has_a_barrier(desk: Desk, tmp_path: Path, scheme: str, *, phone: bool) -> None:
    page = desk.operator(scheme=scheme, phone=phone)
    case = desk.site.run(stands(desk.site.here))
    found = []
    for name in ("cases", f"cases/{case}"):
        page.goto(f"/{name}")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found += barriers(page)
        page.screenshot(path=tmp_path / f"{name[:5]}.png", full_page=True)

        assert page.evaluate(SMALL) == [], f"targets under 24 px on {name}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    assert page.get_by_role("heading", name="XYZ-901").is_visible()
    page.get_by_label("Search its records").fill("xyz 901")
    page.get_by_role("button", name="Search").press("Enter")
    assert page.get_by_role("heading", name="Records that say").is_visible()
    found += barriers(page)
    assert found == []
