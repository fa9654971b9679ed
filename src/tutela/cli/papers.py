"""`tutela papers`: assessments, authorisations, agreements and consents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.app import papers as filing
from tutela.app.settings import settings

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
papers = verbs_of("Papers: what has to stand before something may be done, each with an authority, a scope and an end.")
verbs.add_typer(papers, name="papers")

Id = Annotated[str, typer.Argument(metavar="PAPER", help="The paper's id, as `tutela papers list` gives it.")]


@papers.command("enter")
def enter(
    file: Annotated[Path, typer.Argument(help="A TOML file with the paper.", exists=True, dir_okay=False)],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Enter a paper: a DPIA, a FRIA, a forecast's card, an authorisation, an agreement, a consent, or a purpose change."""
    made = run(filing.enter(settings(data), file))
    shown(made, as_json=as_json, words=f"{made.kind} {made.paper.number}: {made.state}  ({made.paper.id})")


@papers.command("list")
def listed(
    consents: Annotated[bool, typer.Option("--consents", help="Consents instead of all others.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the papers, the newest first, and which of them stand."""
    found = run(filing.listed(settings(data), consents=consents))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("paper", "kind", "number", "authority", "signed by", "state", box=None)
    for one in found:
        table.add_row(
            one.paper.id,
            one.kind,
            one.paper.number,
            one.paper.authority,
            one.paper.signed,
            ("" if one.stands else "NOT STANDING: ") + one.state,
        )
    out.print(table)
    if not found:
        out.print("No paper is entered.", markup=False)


@papers.command("grant")
def grant(
    id_: Id,
    sha256: Annotated[str, typer.Option("--sha256", help="The hash of the order or decision.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Grant an urgent start that a signed-in person entered, or a purpose change: never one of your own."""
    made = run(filing.grant(settings(data), id_, sha256))
    shown(made, as_json=as_json, words=f"{made.kind} {made.paper.number}: {made.state}")


@papers.command("end")
def end(
    id_: Id,
    because: Annotated[str, typer.Option("--because", help="Why; it is kept sealed.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """End a paper, at once: it was withdrawn, refused or revoked."""
    made = run(filing.end(settings(data), id_, because))
    shown(made, as_json=as_json, words=f"{made.kind} {made.paper.number}: {made.state}")
