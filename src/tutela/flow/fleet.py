"""Units entered from a file.

A unit is known by its agency and call sign: entered again, its definition changes and its status stays. What changes nothing
leaves no event.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import msgspec

from tutela.errors import BadInput
from tutela.maths.ids import uuid_of
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.resource import AgencyName, CallSign, EmergencyResource, ResourceKind, Skill, UnitStatus
from tutela.model.timeline import LIVE
from tutela.policy.purposes import known_purpose

from .ports import Register
from .units import UNIT, Units, event_of


class Definition(Noun, frozen=True, kw_only=True):
    """A unit as a file defines it. `status` is the one it begins with: until somebody says more, it is out of service."""

    name: CallSign
    agency: AgencyName
    kind: ResourceKind
    skills: tuple[Skill, ...] = ()
    purpose: str = "emergency-response"
    thing: str | None = None
    home: Place | None = None
    status: UnitStatus = UnitStatus.OUT_OF_SERVICE


class _File(Noun, frozen=True, kw_only=True):
    """A file with tables `[[unit]]`."""

    unit: Annotated[tuple[Definition, ...], msgspec.Meta(min_length=1)]


def read(text: str) -> tuple[Definition, ...]:
    """The units in a TOML file; raises BadInput, which says what is wrong and where."""
    try:
        found = msgspec.convert(tomllib.loads(text), _File).unit
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise BadInput(f"the units can't be read: {wrong}") from wrong
    for one in found:
        known_purpose(one.purpose, one.name)
    doubled = [key for key, count in Counter((one.agency, one.name) for one in found).items() if count > 1]
    if doubled:
        raise BadInput(f"two units of {doubled[0][0]} are called {doubled[0][1]}; give each a call sign of its own")
    return found


async def enter(
    units: Units, register: Register, wanted: Sequence[Definition], by: str, now: int, timeline: str = LIVE
) -> Sequence[EmergencyResource]:
    """Enter units, or change their definitions; all of them as they stand then. What is as it was leaves no event.

    Raises BadInput for a Thing that the register does not have, or that tells the positions of another unit.
    """
    known = {unit.id: unit for unit in await units.units(timeline)}
    stand = {unit.id: unit for unit in (_defined(one, known, timeline, by, now) for one in wanted)}
    await _fit(register, {**known, **stand}.values())
    new = [unit for unit in stand.values() if unit != known.get(unit.id)]
    kept = [msgspec.structs.replace(unit, event=uuid_of(UNIT, encode(unit))) for unit in new]
    if kept:
        await units.change([event_of(unit, known.get(unit.id), by, now) for unit in kept], kept)
    return [*{**stand, **{unit.id: unit for unit in kept}}.values()]


def _defined(
    one: Definition, known: Mapping[str, EmergencyResource], timeline: str, by: str, now: int
) -> EmergencyResource:
    """The unit as it will stand; the one that is known, when nothing changes."""
    id_ = uuid_of("unit", timeline, one.agency, one.name)
    before = known.get(id_)
    told = EmergencyResource(
        id=id_,
        timeline=timeline,
        name=one.name,
        agency=one.agency,
        kind=one.kind,
        skills=one.skills,
        status=one.status if before is None else before.status,
        since=now if before is None else before.since,
        by=by if before is None else before.by,
        purpose=one.purpose,
        thing=one.thing,
        home=one.home,
    )
    if before is None:
        return told
    same = msgspec.structs.replace(told, event=before.event, revision=before.revision)
    return before if same == before else same.changed()


async def _fit(register: Register, units: Iterable[EmergencyResource]) -> None:
    things = {thing.name for thing in await register.things()}
    taken: dict[str, EmergencyResource] = {}
    for unit in units:
        if unit.thing is None:
            continue
        if unit.thing not in things:
            raise BadInput(
                f"{unit.name}: the register has no Thing called {unit.thing!r}; enter the source of its positions first"
            )
        other = taken.setdefault(unit.thing, unit)
        if other.id != unit.id:
            whose = f"{other.name} of {other.agency}"
            raise BadInput(f"{unit.name}: the Thing {unit.thing!r} tells the positions of {whose}; name another Thing")
