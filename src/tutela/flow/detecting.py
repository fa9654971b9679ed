"""Step 4 at work: the stage "detect". It reads recorded observations, and hands them to the fold (`detect`).

What is sealed is opened only when a detector's card says that it takes personal data; else it is not even
fetched. Then everything that such a partition saves is sealed too.

Detectors over the whole city are a circle of their own beside the others in partition `hop.CITY`, which reads what tells where
Things are from all partitions: what moves is kept by Thing, so no partition has all that is in one place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np

from tutela.errors import BadInput, Broken, NotFound, Refused
from tutela.maths.order import NEVER
from tutela.model import wire
from tutela.model.flow import Column, Effects, Lease, Message, Newest
from tutela.model.kinds import kind
from tutela.model.rows import Rows

from . import hop
from .catalogue import Known
from .circle import Circle, Read, Sight, sights
from .detect import Detect
from .detector import Begins, Detector, Watched, Works, alone
from .ports import Keys
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
    works: Works = field(default_factory=dict)

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
        """The partition's rows of each kind that is looked at, and the ticks; for the whole city, of all partitions what moves."""
        known = dict.fromkeys(subject for sight in self._sights(lease) for subject in sight.subjects(lease.timeline))
        return (*known, hop.ticks(lease.timeline))

    async def begin(self, lease: Lease, saved: Saved) -> DetectFold:
        """The partition as it was saved, with the register as it is now."""
        await self.known.refresh()
        opened = {part: {name: await self._opened(body) for name, body in own.items()} for part, own in saved.items()}
        return DetectFold(self, lease, [self._circle(lease, sight, opened) for sight in self._sights(lease)])

    def _sights(self, lease: Lease) -> Sequence[Sight]:
        return sights(self.detectors, lease.partition, self.partitions)

    def _circle(self, lease: Lease, sight: Sight, saved: Saved) -> Circle:
        # Where to find a correction of the city's circle: as of the partition after the last.
        where = Where(lease.timeline, DETECT, self.partitions if sight.city else lease.partition, self.stream(lease))
        known = self.known.whole if sight.city else partial(self.known.partition, lease.partition)
        return Circle.of(
            sight,
            Detect(sight.detectors, where, begins=self.begins, watched=self.watched, works=self.works),
            known,
            saved,
        )

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
    """One partition of the stage: reads messages for its circles, and words their effects."""

    def __init__(self, stage: DetectStage, lease: Lease, circles: Sequence[Circle]) -> None:
        self._stage = stage
        self._lease = lease
        self._circles = circles
        self._shown = self._own.state.newest
        self._sequence = 0

    @property
    def _own(self) -> Circle:
        return self._circles[0]

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off, in order."""
        read = [await self._read(message) for message in messages]
        turns = [await circle.turn(read, self._stage.known.refresh) for circle in self._circles]
        for circle, (state, _) in zip(self._circles, turns, strict=True):
            circle.state = state
        noticed = [each for _, each in turns]
        found = tuple(detection for each in noticed for detection in each.detections)
        self._sequence = messages[-1].sequence
        return Effects(
            sequence=self._sequence,
            ticked=noticed[0].ticked,
            events=tuple(event for each in noticed for event in each.events),
            detections=found,
            outgoing=tuple(row for one in found for row in hop.outgoing(one, self._stage.ways)),
            late=sum((Counter(each.late) for each in noticed), Counter[int]()),
        )

    def newest(self) -> tuple[Newest, ...]:
        """The newest row of each datastream, of each kind that has changed. Personal kinds are not kept."""
        slabs = self._own.state.newest
        changed = [name for name, slab in slabs.items() if slab is not self._shown.get(name)]
        self._shown = slabs
        return tuple(self._newest(name) for name in changed)

    async def save(self) -> tuple[Column, ...]:
        """The columns that changed."""
        changed = [column for circle in self._circles for column in circle.columns()]
        return tuple([await self._stage.sealed(column) for column in changed])

    async def _read(self, message: Message) -> Read:
        if message.subject == hop.ticks(self._lease.timeline):
            return Read(message.sequence, message.subject, tick=hop.tick_of(message.body))
        body = await self._plain(message)
        if body is None:
            return Read(message.sequence, message.subject)
        rows, partition = wire.decode(body), int(message.subject.rpartition(".")[2])
        own = (rows.datastream % self._stage.partitions == partition) & (rows.datastream > 0)
        if not own.all():
            raise BadInput(f"{message.subject} has rows of other partitions than {partition}")
        return Read(message.sequence, message.subject, rows)

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

    def _newest(self, name: str) -> Newest:
        slab, where = self._own.state.newest[name], self._own.detect.where
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
