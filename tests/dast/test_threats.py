"""The threat model names for each threat the test of its control, or says that there is none yet and when."""

from __future__ import annotations

import re
from pathlib import Path

from tests.dast.test_asvs import collected

PAGE = (Path(__file__).parents[2] / "docs" / "why" / "threat-model.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| ([stride]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py::test_\w+)`")


def test_there_are_25_threats_of_all_six_sorts() -> None:
    rows = ROW.findall(PAGE)

    assert [int(row[0]) for row in rows] == list(range(1, 26))
    assert {row[1] for row in rows} == set("stride")


def test_each_threat_has_the_test_of_its_control_or_says_that_there_is_none_yet() -> None:
    for number, _, _, control, shown, later in ROW.findall(PAGE):
        if control.strip() == "–":
            assert re.search(r"issue \d|no issue yet", later), number
        else:
            assert TEST.findall(shown), number
        assert later.strip() == "–" or re.search(r"issue \d|no issue yet|the proxy's task", later), number


def test_every_test_that_is_named_would_run() -> None:
    named = set(TEST.findall(PAGE))

    assert len(named) > 30
    assert sorted(named - collected(frozenset(test.partition("::")[0] for test in named))) == []
