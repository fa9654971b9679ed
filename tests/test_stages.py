"""`make test` is red for what fails twice, and names what failed once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FAKE = """#!{python}
import pathlib, sys
file = pathlib.Path({file!r})
tries = int(file.read_text()) if file.exists() else 0
file.write_text(str(tries + 1))
failing = {failing}[tries]
for name in failing:
    print(f"FAILED {{name}} - assert 1 == 2")
print(f"{{len(failing)}} failed, {{5 - len(failing)}} passed, 2 skipped in 1.00s")
sys.exit(1 if failing else 0)
"""


@pytest.fixture
def stages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stages", ROOT / "scripts" / "stages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def runs(stages: ModuleType, folder: Path, name: str, *failing: list[str]) -> int:
    """The stage of that name, of which those tests fail at each try."""
    fake = folder / "pytest"
    fake.write_text(FAKE.format(python=sys.executable, file=str(folder / "tries"), failing=list(failing)))
    fake.chmod(0o755)
    vars(stages).update(PYTEST=[str(fake)], STAGES={name: (60, [[str(fake)]])})
    code: int = stages.main([])
    return code


def tries(folder: Path) -> int:
    return int((folder / "tries").read_text())


def test_what_fails_by_chance_is_tried_once_more_and_named(
    stages: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert runs(stages, tmp_path, "integration", ["tests/a.py::test_b[c d]"], []) == 0
    assert capfd.readouterr().out.splitlines()[-2:] == [
        "SHAKY, to be mended: passed at the second try only: tests/a.py::test_b[c d]",
        "5 passed, 0 failed, 2 skipped, 1 shaky",
    ]
    assert tries(tmp_path) == 2


def test_what_fails_twice_fails_the_run(stages: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert runs(stages, tmp_path, "chaos", ["tests/a.py::test_b"], ["tests/a.py::test_b"]) == 1
    assert capfd.readouterr().out.splitlines()[-2:] == ["not good: chaos", "4 passed, 1 failed, 2 skipped, 0 shaky"]


@pytest.mark.parametrize(
    ("name", "failing"),
    [("integration", [f"tests/a.py::test_{number}" for number in range(4)]), ("unit", ["tests/a.py::test_b"])],
    ids=["more than three", "a pure test"],
)
def test_what_is_no_chance_is_not_tried_again(
    stages: ModuleType, tmp_path: Path, name: str, failing: list[str]
) -> None:
    assert runs(stages, tmp_path, name, failing, []) == 1
    assert tries(tmp_path) == 1
