"""From the entrance to the city's own provider and back in a browser: on another site, with a page between, with and without scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.app.identity import Identity, identity
from tests.browser.conftest import Desk
from tests.browser.test_barriers import SMALL, barriers
from tests.screens.site import Site, clock

from tutela.app.provider import HttpProvider

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def there() -> Iterator[Identity]:
    with identity(lambda: int(time.time())) as made:
        yield made


@pytest.fixture
def site(there: Identity) -> Iterator[Site]:
    site = Site(HttpProvider(there.settings, clock))
    yield site
    site.close()


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_somebody_links_their_account_with_a_code_and_comes_in_by_it_from_then_on(
    desk: Desk, there: Identity, tmp_path: Path, *, script: bool
) -> None:
    desk.complaints.expected = (f"a request to {there.issuer}/authorize", "403 (Forbidden)")
    page = desk.page(script=script)
    page.goto(f"/enrol?code={desk.code()}")
    page.get_by_label("Your name").fill("Aino Virtanen")
    page.screenshot(path=tmp_path / "entrance.png", full_page=True)
    page.get_by_role("button", name="Come in, and from then on with the town's own").click()
    expect(page.get_by_text("Welcome, Aino Virtanen")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("button", name="Sign in with the town's own").click()
    expect(page.get_by_text("Welcome, Aino Virtanen")).to_be_visible()
    page.goto("/you")
    expect(page.get_by_text("You came in by the city's provider")).to_be_visible()
    page.screenshot(path=tmp_path / "you.png", full_page=True)
    page.get_by_role("button", name="Remove the account").click()
    page.goto("/enrol")
    page.get_by_role("button", name="Sign in with the town's own").click()
    expect(page.get_by_role("alert").filter(has_text="nobody here comes in with this account")).to_be_visible()
    page.screenshot(path=tmp_path / "refused.png", full_page=True)
    assert (page.url.partition("?")[0].endswith("/enrol/back"), there.issuer in page.url) == (True, False)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_entrance_with_a_provider_keeps_nobody_out(desk: Desk, scheme: str) -> None:
    page = desk.page(scheme=scheme, phone=True)
    page.goto("/enrol")
    expect(page.get_by_role("button", name="Sign in with the town's own")).to_be_visible()

    assert barriers(page) == []
    assert page.evaluate(SMALL) == []
