"""Verbs of whoever keeps an instance: back it up, restore it, and list what was erased."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tutela.app import backing_up, restoring, tombstones
from tutela.app.settings import settings
from tutela.errors import BadInput
from tutela.model.when import iso

from .answers import Data, Json, progress, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("backup")
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", file_okay=False)],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put root.key and log.key in it, too. Whoever holds it can read all.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Copy everything the instance keeps, while it runs.

    The copy stands at one moment, which it names. The keys are not in it: keep them apart.
    """
    with progress(as_json=as_json) as bar:
        task = bar.add_task("beginning")
        made = run(
            backing_up.run(
                settings(data), folder, keys=with_key, said=lambda words: bar.update(task, description=words)
            )
        )
    words = [f"{folder}: {len(made.files):,} files, {made.size / 1e6:,.1f} MB, as of {iso(made.ended)}"]
    words += [
        "  with the keys: keep it where nobody else comes" if made.keys else "  without the keys: keep those apart"
    ]
    told = {**msgspec.to_builtins(made), "files": len(made.files), "bytes": made.size}
    shown(told, as_json=as_json, words="\n".join(words))


@verbs.command("restore")
def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `tutela backup` made.", exists=True, file_okay=False)
    ],
    data: Data = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The folder with root.key and log.key; else the backup's own.")
    ] = None,
    tombstones_: Annotated[
        list[Path] | None, typer.Option("--tombstones", help="A list of destroyed keys, newer than the backup.")
    ] = None,
    nothing_erased: Annotated[
        bool, typer.Option("--nothing-erased", help="Nothing was erased since the backup was made.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a new instance from a backup, in a directory that is new or empty.

    What was erased since the backup was made is erased again, by the lists of destroyed keys. The log is verified: when it
    was changed, nothing is left of the restore. Everybody comes in anew. Then start it with `tutela up`.
    """
    if bool(tombstones_) == nothing_erased:
        raise BadInput(
            "say what was erased since: --tombstones FILE, from `tutela tombstones` or tombstones.jsonl of the lost "
            "instance; or --nothing-erased, if that is so"
        )
    wanted = restoring.Wanted(folder=folder, keys=keys, tombstones=tuple(tombstones_ or ()))
    with progress(as_json=as_json) as bar:
        task = bar.add_task("beginning")
        done = run(
            restoring.run(settings(data), wanted, lambda words: bar.update(task, description=words)),
        )
    report = done.verified
    words = [f"restored as of {iso(done.ended)}: {report.witnessed + report.unwitnessed:,} events"]
    words += [f"  {done.destroyed:,} keys were destroyed again; {done.streams} streams are as they were"]
    words += ["The log is sound."]
    shown(done, as_json=as_json, words="\n".join(words))


@verbs.command("tombstones")
def tombstones_(data: Data = None) -> None:
    """List the keys that were destroyed, a line each, for a restore to destroy them again.

    Keep a copy of it apart from the instance and from its backups, and newer than these.
    """
    for stone in run(tombstones.run(settings(data))):
        sys.stdout.write(msgspec.json.encode(stone).decode() + "\n")
