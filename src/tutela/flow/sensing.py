"""Which Things of the city are heard as often as they should be, by kind: for everybody, so never one of them by itself."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.model.figures import Sensors
from tutela.model.kinds import KINDS
from tutela.model.register import Thing
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from . import lookup
from .catalogue import Known
from .ports import Values

STALE = 3
"""Expected intervals after which a Thing counts as off."""

Heard = tuple[int, bool]
"""When a Thing's newest value was measured, and whether that is as it should be."""


async def sensors(things: Sequence[Thing], values: Values, known: Known, now: int) -> list[Sensors]:
    """Each kind of Thing. Of those that follow people no newest value is kept, so nobody can tell here."""
    heard = await _heard(values, known, now)
    by_kind: dict[str, list[Heard | None]] = {}
    for thing in things:
        by_kind.setdefault(thing.kind, []).append(heard.get(thing.name))
    return [_of(kind, told) for kind, told in sorted(by_kind.items())]


async def _heard(values: Values, known: Known, now: int) -> dict[str, Heard]:
    found: dict[str, Heard] = {}
    for kind in (name for name, of in KINDS.items() if not of.personal_data):
        rows = await lookup.newest(values, LIVE, kind)
        for number, at in zip(rows.datastream.tolist(), rows.time.tolist(), strict=True):
            stream = known.datastream(number)
            fresh = stream.interval is None or now - at <= STALE * stream.interval * SECOND
            last, before = found.get(stream.thing, (at, False))
            found[stream.thing] = (max(last, at), before or fresh)
    return found


def _of(kind: str, told: Sequence[Heard | None]) -> Sensors:
    heard = [one for one in told if one is not None]
    on = sum(fresh for _, fresh in heard)
    return Sensors(
        kind=kind,
        things=len(told),
        on=on,
        off=len(heard) - on,
        unknown=len(told) - len(heard),
        last=max((at for at, _ in heard), default=None),
    )
