"""The pages of a shift's work and of administration have no barrier, and a source is added from one of them in a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.conftest import Desk
from tests.browser.test_barriers import SMALL, barriers, busy
from tests.screens.town import Town

from tutela.model.people import Role
from tutela.model.resource import UnitStatus

pytestmark = [pytest.mark.browser, pytest.mark.long]

PAGES = ("/admin", "/admin/sources", "/admin/rules", "/admin/retention", "/handover", "/kpis?days=1")


async def worked(here: Town) -> None:
    """A shift that did something, and signed."""
    await busy(here)
    agent, _ = await here.person(Role.OPERATOR, "Cai")
    access, unit = here.access(agent), await here.unit("E7")
    for status in (UnitStatus.ENROUTE, UnitStatus.ON_SCENE):
        await here.console.units.set_status(access, unit.id, status, status)
    await here.seal()
    await here.shift_desk.acts.sign(access, "The market ends at nine.", "key")


@pytest.mark.parametrize(("scheme", "phone"), [("dark", False), ("light", True)], ids=["dark-desk", "light-phone"])
def test_no_page_of_a_shift_or_of_administration_has_a_barrier(
    desk: Desk, tmp_path: Path, scheme: str, *, phone: bool
) -> None:
    desk.site.run(worked(desk.site.here))
    page = desk.page(scheme=scheme, phone=phone)
    page.goto(f"/enrol?code={desk.code(Role.SUPERVISOR)}")
    page.get_by_label("Your name").fill("Sara Salo")
    page.get_by_role("button", name="Come in").click()
    found = []
    for number, address in enumerate(PAGES):
        page.goto(address)
        found += barriers(page)
        page.screenshot(path=tmp_path / f"{number}.png", full_page=True)
        assert page.evaluate(SMALL) == [], f"targets under 24 px on {address}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
    assert found == []


def test_a_source_that_publishes_here_is_added_by_keyboard_and_its_token_is_shown(desk: Desk) -> None:
    page = desk.page(script=False)
    page.goto(f"/enrol?code={desk.code(Role.SUPERVISOR)}")
    page.get_by_label("Your name").fill("Sara Salo")
    page.get_by_role("button", name="Come in").click()
    page.goto("/admin/sources")
    for label, words in (("Name", "attic-air"), ("Whose it is", "Kallio library"), ("What it is", "air sensor")):
        page.get_by_label(label, exact=True).fill(words)
    page.get_by_label("Where", exact=True).fill("Kallio")
    page.get_by_label("What it measures").fill("attic/pm25 pm25 ug/m3 60")
    page.get_by_label("Where", exact=True).press("Enter")

    page.get_by_text("a token of attic-air").wait_for()
    assert page.get_by_text("attic-air/THING/NAME").is_visible()
