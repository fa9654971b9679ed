"""Detections of recorded data, held until their time has passed, and then given in its order. Pure.

On a timeline that is imported, partitions are worked off as fast as each can go, hours or months of event time
apart. What they detect comes to the desk in that order. A settled tick says that nothing of an earlier time can
come any more: what was held up to it is due, earliest first, and time passes from one to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tutela.model.detection import Detection
from tutela.model.flow import Tick

Name = tuple[str, int]
"""A detection's id and revision: what comes twice is held once."""

_decode = msgspec.json.Decoder(tuple[Detection, ...]).decode


@dataclass(frozen=True, slots=True)
class Early:
    """What is held."""

    held: tuple[Detection, ...] = ()

    def after(self, seen: Iterable[Detection | Tick]) -> tuple[Early, Sequence[Detection | Tick]]:
        """What is held after these, and what became due meanwhile, in order of event time."""
        held: dict[Name, Detection] = {(one.id, one.revision): one for one in self.held}
        due: list[Detection | Tick] = []
        for one in seen:
            if isinstance(one, Tick):
                due += _until(held, one)
            else:
                held.setdefault((one.id, one.revision), one)
        return Early(tuple(held.values())), due

    def save(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self.held, order="sorted")

    @classmethod
    def load(cls, saved: bytes | None) -> Early:
        """What was saved."""
        return cls() if saved is None else cls(_decode(saved))


def _until(held: dict[Name, Detection], tick: Tick) -> Iterator[Detection | Tick]:
    """Take out what is due by then, each after the tick of its own time, and then the tick itself."""
    due = sorted((one for one in held.values() if one.at <= tick.at), key=lambda one: (one.at, one.id, one.revision))
    for one in due:
        del held[one.id, one.revision]
        yield Tick(one.at)
        yield one
    yield tick
