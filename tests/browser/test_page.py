"""The page in a browser: what a newcomer does in the first minutes, what comes by itself, and what stays still."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Desk, live
from tests.screens.town import GRAVE, MINOR

pytestmark = pytest.mark.browser


def rows(page: Page) -> list[str]:
    """The new alerts, from the top."""
    return page.locator("[data-part=queue] > ol[data-rows] > li .what > a").all_inner_texts()


def test_a_newcomer_comes_in_and_works_on_an_alert(desk: Desk, tmp_path: Path) -> None:
    site = desk.site
    for type_, scale in (("loud", MINOR), ("fire", GRAVE), ("crowd", MINOR)):
        site.run(site.here.alert(type_, scale))
    page = desk.operator()

    expect(page.get_by_text("Everything here is simulated, except the map")).to_be_visible()
    assert rows(page)[0] == "Fire"

    page.get_by_role("button", name="Acknowledge: Fire").click()
    expect(page.get_by_text("Acknowledged: it waits for you now.")).to_be_visible()
    expect(page.get_by_text("It would not have fired if")).to_be_visible()

    page.get_by_role("link", name="Loud").click()
    page.get_by_text("Dismiss…").click()
    page.get_by_label("Why is it false?").fill("A concert, announced.")
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_text("Dismissed.")).to_be_visible()
    assert rows(page) == ["Crowd"]

    page.get_by_role("link", name="Fire").click()
    page.get_by_role("button", name="Open incident", exact=True).click()
    expect(page.get_by_text("Incident opened.")).to_be_visible()
    page.get_by_label("Note").fill("Engine 2 is on its way.")
    page.locator("form", has=page.get_by_label("Note")).get_by_role("button").click()
    expect(page.get_by_text("noted: Engine 2 is on its way.")).to_be_visible()
    live(page)
    page.screenshot(path=tmp_path / "incident.png", full_page=True)


def test_a_new_alert_appears_by_itself(desk: Desk) -> None:
    page = desk.operator()
    page.evaluate("window.reloaded = false")

    desk.site.run(desk.site.here.alert("fire", GRAVE))
    expect(page.get_by_role("link", name="Fire")).to_be_visible()

    expect(page.locator("#news")).to_have_text("1 new in queue")
    expect(page.locator("[data-copied=measures]")).to_contain_text("1 waiting")
    assert page.evaluate("window.reloaded") is False


def test_what_a_colleague_did_is_seen_by_all(desk: Desk) -> None:
    alert = desk.site.run(desk.site.here.alert("fire", GRAVE))
    mine, theirs = desk.operator(), desk.operator()
    mine.goto(f"/?alert={alert.id}")
    live(mine)

    theirs.get_by_role("button", name="Acknowledge: Fire").click()

    expect(mine.locator("[data-part=alert]")).to_contain_text("acknowledged colleague")
    expect(mine.get_by_role("heading", name="Acknowledged 1")).to_be_visible()


def test_rows_stay_still_under_somebodys_hand_until_they_are_asked_for(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("loud", MINOR))
    page = desk.operator()
    page.get_by_role("button", name="Acknowledge: Loud").focus()
    place = page.get_by_role("link", name="Loud").bounding_box()

    desk.site.run(desk.site.here.alert("fire", GRAVE))
    new = page.get_by_role("button", name="1 new ↑")
    new.wait_for()

    assert rows(page) == ["Loud"]
    assert page.get_by_role("link", name="Loud").bounding_box() == place
    expect(page.locator("[data-copied=measures]")).to_contain_text("2 waiting")

    new.click()
    assert rows(page) == ["Fire", "Loud"]
    expect(new).to_be_hidden()
    expect(page.get_by_role("heading", name="Queue")).to_be_focused()


def test_the_row_under_the_cursor_does_not_move(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("loud", MINOR))
    page = desk.operator()
    page.get_by_role("link", name="Loud").hover()

    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page.get_by_role("button", name="1 new ↑").wait_for()
    assert rows(page) == ["Loud"]

    page.mouse.move(5, 5)
    expect(page.get_by_role("link", name="Fire")).to_be_visible()


def test_what_somebody_types_is_not_taken_away(desk: Desk) -> None:
    alert = desk.site.run(desk.site.here.alert("loud", MINOR))
    page = desk.operator()
    page.goto(f"/?alert={alert.id}")
    live(page)
    page.get_by_text("Dismiss…").click()
    page.get_by_label("Why is it false?").fill("A con")
    page.get_by_role("heading", name="Queue").click()

    colleague = desk.operator()
    colleague.get_by_role("button", name="Acknowledge: Loud").click()
    page.get_by_role("button", name="changed ↑").wait_for()

    expect(page.get_by_label("Why is it false?")).to_have_value("A con")


def test_everything_is_done_by_keyboard_alone(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = desk.operator()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the queue")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Queue")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Fire")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This alert")).to_be_visible()
    live(page)
    tab_to(page, "Dismiss…")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("A test.")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Dismissed.")).to_be_visible()


def tab_to(page: Page, text: str) -> None:
    """Press Tab until that has the focus, as somebody without a mouse does."""
    for _ in range(60):
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{text!r} can't be reached with Tab")


def test_the_page_says_when_its_link_is_lost(desk: Desk) -> None:
    desk.complaints.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = desk.operator()

    desk.site.run(desk.site.fall_silent())

    expect(page.locator(".link.lost")).to_contain_text("No link for")
    expect(page.get_by_role("link", name="Fire")).to_be_visible()


def test_the_page_says_when_the_session_is_over(desk: Desk) -> None:
    page = desk.operator()
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "tutela_session")

    desk.site.run(desk.site.here.staff.sign_out(token))

    expect(page.locator(".link.lost")).to_contain_text("Signed out: this session is over; sign in again")


def test_ages_grow_by_themselves(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = desk.operator()
    age = page.locator("[data-part=queue] .age time")
    first = age.inner_text()

    expect(age).not_to_have_text(first)
    expect(page.locator(".link")).to_contain_text("Live")


def test_it_works_without_a_script(desk: Desk) -> None:
    desk.site.run(desk.site.here.alert("fire", GRAVE))
    page = desk.operator(script=False)

    page.get_by_role("button", name="Acknowledge: Fire").click()
    expect(page.get_by_text("Acknowledged: it waits for you now.")).to_be_visible()
    desk.site.run(desk.site.here.alert("crowd", MINOR))
    page.get_by_role("link", name="Refresh").click()

    assert rows(page) == ["Crowd"]
