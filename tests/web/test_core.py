"""The console's files: what they know of the platform is what the platform says, and they stay small and apart."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from tests.web.schema import HEAD, WEB, WRITTEN, described, first_line, used

from tutela.flow.desk import DESK
from tutela.model.alert import OPEN
from tutela.model.incident import STEPS, IncidentStatus
from tutela.model.resource import STEPS as UNIT_STEPS
from tutela.screens import look, shell, why
from tutela.screens.sections import ELSEWHERE
from tutela.screens.story import BECAME

LONGEST = 300
"""Lines of a file that people write."""

LARGEST = 60_000
"""Bytes of our script with its framework, packed, without the map."""

OWN = sorted(
    path
    for ending in ("*.ts", "*.svelte", "*.css")
    for path in WEB.rglob(ending)
    if "node_modules" not in path.parts and path != WRITTEN
)


def core(name: str) -> str:
    return (WEB / "core" / name).read_text()


def table(text: str, name: str) -> str:
    """What stands between the braces or brackets of a constant."""
    found = re.search(rf"const {name}\b[^=]*= ([{{\[].*?[}}\]])(?: as const)?;\n", text, re.DOTALL)
    assert found, name
    return found[1]


def steps(text: str, name: str) -> dict[str, set[str]]:
    rows = re.findall(r"(\w+): \[([^\]]*)\]", table(text, name))
    return {key: set(re.findall(r"'(\w+)'", values)) for key, values in rows}


async def test_what_the_console_knows_of_the_api_is_current() -> None:
    first = WRITTEN.read_text().partition("\n")[0] + "\n"

    assert first.startswith(HEAD)
    assert first == first_line(used(await described())), "run `.venv/bin/python -m tests.web.schema`"


def test_a_step_that_the_console_offers_is_one_that_can_be_taken() -> None:
    words = core("words.ts")

    assert steps(words, "UNIT_STEPS") == {str(one): set(map(str, after)) for one, after in UNIT_STEPS.items()}
    assert steps(words, "INCIDENT_STEPS") == {
        str(one): {str(two) for two in after - ELSEWHERE}
        for one, after in STEPS.items()
        if after - ELSEWHERE and one not in ELSEWHERE
    }
    closable = {str(one) for one, after in STEPS.items() if IncidentStatus.CLOSED in after}
    assert set(re.findall(r"'(\w+)'", table(words, "CLOSABLE"))) == closable


def test_the_console_and_the_page_call_things_by_the_same_names() -> None:
    words, queue, api, story = core("words.ts"), core("queue.ts"), core("api.ts"), core("story.ts")

    assert {int(key): value for key, value in re.findall(r"(\d): '(.)'", table(words, "SHAPES"))} == look.SHAPES
    ranks = re.findall(r"\[([\d_]+), (\d)\]", table(queue, "PRIORITIES"))
    assert tuple((int(least), int(number)) for least, number in ranks) == look.PRIORITIES
    assert f"DESK = '{DESK}'" in words
    assert set(re.findall(r"'(\w+)'", table(queue, "TABS"))) == set(map(str, OPEN))
    assert f"'{why.PURPOSE}', basis: '{why.BASIS}'" in api
    assert f"'{why.LIFE}', basis: '{why.VITAL}'" in api
    became = dict(re.findall(r"(\w+): '([^']*)'", table(story, "BECAME")))
    assert became == {str(status): says for status, says in BECAME.items()}


@pytest.mark.parametrize("room", ["core", "map"])
def test_what_thinks_knows_no_framework(room: str) -> None:
    found = [
        path for path in OWN if path.is_relative_to(WEB / room) and re.search(r"from '[^']*svelte", path.read_text())
    ]

    assert found == []


def test_no_file_is_long() -> None:
    lengths = {path.relative_to(WEB).as_posix(): len(path.read_text().splitlines()) for path in OWN}

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_style_or_script_stands_inside_of_a_page() -> None:
    """The policy of what may load forbids both; a style that is set by a script is fine."""
    found = [path for path in OWN if path.suffix == ".svelte" and re.search(r'\sstyle="|\bonclick="', path.read_text())]

    assert found == []


def first_scripts(folder: Path) -> set[str]:
    """The scripts that the page loads by itself, and those that these need at once."""
    due = set(re.findall(r'(?:src|href)="/console/assets/([^"]+\.js)"', (folder / shell.INDEX).read_text()))
    found = set[str]()
    while due:
        name = due.pop()
        found.add(name)
        text = (folder / "assets" / name).read_text()
        due |= set(re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', text)) - found
    return found


@pytest.mark.skipif(not (shell.BUILT / shell.INDEX).exists(), reason="the console is not built; `make web` does it")
def test_the_first_load_is_small() -> None:
    names = first_scripts(shell.BUILT)

    assert names
    packed = sum(len(gzip.compress((shell.BUILT / "assets" / name).read_bytes())) for name in names)
    assert packed <= LARGEST, f"{packed:,} bytes of script before the first picture; at most {LARGEST:,}"
