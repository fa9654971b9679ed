"""The command line. Each verb is a few lines: what is asked, one call into `app`, and the answer in words or JSON."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from tutela import parts
from tutela.app import (
    city,
    connect,
    doctoring,
    importing,
    inviting,
    keep,
    letters,
    replaying,
    serve,
    sources,
    up,
    work,
)
from tutela.app.install import Place
from tutela.app.settings import settings
from tutela.errors import TutelaError
from tutela.flow.imports import Imported
from tutela.model.people import Role
from tutela.model.when import moment

from . import logs, operating, proving
from . import rules as ruling
from . import units as keeping
from .answers import Data, Json, Port, err, out, progress, run, shown

PROCESSES = frozenset({"work", "serve", "keep", "connect", "city", "witness"})
"""Verbs that run for long: they tell a log file what they do. The others tell a person what is wrong, and no more."""

cli = typer.Typer(
    name="tutela",
    help="A public-safety platform for a city: from sensor to courtroom, one accountable log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
register = typer.Typer(help="The register: who sends what, and why.", no_args_is_help=True)
cli.add_typer(register, name="sources")
aside = typer.Typer(help="Dead letters: what could not be worked off, and why.", no_args_is_help=True)
cli.add_typer(aside, name="letters")
cli.add_typer(ruling.rules, name="rules")
cli.add_typer(keeping.units, name="units")
cli.command("backtest")(ruling.backtest)

operating.add(cli)
proving.add(cli)


@cli.command("up")
def up_(
    data: Data = None,
    port: Port = None,
    empty: Annotated[bool, typer.Option("--empty", help="Start without the demonstration city.")] = False,
    name: Annotated[str, typer.Option("--city", help="The city's name, settled at the first start.")] = "Helsinki",
    zone: Annotated[str, typer.Option("--zone", help="Its time zone, settled at the first start.")] = "Europe/Helsinki",
    workers: Annotated[int, typer.Option("--workers", help="Worker processes.", min=1, max=64)] = 1,
    as_json: Json = False,
) -> None:
    """Start everything, and a demonstration city.

    Engines, workers, the page; and, unless --empty, a living city simulated on a real map.
    """

    def told(here: up.Up) -> None:
        shown(here, as_json=as_json, words=_welcome(here, demo=not empty))

    say = (lambda _: None) if as_json else (lambda text: err.print(text, markup=False))
    run(up.up(settings(data, port), Place(name, zone), demo=not empty, workers=workers, say=say, told=told))


def _welcome(here: up.Up, *, demo: bool) -> str:
    lines = ["", f"  tutela is up: {here.address}", f"  devices publish to {here.mqtt}", ""]
    for role, code in here.codes:
        lines += [f"  come in as {role}:  {here.address}/enrol?code={code}"]
    if here.codes:
        lines += ["", "  Each link works once, for an hour. `tutela invite` makes another."]
    if demo:
        lines += ["  The city is a simulation on a real map (© OpenStreetMap contributors), and says so."]
        lines += ["  The witness that cosigns its log is the demonstration's own; a real one belongs to somebody else."]
    return "\n".join([*lines, f"  Metrics for Prometheus: {here.metrics}", "  Ctrl-C stops everything.", ""])


@cli.command("work")
def work_(data: Data = None) -> None:
    """Add a worker to a running instance.

    It takes its fair share of the partitions.
    """
    run(work.run(settings(data)))


@cli.command("serve", hidden=True)
def serve_(data: Data = None, port: Port = None) -> None:
    """Serve the API and the page (`tutela up` starts this)."""
    run(serve.run(settings(data, port)))


@cli.command("keep", hidden=True)
def keep_(data: Data = None) -> None:
    """Seal, relay, archive and tick (`tutela up` starts this)."""
    run(keep.run(settings(data)))


@cli.command("connect", hidden=True)
def connect_(data: Data = None) -> None:
    """Run the sources that are fetched from or listened to (`tutela up` starts this)."""
    run(connect.run(settings(data)))


@cli.command("city", hidden=True)
def city_(data: Data = None, port: Port = None) -> None:
    """Simulate the demonstration city (`tutela up` starts this)."""
    run(city.run(settings(data, port)))


@cli.command("invite")
def invite(
    role: Annotated[
        Role | None, typer.Argument(help="What they are here for; operator when left out.", show_default=False)
    ] = None,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Their agency, such as police; default: the city.")
    ] = None,
    again: Annotated[
        str | None, typer.Option("--again", help="The id of somebody who was here before, and comes in as the same.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a code with which one more person comes in, or somebody known comes again.

    It is shown once and works once, for an hour.
    """
    for_, code = run(inviting.run(settings(data), role, agency, again))
    shown({"role": for_, "code": code}, as_json=as_json, words=f"{for_}: {code}  (enter it at /enrol)")


@cli.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV, Parquet or NDJSON file.", exists=True, dir_okay=False)],
    mapping: Annotated[
        str, typer.Option("--mapping", help="A TOML file, or the name of a shipped one, such as beijing-air.")
    ],
    timeline: Annotated[str | None, typer.Option("--timeline", help="Where to put it; default import/MAPPING.")] = None,
    speed: Annotated[
        float | None, typer.Option("--speed", help="Seconds of it in one second; default: as fast as it goes.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be mapped and refused; store nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when the workers are through, or when all is durable.")
    ] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import a recorded file.

    It goes onto a timeline of its own, through the same door as live data. Once it is durable, the workers go on
    even if this command is stopped.
    """
    wanted = importing.Wanted(file, mapping, timeline or f"import/{Path(mapping).stem}", speed)
    if dry_run:
        _dry(wanted, as_json=as_json)
        return
    with progress(as_json=as_json) as bar:
        task = bar.add_task(f"reading {file.name}")

        def said(at: int, rows: int, calls: int) -> None:
            bar.update(task, description=f"{moment(at):%Y-%m-%d %H:%M}  {rows:,} observations, {calls:,} calls")

        def working(at: int, until: int) -> None:
            says = f"durable; the desk is at {moment(at):%Y-%m-%d %H:%M} of {moment(until):%Y-%m-%d}"
            bar.update(task, description=says)

        done = run(importing.run(settings(data), wanted, said, working if wait else None))
    words = f"{wanted.timeline}: {_durable(done, ' and seen by all detectors' if wait else '')}{_found(done)}"
    shown(msgspec.to_builtins(done), as_json=as_json, words=words)


def _durable(done: Imported, seen: str) -> str:
    refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(done.refused.items())) or "none"
    return f"{done.observations:,} observations and {done.calls:,} calls are durable{seen}; refused: {refused}"


def _found(done: Imported) -> str:
    if done.alerts is None:
        return ""
    most = sorted(done.alerts.items(), key=lambda each: (-each[1], each[0]))
    return f"\nalerts: {', '.join(f'{count:,} {type_}' for type_, count in most) or 'none'}"


def _dry(wanted: importing.Wanted, *, as_json: bool) -> None:
    how, found = importing.mapped(wanted)
    blocks = dict(importing.found_columns(found))
    report = {"source": how.source.name, "things": len(found.things), "rows": blocks, "calls": len(found.calls)}
    report["refused"] = {f"{refusal.reason}: {refusal.says}": refusal.count for refusal in found.refused}
    lines = [f"source {how.source.name}: {how.about}", f"  things: {len(found.things)}, calls: {len(found.calls):,}"]
    lines += [f"  {name}: {count:,} rows" for name, count in blocks.items()]
    lines += [f"  refused: {refusal.count:,}, {refusal.says}" for refusal in found.refused]
    lines += [f"  such as: {found.calls[0]}"] if found.calls else []
    shown(report, as_json=as_json, words="\n".join([*lines, "Nothing was stored."]))


@cli.command("replay")
def replay(
    timeline: Annotated[str, typer.Argument(help="The timeline to run again.")] = "live",
    stage: Annotated[str, typer.Option("--stage", help="detect (observations) or correlate (facts).")] = "detect",
    batch: Annotated[int, typer.Option("--batch", help="Messages at once; must not matter.", min=1)] = 256,
    backwards: Annotated[bool, typer.Option("--backwards", help="Partitions in reverse; must not matter.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Run recorded history again, and compare.

    It starts from an empty state, can't reach what was found, and must come to the same, bit for bit.
    """
    with progress(as_json=as_json) as bar:
        task = bar.add_task(f"replaying {timeline}")

        def said(messages: int, partitions: int) -> None:
            bar.update(task, description=f"{messages:,} messages replayed, {partitions} partitions are through")

        report = run(replaying.run(settings(data), timeline, stage, replaying.Cuts(batch, backwards), said))
    shown(report, as_json=as_json, words=replaying.words(report))
    if not report.same:
        raise typer.Exit(1)


@cli.command("parts")
def parts_(as_json: Json = False) -> None:
    """List every part there is, by room."""
    found = {room: {name: _line(room, name) for name in parts.names(room)} for room in parts.ROOMS}
    lines = [f"{room:11} {name:14} {line}" for room, names in found.items() for name, line in names.items()]
    shown(found, as_json=as_json, words="\n".join(lines))


def _line(room: str, name: str) -> str:
    part = parts.load(room, name)
    card = getattr(part, "card", None)
    return str(card.finds) if card else (part.__doc__ or "").strip().partition("\n")[0]


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


@aside.command("list")
def letters_list(
    most: Annotated[int, typer.Option("--most", help="How many at most.", min=1)] = 50,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the dead letters that wait, newest first, each with its reason."""
    found = run(letters.listed(settings(data), most))
    # What a letter holds may be anything, also personal: only its size is shown.
    told = [{**msgspec.to_builtins(letter), "body": len(letter.body)} for letter in found]
    shown(told, as_json=as_json, words=letters.words(found))


@aside.command("revive")
def letters_revive(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The letter's id, as `tutela letters list` shows it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send a dead letter once more, after what was wrong is put right."""
    letter = run(letters.revive(settings(data), id_))
    shown(
        {"letter": letter.id, "subject": letter.subject, "tries": letter.tries},
        as_json=as_json,
        words=f"{letter.id} was sent to {letter.subject} again. If it still can't be worked off, it is listed anew.",
    )


@cli.command("doctor")
def doctor(data: Data = None, as_json: Json = False) -> None:
    """Say what is wrong, where, and what to do."""
    found = run(doctoring.run(settings(data)))
    shown(found, as_json=as_json, words="\n".join(map(doctoring.words, found)))
    if any(finding.health == "bad" for finding in found):
        raise typer.Exit(1)


def main(argv: list[str] | None = None) -> int:
    """The program. Errors raised on purpose are told in their own words; all others are faults of ours."""
    words = sys.argv[1:] if argv is None else argv
    level = logging.INFO if words[:1] and words[0] in PROCESSES else logging.WARNING
    try:
        logs.set_up(level, words[0] if words else "", os.environ)
        cli(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TutelaError as wrong:
        err.print(f"tutela: {wrong.message}", markup=False)
        return 1
    return 0
