"""A resident on a phone: a report within a minute and without a script, in their language, with no barrier."""

from __future__ import annotations

import sys
from time import monotonic

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Desk
from tests.browser.test_barriers import barriers
from tests.flow.test_handling import picture
from tests.screens.town import Town

from tutela.app.addresses import Addresses
from tutela.maths.cells import metres
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.reporting import Filing

pytestmark = pytest.mark.browser

LAMP = "Lighting: lamp out"
MINUTE = 60.0
SMALL = """
() => [...document.querySelectorAll('a:not(.skip), button, summary, select, textarea, input:not([type=hidden], [type=radio], [type=checkbox]), label.tick')]
    .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect(), getComputedStyle(one).display])
    .filter(([, box, display]) => box.width > 0 && display !== 'inline' && box.height < 48)
    .map(([html, box]) => `${html} ${box.width} × ${box.height}`)
"""
"""Links within a sentence are as high as it is (WCAG 2.2, 2.5.8)."""


def reported(page: Page) -> float:
    """Report a dark lamp with a photo; how many seconds it took, pages and all."""
    begun = monotonic()
    page.goto("/resident")
    page.get_by_role("link", name="Report a problem").last.click()
    page.get_by_label("What is wrong").select_option("Street light is out")
    page.get_by_label("Where").fill("Kaivokatu 1")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("What should we know?").fill("It has been dark in front of our door since Monday.")
    page.get_by_label("A photo, if you like").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you. Your report is here.")).to_be_visible()
    return monotonic() - begun


def test_a_report_takes_less_than_a_minute_on_a_phone_without_a_script_and_its_end_is_told(desk: Desk) -> None:
    page = desk.page(phone=True, script=False)

    took = reported(page)
    sys.stdout.write(f"a resident's report on a phone, without a script: {took:.1f} s\n")
    own = page.url.partition("?")[0]
    moderator = desk.operator(script=False)
    row = moderator.locator("[data-part=reports] li", has_text="since Monday")
    row.get_by_text("Deal with it").click()
    row.get_by_text("Open", exact=True).first.click()
    row.get_by_label("What everybody may read of it").fill("A dark lamp.")
    row.get_by_role("button", name="Open").click()
    expect(moderator.get_by_text("is open, and everybody sees it.")).to_be_visible()
    row.get_by_text("Deal with it").click()
    row.get_by_text("Close", exact=True).first.click()
    row.get_by_label("What was done").fill("The lamp was replaced.")
    row.get_by_role("button", name="Close").click()
    page.goto(own)

    assert took < MINUTE
    expect(page.get_by_text("The lamp was replaced.")).to_be_visible()

    page.get_by_label("What is still wrong").fill("It is dark again.")
    page.get_by_role("button", name="Open it again").click()

    expect(page.get_by_text("It is dark again.")).to_be_visible()
    moderator.reload()
    expect(row).to_contain_text("open, opened again")


async def known(here: Town) -> tuple[str, str]:
    """A report that is dealt with at the station, and closed; its number and secret."""
    filing = Filing(category=LAMP, place=Place(lat=60.1712, lon=24.9414), words="Dark.", key="k")
    sent = await here.reporting.file(filing)
    report, _ = await here.handlings.numbered(sent.number)
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    await here.moderating.open(here.access(agent), report.id, "1", words="A dark lamp.")
    other = await here.reporting.file(Filing(category=LAMP, place=filing.place, key="k2"))
    second, _ = await here.handlings.numbered(other.number)
    await here.moderating.open(here.access(agent), second.id, "1")
    await here.moderating.close(here.access(agent), second.id, "2", "Replaced.")
    return other.number, other.secret


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_for_residents_has_a_barrier(desk: Desk, scheme: str) -> None:
    number, secret = desk.site.run(known(desk.site.here))
    page = desk.page(scheme=scheme, phone=True)
    found = []
    for path in (
        "",
        "/report",
        "/reports",
        f"/reports/{number}",
        f"/reports/{number}/{secret}?sent=yes",
        "/reports/none",
    ):
        desk.complaints.expected = ("404",) if path.endswith("none") else ()
        page.goto(f"/resident{path}?lang=fi" if "?" not in path else f"/resident{path}")
        found += barriers(page)
        assert page.evaluate(SMALL) == [], f"targets under 48 px on {path}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
    page.goto("/resident?lang=en")
    page.get_by_label("Where").fill("Rautatientori")
    page.get_by_role("button", name="Look around there").click()
    expect(page.get_by_role("heading", name="Roads and works")).to_be_visible()
    expect(page.get_by_role("img", name="Map")).to_be_visible()
    found += barriers(page)
    page.goto("/resident/report")
    page.get_by_label("What is wrong").select_option(LAMP)
    page.get_by_text("Or give a position in numbers").click()
    page.get_by_label("Latitude").fill("60.1712")
    page.get_by_label("Longitude").fill("24.9414")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
    found += barriers(page)
    assert page.evaluate(SMALL) == []

    assert found == []


def test_a_draft_stays_on_the_phone_while_there_is_no_network_and_goes_when_it_is_sent(desk: Desk) -> None:
    page = desk.page(phone=True)
    page.goto("/resident/report")
    page.get_by_label("What is wrong").select_option(LAMP)
    page.get_by_label("Where").fill("Kaivokatu 1")
    page.context.set_offline(True)
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_text("There is no network.")).to_be_visible()

    page.context.set_offline(False)
    page.reload()

    expect(page.get_by_label("Where")).to_have_value("Kaivokatu 1")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you.")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0


def test_pointing_at_the_map_moves_the_place(desk: Desk) -> None:
    page = desk.page(phone=True)
    page.goto("/resident/report")
    page.get_by_label("What is wrong").select_option(LAMP)
    page.get_by_label("Where").fill("Rautatientori")
    page.get_by_role("button", name="Go on").click()
    picture = page.get_by_role("img", name="Map")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] / 2, "y": box["height"] / 4})
    expect(page.get_by_text("The place is where you pointed.")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you.")).to_be_visible()

    (named,) = desk.site.run(Addresses("Helsinki").find("Rautatientori"))
    ((report, _),) = desk.site.here.facts.store.told.values()
    assert report.place.lat > named.place.lat
    assert 70 < metres(report.place, named.place) < 105  # a quarter of the picture's height, which shows some 350 m
