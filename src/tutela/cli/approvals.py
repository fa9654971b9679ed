"""`tutela approvals`: what two people decide."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tutela.app import approving
from tutela.app.settings import settings
from tutela.flow.approve_acts import Shown
from tutela.model.when import iso

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()
approvals = verbs_of("What two people decide: proposed by one, approved by another, done once.")
verbs.add_typer(approvals, name="approvals")


@approvals.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List what was proposed, the newest first, and where it stands."""
    found = run(approving.listed(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("proposal", "what", "of", "stands", "by", "proposed", box=None)
    for one in found:
        own = one.proposal
        table.add_row(*map(escape, (own.id, one.says, own.target, one.stage, own.by, iso(own.at))))
    out.print(table)
    if not found:
        out.print("Nothing was proposed yet.", markup=False)


@approvals.command("show")
def show(
    id_: Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its id, as `tutela approvals list` gives it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show exactly what would be done, who voted how, and what is lacking. Votes of a blind one are shown when it is decided."""
    one = run(approving.one(settings(data), id_))
    shown(one, as_json=as_json, words=_words(one))


def _words(one: Shown) -> str:
    own = one.proposal
    votes = [f"{'yes' if vote.yes else 'no'} by {vote.by}, {vote.role}: {vote.reason}" for vote in one.votes]
    lacks = f": {one.lacks}" if one.lacks else ""
    return "\n".join(
        [
            f"{one.says}: {own.target}",
            f"{one.stage}{lacks}",
            f"because: {own.reason}",
            own.body,
            f"SHA-256 {own.digest}",
            *votes,
        ]
    )
