"""The console in a browser: a dispatcher works by keys alone, what is new comes by itself, and nothing moves under a hand."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import ARGUMENTS, Desk, browsing, live
from tests.browser.test_barriers import SMALL, barriers, busy
from tests.screens.site import Site
from tests.screens.town import GRAVE, MINOR, SQUARE

from tutela.flow.measures import FLOOD
from tutela.model.alert import AlertStatus
from tutela.model.people import Role
from tutela.model.resource import UnitStatus
from tutela.model.when import MINUTE
from tutela.screens import shell

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (shell.BUILT / shell.INDEX).exists(), reason="the console is not built; `make web` does it"),
]
PROMPT = 0.5
"""Seconds from the commit of an alert to its row."""


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    """A desk whose browser draws no map: the lists have everything, and a processor does not draw it by itself in each test."""
    yield from browsing(site, (*ARGUMENTS, "--disable-3d-apis"))


def console(desk: Desk, *, scheme: str = "dark") -> Page:
    """The console of an operator who has just come in."""
    page = desk.operator(scheme=scheme)
    page.goto("/console/")
    live(page)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    return page


def rows(page: Page) -> list[str]:
    """The alerts of the list, from the top."""
    return page.locator("#queue .row .name").all_inner_texts()


def at(page: Page) -> Locator:
    """The row under the cursor."""
    return page.locator("#queue .row[aria-selected=true]")


def said(page: Page, words: str) -> None:
    expect(page.locator("[role=status].said")).to_contain_text(words)


def test_an_alert_is_seen_to_and_becomes_an_incident_in_one_key_each(desk: Desk) -> None:
    for type_, scale in (("loud", MINOR), ("fire", GRAVE), ("crowd", MINOR)):
        desk.site.run(desk.site.here.alert(type_, scale))
    page = console(desk)
    expect(page.get_by_text("Everything here is simulated, except the map")).to_be_visible()
    assert rows(page)[0] == "Fire"

    page.keyboard.press("j")
    expect(at(page)).to_contain_text("Fire")
    expect(page.get_by_text("It would not have fired if")).to_be_visible()
    page.keyboard.press("a")
    said(page, "Acknowledged: it waits for you now.")
    expect(page.locator("#queue .row")).to_have_count(2)
    expect(at(page)).to_have_count(1)

    page.keyboard.press("i")
    said(page, "Incident opened.")
    expect(page.locator("#detail")).to_contain_text("opened, from an alert")
    page.keyboard.press("t")
    page.get_by_label("Note").fill("Engine 2 is on its way.")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_contain_text("noted: Engine 2 is on its way.")

    page.keyboard.press("e")
    page.keyboard.press("1")
    said(page, "Closed: Dealt with")
    expect(page.locator("#work .row")).to_have_count(0)


def test_a_false_alarm_is_two_keys_and_the_next_of_its_kind_one(desk: Desk) -> None:
    for _ in range(2):
        desk.site.run(desk.site.here.alert("loud", MINOR))
    page = console(desk)

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("dialog")).to_contain_text("there is no backtest of it")
    page.keyboard.press("3")
    said(page, "Dismissed: Announced event or works")
    expect(page.locator("#queue .row")).to_have_count(1)

    page.keyboard.press("X")
    expect(page.locator("#queue .row")).to_have_count(0)
    expect(page.get_by_text("No alert waits.")).to_be_visible()
    dismissed = [one for one in desk.site.here.facts.store.alerts.values() if one.status is AlertStatus.DISMISSED]
    assert len(dismissed) == 2


def test_an_alert_rests_with_a_reason_and_comes_back(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("loud", MINOR))
    page = console(desk)

    page.keyboard.press("j")
    for key in ("s", "2", "0"):
        page.keyboard.press(key)
    page.keyboard.type("works till nine")
    page.keyboard.press("Enter")
    said(page, "works till nine")
    page.keyboard.press("]")
    page.keyboard.press("]")
    expect(page.locator("#queue .row")).to_contain_text("works till nine")
    page.keyboard.press("j")
    page.keyboard.press("u")
    said(page, "Taken back")


def test_a_grave_alert_that_can_not_rest_says_what_to_do(desk: Desk) -> None:
    desk.complaints.expected = ("409",)
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = console(desk)

    for key in ("j", "s", "1", "1"):
        page.keyboard.press(key)

    said(page, "dismiss it if it is false, or open an incident")
    assert rows(page) == ["Fire"]


def test_a_new_alert_is_on_screen_half_a_second_after_its_commit(desk: Desk) -> None:
    page = console(desk)
    expect(page.get_by_text("No alert waits.")).to_be_visible()
    took = []
    for number in range(5):
        page.evaluate(
            """(count) => { window.came = new Promise((done) => {
                const look = () => document.querySelectorAll('#queue .row').length > count && done(Date.now());
                new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
            }); }""",
            number,
        )
        desk.site.run(desk.site.here.alert(f"fire-{number}", GRAVE))
        committed = time.time()
        took.append(page.evaluate("window.came") / 1000 - committed)

    sys.stdout.write(f"from commit to row: {max(took) * 1000:.0f} ms at most\n")
    assert max(took) < PROMPT
    expect(page.locator(".measures")).to_contain_text("5 waiting")


def test_the_row_under_the_cursor_never_moves(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("loud", MINOR))
    page = console(desk)
    page.keyboard.press("j")
    place = at(page).bounding_box()

    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page.get_by_role("button", name="1 new ↑").wait_for()
    assert rows(page) == ["Loud"]
    expect(page.locator(".measures")).to_contain_text("2 waiting")
    moved = at(page).bounding_box()
    assert place is not None
    assert moved is not None
    assert (moved["x"], moved["y"]) == (place["x"], place["y"])

    page.keyboard.press("n")
    assert rows(page) == ["Fire", "Loud"]
    expect(at(page)).to_contain_text("Loud")


def test_what_a_colleague_took_stays_in_its_place_and_says_so(desk: Desk) -> None:
    for type_, scale in (("fire", GRAVE), ("loud", MINOR)):
        desk.site.run(desk.site.here.alert(type_, scale))
    mine, theirs = console(desk), console(desk)
    mine.keyboard.press("j")
    mine.keyboard.press("j")

    theirs.keyboard.press("j")
    theirs.keyboard.press("a")

    expect(mine.locator("#queue .row.gone")).to_contain_text("acknowledged, colleague")
    assert rows(mine) == ["Fire", "Loud"]
    mine.keyboard.press("Escape")
    expect(mine.locator("#queue .row")).to_have_count(1)


def test_a_flood_folds_and_is_worked_on_as_one(desk: Desk) -> None:
    for _ in range(FLOOD + 2):
        desk.site.run(desk.site.here.alert("loud", MINOR))
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = console(desk)

    expect(page.locator("#queue .row")).to_have_count(2)
    expect(page.locator(".flood")).to_contain_text("flood")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(at(page)).to_contain_text(f"×{FLOOD + 2}")
    page.keyboard.press("a")
    said(page, f"{FLOOD + 2} alerts acknowledged.")
    expect(page.locator("#queue .row")).to_have_count(1)
    assert rows(page) == ["Fire"]


def test_the_line_sets_the_status_of_a_unit_and_finds_anything(desk: Desk) -> None:
    unit = desk.site.run(desk.site.here.unit("M21"))
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = console(desk)
    expect(page.locator("#units .unit")).to_have_count(1)

    page.keyboard.press("/")
    page.keyboard.type("s m21 en")
    page.keyboard.press("Enter")
    said(page, "M21 is en route now.")
    assert desk.site.run(desk.site.here.facts.unit(unit.id)).status is UnitStatus.ENROUTE
    expect(page.get_by_role("group", name="En route").get_by_role("option")).to_contain_text("M21")

    page.keyboard.press("/")
    page.keyboard.type("i tree fell at 60.17, 24.94")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_contain_text("opened, from what somebody saw")
    expect(page.locator("#detail")).to_contain_text("60.17000, 24.94000")

    page.keyboard.press("/")
    page.keyboard.type("s m21 tr")
    expect(page.get_by_role("option", name="can't become Transporting")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("fire")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_contain_text("Fire")


def test_letters_are_no_keys_where_somebody_types_or_switched_them_off(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = console(desk)
    page.keyboard.press("?")
    page.get_by_label("Single letters are keys.").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.keyboard.press("j")
    expect(at(page)).to_have_count(0)
    page.keyboard.press("Alt+j")
    expect(at(page)).to_have_count(1)


def test_eight_windows_of_one_person_share_a_link(desk: Desk) -> None:
    first = console(desk)
    pages = [first]
    for _ in range(7):
        page = first.context.new_page()
        page.goto("/console/")
        pages.append(page)
    for page in pages:
        live(page)

    desk.site.run(desk.site.here.alert("fire", GRAVE))

    for page in pages:
        expect(page.locator("#queue .row")).to_have_count(1)
    follows = [one for one in desk.site.here.events("read@1") if b"live" in one.body and b"events after" in one.body]
    assert len(follows) <= 2, "the page before the console followed, too"


def test_a_lost_link_keeps_the_picture_and_sends_nothing(desk: Desk) -> None:
    desk.complaints.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = console(desk)
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_enabled()

    desk.site.run(desk.site.fall_silent())

    expect(page.locator(".link.lost")).to_contain_text("No link for")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_disabled()
    page.keyboard.press("a")
    said(page, "nothing is sent until it is back")
    assert rows(page) == ["Fire"]


def test_who_may_not_see_something_is_told_so_in_its_place(desk: Desk) -> None:
    desk.complaints.expected = ("403",)
    page = desk.page()
    page.goto(f"/enrol?code={desk.code(Role.IT)}")
    page.get_by_label("Your name").fill("Ville")
    page.get_by_role("button", name="Come in").click()
    page.goto("/console/")

    expect(page.get_by_text("Not for your duty").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_console_keeps_nobody_out(desk: Desk, tmp_path: Path, scheme: str) -> None:
    desk.site.run(busy(desk.site.here))
    page = console(desk, scheme=scheme)
    found = barriers(page)
    for name, keys in (
        ("alert", "j"),
        ("false", "x"),
        ("line", "Escape /"),
        ("incident", "Escape g i"),
        ("status", "g u v"),
        ("help", "Escape ?"),
    ):
        for key in keys.split():
            page.keyboard.press(key)
        if name == "line":
            page.keyboard.type("s h11")
        page.locator("#detail .card").wait_for()
        found += [f"{name}: {one}" for one in barriers(page)]
        assert page.evaluate(SMALL) == [], f"targets under 24 px at {name}"
        page.screenshot(path=tmp_path / f"{name}.png")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_broken_glass_stands_over_everything_until_it_is_ended(desk: Desk) -> None:
    page = console(desk)
    page.goto("/")
    page.get_by_text("Break the glass").first.click()
    page.get_by_label("Why somebody's life depends on it").fill("a child is missing")
    page.get_by_role("button", name="Break the glass").click()
    page.goto("/console/")

    banner = page.locator(".glass")
    expect(banner).to_contain_text("a child is missing")
    banner.get_by_role("button", name="End it now").click()
    expect(banner).to_have_count(0)
    said(page, "It is ended.")


def test_what_is_on_the_map_is_what_is_in_the_lists(drawing: Desk, tmp_path: Path) -> None:
    here = drawing.site.here
    drawing.site.run(here.moves(drawing.site.run(here.tracked("unit/H11")), SQUARE))
    drawing.site.run(here.unit("H11", "unit/H11"))
    drawing.site.run(here.alert("fire", GRAVE))
    page = console(drawing)
    canvas = page.get_by_role("application")
    expect(canvas).to_be_visible()

    page.keyboard.press("j")
    expect(page.locator("#detail h2")).to_contain_text("Fire")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(canvas).to_be_focused()
    page.screenshot(path=tmp_path / "map.png")
    assert barriers(page) == []


def test_a_browser_that_draws_no_map_gives_its_place_to_the_lists(desk: Desk) -> None:
    page = console(desk)

    expect(page.get_by_text("The lists have everything that would be on it.")).to_be_visible()
    assert barriers(page) == []
    box = page.locator("#queue").bounding_box()
    assert box
    assert box["width"] > 500


def test_the_past_is_framed_and_nothing_can_be_done_in_it(desk: Desk) -> None:
    here = desk.site.here
    early = here.clock() - 10 * MINUTE
    alert = desk.site.run(here.alert("loud", MINOR, shown_at=early))
    page = console(desk)
    expect(page.locator("#queue .row")).to_have_count(1)
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("now"))

    page.keyboard.press("g")
    page.keyboard.press("t")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".past").first).to_contain_text("REPLAY ×10")
    expect(page.locator("#queue .row")).to_have_count(0)
    page.keyboard.press("a")
    said(page, "This is the past, in which nothing can be done")

    page.keyboard.press("l")
    expect(page.locator("#queue .row")).to_have_count(1)
    expect(page.get_by_text("REPLAY")).to_have_count(0)
    assert desk.site.run(here.facts.alert(alert.id)).status is AlertStatus.NEW
