"""`tutela retention`: proof that what is past its time is gone."""

from __future__ import annotations

import typer
from rich.table import Table

from tutela.app import retention as keeping
from tutela.app.settings import settings
from tutela.model.retention import Kept
from tutela.model.when import iso

from .answers import Data, Json, out, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("retention")
def retention(data: Data = None, as_json: Json = False) -> None:
    """Measure what is kept: of each class of records the rule, the oldest that can still be read, what is overdue, and what went.

    The exit status is 1 when anything is past its time for more than an hour and no legal hold keeps it.
    """
    found = run(keeping.run(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
    else:
        table = Table("class", "days", "kept", "oldest", "goes", "overdue", "held", "gone", "last", "receipt", box=None)
        for one in found.kept:
            table.add_row(*_row(one))
        out.print(table)
        stand = f"{found.holds} legal holds stand" if found.holds else "no legal hold stands"
        out.print(f"{'OVERDUE: ' if found.overdue else ''}{found.overdue:,} overdue; {stand}", markup=False)
    if found.overdue:
        raise typer.Exit(1)


def _row(one: Kept) -> tuple[str, ...]:
    counts = f"{one.overdue:,}", f"{one.held:,}", f"{one.destroyed:,}"
    days = "no limit" if one.days is None else f"{one.days:,}"
    return (
        one.name,
        days,
        f"{one.kept:,}",
        _when(one.oldest),
        _when(one.ends),
        *counts,
        _when(one.last),
        one.receipt or "",
    )


def _when(at: int | None) -> str:
    return "" if at is None else iso(at)
