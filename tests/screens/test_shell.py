"""The console's files: each as it was built, packed as the browser takes it, kept where its name has a hash."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from tests.screens.town import NOW, Town, town

from tutela.flow.rates import Rates
from tutela.model.people import Role
from tutela.screens import shell
from tutela.screens.guard import Guard

PAGE = b"<!doctype html><title>tutela</title>"
SCRIPT = b"console.assert(true);" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / ".built-from").write_text("0" * 64)
    (tmp_path / "assets" / "main-a1b2.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "main-a1b2.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path


@pytest.fixture
async def here() -> Town:
    return await town(lambda: NOW)


@pytest.fixture
async def client(here: Town, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar([shell.routes(Guard(here.staff, Rates(here.clock), here.glass), folder)], logging_config=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app)), base_url="http://testserver"
    ) as client:
        _, token = await here.person(Role.OPERATOR, "Aino")
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_the_console_is_at_every_address_of_its_screens(client: httpx.AsyncClient) -> None:
    for path in ("/console", "/console/", "/console/operations"):
        answer = await client.get(path)
        assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, PAGE, "no-cache"), path


async def test_whoever_is_not_signed_in_is_led_to_the_entrance(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]

    answer = await client.get("/console")

    assert (answer.status_code, answer.headers["location"]) == (303, "/enrol")


async def test_a_file_is_sent_as_short_as_the_browser_takes_it_and_kept_for_good(client: httpx.AsyncClient) -> None:
    packed = await client.get("/console/assets/main-a1b2.js", headers={"Accept-Encoding": "br, gzip"})
    whole = await client.get("/console/assets/main-a1b2.js", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in whole.headers
    assert packed.content == whole.content == SCRIPT
    assert int(packed.headers["content-length"]) < int(whole.headers["content-length"])
    assert packed.headers["content-type"].startswith("text/javascript")
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["vary"] == "Accept-Encoding"


async def test_what_the_browser_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/console")

    again = await client.get("/console", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", ".built-from", "main-a1b2.js.gz", "..%2Findex.html"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/console/assets/{name}")).status_code == 404


async def test_an_installation_without_the_console_says_what_to_do(here: Town, tmp_path: Path) -> None:
    app = Litestar([shell.routes(Guard(here.staff, Rates(here.clock), here.glass), tmp_path)], logging_config=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app)), base_url="http://testserver"
    ) as client:
        _, token = await here.person(Role.OPERATOR, "Aino")
        answer = await client.get("/console", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 404
    assert "make web" in answer.text
