"""`tutela sources`: the register's entries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.app import sources
from tutela.app.settings import settings

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
register = verbs_of("The register: who sends what, and why.")
verbs.add_typer(register, name="sources")


@register.command("list")
def sources_list(data: Data = None, as_json: Json = False) -> None:
    """List the register's entries, and how those are doing that are fetched from or listened to."""
    found = run(sources.listed(settings(data)))
    if as_json:
        shown([sources.told(one) for one in found], as_json=True, words="")
        return
    table = Table(*sources.HEAD, box=None)
    for one in found:
        table.add_row(*sources.row(one))
    out.print(table)
    if connections := sources.doing(found):
        out.print(connections, markup=False)


@register.command("enter")
def sources_enter(
    file: Annotated[
        Path,
        typer.Argument(
            help="A TOML file with [source], [[thing]], [[datastream]], and perhaps [connection].",
            exists=True,
            dir_okay=False,
        ),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Enter a source from a file. Its token is shown once: send it as `Authorization: Bearer …`."""
    entry, token = run(sources.add(settings(data), file))
    shown({"source": entry.name, "token": token}, as_json=as_json, words=sources.entered(entry, token))


@register.command("device")
def sources_device(
    source: Annotated[str, typer.Argument(help="The source, as it is in the register.")],
    thing: Annotated[str, typer.Argument(help="The Thing of it that sends for itself.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give one device a token of its own.

    With it the device may publish over MQTT below SOURCE/THING, and nothing else. It is shown once.
    """
    sender, token = run(sources.device(settings(data), source, thing))
    shown(
        {"user": sender.name, "token": token},
        as_json=as_json,
        words=f"{thing} of {source} may publish below {sender.name}/\nuser name: {sender.name}\npassword: {token}",
    )
