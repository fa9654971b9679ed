"""`tutela import`: a recorded file on a timeline of its own, through the ordinary door."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from secrets import token_hex

import numpy as np

from tutela.app.approving import enter_here
from tutela.app.core import Core, chance, clock, core
from tutela.app.decoding import apart
from tutela.app.disks import reserve
from tutela.app.refusing import written_down
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.app.tracing import followed, traced
from tutela.errors import BadInput, NotFound
from tutela.flow.entering import define
from tutela.flow.gateway import Gateway, Options
from tutela.flow.health import Health
from tutela.flow.imports import Imported, Importer
from tutela.flow.record import Recorder
from tutela.model.rows import Rows, joined
from tutela.model.when import SECOND
from tutela.policy import refusals
from tutela.policy.purposes import proper
from tutela.sources.files import Recorded
from tutela.standards.mapping import Column, Mapped, Mapping, apply, read

BY = "import"
IMPORTS = "import/"
"""So begin the timelines of recorded data: none of it can reach live operators."""

Said = Callable[[int, int, int], None]
Working = Callable[[int, int], None]
"""Told, while it waits, the event time up to which the workers have come, and up to which they have to come."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import: `mapping` a shipped name or a file; `speed` how many seconds of it in one (None: at once)."""

    path: Path
    mapping: str
    timeline: str
    speed: float | None = None


def shipped() -> dict[str, str]:
    """The mappings that come with tutela, by name."""
    folder = files("tutela.sources") / "mappings"
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return {file.name.removesuffix(".toml"): file.read_text() for file in sorted(found, key=str)}


def mapping(name: str) -> Mapping:
    """The mapping of that name, or in that file; raises NotFound with what there is."""
    known = shipped()
    if name in known:
        return read(known[name])
    if Path(name).is_file():
        return read(Path(name).read_text())
    raise NotFound(f"there is no mapping {name!r}: name a TOML file, or one of: {', '.join(known)}")


def mapped(wanted: Wanted) -> tuple[Mapping, Mapped]:
    """The file in our nouns, without storing anything: a dry run. Raises Refused for what nobody may have."""
    if not wanted.timeline.startswith(IMPORTS):
        raise BadInput(
            f"{wanted.timeline!r} is no timeline for recorded data; name one like {IMPORTS}{wanted.timeline}"
        )
    how = mapping(wanted.mapping)
    proper(how.source)
    found = apply(how, Recorded(wanted.path, apart).read(how), wanted.timeline)
    refusals.defined(found.things, found.datastreams)
    return how, found


async def run(settings: Settings, wanted: Wanted, said: Said, working: Working | None = None) -> Imported:
    """Import it all; returns when everything is durable and, with `working`, when the desk has seen it all too."""
    async with written_down(settings, f"import of {wanted.path.name}"):
        how, found = await asyncio.to_thread(mapped, wanted)
    async with traced(settings, "import") as traces, core(settings, "import", traces=traces) as inside:
        await inside.open_timeline(wanted.timeline, how.about)
        await enter_here(inside, how.source)
        streams = await define(inside.facts, found.things, found.datastreams, BY, clock())
        numbers = {stream.name: stream.id for stream in streams}
        await inside.known.refresh()
        blocks = rows(found.columns, numbers)
        gateway, importer = _doors(inside, wanted, how, said)
        async with together(gateway.run()):
            done = await importer.run(blocks, sorted(found.calls, key=lambda call: (call.at, call.id)))
        if working is not None:
            await _worked_off(inside, wanted.timeline, done.until, working)
            done = replace(done, alerts=dict(await inside.facts.alert_counts(wanted.timeline)))
    return _with(done, found)


async def _worked_off(inside: Core, timeline: str, until: int, working: Working) -> None:
    while (at := (await inside.facts.ticks("desk")).get(timeline, 0)) < until:
        working(at, until)
        await inside.facts.wait(1.0)


def _with(done: Imported, found: Mapped) -> Imported:
    """Also what the mapping refused, before the door saw it."""
    refused = Counter(done.refused)
    for refusal in found.refused:
        refused[refusal.reason] += refusal.count
    return replace(done, refused=dict(refused))


def rows(columns: Sequence[Column], numbers: dict[str, int]) -> list[Rows]:
    """All columns as rows in the order of their time, one block of each kind.

    A step of an import waits until it is durable: of one kind it takes one flight, however many columns it has.
    """
    blocks = []
    for kind in {column.stream.kind: None for column in columns}:
        whole = joined([_rows(column, numbers) for column in columns if column.stream.kind == kind])
        blocks.append(whole.take(np.argsort(whole.time, kind="stable")))
    return blocks


def _rows(column: Column, numbers: dict[str, int]) -> Rows:
    of_code = np.array([numbers[name] for name in column.names], np.int32)
    values = {"result": column.result.astype(np.int64) if column.stream.kind == "counts" else column.result}
    return Rows(column.stream.kind, of_code[column.codes], column.time, values)


def _doors(inside: Core, wanted: Wanted, how: Mapping, said: Said) -> tuple[Gateway, Importer]:
    health = Health()
    gateway = Gateway(
        f"import-{token_hex(6)}",
        wanted.timeline,
        streams=inside.streams,
        keys=inside.keys,
        known=inside.known,
        health=health,
        clock=clock,
        options=Options(may=reserve(inside.settings).check, traces=inside.traces),
    )
    recorder = Recorder(
        inside.facts, inside.keys, inside.known, health, clock, chance, ways=inside.install.ways, traces=inside.traces
    )
    give, tell = followed(gateway.give, inside.traces, "import"), followed(recorder.tell, inside.traces, "tell")

    async def pause(event_time: int) -> None:
        if wanted.speed:
            await asyncio.sleep(event_time / SECOND / wanted.speed)

    importer = Importer(wanted.timeline, how.source.name, give, tell, inside.streams, how.step, pause, said)
    return gateway, importer


def found_columns(found: Mapped) -> Sequence[tuple[str, int]]:
    """How many rows each block of a mapping gave, for a dry run."""
    return [(column.stream.name, len(column.time)) for column in found.columns]
