"""A rule on the real processes: tried on what was just recorded, armed while all run, and told to people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.integration.running import Instance, Json, datastream, line, running, until

from tutela.flow.rules import read

pytestmark = pytest.mark.integration

RULE = """
name = "cellar-fills"
says = "The cellar fills up and nobody pumps."
purpose = "public-safety"
[[terms]]
name = "deep"
part = "threshold"
options = { observed_property = "water-level", high = 0.4, low = 0.2 }
[[terms]]
name = "still"
part = "threshold"
options = { observed_property = "pump-power", direction = "below", high = 50.0, low = 200.0 }
[rule]
metres = 50
when = { sequence = [{ fact = "deep" }, { fact = "still" }] }
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("town") / "data", "--empty", "--workers", "2") as instance:
        yield instance


def test_a_rule_is_tried_on_what_was_recorded_and_armed_it_tells_people_once(town: Instance, tmp_path: Path) -> None:
    file = tmp_path / "rule.toml"
    file.write_text(RULE)
    cellar = town.enter(
        "cellar",
        datastream("cellar/level", observed_property="water-level", unit="m"),
        datastream("cellar/pump", observed_property="pump-power", unit="W"),
    )
    operator = town.enrol("operator", "Anna")

    def fills() -> None:
        """It is deep, then the pump stands still, and both are over again."""
        for level, power in ((0.5, 900), (0.5, 0), (0.1, 900)):
            cellar.take(line("cellar/level", level), line("cellar/pump", power))

    def tried() -> Json:
        return town.told("backtest", file, "--days", "1")

    fills()
    until(lambda: tried()["alerts"] == 1, "the backtest finds it in what was just recorded")
    assert tried()["examples"][0]["parameters"]["sorts"] == "cellar-fills/deep, cellar-fills/still"
    assert [one["type"] for one in operator.queue()] == []

    body = {"rule": msgspec.to_builtins(read(RULE)), "days": 1}
    operator.http.timeout = 120  # a backtest is a process of its own
    by_api = operator.do("/v1/rules/backtest", body)
    assert (by_api["alerts"], by_api["examples"][0]["id"]) == (1, tried()["examples"][0]["id"])
    wrong = operator.ask("/v1/rules/backtest", {**body, "timeline": "import/none"})
    assert (wrong.status_code, "there is no timeline 'import/none'" in wrong.text) == (400, True)

    armed = town.told("rules", "arm", file)
    begun = until(lambda: [one for one in operator.get("/v1/rules") if one["begun"]], "the rule begins")
    assert [one["since"] for one in begun] == [armed["since"]]
    fills()
    told = until(lambda: [one for one in operator.queue() if one["type"] == "cellar-fills"], "people are told")

    assert [one["count"] for one in told] == [1]
    assert {one["type"] for one in operator.queue()} == {"cellar-fills"}
    assert [one["rule"]["name"] for one in operator.get("/v1/rules")] == ["cellar-fills"]
    assert town.told("rules", "disarm", "cellar-fills")["since"] is None
    assert town.told("rules", "list") == []
