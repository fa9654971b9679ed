"""`tutela replay`: recorded history once more into an empty state, in other cuts and another order."""

from __future__ import annotations

import random

from tutela.app.core import core
from tutela.app.lake import lake
from tutela.app.settings import Settings
from tutela.app.work import stages
from tutela.backends.postgres.snapshots import PostgresSnapshots
from tutela.backends.postgres.stored import PostgresStored
from tutela.errors import BadInput
from tutela.flow.correlating import CorrelateStage
from tutela.flow.detecting import DetectStage
from tutela.flow.replay import Report, compare, replay

MOST = 512
"""Messages in one turn."""


async def run(settings: Settings, timeline: str, stage: str, seed: int | None = None) -> Report:
    """Replay one stage of a timeline, and compare. `seed` chooses the cuts and the order (None: anew each time)."""
    # Any cuts must do, so chance may choose them: this is no secret.
    chance = random.Random(seed)  # noqa: S311
    async with core(settings, "replay", connections=2) as inside:
        made = {one.name: one for one in stages(inside) if isinstance(one, DetectStage | CorrelateStage)}
        if stage not in made:
            raise BadInput(f"the stage {stage!r} can't be replayed; there are: {', '.join(sorted(made))}")
        history = lake(inside)
        found = await replay(
            history,
            inside.keys,
            made[stage],
            timeline,
            until=await PostgresSnapshots(inside.facts.db).snapshotted(timeline, [stage]),
            order=chance.sample(range(made[stage].partitions), made[stage].partitions),
            cut=lambda: chance.randrange(1, MOST),
        )
        await history.close()
        return await compare(found, PostgresStored(inside.facts.db))


def words(report: Report) -> str:
    """The report as a person reads it."""
    lines = [
        f"{report.messages:,} messages of {report.stream} up to {report.upto:,}, into an empty state",
        f"  {report.compared:,} findings compared, digest {report.digest[:16]}",
    ]
    if report.erased_messages:
        rows = f"{report.erased_rows:,} rows in {report.erased_messages:,} messages"
        lines.append(
            f"  not reproducible: {rows} erased; {report.across:,} findings depend on them and are not compared"
        )
    if report.others:
        lines.append(f"  {report.others:,} findings of detectors with other options or versions are not compared")
    if report.unreadable:
        lines.append(f"  {report.unreadable:,} messages could not be worked off, as when they came")
    for what, ids in (("missing", report.missing), ("extra", report.extra), ("different", report.different)):
        lines += [f"  {what}: {id_}" for id_ in ids]
    lines.append("The same, bit for bit." if report.same else f"NOT THE SAME: {report.differences:,} differences.")
    return "\n".join(lines)
