"""`tutela capabilities`: what is noticed automatically, published before it is armed, and off when its papers lapse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.app import arming
from tutela.app.settings import settings
from tutela.model.arming import Standing
from tutela.model.when import iso

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
capabilities = verbs_of(
    "What is noticed automatically: publish it, arm it, disarm it, answer what residents say of it."
)
verbs.add_typer(capabilities, name="capabilities")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The capability, as `tutela capabilities list` names it.")]


@capabilities.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List the capabilities, and why one is off."""
    found = run(arming.listed(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("capability", "state", "needs", "comments until", "off because", box=None)
    for one in found:
        until = "" if one.open_until is None else iso(one.open_until)
        table.add_row(one.name, one.state, ", ".join(one.needs), until, one.off)
    out.print(table)


@capabilities.command("publish")
def publish(
    file: Annotated[Path, typer.Argument(help="A TOML file with name, text and extent.", exists=True, dir_okay=False)],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell residents of a capability, and how far it reaches; they can comment before it is armed."""
    made = run(arming.publish(settings(data), file))
    until = "" if made.open_until is None else iso(made.open_until)
    shown(made, as_json=as_json, words=f"{made.name} is published; residents can comment until {until}")


@capabilities.command("arm")
def arm(name: Name, data: Data = None, as_json: Json = False) -> None:
    """Let a capability run, as long as its papers stand."""
    shown(made := run(arming.arm(settings(data), name)), as_json=as_json, words=_words(made))


@capabilities.command("disarm")
def disarm(
    name: Name,
    because: Annotated[str, typer.Option("--because", help="Why; it is kept sealed.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a capability run no more, at once."""
    shown(made := run(arming.disarm(settings(data), name, because)), as_json=as_json, words=_words(made))


@capabilities.command("comments")
def comments(data: Data = None, as_json: Json = False) -> None:
    """List what residents say of capabilities that nobody has answered yet."""
    found = run(arming.comments(settings(data)))
    lines = [f"{one.id}  {iso(one.at)}  {one.name}: {one.text}" for one in found]
    shown(found, as_json=as_json, words="\n".join(lines) or "No comment waits for an answer.")


@capabilities.command("answer")
def answer(
    comment: Annotated[
        str, typer.Argument(metavar="COMMENT", help="Its id, as `tutela capabilities comments` gives it.")
    ],
    text: Annotated[str, typer.Option("--text", help="What is answered; everybody can read it.")],
    signed: Annotated[str, typer.Option("--signed", help="Who answers, by name; everybody can read it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Answer what a resident said."""
    made = run(arming.answer(settings(data), comment, text, signed))
    shown(made, as_json=as_json, words=f"the comment on {made.name} is answered by {made.signed}")


def _words(one: Standing) -> str:
    return f"{one.name}: {one.state}" + (f", {one.off}" if one.off else "")
