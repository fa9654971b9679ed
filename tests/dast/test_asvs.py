"""docs/asvs.csv: each requirement of OWASP ASVS 5.0 of levels 1 and 2 has a test that runs, or a reason.

Ids and levels are those of OWASP ASVS 5.0.0 (CC BY-SA 4.0), whose sentences are not copied; the words are ours.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
DEEP = {"V6", "V8", "V11", "V16"}
"""Chapters of which level 3 is told as well."""

OFFICIAL = {
    "levels 1 and 2": "682ee518f26e522cbd58eef0fee5a3e598a9220636bcbb2b6f8dd260aee43ee6",
    "level 3 of four chapters": "1216e6626e42135a2745fdb97974f9e02b108c265f2fcef115e7b31301ed6ad0",
}
"""SHA-256 of the lines `id,level` of the official list, in order."""

TESTED = 234
"""Of 253: rows of levels 1 and 2 with a test. May grow, and must not fall."""

APPLIES = {"yes", "no", "later"}


class Row(msgspec.Struct, frozen=True):
    """`tests`: what shows it, or, where it does not apply, what would turn red if it did."""

    id: str
    level: str
    about: str
    applies: str
    tests: tuple[str, ...]
    reason: str

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]

    @property
    def place(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.id[1:].split("."))


@cache
def rows() -> list[Row]:
    with (ROOT / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    return [msgspec.convert({**row, "tests": row["tests"].split()}, Row) for row in read]


@cache
def collected(files: frozenset[str]) -> set[str]:
    """The tests that pytest finds in these files."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(files)],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith(("COV_", "PYTEST_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {line.partition("[")[0].strip() for line in ran.stdout.splitlines() if "::" in line}
    assert found, ran.stdout + ran.stderr
    return found


def upper() -> list[Row]:
    """Those of levels 1 and 2."""
    return [row for row in rows() if row.level in {"1", "2"}]


def digest(told: list[Row]) -> str:
    return sha256("\n".join(f"{row.id},{row.level}" for row in told).encode()).hexdigest()


def test_every_requirement_of_the_official_list_is_there_once_in_its_order() -> None:
    assert rows() == sorted(rows(), key=lambda row: row.place)
    assert Counter(row.level for row in upper()) == {"1": 70, "2": 183}
    assert digest(upper()) == OFFICIAL["levels 1 and 2"]
    assert digest([row for row in rows() if row.level == "3"]) == OFFICIAL["level 3 of four chapters"]
    assert {row.chapter for row in rows() if row.level == "3"} == DEEP


def test_every_requirement_has_a_test_or_a_reason() -> None:
    for row in rows():
        assert row.applies in APPLIES, row.id
        assert row.about, row.id
        assert row.tests or row.reason, row.id
        if row.applies != "yes":
            assert row.reason, f"{row.id} does not apply (yet); say why"
        if row.applies == "later":
            assert re.match(r"issue \d", row.reason), f"{row.id}: name the issue that brings it"
            assert not row.tests, row.id


def test_every_test_that_is_named_is_there_and_would_run() -> None:
    named = {test for row in rows() for test in row.tests}
    found = collected(frozenset(test.partition("::")[0] for test in named))

    assert sorted(named - found) == []


@pytest.mark.parametrize("file", sorted({test.partition("::")[0] for row in rows() for test in row.tests}))
def test_no_test_that_is_named_is_passed_over(file: str) -> None:
    """One that is skipped shows nothing."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for test in {test.partition("::")[2] for row in rows() for test in row.tests if test.startswith(f"{file}::")}:
        marks = re.search(rf"((?:^@.*\n(?:^[ )\]].*\n)*)*)^(?:async )?def {test}\(", text, re.MULTILINE)

        assert marks is not None, test
        assert "skip" not in marks[1], test
        assert "xfail" not in marks[1], test


def test_the_share_that_is_tested_does_not_fall(capsys: pytest.CaptureFixture[str]) -> None:
    tested = [row for row in upper() if row.tests]
    count = Counter((row.applies, bool(row.tests)) for row in upper())
    now, later = count["yes", True] + count["yes", False], count["later", False]
    with capsys.disabled():
        sys.stdout.write(
            f"\nASVS 5.0, levels 1 and 2: {len(upper())} rows, {len(tested)} with a test ({len(tested) / 253:.1%}). "
            f"Of {now} that apply now {count['yes', True]} ({count['yes', True] / now:.1%}); "
            f"of {now + later} that apply now or later {count['yes', True]} ({count['yes', True] / (now + later):.1%}); "
            f"of {count['no', True] + count['no', False]} that do not apply {count['no', True]} would be noticed if they did.\n"
        )

    assert len(tested) >= TESTED
