"""Each refused use is asked for by the API and by files in a real instance: its message, its id, and its event in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.integration.running import Instance, Json, Person, datastream, entry, until

from tutela.app import configuring, rules, sources
from tutela.app.settings import settings
from tutela.errors import Refused
from tutela.policy.refusals import NEVER

pytestmark = pytest.mark.integration

RULE = """
name = "watching"
says = "Somebody is seen."
purpose = "public-safety"
rule = {{ when = {{ fact = "seen" }} }}
[[terms]]
part = "threshold"
name = "seen"
options = {{ observed_property = "{word}", high = 1.0, low = 0.5 }}
"""


def logged(auditor: Person, by: str) -> list[Json]:
    """What the log has of refusals of somebody."""
    return [one["body"] for one in auditor.log() if one["kind"] == "refusal@1" and one["by"] == by]


def written(auditor: Person, by: str, query: str, id_: str) -> None:
    """The refusal is an event, with the query, the id and the message."""

    def found() -> bool:
        told = [one for one in logged(auditor, by) if one["query"].startswith(query) and one["policy"] == id_]
        return bool(told) and told[-1]["says"].startswith(NEVER[id_].says)

    until(found, f"the refusal {id_} of {query} is in the log")


@pytest.mark.parametrize("id_", NEVER)
def test_over_the_api_a_rule_for_it_is_refused_and_written_down(id_: str, operator: Person, auditor: Person) -> None:
    term = {
        "part": "threshold",
        "name": "seen",
        "options": {"observed_property": NEVER[id_].names[0], "high": 1.0, "low": 0.5},
    }
    rule = {
        "name": id_.lower(),
        "says": "Somebody is seen.",
        "purpose": "public-safety",
        "terms": [term],
        "rule": {"when": {"fact": "seen"}},
    }
    answer = operator.ask("/v1/rules/backtest", {"rule": rule})

    assert (answer.status_code, answer.json()["policy"]) == (403, id_)
    assert answer.json()["detail"].startswith(NEVER[id_].says)
    written(auditor, operator.id, f"backtest of {id_.lower()}", id_)


@pytest.mark.parametrize("id_", NEVER)
def test_a_file_for_it_is_refused_and_written_down(id_: str, city: Instance, auditor: Person, tmp_path: Path) -> None:
    """A source, the register as files, and a rule; nothing of it is entered."""
    word = NEVER[id_].names[0]
    source = tmp_path / "sources" / f"{id_}.toml"
    source.parent.mkdir()
    source.write_text(entry(id_, datastream(f"{id_}/seen", word)))
    rule = tmp_path / f"{id_}.toml"
    rule.write_text(RULE.format(word=word))
    where = settings(city.data, env={})
    asked: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        f"enter {source.name}": lambda: sources.add(where, source),
        f"import of {tmp_path.name}": lambda: configuring.load(where, tmp_path, dry=False),
        f"arm {rule.name}": lambda: rules.armed(where, rule),
    }
    for query, ask in asked.items():
        with pytest.raises(Refused) as error:
            asyncio.run(ask())

        assert error.value.policy == id_
        assert error.value.message.startswith(f"{NEVER[id_].says} ")
        written(auditor, "install", query, id_)
    assert city.asked(f"select * from source where name = '{id_}'") == []


@pytest.mark.parametrize("id_", ["R02-person-forecasts", "R12-advertising"])
def test_the_command_line_says_so_of_such_a_purpose(id_: str, city: Instance, auditor: Person, tmp_path: Path) -> None:
    source = tmp_path / f"for-{id_}.toml"
    source.write_text(entry(id_, purposes=["public-safety", NEVER[id_].purposes[0]]))
    ran = city.tutela("sources", "enter", source)

    assert ran.returncode == 1
    assert ran.stderr.startswith(f"tutela: {NEVER[id_].says} "), ran.stderr
    written(auditor, "install", f"enter for-{id_}.toml", id_)


def test_nobody_reads_anything_for_advertising(operator: Person, auditor: Person) -> None:
    why = {"purpose": "advertising", "basis": "Consent"}
    answer = operator.http.get("/v1/alerts", params=why)

    assert (answer.status_code, answer.json()["policy"]) == (403, "R12-advertising")
    assert answer.json()["detail"].startswith(NEVER["R12-advertising"].says)
    written(auditor, operator.id, "open alerts", "R12-advertising")


def test_the_record_can_not_be_turned_off_or_changed(
    city: Instance, operator: Person, auditor: Person, tmp_path: Path
) -> None:
    """By a file it is refused; over the API there is no such thing to ask for, and the database keeps what is in it."""
    source = tmp_path / "silent.toml"
    source.write_text(entry("silent").replace("[source]", "[source]\naudit = false"))
    ran = city.tutela("sources", "enter", source)

    assert ran.stderr.startswith(f"tutela: {NEVER['R09-audit'].says} "), ran.stderr
    written(auditor, "install", "enter silent.toml", "R09-audit")
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        for path in ("/v1/events", "/v1/log", "/v1/log/checkpoint"):
            assert operator.ask(path, method=method).status_code in {404, 405}, (method, path)
