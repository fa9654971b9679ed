"""Step 4 at work: the stage "detect". It reads recorded observations, and hands them to the fold (`detect`).

What is sealed is opened only when a detector's card says that it takes personal data; else it is not even
fetched. Then everything that such a partition saves is sealed too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput, Broken, NotFound, Refused
from tutela.maths.order import NEVER, Batch
from tutela.model import wire
from tutela.model.flow import Column, Effects, Lease, Message, Newest
from tutela.model.kinds import KINDS, kind
from tutela.model.rows import Ints, Rows

from . import hop
from .catalogue import Known
from .detect import Came, Detect, State
from .detector import Begins, Detector, Watched, alone
from .ports import Keys
from .saved import columns, restored
from .stage import Saved, Where

DETECT = "detect"
STATE_BUCKET = "state/detect"
SEALED = b"\x00sealed\x01"
"""So a column begins that is sealed; then comes the id of its key. Detectors of personal data come and go: a column says it itself."""


@dataclass(frozen=True, slots=True)
class DetectStage:
    """The stage "detect", one partition for each of the register's. `ways`: partitions of the second hop."""

    detectors: tuple[Detector, ...]
    known: Known
    keys: Keys
    ways: int = hop.WAYS
    begins: Begins = field(default_factory=dict)
    saves: float = 15.0
    watched: Watched = alone

    @property
    def name(self) -> str:
        """As in the table of leases."""
        return DETECT

    @property
    def partitions(self) -> int:
        """As the register has them."""
        return self.known.partitions

    @property
    def personal(self) -> bool:
        """Whether any detector takes personal data."""
        return any(detector.card.personal_data for detector in self.detectors)

    def stream(self, lease: Lease) -> str:
        """The first hop."""
        return hop.observations(lease.timeline)

    def subjects(self, lease: Lease) -> Sequence[str]:
        """The partition's rows of each kind that is looked at, and the ticks."""
        kinds = [name for name, of in KINDS.items() if self.personal or not of.personal_data]
        return (*(hop.observed(lease.timeline, name, lease.partition) for name in kinds), hop.ticks(lease.timeline))

    async def begin(self, lease: Lease, saved: Saved) -> DetectFold:
        """The partition as it was saved, with the register as it is now."""
        await self.known.refresh()
        opened = {part: {name: await self._opened(body) for name, body in own.items()} for part, own in saved.items()}
        where = Where(lease.timeline, DETECT, lease.partition, self.stream(lease))
        detect = Detect(self.detectors, where, begins=self.begins, watched=self.watched)
        return DetectFold(self, detect, restored(detect, opened, self.partitions))

    async def sealed(self, column: Column) -> Column:
        """A column as it may be stored."""
        if not self.personal:
            return column
        key, body = await self.keys.seal(STATE_BUCKET, column.body)
        return msgspec.structs.replace(column, body=SEALED + key.encode() + b"\n" + body)

    async def _opened(self, body: bytes) -> bytes:
        if not body.startswith(SEALED):
            return body
        key, _, sealed = body.removeprefix(SEALED).partition(b"\n")
        return await self.keys.open(key.decode(), sealed)


class DetectFold:
    """One partition of the stage: reads messages for the fold, and words its effects."""

    def __init__(self, stage: DetectStage, detect: Detect, state: State) -> None:
        self._stage = stage
        self._detect = detect
        self._state = state
        self._shown = state.newest
        self._sequence = 0
        self._watch = detect.watch(stage.known.partition(detect.where.partition))

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off, in order."""
        now = self._stage.known.partition(self._detect.where.partition)
        if now is not self._watch.catalogue:  # something was defined, or defined otherwise
            self._watch = self._detect.watch(now)
        came = [await self._read(message) for message in messages]
        self._state, noticed = self._detect.turn(self._state, self._watch, came)
        self._sequence = messages[-1].sequence
        return Effects(
            sequence=self._sequence,
            ticked=noticed.ticked,
            events=noticed.events,
            detections=noticed.detections,
            outgoing=tuple(row for found in noticed.detections for row in hop.outgoing(found, self._stage.ways)),
            late=noticed.late,
        )

    def newest(self) -> tuple[Newest, ...]:
        """The newest row of each datastream, of each kind that has changed. Personal kinds are not kept."""
        changed = [name for name, slab in self._state.newest.items() if slab is not self._shown.get(name)]
        self._shown = self._state.newest
        return tuple(self._newest(name) for name in changed)

    async def save(self) -> tuple[Column, ...]:
        """The columns that changed."""
        return tuple([await self._stage.sealed(column) for column in tuple(columns(self._detect, self._state))])

    async def _read(self, message: Message) -> Came:
        if message.subject == hop.ticks(self._detect.where.timeline):
            return Came(message.sequence, tick=hop.tick_of(message.body))
        body = await self._plain(message)
        return Came(message.sequence) if body is None else Came(message.sequence, await self._batch(message, body))

    async def _plain(self, message: Message) -> bytes | None:
        """The body; None when it was erased: nobody can read it any more, and that is as it should be."""
        key = message.headers.get("Key")
        if key is None:
            return message.body
        try:
            return await self._stage.keys.open(key, message.body)
        except Refused:
            return None
        except (NotFound, Broken) as wrong:
            raise BadInput(f"the rows on {message.subject} can't be opened: {wrong}") from wrong

    async def _batch(self, message: Message, body: bytes) -> Batch:
        rows, where = wire.decode(body), self._detect.where
        own = (rows.datastream % self._stage.partitions == where.partition) & (rows.datastream > 0)
        if not own.all():
            raise BadInput(f"{message.subject} has rows of other partitions than {where.partition}")
        slots = rows.datastream.astype(np.int64) // self._stage.partitions
        rows, slots = await self._registered(rows, slots)
        return Batch(rows, slots, np.full(len(rows), message.sequence, np.int64))

    async def _registered(self, rows: Rows, slots: Ints) -> tuple[Rows, Ints]:
        """The rows whose datastream is in the register. The gate knew each, so one not known here is new."""
        if not self._unknown(slots).any():
            return rows, slots
        await self._stage.known.refresh()
        self._watch = self._detect.watch(self._stage.known.partition(self._detect.where.partition))
        known = ~self._unknown(slots)
        return rows.take(known), slots[known]

    def _unknown(self, slots: Ints) -> npt.NDArray[np.bool_]:
        code = self._watch.catalogue.property_code
        unknown: npt.NDArray[np.bool_] = np.append(code, np.int32(-1)).take(slots, mode="clip") < 0
        return unknown

    def _newest(self, name: str) -> Newest:
        slab, where = self._state.newest[name], self._detect.where
        times = slab.take("time")
        slots = np.flatnonzero(times != NEVER)
        datastream = (slots * self._stage.partitions + where.partition).astype(np.int32)
        values = {column: slab.take(column, slots) for column, _ in kind(name).columns}
        rows = Rows(name, datastream, times[slots], values)
        return Newest(
            timeline=where.timeline,
            kind=name,
            partition=where.partition,
            sequence=self._sequence,
            body=wire.encode(rows),
        )
