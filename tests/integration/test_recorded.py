"""One command imports each recorded file that a mapping is shipped for, runs the detectors on it, and says what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.docs_support.pages import DOCS
from tests.docs_support.recorded import DATA, SAMPLES, Sample
from tests.integration.running import Instance, running

from tutela.app.importing import shipped

pytestmark = pytest.mark.integration

PAGE = DOCS / "why" / "what-was-found.md"
COMMAND = re.compile(r"^tutela import \.\./shared/data/(?P<file>\S+) --mapping (?P<mapping>\S+)", re.MULTILINE)
COMMANDS = {found["mapping"]: found["file"] for found in COMMAND.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of its own: what is imported stays on its timeline."""
    with running(tmp_path_factory.mktemp("recorded") / "data", "--empty") as instance:
        yield instance


def test_every_mapping_that_is_shipped_has_its_command_on_the_page() -> None:
    assert COMMANDS.keys() == shipped().keys() == SAMPLES.keys()


@pytest.mark.parametrize(("name", "sample"), SAMPLES.items(), ids=SAMPLES)
def test_one_command_imports_it_runs_the_detectors_and_says_what_came_of_it(
    name: str, sample: Sample, town: Instance, tmp_path: Path
) -> None:
    file = tmp_path / Path(COMMANDS[name]).name
    pq.write_table(sample.table(), file)
    told = town.told("import", file, "--mapping", name)

    assert (told["observations"], told["calls"], told["refused"]) == (sample.observations, sample.calls, sample.refused)
    assert told["alerts"].get(sample.finds, 0) > 0, told


@pytest.mark.parametrize("name", SAMPLES)
def test_the_recorded_file_has_the_columns_of_its_sample(name: str) -> None:
    path = DATA / COMMANDS[name]
    if not path.is_file():
        pytest.skip(f"{path} is not there: recorded files are no part of this repository")
    real = pq.read_schema(path)

    assert {column: real.field(column).type for column in SAMPLES[name].columns} == dict(SAMPLES[name].columns)


def test_an_import_that_nobody_waits_for_says_nothing_of_alerts(town: Instance, tmp_path: Path) -> None:
    file = tmp_path / "nab.parquet"
    pq.write_table(SAMPLES["nab"].table(), file)
    done = town.tutela("import", file, "--mapping", "nab", "--timeline", "import/unwatched", "--no-wait")

    assert "alerts" not in done.stdout
    assert json.loads(town.tutela("import", file, "--mapping", "nab", "--json").stdout)["alerts"]
