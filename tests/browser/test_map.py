"""The map: drawn under our own policy, from our own host, by keyboard too; and what is picked on it is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Position, Route
from tests.browser.conftest import Desk
from tests.browser.test_barriers import barriers

from tutela.screens.headers import HEADERS

pytestmark = [pytest.mark.browser, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
Opened = Callable[[], Page]
MARK = {"id": "a1", "kind": "alert", "priority": 1, "lon": 24.944, "lat": 60.171}
OTHER = {"id": "i1", "kind": "incident", "priority": 2, "lon": 24.9441, "lat": 60.171}
UNIT = {"id": "u1", "letter": "F", "lon": 24.944, "lat": 60.171, "stale": False}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the map alone."""
    into = tmp_path_factory.mktemp("map")
    vite = ("exec", "--", "vite", "build", "--config", "map/bench/vite.config.ts", "--outDir", str(into))
    subprocess.run([sys.executable, ROOT / "scripts" / "web.py", *vite, "--logLevel", "error"], cwd=ROOT, check=True)
    return into


@pytest.fixture
def opened(drawing: Desk, built: Path) -> Opened:
    """The map at zoom 16, over the town's own server; only the script comes from the folder in which it was built."""

    def serve(route: Route) -> None:
        name = route.request.url.partition("/bench/")[2].partition("?")[0]
        route.fulfill(path=built / name, headers=HEADERS | {"Content-Type": TYPES[Path(name).suffix]})

    def open_() -> Page:
        page = drawing.page()
        page.set_viewport_size({"width": 640, "height": 400})  # drawn without a graphics card
        page.emulate_media(reduced_motion="reduce")
        page.route("**/bench/**", serve)
        page.goto("/bench/index.html?zoom=16")
        page.locator(".zooms").wait_for()
        return page

    return open_


TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}


def middle(page: Page) -> Position:
    box = page.locator(".maplibregl-canvas").bounding_box()
    assert box
    return {"x": box["width"] / 2, "y": box["height"] / 2}


def still(page: Page) -> None:
    """Wait until nothing moves and everything is drawn."""
    page.evaluate(
        "new Promise((done) => { bench.map.drawn.once('idle', () => done()); bench.map.drawn.triggerRepaint(); })"
    )


def becomes(page: Page, true: str) -> None:
    """Wait until it is true. Not by `wait_for_function`: our policy forbids what that does."""
    page.evaluate(f"(async () => {{ while (!({true})) await new Promise(requestAnimationFrame); }})()")


def picked(page: Page, count: int) -> list[dict[str, Any]]:
    becomes(page, f"bench.picked.length >= {count}")
    found: list[dict[str, Any]] = page.evaluate("bench.picked")
    return found


def test_the_map_is_drawn_and_whatever_is_picked_on_it_is_told(opened: Opened) -> None:
    page = opened()
    page.evaluate("(unit) => bench.map.setUnits({ units: [unit] })", UNIT)
    still(page)
    names = page.evaluate(
        "bench.map.drawn.queryRenderedFeatures({ layers: ['road-name'] }).map((one) => one.properties.name)"
    )
    assert "Kaivokatu" in names
    canvas = page.locator(".maplibregl-canvas")
    canvas.click(position=middle(page))
    assert picked(page, 1)[0]["id"] == "u1"

    page.evaluate("(mark) => bench.map.setAlerts([mark])", MARK)
    still(page)
    canvas.click(position=middle(page))
    assert (picked(page, 2)[1]["kind"], picked(page, 2)[1]["id"]) == ("alert", "a1")

    page.evaluate("(marks) => bench.map.setAlerts(marks)", [MARK, OTHER])
    still(page)
    before = page.evaluate("bench.map.drawn.getZoom()")
    canvas.click(position=middle(page))
    becomes(page, f"bench.map.drawn.getZoom() > {before}")


def test_the_map_is_worked_by_keyboard_and_left_again(opened: Opened) -> None:
    page = opened()
    canvas = page.get_by_role("application", name="Map.")
    page.get_by_role("button", name="Zoom in").focus()
    page.keyboard.press("Shift+Tab")
    assert canvas.evaluate("(one) => document.activeElement === one")
    west = page.evaluate("bench.map.drawn.getCenter().lng")
    page.keyboard.press("ArrowRight")
    becomes(page, f"bench.map.drawn.getCenter().lng > {west}")
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Zoom in").evaluate("(one) => document.activeElement === one")


def test_the_map_has_no_barrier_and_follows_the_scheme_of_the_page(opened: Opened) -> None:
    page = opened()

    assert barriers(page) == []
    land = "bench.map.drawn.getPaintProperty('land', 'fill-color')"
    was = page.evaluate(land)
    page.emulate_media(color_scheme="light")
    becomes(page, f"{land} !== '{was}'")
    assert barriers(page) == []


def test_a_city_without_a_map_says_so_and_shows_what_moves(opened: Opened, drawing: Desk) -> None:
    drawing.complaints.expected = ("404",)
    page = opened()
    page.route("**/map/city.pmtiles", lambda route: route.fulfill(status=404, body="none"))
    page.reload()
    page.locator(".zooms").wait_for()

    assert "has no map yet" in page.locator(".credit").inner_text()
    page.evaluate("(unit) => bench.map.setUnits({ units: [unit] })", UNIT)
    still(page)
    page.locator(".maplibregl-canvas").click(position=middle(page))
    assert picked(page, 1)[0]["id"] == "u1"
