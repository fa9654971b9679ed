"""Verbs about configuration as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutela.app import configuring
from tutela.app.settings import settings

from .answers import Data, Json, run, shown, verbs_of

verbs = verbs_of()
config = verbs_of("The register as files: to read, to compare, to bring elsewhere.")
verbs.add_typer(config, name="config")


@config.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder for the files.", file_okay=False)],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write sources, Things, Datastreams and roles as TOML files, always in the same order.

    No token, no key and no name of a person is in them. What is secret in how a source is reached (its [connection]) is only named.
    """
    files = run(configuring.write(settings(data), folder))
    shown([str(path) for path in files], as_json=as_json, words=f"{folder}: {len(files)} files")


@config.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `tutela config export` wrote.", exists=True, file_okay=False)
    ],
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets",
            help="A TOML file with secrets of connections: a table for each source.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change; change nothing.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring the register to what the files say, each change with its event. Nothing is removed.

    Secrets that are in the register stay; others have to be given, or their connection is left out, which is told.
    """
    changes = run(configuring.load(settings(data), folder, dry=dry_run, secrets=secrets))
    shown(changes, as_json=as_json, words=configuring.words(changes, dry=dry_run))
