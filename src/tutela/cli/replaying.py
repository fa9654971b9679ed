"""`tutela replay`: recorded history once more."""

from __future__ import annotations

from typing import Annotated

import typer

from tutela.app import replaying
from tutela.app.settings import settings

from .answers import Data, Json, progress, run, shown, verbs_of

verbs = verbs_of()


@verbs.command("replay")
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
