"""`tutela rules` and `tutela backtest`: rules that people write, tried before they are armed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.app import rules as ruling
from tutela.app.settings import settings
from tutela.flow.read_rules import On
from tutela.model.when import moment

from .answers import Data, Json, err, out, run, shown, verbs_of

verbs = verbs_of()
rules = verbs_of("Rules that people write: what is in force.")
verbs.add_typer(rules, name="rules")

File = Annotated[Path, typer.Argument(help="The rule, a TOML file.", exists=True, dir_okay=False)]


@rules.command("list")
def listed(data: Data = None, as_json: Json = False) -> None:
    """List the rules in force."""
    found = run(ruling.listed(settings(data)))
    if as_json:
        shown(found, as_json=True, words="")
        return
    table = Table("rule", "says", "for", "armed by", "since", box=None)
    for one in found:
        since = f"{moment(one.since):%Y-%m-%d %H:%M:%S} UTC{'' if one.begun else ', not begun yet'}"
        table.add_row(one.rule.name, one.rule.says, one.rule.purpose, one.by, since)
    out.print(table)


@rules.command("check")
def check(file: File, as_json: Json = False) -> None:
    """Read a rule and say what is wrong with it; nothing is stored."""
    rule = ruling.rule_of(file)
    shown(rule, as_json=as_json, words=f"{rule.name} can be armed: {rule.says}")


@rules.command("arm")
def arm(file: File, data: Data = None, as_json: Json = False) -> None:
    """Put a rule in force, in place of the one of its name. Try it first: `tutela backtest`."""
    one = run(ruling.armed(settings(data), file))
    since = f"{moment(one.since or 0):%H:%M:%S} UTC"
    shown(one, as_json=as_json, words=f"{one.rule.name} is armed from {since} on. `tutela rules disarm` takes it back.")


@rules.command("disarm")
def disarm(
    name: Annotated[str, typer.Argument(help="The rule's name.")], data: Data = None, as_json: Json = False
) -> None:
    """Take a rule back. What it told stays in the log."""
    one = run(ruling.disarmed(settings(data), name))
    shown(one, as_json=as_json, words=f"{one.rule.name} is not in force any more.")


@verbs.command("backtest")
def backtest(
    file: File,
    days: Annotated[float, typer.Option("--days", help="On how many of the newest recorded days.", min=0.01)] = 7.0,
    timeline: Annotated[str, typer.Option("--timeline", help="Of which timeline.")] = "live",
    each: Annotated[float, typer.Option("--each", help="Minutes that an alert takes an operator.", min=0.1)] = 3.0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Try a rule on recorded days: alerts a day, examples, and what it would cost operators. Nothing is changed."""
    err.print(f"trying {file.name} on the last {days:g} days of {timeline}", markup=False)
    told, words = run(ruling.run(settings(data), file, On(timeline=timeline, days=days, each=each)))
    shown(told, as_json=as_json, words=words)
