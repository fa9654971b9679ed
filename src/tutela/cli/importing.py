"""`tutela import`: recorded files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tutela.app import importing
from tutela.app.settings import settings
from tutela.flow.imports import Imported
from tutela.model.when import moment

from .answers import Data, Json, progress, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("import")
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
