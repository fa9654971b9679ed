"""Passkeys in a browser, on an authenticator that the browser itself emulates."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect
from tests.browser.conftest import Desk, live
from tests.browser.test_barriers import SMALL, barriers

from tutela.model.people import Role

pytestmark = pytest.mark.browser

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def device(page: Page) -> tuple[CDPSession, str]:
    """Give the browser a device of its own that finds its owner; the device's id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]


def test_somebody_adds_a_passkey_signs_out_and_comes_in_with_it(desk: Desk, tmp_path: Path) -> None:
    page = desk.operator()
    session, id_ = device(page)
    page.get_by_role("link", name="add a passkey").click()
    page.get_by_label("What you call this device").fill("Aino's laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Aino's laptop")).to_be_visible()
    page.screenshot(path=tmp_path / "you.png", full_page=True)
    page.get_by_role("link", name="Back to the city").click()
    live(page)
    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("button", name="Use a passkey").click()
    live(page)
    expect(page.get_by_text("Aino Virtanen")).to_be_visible()
    page.goto("/you")
    expect(page.get_by_text("You came in by a passkey")).to_be_visible()
    (kept,) = session.send("WebAuthn.getCredentials", {"authenticatorId": id_})["credentials"]
    assert (kept["rpId"], kept["signCount"] > 0) == ("localhost", True)

    page.get_by_role("button", name="Remove Aino's laptop").click()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()


def test_a_device_that_does_not_find_its_owner_lets_nobody_in_and_the_page_says_so(desk: Desk) -> None:
    page = desk.operator()
    session, id_ = device(page)
    page.goto("/you")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": id_, "isUserVerified": False})
    page.get_by_label("What you call this device").fill("not mine")
    page.get_by_role("button", name="Add a passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was done")
    assert not desk.site.here.facts.store.passkeys


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_about_oneself_has_no_barrier(desk: Desk, tmp_path: Path, scheme: str) -> None:
    for phone in (False, True):
        code = desk.site.run(desk.site.here.staff.invite_here(Role.SUPERVISOR, "city"))
        page = desk.page(scheme=scheme, phone=phone)
        page.goto("/enrol")
        expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()
        assert (barriers(page), page.evaluate(SMALL)) == ([], [])
        page.get_by_label("Code", exact=True).fill(code)
        page.get_by_label("Your name").fill("Elina")
        page.get_by_role("button", name="Come in", exact=True).click()
        live(page)
        page.goto("/you")
        page.get_by_role("combobox").select_option("operator")
        page.get_by_label("Their last day").fill("2099-12-31")
        page.get_by_role("button", name="Make a code").click()
        expect(page.get_by_role("status").locator("b")).to_be_visible()
        page.screenshot(path=tmp_path / f"you-{phone}.png", full_page=True)

        assert (barriers(page), page.evaluate(SMALL)) == ([], [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_script_codes_and_removing_work_and_the_page_says_what_does_not(desk: Desk) -> None:
    page = desk.operator(script=False)
    page.goto("/you")

    expect(page.get_by_text("this page needs JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
