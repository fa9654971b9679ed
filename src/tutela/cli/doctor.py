"""`tutela doctor`: what is wrong, in a person's words."""

from __future__ import annotations

import typer

from tutela.app import doctoring
from tutela.app.settings import settings

from .answers import Data, Json, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("doctor")
def doctor(data: Data = None, as_json: Json = False) -> None:
    """Say what is wrong, where, and what to do."""
    found = run(doctoring.run(settings(data)))
    shown(found, as_json=as_json, words="\n".join(map(doctoring.words, found)))
    if any(finding.health == "bad" for finding in found):
        raise typer.Exit(1)
