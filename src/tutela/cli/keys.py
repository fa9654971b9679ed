"""`tutela keys`: the root key, under which all keys of buckets are wrapped."""

from __future__ import annotations

from typing import Annotated

import typer

from tutela.app import rotating
from tutela.app.settings import settings
from tutela.model.when import iso

from .answers import Data, Json, progress, run, shown, verbs_of

verbs = verbs_of()
keys = verbs_of("The root key, under which all keys of buckets are wrapped.")
verbs.add_typer(keys, name="keys")


@keys.callback()
def group() -> None:
    """The root key, under which all keys of buckets are wrapped."""


@keys.command("rotate")
def rotate(
    at_once: Annotated[
        bool, typer.Option("--destroy-old", help="No backup is needed that was made before: destroy the old one now.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make another root key and wrap all keys of buckets under it, while everything goes on.

    When it is killed, call it again. The old root key is kept for 35 days, for backups that were made before. Copy the new
    root.key to where you keep it, apart from the backups, and leave the old copy there as long.
    """
    with progress(as_json=as_json) as bar:
        task = bar.add_task("beginning")
        done = run(rotating.rotate(settings(data), lambda words: bar.update(task, description=words), at_once=at_once))
    kept = "the old one is destroyed" if at_once else f"the old one, {done.before}, is kept until {iso(done.until)}"
    shown(done, as_json=as_json, words=f"{done.keys:,} keys are wrapped under the root key {done.after}; {kept}")
