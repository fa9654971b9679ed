"""What a rule may be made of: detectors of observations, and facts that can reach it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs_support.pages import DOCS, files

from tutela.app.rules import rule_of
from tutela.errors import BadInput
from tutela.model.flow import encode

RULE = """
name = "cellar"
says = "The cellar fills."
purpose = "public-safety"
[[terms]]
name = "deep"
part = "threshold"
options = { observed_property = "water-level", high = 0.4, low = 0.2 }
[rule]
when = { all = [{ fact = "deep" }, { fact = ["call:Rescue", "crowd"] }] }
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "rule.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_rule_of_detectors_and_calls_is_taken_as_toml_and_as_json(tmp_path: Path) -> None:
    rule = rule_of(written(tmp_path, RULE))
    (tmp_path / "rule.json").write_bytes(encode(rule))

    assert rule_of(tmp_path / "rule.json") == rule


def test_the_rule_that_was_tried_on_recorded_seasons_can_be_armed(tmp_path: Path) -> None:
    rule = rule_of(written(tmp_path, files(DOCS / "why" / "what-was-found.md")["flu-season.toml"]))

    assert (rule.name, rule.purpose) == ("flu-season", "public-health")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('name = "cellar"', 'name = "smoke"', "smoke: a detector of the city has that name"),
        ('"crowd"', '"crwod"', "cellar: no fact is called 'crwod'; there are: call, report and post, .* bad-air, "),
        ('"crowd"', '"burst-of-calls"', "no fact is called 'burst-of-calls'"),
        ('part = "threshold"', 'part = "nonsense"', "no part called 'nonsense' in detectors"),
        ("high = 0.4", "height = 0.4", "threshold in detectors: .*its options are"),
        ('all = [{ fact = "deep" }', 'all = [{ fact = "deep", count = 0 }', "rule in detectors: "),
    ],
)
def test_what_can_never_be_met_is_refused_before_it_is_armed(
    before: str, after: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=says):
        rule_of(written(tmp_path, RULE.replace(before, after)))


@pytest.mark.parametrize(
    ("part", "options", "says"),
    [
        ("out_of_range", "{}", "what it doubts is kept from all detectors"),
        ("burst", "{}", "only detectors of observations can be terms"),
        (
            "fence",
            '{ area = { kind = "circle", lat = 60.17, lon = 24.94, metres = 100.0 } }',
            "it takes personal data|fence in detectors",
        ),
    ],
)
def test_a_detector_that_can_not_be_a_rules_own_is_refused_with_the_reason(
    part: str, options: str, says: str, tmp_path: Path
) -> None:
    text = RULE.replace('part = "threshold"', f'part = "{part}"')
    text = text.replace('{ observed_property = "water-level", high = 0.4, low = 0.2 }', options)

    with pytest.raises(BadInput, match=says):
        rule_of(written(tmp_path, text))


def test_what_is_no_rule_is_told_with_its_file(tmp_path: Path) -> None:
    for name, body in (("rule.json", b"{}"), ("rule.json", b"\xff"), ("rule.toml", b"\xff")):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(BadInput, match=f"{name} can't be read"):
            rule_of(tmp_path / name)
