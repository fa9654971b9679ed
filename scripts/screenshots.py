"""Take the pictures of `docs/pictures` from a running demonstration city, as a newcomer would see it: `make screenshots`.

A city of its own is started in a folder that is gone afterwards. What a picture shows differs from run to run, as a living city does.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import CHROMIUM, DRAWING  # noqa: E402  the tests' own browser
from tests.integration.running import Instance  # noqa: E402  the tests' own city

PICTURES = ROOT / "docs" / "pictures"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LONG = 120_000
"""Milliseconds until the city has told of something."""


SETTLED = 2_000
"""Milliseconds in which a map that flies somewhere arrives. No test waits so: a picture may be a little early."""


def window(browser: Browser, base: str, *, phone: bool = False, scheme: str = "dark") -> Page:
    """A window of somebody new."""
    size = PHONE if phone else DESK
    context = browser.new_context(
        base_url=base,
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="light" if scheme == "light" else "dark",
        reduced_motion="reduce",
    )
    context.set_default_timeout(LONG)
    return context.new_page()


def take(page: Page, name: str) -> None:
    """One picture."""
    page.screenshot(path=PICTURES / f"{name}.png")
    print(f"docs/pictures/{name}.png")


def operator(browser: Browser, base: str, code: str) -> None:
    """What an operator sees in the first minutes."""
    page = window(browser, base)
    page.goto(f"/enrol?code={code}")
    page.get_by_label("Your name").fill("Aino Virtanen")
    page.get_by_role("button", name="Come in").click()
    page.goto("/console/")
    page.get_by_role("button", name="Open an incident here…").wait_for()  # then the map is there
    page.get_by_role("listbox", name="New alerts").get_by_role("option").first.wait_for()
    page.keyboard.press("j")
    page.get_by_role("heading", name="Why").first.wait_for()
    page.wait_for_timeout(SETTLED)
    take(page, "operations")
    page.keyboard.press("i")
    page.get_by_text("Incident opened.").first.wait_for()
    page.wait_for_timeout(SETTLED)
    take(page, "incident")


def resident(browser: Browser, base: str) -> None:
    """What a resident sees on a phone."""
    page = window(browser, base, phone=True, scheme="light")
    page.goto("/resident")
    take(page, "resident")
    page.goto("/resident/report")
    take(page, "report")


def everybody(browser: Browser, base: str) -> None:
    """How the city says that it watches."""
    page = window(browser, base, scheme="light")
    page.goto("/transparency")
    take(page, "transparency")
    page.goto("/transparency/source/simulated-cameras/sign")
    take(page, "sign")


def supervisor(browser: Browser, base: str, code: str) -> None:
    """What an administrator looks after."""
    page = window(browser, base)
    page.goto(f"/enrol?code={code}")
    page.get_by_label("Your name").fill("Eino Laine")
    page.get_by_role("button", name="Come in").click()
    for name in ("admin", "capabilities", "handover"):
        page.goto(f"/{name}")
        take(page, name)


def main() -> None:
    """Start a city, look at it, and stop it."""
    with tempfile.TemporaryDirectory(prefix="tutela-pictures-") as folder, sync_playwright() as playwright:
        city = Instance.start(Path(folder) / "city")
        try:
            base = f"http://localhost:{city.port}"
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(DRAWING))
            looks: list[Callable[[], None]] = [
                lambda: operator(browser, base, city.codes["operator"]),
                lambda: supervisor(browser, base, city.codes["supervisor"]),
                lambda: resident(browser, base),
                lambda: everybody(browser, base),
            ]
            for look in looks:
                look()
            browser.close()
        finally:
            city.stop()


if __name__ == "__main__":
    main()
