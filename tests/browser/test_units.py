"""Units on the page: a status is set with and without a script, and colleagues see it by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Desk
from tests.screens.town import SQUARE

pytestmark = pytest.mark.browser


def test_a_status_is_set_and_colleagues_see_it_by_itself(desk: Desk, tmp_path: Path) -> None:
    here = desk.site.here
    number = desk.site.run(here.tracked("unit/H11"))
    desk.site.run(here.moves(number, SQUARE))
    desk.site.run(here.unit("H11", "unit/H11"))
    mine, theirs = desk.operator(), desk.operator()
    row = theirs.locator("[data-part=units] li", has_text="H11")
    expect(row).to_contain_text("60.16950, 24.93540")

    mine.get_by_label("Next status of H11").select_option("En route")
    mine.get_by_role("button", name="Set the status of H11").click()

    expect(mine.get_by_text("H11 is en route now.")).to_be_visible()
    expect(row.locator(".state")).to_have_text("En route")
    theirs.screenshot(path=tmp_path / "units.png", full_page=True)


def test_a_status_is_set_without_a_script(desk: Desk) -> None:
    desk.site.run(desk.site.here.unit("H11"))
    page = desk.operator(script=False)

    page.get_by_label("Next status of H11").select_option("On scene")
    page.get_by_role("button", name="Set the status of H11").click()

    expect(page.get_by_text("H11 is on scene now.")).to_be_visible()
    expect(page.locator("[data-part=units] .state")).to_have_text("On scene")
