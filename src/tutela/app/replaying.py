"""`tutela replay`: recorded history again, into an empty state, compared with what was found at the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutela.app.core import Core, core
from tutela.app.lake import lake
from tutela.app.registering import registering
from tutela.app.settings import Settings
from tutela.app.work import Plan, correlating, detecting, planned
from tutela.backends.postgres.stored import PostgresStored
from tutela.errors import BadInput, NotFound
from tutela.flow.replay import Replayable, Report, Said, compare, replay

STAGES: dict[str, Callable[[Core, Plan], Replayable]] = {"detect": detecting, "correlate": correlating}


@dataclass(frozen=True, slots=True)
class Cuts:
    """How the recorded messages are handed over, which must not matter: so many at once, partitions in that order."""

    batch: int = 256
    backwards: bool = False


async def run(settings: Settings, timeline: str, stage: str, cuts: Cuts, said: Said) -> Report:
    """Replay one stage of a timeline, as far as it is archived and worked off. `said` is told how far it is."""
    async with core(settings, "replay", connections=2) as inside:
        await inside.known.refresh()
        again = _stage(inside, stage, await planned(inside, registering(inside)))
        if timeline not in (known := await inside.facts.timelines()):
            raise NotFound(f"there is no timeline {timeline!r}; there are: {', '.join(sorted(known))}")
        partitions = range(again.partitions)
        found = await replay(
            lake(inside),
            inside.keys,
            again,
            timeline,
            until=await _worked_off(inside, timeline, stage),
            order=tuple(reversed(partitions)) if cuts.backwards else partitions,
            cut=lambda: cuts.batch,
            said=said,
        )
        return await compare(found, PostgresStored(inside.facts.db), inside.known.changed)


def _stage(inside: Core, name: str, plan: Plan) -> Replayable:
    if name not in STAGES:
        raise BadInput(f"the stage {name!r} can't be replayed; there are: {', '.join(STAGES)}")
    return STAGES[name](inside, plan)


async def _worked_off(inside: Core, timeline: str, stage: str) -> int:
    """The sequence up to which every partition of the stage has committed what it found."""
    async with inside.facts.db.reading() as connection:
        least: int = await connection.fetchval(
            "select coalesce(min(sequence), 0) from lease where timeline = $1 and stage = $2", timeline, stage
        )
        return least


def words(report: Report) -> str:
    """The report as a person reads it."""
    if not report.messages:
        return (
            f"{report.stream}: nothing is archived and worked off yet, so nothing was replayed; try again in a minute"
        )
    lines = [
        f"{report.messages:,} messages of {report.stream} up to {report.upto:,}: {report.compared:,} findings compared"
    ]
    if report.erased_rows:
        lines.append(
            f"  not reproducible: {report.erased_rows:,} rows erased; {report.across:,} findings across that gap"
        )
    lines += [f"  {report.others:,} findings of detectors with other options: not compared"] if report.others else []
    if report.redefined:
        lines.append(
            f"  {report.redefined:,} datastreams were defined anew since this was recorded: what rests on them may differ"
        )
    for name in ("missing", "extra", "different"):
        lines += [f"  {name}: {id_}" for id_ in getattr(report, name)]
    same = "the same, bit for bit" if report.same else f"{report.differences:,} DIFFERENCES"
    return "\n".join([*lines, f"  {same}; digest {report.digest}"])
