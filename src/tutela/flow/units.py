"""Units: entered from a file, and the status that people give them.

A unit is known by its agency and call sign: entered again, its definition changes and its status stays. Each change is one
event, committed with the unit as it stands then; of two who change it in the same moment exactly one wins.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, WrongStep
from tutela.maths.ids import uuid_of
from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.resource import AgencyName, CallSign, EmergencyResource, ResourceKind, Skill, UnitStatus
from tutela.model.timeline import LIVE
from tutela.model.when import iso
from tutela.policy.purposes import Action, ask, known_purpose

from .deed import Deed
from .ledger import Ledger
from .ports import Log, Register

UNIT = "unit@1"


class Units(Protocol):
    """Units as they are kept: `units` gives those of a timeline, in order of name; `unit` raises NotFound.

    `change` keeps each with its events in one transaction; it raises Conflict, and keeps nothing, when a unit is not at the
    revision before: then somebody else was first, and it says who.
    """

    async def units(self, timeline: str) -> Sequence[EmergencyResource]: ...  # noqa: D102  told above
    async def unit(self, id_: str) -> EmergencyResource: ...  # noqa: D102  the same
    async def change(  # noqa: D102  the same
        self, events: Sequence[Event], units: Sequence[EmergencyResource]
    ) -> None: ...


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
        await units.change([_event(unit, known.get(unit.id), by, now) for unit in kept], kept)
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
    taken: dict[str, str] = {}
    for unit in units:
        if unit.thing is None:
            continue
        if unit.thing not in things:
            raise BadInput(
                f"{unit.name}: the register has no Thing called {unit.thing!r}; enter the source of its positions first"
            )
        other = taken.setdefault(unit.thing, unit.name)
        if other != unit.name:
            raise BadInput(f"{unit.name}: the Thing {unit.thing!r} tells the positions of {other}; name another Thing")


def question(access: Access, action: Action, unit: EmergencyResource, now: int) -> Ask:
    """Whether somebody may do that with the unit."""
    return ask(access, action, "units", now, collected_for=(unit.purpose,), agency=unit.agency)


def stepped(unit: EmergencyResource, status: UnitStatus, by: str, now: int) -> EmergencyResource:
    """The unit after somebody gave it that status."""
    return unit.to(status, since=now, by=by)


@dataclass(frozen=True, slots=True)
class UnitActs:
    """What people do about units. Each is done once under its `key`.

    Raises Refused, NotFound, WrongStep or Conflict, and has then done nothing.
    """

    ledger: Ledger
    kept: Units
    log: Log

    async def set_status(self, access: Access, id_: str, status: UnitStatus, key: str) -> EmergencyResource:
        """One step of a unit's life."""
        deed = Deed(access, f"make {status}", id_, key)
        if (done := await self._done(deed)) is not None:
            return done
        unit, now = await self.kept.unit(id_), self.ledger.now
        await self.ledger.must(question(access, Action.ACT, unit, now), unit.timeline, str(deed))
        try:
            after = msgspec.structs.replace(stepped(unit, status, deed.by, now), event=deed.event(id_))
            await self.kept.change([_event(after, unit, deed.by, now)], [after])
        except (WrongStep, Conflict) as wrong:
            if (done := await self._done(deed)) is None:
                raise _blamed(deed, unit, wrong) from wrong
            return done
        return after

    async def _done(self, deed: Deed) -> EmergencyResource | None:
        """What came of it, when it was done before."""
        try:
            event = await self.log.event(deed.event(deed.subject))
        except NotFound:
            return None
        return msgspec.json.decode(event.body, type=EmergencyResource)


def _blamed(deed: Deed, unit: EmergencyResource, wrong: WrongStep | Conflict) -> WrongStep | Conflict:
    """When somebody else left it in the status that does not allow this step, say who and when."""
    if isinstance(wrong, Conflict) or unit.by == deed.by:
        return wrong
    return Conflict(
        f"{wrong.message}; {unit.by} set its status at {iso(unit.since)}", unit=unit.id, by=unit.by, at=unit.since
    )


def _event(after: EmergencyResource, before: EmergencyResource | None, by: str, now: int) -> Event:
    """Its cause is the revision before."""
    return Event(
        id=after.event,
        at=now,
        by=by,
        cause=before.event if before else None,
        kind=UNIT,
        timeline=after.timeline,
        body=encode(after),
        subject=after.id,
    )
