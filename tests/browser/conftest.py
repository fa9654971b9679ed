"""A browser before the town's page. Whatever it complains of, or asks of another host, fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from tests.screens.site import Site

from tutela.model.people import Role

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DRAWING = (
    *(one for one in ARGUMENTS if one != "--disable-gpu"),
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
"""For pages with a map: they draw by WebGL, and without a graphics card a program does it."""
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
PATIENCE = 10_000
"""Milliseconds."""


@dataclass
class Complaints:
    """What a browser complained of; `expected` are words of those that a test provokes."""

    found: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def listen(self, page: Page, host: str) -> None:
        page.on("console", lambda said: self.add(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda wrong: self.add(str(wrong)))
        page.on("request", lambda request: self.elsewhere(request, host))

    def elsewhere(self, request: Request, host: str) -> None:
        if urlsplit(request.url).netloc != host:
            self.add(f"a request to {request.url}")

    def add(self, what: str) -> None:
        if not any(words in what for words in self.expected):
            self.found.append(what)


@dataclass
class Desk:
    """A browser, and the site that it looks at."""

    site: Site
    browser: Browser
    complaints: Complaints
    open: list[BrowserContext] = field(default_factory=list)

    def page(self, *, scheme: str = "dark", phone: bool = False, script: bool = True) -> Page:
        """A new window of somebody new: nobody is signed in."""
        context = self.browser.new_context(
            color_scheme="light" if scheme == "light" else "dark",
            viewport={"width": PHONE["width"], "height": PHONE["height"]}
            if phone
            else {"width": DESK["width"], "height": DESK["height"]},
            java_script_enabled=script,
            base_url=self.site.address,
        )
        context.set_default_timeout(PATIENCE)
        self.open.append(context)
        page = context.new_page()
        self.complaints.listen(page, urlsplit(self.site.address).netloc)
        return page

    def overseer(self, *, scheme: str = "dark", phone: bool = False) -> Page:
        """A new window of a privacy officer who has just come in."""
        page = self.page(scheme=scheme, phone=phone)
        page.goto(f"/enrol?code={self.code(Role.PRIVACY_OFFICER)}")
        page.get_by_label("Your name").fill("Pia Saari")
        page.get_by_role("button", name="Come in").click()
        return page

    def operator(self, *, scheme: str = "dark", phone: bool = False, script: bool = True) -> Page:
        """A new window of an operator who has just come in."""
        page = self.page(scheme=scheme, phone=phone, script=script)
        page.goto(f"/enrol?code={self.code()}")
        page.get_by_label("Your name").fill("Aino Virtanen")
        page.get_by_role("button", name="Come in").click()
        if script:
            live(page)
        return page

    def code(self, role: Role = Role.OPERATOR) -> str:
        return self.site.run(self.site.here.staff.invite_here(role, "city"))


def live(page: Page) -> None:
    """Wait until the page hears from the log."""
    page.locator(".link.live").wait_for()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    yield from browsing(site, ARGUMENTS)


@pytest.fixture
def drawing(site: Site) -> Iterator[Desk]:
    """A desk whose browser draws maps."""
    yield from browsing(site, DRAWING)


def browsing(site: Site, arguments: Sequence[str]) -> Iterator[Desk]:
    """A browser, until the test is over; then whatever it complained of."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine; `apt-get install chromium` brings it")
    # Not for longer than one test: its loop is in the way of tests that have their own.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(arguments))
        desk = Desk(site, browser, Complaints())
        yield desk
        for context in desk.open:
            context.close()
        browser.close()
    assert desk.complaints.found == []
