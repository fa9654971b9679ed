"""`tutela holds`: legal holds."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from tutela.app import holds as keeping
from tutela.app.settings import settings
from tutela.model.hold import Hold
from tutela.model.when import iso, parse

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
holds = verbs_of("Legal holds: what a case needs is not destroyed, though its time is over.")
verbs.add_typer(holds, name="holds")

Id = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id, as `tutela holds list` gives it.")]
Review = Annotated[
    str,
    typer.Option("--review", metavar="TIME", help="When it is looked at again, within 90 days: 2026-12-24T12:00:00Z."),
]
Because = Annotated[str, typer.Option("--because", help="Why; it becomes an event, and is kept sealed.")]


@holds.command("place")
def place(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case that needs it, by its number.")],
    authority: Annotated[str, typer.Option("--authority", help="Who ordered it, such as a court.")],
    because: Because,
    review: Review,
    incident: Annotated[str | None, typer.Option("--incident", help="Keep all about this incident.")] = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", help="Keep what this bucket holds: emergency-response/calls/2026-11.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Keep what a case needs from now on: all about an incident, or what a bucket holds. What is already erased stays erased."""
    wanted = Hold(
        id="",
        case=case,
        authority=authority,
        reason=because,
        at=0,
        review=parse(review),
        incident=incident,
        bucket=bucket,
    )
    made = run(keeping.place(settings(data), wanted))
    shown(made, as_json=as_json, words=f"hold {made.id} on {made.scope} stands; it is reviewed by {iso(made.review)}")


@holds.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List the holds that stand, and which of them should have been looked at again."""
    now, found = run(keeping.listed(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("hold", "case", "authority", "on", "since", "review", "why", box=None)
    for one in found:
        late = "OVERDUE since " if one.review <= now else ""
        row = (one.id, one.case, one.authority, one.scope, iso(one.at), f"{late}{iso(one.review)}", one.reason)
        table.add_row(*row)
    out.print(table)
    if not found:
        out.print("No legal hold stands.", markup=False)


@holds.command("review")
def review_(id_: Id, review: Review, because: Because, data: Data = None, as_json: Json = False) -> None:
    """Say that a hold is needed still, and when it is looked at next."""
    made = run(keeping.review(settings(data), id_, parse(review), because))
    shown(made, as_json=as_json, words=f"hold {made.id} on {made.scope} stands; it is reviewed by {iso(made.review)}")


@holds.command("lift")
def lift(id_: Id, because: Because, data: Data = None) -> None:
    """Lift a hold: what is past its time goes within the hour."""
    run(keeping.lift(settings(data), id_, because))
    out.print(f"hold {id_} is lifted; what is past its time goes within the hour", markup=False)
