"""Logs are for whoever keeps the machine: one form or the other, and never what anybody said or who they are."""

from __future__ import annotations

import ast
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tutela.app.settings import LOG, PROCESS
from tutela.cli.logs import Lines, set_up
from tutela.errors import BadInput

SRC = Path(__file__).parents[1] / "src" / "tutela"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
LOGGERS = {"log", "LOG", "_log", "logger", "logging"}

PERSONAL = {
    "access", "agent", "alert", "body", "call", "caller", "code", "content", "cookies", "detection", "display_name",
    "fact", "headers", "incident", "key", "note", "offer", "password", "person", "plain", "private", "query", "result",
    "rows", "said", "samples", "secret", "session", "text", "token", "values",
}  # fmt: skip
"""Names of what may hold a text, a secret, or somebody. What ends in one of these (`call_text`) is meant too."""


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Every call of a logger."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in LOGGERS:
                yield node


def told(call: ast.Call) -> Iterator[str]:
    """Every name in what a call puts into its message."""
    for argument in (*call.args[1:], *(one.value for one in call.keywords if one.arg == "extra")):
        for node in ast.walk(argument):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Name):
                yield node.id


def wrong(text: str) -> list[str]:
    """What a piece of code logs that it must not."""
    found = []
    for call in calls(ast.parse(text)):
        if not (isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)):
            found.append(f"line {call.lineno}: the message is put together, and may hold anything")
        held = {name for name in told(call) if {name.strip("_"), name.rpartition("_")[2]} & PERSONAL}
        found += [f"line {call.lineno}: {name} may be personal" for name in sorted(held)]
    return found


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_no_log_call_formats_what_may_be_personal(path: Path) -> None:
    assert wrong(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        'log.info("a call came: %s", call.said)',
        'LOG.warning("%s", request.headers)',
        'log.error("no %s", self._token)',
        'log.info("hello %s", agent.name)',
        'log.info(f"hello {name}")',
        'log.info("hello " + name)',
        'log.info("x", extra={"by": session})',
        'logging.warning("%s", str(the_body[:20]))',
    ],
)
def test_what_must_not_be_logged_would_be_found(text: str) -> None:
    assert wrong(text) != []


def test_log_calls_are_found_at_all() -> None:
    assert sum(len(list(calls(ast.parse(path.read_text(encoding="utf-8"))))) for path in SRC.rglob("*.py")) > 30


def record(message: str, *values: object, exc_info: bool = False) -> logging.LogRecord:
    told = sys.exc_info() if exc_info else None
    made = logging.LogRecord("tutela.flow.work", logging.WARNING, "x.py", 1, message, values, told)
    made.created, made.msecs = 1_780_000_000.5, 500.0
    return made


def test_a_record_is_one_json_object_on_one_line() -> None:
    line = Lines("work-1").format(record("%s\nwaits %d s", "it", 3))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-05-28T20:26:40.500Z",
        "level": "warning",
        "process": "work-1",
        "logger": "tutela.flow.work",
        "message": "it\nwaits 3 s",
        "about": "%s\nwaits %d s",
    }


def test_half_a_character_loses_no_record() -> None:
    line = Lines("work-1").format(record("the file %s can't be read", "x\udce4.csv"))

    assert json.loads(line)["message"] == "the file x\\udce4.csv can't be read"


def test_a_fault_of_ours_has_its_trace_on_the_same_line() -> None:
    try:
        int("seven")
    except ValueError:
        line = Lines("serve").format(record("fault", exc_info=True))

    assert "ValueError: invalid literal" in json.loads(line)["trace"]
    assert "\n" not in line


@contextmanager
def fresh() -> Iterator[logging.Logger]:
    """The root logger as a new process has it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_logs_are_json_when_the_environment_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh() as root:
        set_up(logging.INFO, "keep", {LOG: "json", PROCESS: "keep"})
        root.info("all is %s", "well")

    assert json.loads(capsys.readouterr().err)["message"] == "all is well"


def test_logs_are_text_in_utc_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh() as root:
        set_up(logging.INFO, "keep", {})
        root.handle(record("all is well"))

    assert capsys.readouterr().err == "2026-05-28 20:26:40,500 WARNING tutela.flow.work: all is well\n"


def test_a_form_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadInput, match="TUTELA_LOG is 'xml'; it can be text or json"):
        set_up(logging.INFO, "keep", {LOG: "xml"})
