"""`tutela parts`: what there is to plug together, and which packages may bring more."""

from __future__ import annotations

from typing import Annotated

import typer

from tutela import parts
from tutela.app import trusting
from tutela.app.settings import settings

from .answers import Data, Json, out, shown, verbs_of

verbs = verbs_of()
group = verbs_of("Parts, and the packages from outside that may bring more: none, until somebody trusts it.")
group.info.no_args_is_help = False
verbs.add_typer(group, name="parts")

Package = Annotated[str, typer.Argument(metavar="PACKAGE", help="The package's name, as pip knows it.")]


@group.callback(invoke_without_command=True)
def parts_(ctx: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List every part there is, by room. Packages from outside bring some when they are trusted."""
    if ctx.invoked_subcommand is not None:
        return
    settings(data)
    found = {room: {name: _line(room, name) for name in parts.names(room)} for room in parts.ROOMS}
    lines = [f"{room:11} {name:14} {line}" for room, names in found.items() for name, line in names.items()]
    shown(found, as_json=as_json, words="\n".join(lines))


@group.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List the installed packages that bring parts, and which of them are trusted."""
    settings(data)
    found = trusting.listed()
    words = "\n".join(f"{one.name} {one.version}  {one.state}" for one in found)
    shown(found, as_json=as_json, words=words or "No installed package brings parts.")


@group.command("trust")
def trust(package: Package, data: Data = None, as_json: Json = False) -> None:
    """Let a package bring parts from the next start on, as it is now: by its version and the SHA-256 of its files."""
    made = trusting.trust(settings(data), package)
    words = f"{made.name} {made.version} is trusted, as it is now: SHA-256 {made.sha256}; start again to use it"
    shown(made, as_json=as_json, words=words)


@group.command("distrust")
def distrust(package: Package, data: Data = None) -> None:
    """Let a package bring no parts any more, from the next start on."""
    trusting.distrust(settings(data), package)
    out.print(f"{package} is trusted no more; start again to be without it", markup=False)


def _line(room: str, name: str) -> str:
    part = parts.load(room, name)
    card = getattr(part, "card", None)
    return str(card.finds) if card else (part.__doc__ or "").strip().partition("\n")[0]
