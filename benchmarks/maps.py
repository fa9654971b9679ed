"""The map: how long a city's takes to build, and what it costs a browser to show 10,000 marks and 2,000 units that move.

The browser draws by a program (SwiftShader), so that its frames are few; what is measured of it is the renderer's CPU, which a graphics
card does not change. `none` is the same page with units that stand.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import uvicorn
from benchmarks.report import ROOT, promise, quick, tell
from litestar import Litestar
from litestar.static_files import create_static_files_router
from playwright.async_api import Page, async_playwright
from tests.browser.conftest import DRAWING
from tutela_helsinki import EXTRACT, NAME

from tutela.app.city_map import CityMap
from tutela.app.mapping import build
from tutela.app.settings import Settings
from tutela.screens import city_map, page
from tutela.screens.headers import harden

PORT = 8813
UNITS, MARKS, HERTZ = 2_000, 10_000, 5
BUILD, PAINT = 30.0, 2.0
"""Seconds."""
WIDTH, HEIGHT = 1000, 640
IDLE = "new Promise((done) => { bench.map.drawn.once('idle', () => done()); bench.map.drawn.triggerRepaint(); })"
"""Everything is drawn, and nothing moves."""


def built(folder: Path) -> Path:
    """Build the demonstration city's map, twice."""
    files = [folder / "map" / "city.pmtiles", folder / "again.pmtiles"]
    took = []
    for file in files:
        begun = time.process_time()
        done = build(Path(str(EXTRACT)), file, lambda _: None)
        took.append(time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tell("maps.build", min(took), "s", most=BUILD, features=done.features, tiles=done.tiles, peak_mb=peak)
    tell("maps.size", done.bytes / 1e3, "kB", most=2_000)
    promise("maps.build.same", files[0].read_bytes() == files[1].read_bytes())
    return files[0]


@asynccontextmanager
async def serving(data: Path, site: Path) -> AsyncIterator[str]:
    """The map and the page with it, under the platform's own policy."""
    app = Litestar(
        [
            city_map.routes(CityMap(Settings(data, {}), NAME)),
            create_static_files_router("/static", directories=[page.STATIC]),
            create_static_files_router("/", directories=[site], html_mode=True),
        ],
        before_send=[harden],
        openapi_config=None,
        logging_config=None,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning"))
    task = asyncio.create_task(server.serve())
    try:
        yield f"http://localhost:{PORT}"
    finally:
        server.should_exit = True
        await task


def renderer(browser: psutil.Process) -> psutil.Process:
    """The process that runs the page: the busiest of the browser's renderers."""
    found = [one for one in browser.children(recursive=True) if "--type=renderer" in " ".join(one.cmdline())]
    return max(found, key=lambda one: sum(one.cpu_times()[:2]))


async def cpu(seen: Page, browser: psutil.Process, seconds: float) -> tuple[float, float]:
    """Milliseconds of the renderer's CPU in a second, and frames drawn in one."""
    count = "window.drawn = 0; bench.map.drawn.on('render', () => window.drawn++)"
    await seen.evaluate(count)
    process = renderer(browser)
    begun, before = time.monotonic(), sum(process.cpu_times()[:2])
    await seen.wait_for_timeout(seconds * 1000)
    passed = time.monotonic() - begun
    frames = float(await seen.evaluate("window.drawn"))
    return (sum(process.cpu_times()[:2]) - before) / passed * 1e3, frames / passed


async def shown(url: str) -> None:
    """What the browser does with it."""
    asked: list[str] = []
    said: list[str] = []
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(DRAWING))
        mine = next(one for one in psutil.Process().children(recursive=True) if "chromium" in one.name())
        seen = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        seen.on("request", lambda request: asked.append(request.url))
        seen.on("console", lambda message: said.append(message.text))
        begun = time.monotonic()
        await seen.goto(f"{url}/?zoom=14.5&flavour=dark")
        await seen.locator(".zooms").wait_for()
        paint = time.monotonic() - begun
        await seen.evaluate(f"bench.marks({MARKS})")
        await seen.evaluate(IDLE)
        tell("maps.paint", paint, "s", most=PAINT, with_marks=time.monotonic() - begun)
        await moving(seen, mine)
        promise("maps.own_host", all(one.startswith((url, "blob:")) for one in asked) and not said, said=said[:3])
        await browser.close()


async def moving(seen: Page, browser: psutil.Process) -> None:
    """Units, standing and moving, beside the marks."""
    seconds = 3.0 if quick() else 10.0
    none, _ = await cpu(seen, browser, seconds)
    await seen.evaluate(f"bench.units({UNITS}, {HERTZ})")
    await seen.wait_for_timeout(1000)
    busy, frames = await cpu(seen, browser, seconds)
    await seen.evaluate("bench.stop()")
    tell("maps.units", busy, "ms", none=none, frames=frames, units=UNITS, marks=MARKS, hertz=HERTZ)


def page_of(folder: Path) -> Path:
    """The page with the map alone, built."""
    vite = ("exec", "--", "vite", "build", "--config", "map/bench/vite.config.ts", "--outDir", str(folder))
    web = ROOT / "scripts" / "web.py"
    subprocess.run([sys.executable, web, *vite, "--logLevel", "error"], cwd=ROOT, check=True, stdout=sys.stderr)
    return folder


async def main() -> None:
    with TemporaryDirectory() as folder:
        data = Path(folder)
        built(data)
        async with serving(data, page_of(data / "site")) as url:
            await shown(url)


if __name__ == "__main__":
    asyncio.run(main())
