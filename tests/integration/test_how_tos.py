"""What the documentation tells people to type works, and answers as the pages say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.docs_support.pages import DOCS, ROOT, blocks, files
from tests.docs_support.shell import played, shell
from tests.integration.running import Instance, clear_away, running, until

from tutela.backends.engines import NATS, POSTGRES

pytestmark = pytest.mark.integration

PAGES = sorted(page for page in DOCS.rglob("*.md") if any(block.runs for block in blocks(page)))
FOUND = DOCS / "why" / "what-was-found.md"
AIR = DOCS / "how-to" / "import-a-file.md"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of its own: the pages say that nothing went wrong in it before."""
    with running(tmp_path_factory.mktemp("town") / "data", "--empty") as instance:
        yield instance


@pytest.fixture(scope="module")
def env(town: Instance) -> Mapping[str, str]:
    """`tutela` is on the path, and finds this instance; `CHECKOUT` is where its source is."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TUTELA_DATA": str(town.data), "CHECKOUT": str(ROOT)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_works_from_top_to_bottom(page: Path, town: Instance, env: Mapping[str, str], tmp_path: Path) -> None:
    for program, package in (("mosquitto_pub", "mosquitto-clients"), ("mosquitto_passwd", "mosquitto")):
        if program in page.read_text(encoding="utf-8") and not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian: {package})")
    for name, text in files(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    try:
        with shell(tmp_path, env) as one:
            assert list(played(page, one, town.base, town.mqtt)) == []
    finally:
        for mark in tmp_path.glob("*/instance"):  # what a page restored
            clear_away(mark.parent)


def test_the_program_that_counts_what_was_found_counts_it(town: Instance, tmp_path: Path) -> None:
    for name, text in {**files(AIR), **files(FOUND)}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    mapping = ("--mapping", tmp_path / "air.toml", "--timeline", "import/counted")
    told = town.told("import", tmp_path / "air.csv", *mapping)

    def counted() -> str:
        command = [
            sys.executable,
            tmp_path / "found.py",
            town.base,
            town.told("invite", "analyst")["code"],
            mapping[-1],
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return said if "smoke: 1 detections, 1 alerts" in said else ""

    assert (told["observations"], told["calls"], told["refused"]) == (11, 0, {"no-result": 1})
    assert "old-air/Kallio: pm25 is 243 ug/m3, above 225.5 ug/m3." in until(counted, "the smoke is counted")


def test_your_own_engines_are_used_and_none_is_started(
    nats_url: str, pg_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the page about your own engines says: two addresses are the only difference."""
    monkeypatch.setenv(NATS, nats_url)
    monkeypatch.setenv(POSTGRES, pg_dsn)
    with running(tmp_path / "data", "--empty", "--workers", "2") as instance:
        told = instance.told("doctor")
        children = {path.stem for path in (tmp_path / "data" / "run").glob("*.json")}

    assert [finding for finding in told if finding["health"] == "bad"] == []
    assert children == {"keep", "connect", "work-1", "work-2", "serve"}
