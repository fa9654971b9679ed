"""The telemetry of a bundle of evidence: what the sensors said around what was detected, minute by minute.

One file a datastream, a line a value in the words of SensorThings; each minute is a piece with a hash of its own.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from tutela.model.access import Access, Ask
from tutela.model.detection import Detection
from tutela.model.evidence import Part, canonical, pieces
from tutela.model.kinds import kind
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.when import MINUTE, iso, moment
from tutela.policy.purposes import Action, ask

from .read_observations import ObservationReads
from .spared import windows

STREAMS, ROWS = 200, 500_000
"""At most so many datastreams, and rows of all of them."""


class Into(Protocol):
    """What it is put into."""

    parts: list[Part]
    left_out: list[str]


class Extract:
    """The rows that whoever asks may hand out."""

    def __init__(
        self, observations: ObservationReads, access: Access, under: Callable[[Ask], Ask], found: Into
    ) -> None:
        self._observations, self._access, self._under, self._found = observations, access, under, found
        self._left = ROWS

    async def all(self, timeline: str, detections: Sequence[Detection], minutes: int) -> None:
        """The datastreams that these rest on, so many minutes before and after."""
        wanted = windows(detections, minutes * MINUTE)
        if len(wanted) > STREAMS:
            self._found.left_out.append(f"telemetry of {len(wanted) - STREAMS} more datastreams than {STREAMS}")
        for number in sorted(wanted)[:STREAMS]:
            await self._one(timeline, self._observations.known.datastream(number), *wanted[number])

    async def _one(self, timeline: str, of: Datastream, since: int, until: int) -> None:
        observations, what = self._observations, f"telemetry of {of.name}"
        entry, now = observations.known.sources.get(of.source), observations.ledger.now
        kept = observations.kept_since(timeline, of.source)
        personal = kind(of.kind).personal_data or (entry is not None and entry.personal_data)
        asked = ask(
            self._access,
            Action.EXPORT,
            of.kind,
            now,
            collected_for=() if entry is None else entry.purposes,
            personal_data=personal,
            agency=None if entry is None else entry.agency,
            expires=now if until <= kept else None,
        )
        if not observations.ledger.may(self._under(asked)):
            self._found.left_out.append(f"{what}: the policies do not let whoever asked hand it out")
            return
        rows = await observations.history.series(timeline, of.kind, of.id, max(since, kept), until, self._left + 1)
        if len(rows) > self._left:
            rows = rows.take(slice(self._left))
            self._found.left_out.append(f"{what}: what comes after the first {ROWS} values of all")
        self._left -= len(rows)
        bodies = await to_thread(_minutes, rows, of.name)
        says = f"{of.kind} of {of.name}, {of.observed_property} in {of.unit}, from {iso(since)} to {iso(until)}"
        body = b"".join(part for _, part in bodies)
        path = f"telemetry/{of.id:09}.ndjson"
        self._found.parts.append(Part(path=path, says=says, body=body, personal=personal, pieces=pieces(bodies)))


def _minutes(rows: Rows, name: str) -> list[tuple[str, bytes]]:
    """The lines of each minute in which there is something."""
    columns = [(column, values.tolist()) for column, values in rows.values.items()]
    times: list[int] = rows.time.tolist()
    told = []
    for minute, places in groupby(range(len(times)), lambda place: times[place] // MINUTE):
        lines = [
            canonical(
                {
                    "datastream": name,
                    "phenomenonTime": moment(times[place]).isoformat(timespec="microseconds").replace("+00:00", "Z"),
                    **{column: values[place] for column, values in columns},
                }
            )
            for place in places
        ]
        told.append((moment(minute * MINUTE).strftime("%Y-%m-%dT%H:%MZ"), b"".join(lines)))
    return told
