"""`tutela units`: the units that answer incidents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.app import units as keeping
from tutela.app.settings import settings
from tutela.model.when import moment

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
units = verbs_of("Units: who can be sent out, and what they can do.")
verbs.add_typer(units, name="units")

File = Annotated[Path, typer.Argument(help="A TOML file with tables [[unit]].", exists=True, dir_okay=False)]


@units.command("enter")
def enter(file: File, data: Data = None, as_json: Json = False) -> None:
    """Enter units from a file. Entered again, a unit is defined anew and keeps its status."""
    found = run(keeping.entered(settings(data), file))
    lines = [f"{one.name} of {one.agency} is entered: {one.kind}, {one.status}" for one in found]
    shown(found, as_json=as_json, words="\n".join(lines))


@units.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List the units with their status. Where they are is shown to whoever has a purpose, over the API and on the page."""
    found = run(keeping.listed(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("unit", "agency", "kind", "status", "since", "skills", "positions from", box=None)
    for one in found:
        since = f"{moment(one.since):%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(one.name, one.agency, one.kind, one.status, since, ", ".join(one.skills), one.thing or "")
    out.print(table)
