"""Nobody is kept out: axe finds no barrier on any page, dark or light, at a desk or on a phone (WCAG 2.2 AA)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import Desk, live
from tests.screens.town import GRAVE, MINOR, SQUARE, Town

from tutela.model.alert import AlertStatus
from tutela.model.arming import Extent
from tutela.model.people import Role
from tutela.model.resource import UnitStatus
from tutela.model.rights import Claim, Right
from tutela.model.when import DAY

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TRANSPARENT = {
    "front": "/transparency",
    "near": f"/transparency/near?lat={SQUARE.lat}&lon={SQUARE.lon}",
    "source": "/transparency/source/calls",
    "capability": "/transparency/capability/loud",
    "sign": "/transparency/source/sensors/sign",
}
"""How the city watches, for everybody."""

SMALL = """
() => [...document.querySelectorAll('a, button, summary, select, textarea, input:not([type=hidden])')]
    .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
    .map(([html, box]) => `${html} ${box.width} × ${box.height}`)
"""


async def busy(here: Town) -> tuple[str, str]:
    """A town with some of everything; an alert and an incident of it."""
    for type_, status in (("loud", "new"), ("bad-air", "acknowledged"), ("unusual", "held")):
        await here.alert(type_, MINOR, AlertStatus(status), count=4)
    until = here.clock() + 10**9
    await here.alert("silence", MINOR, AlertStatus.SHELVED, reason="works till nine", shelved_until=until)
    alert, other, call = await here.alert("fire", GRAVE, count=3), await here.alert("crowd"), await here.call()
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    access = here.access(agent)
    incident = await here.incidents.open_from_alert(access, other.id, "1")
    await here.incidents.add_call(access, incident.id, call.id, "2")
    await here.incidents.note(access, incident.id, "Two engines.\nOne ladder.", "3")
    await here.incidents.open_from_call(access, (await here.call()).id, "4")
    await here.moves(await here.tracked("unit/H11"), SQUARE, ago=60)
    await here.unit("H11", "unit/H11")
    await here.unit("A21", status=UnitStatus.OUT_OF_SERVICE)
    return alert.id, incident.id


def barriers(page: Page) -> list[str]:
    """What axe finds: rule, and where."""
    page.evaluate(AXE)
    found: Any = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    return [f"{one['id']}: {node['html']} {node['any']}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_has_a_barrier(desk: Desk, tmp_path: Path, scheme: str, *, phone: bool) -> None:
    alert, incident = desk.site.run(busy(desk.site.here))
    page = desk.page(scheme=scheme, phone=phone)
    page.goto("/enrol?code=ABCD")
    found = barriers(page)
    page.screenshot(path=tmp_path / "entrance.png")
    page.goto("/register")
    found += barriers(page)
    page.screenshot(path=tmp_path / "register.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "/register is too wide"
    # Each width and each scheme once: the pages are many.
    for name, address in TRANSPARENT.items() if phone == (scheme == "light") else ():
        page.goto(address)
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found += barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
        assert page.evaluate(SMALL) == [], f"targets under 24 px on {address}"
    page = desk.operator(scheme=scheme, phone=phone)
    for name, address in (("whole", "/"), ("alert", f"/?alert={alert}"), ("incident", f"/?incident={incident}")):
        page.goto(address)
        live(page)
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found += barriers(page)
        page.screenshot(path=tmp_path / f"{name}-open.png", full_page=True)

        assert page.evaluate(SMALL) == [], f"targets under 24 px on {address}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
    assert found == []


async def asked(here: Town) -> tuple[str, str]:
    """Requests of each urgency, one of them identified and put off; the reference and the secret of one."""
    claim = Claim(name="Liisa Mäki", contact="liisa@example.org", words="What is kept of me?", phones=("040 0000000",))
    for days in (40, 26):
        await here.rights.file(Right.CONTEST, claim, simulated=True, came=here.clock() - days * DAY)
    filed = await here.rights.file(Right.ERASURE, claim)
    await here.rights.identify(filed.reference, "passport", "pia")
    await here.rights.extend(filed.reference, "Many records.", "pia")
    return filed.reference, filed.secret


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_of_requests_and_oversight_has_a_barrier(
    desk: Desk, tmp_path: Path, scheme: str, *, phone: bool
) -> None:
    reference, secret = desk.site.run(asked(desk.site.here))
    page = desk.overseer(scheme=scheme, phone=phone)
    found = []
    lists = "requests", f"requests?open={reference}", "oversight", "register"
    for name in ("requests/new", "requests/status", f"requests/{reference}", *lists):
        page.goto(f"/{name}")
        found += barriers(page)
        page.screenshot(path=tmp_path / f"{name.replace('/', '-')}.png", full_page=True)

        assert page.evaluate(SMALL) == [], f"targets under 24 px on {name}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    page.goto(f"/requests/{reference}")
    page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="See how it stands").click()
    found += barriers(page)
    assert page.get_by_text("Many records.").is_visible()
    assert found == []


async def papered(here: Town) -> None:
    """Papers, one of which has ended; a capability with a text that residents can comment on, and an answer."""
    await here.agreement("The court", "R 26/1", "incidents")
    gone = await here.agreement("The press", "R 26/2", "incidents")
    await here.papers.end(gone.paper.id, "nobody asked", "install")
    extent = Extent(areas=("Kallio",), purposes=("emergency-response",), classes=("positions",), days=1)
    await here.arming.publish("units-gather", "It counts units.", extent, "install")
    said = await here.arming.comment("units-gather", "Whose?")
    await here.arming.answer(said.id, "The city's.", "Eino Laine", "install")
    await here.arming.comment("units-gather", "Why?")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_papers_and_what_is_off_have_no_barrier(desk: Desk, scheme: str, *, phone: bool) -> None:
    desk.site.run(papered(desk.site.here))
    page = desk.page(scheme=scheme, phone=phone)
    page.goto(f"/enrol?code={desk.site.run(desk.site.here.staff.invite_here(Role.SUPERVISOR, 'city'))}")
    page.get_by_label("Your name").fill("Aino Virtanen")
    page.get_by_role("button", name="Come in").click()
    live(page)
    found = []
    for address, word in (
        ("/papers", "R 26/2"),
        ("/capabilities", "units-gather"),
        ("/register", "without an account"),
        ("/", "units-gather"),
    ):
        page.goto(address)
        assert word in page.content(), address
        found += barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
    assert found == []
