"""The command line. Each verb is a few lines: what is asked, one call into `app`, and the answer in words or JSON.

A verb's file is loaded when that verb is called, and no other: whoever calls one often waits for what it needs alone, and a process
of an instance holds no more than that in memory.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tutela.errors import TutelaError

from . import logs
from .answers import err, verbs_of

VERBS = {
    "up": "up",
    "work": "work",
    "serve": "serve",
    "keep": "keep",
    "connect": "connect",
    "city": "city",
    "invite": "inviting",
    "sources": "sources",
    "register": "register",
    "units": "units",
    "map": "map",
    "import": "importing",
    "rules": "rules",
    "backtest": "rules",
    "replay": "replaying",
    "verify": "proving",
    "proof": "proving",
    "evidence": "evidence",
    "holds": "holds",
    "retention": "retention",
    "papers": "papers",
    "capabilities": "capabilities",
    "approvals": "approvals",
    "witnesses": "proving",
    "witness": "proving",
    "witness-settled": "proving",
    "config": "config",
    "backup": "operating",
    "restore": "operating",
    "tombstones": "operating",
    "keys": "keys",
    "letters": "letters",
    "doctor": "doctor",
    "parts": "parts",
}
"""Each verb, and the file here whose `verbs` have it."""

PROCESSES = frozenset({"work", "serve", "keep", "connect", "city", "witness"})
"""Verbs that run for long: they tell a log file what they do. The others tell a person what is wrong, and no more."""


class Verbs(TyperGroup):
    """The verbs, each loaded when somebody asks for it."""

    def __init__(self, **told: Any) -> None:  # noqa: ANN401  typer's own arguments, handed on
        super().__init__(**told)
        self.commands.update({name: TyperCommand(name) for name in VERBS})  # what each is, its file says

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002  typer ships its own click
        """That verb; None when there is none."""
        if cmd_name not in VERBS:
            return None
        file = import_module(f"{__name__}.{VERBS[cmd_name]}")
        return typer.main.get_group(file.verbs).commands[cmd_name]


cli = verbs_of(
    "A public-safety platform for a city: from sensor to courtroom, one accountable log.", name="tutela", cls=Verbs
)


@cli.callback()
def program() -> None:
    """Nothing comes before a verb."""


def main(argv: list[str] | None = None) -> int:
    """The program. Errors raised on purpose are told in their own words; all others are faults of ours."""
    words = sys.argv[1:] if argv is None else argv
    level = logging.INFO if words[:1] and words[0] in PROCESSES else logging.WARNING
    try:
        logs.set_up(level, words[0] if words else "", os.environ)
        cli(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TutelaError as wrong:
        err.print(f"tutela: {wrong.message}", markup=False)
        return 1
    return 0
