"""What all verbs share: how they run, and how they answer people and programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

T = TypeVar("T")

Data = Annotated[
    Path | None, typer.Option("--data", help="The instance's directory (else TUTELA_DATA, else the usual place).")
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Port = Annotated[int | None, typer.Option("--port", help="The port of the page and the API.", min=1, max=65535)]

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def verbs_of(says: str | None = None, **told: Any) -> typer.Typer:  # noqa: ANN401  typer's own arguments, handed on
    """Verbs as all of ours are: plain text, and a group without a verb helps."""
    plain: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}
    return typer.Typer(help=says, no_args_is_help=True, **plain, **told)


def run(work_: Coroutine[Any, Any, T]) -> T:
    """Run to the end on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work_)


def shown(noun: object, *, as_json: bool, words: str) -> None:
    """One answer, for people or for programs."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(noun).decode() + "\n")
    else:
        out.print(words, markup=False)


def progress(*, as_json: bool) -> Progress:
    """How far long work is, on a line that goes when the work is done. For programs, and in a file, nothing."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=err, disable=as_json or not err.is_terminal, transient=True)
