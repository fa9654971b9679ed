"""NGSI-LD (ETSI GS CIM 009), in: a notification, one entity, or a list; normalised, concise or as key-values.

An entity becomes a Thing of its type ("AirQualityObserved" is "air-quality-observed"), named by its id. Of its
attributes

- a number or truth value (1 or 0) becomes a reading `ID/ATTRIBUTE`, at its `observedAt`, else at the time that the
  entity tells (`dateObserved` or the end of it, `observationDateTime`, `timestamp`, `dateModified`), else at the
  notification's. Some names become ours: `averageVehicleSpeed` is "speed", `intensity` "flow", `peopleCount` "people"
  (counted). A `datasetId` stands behind the attribute's name;
- `unitCode` becomes the unit by UN/CEFACT Recommendation 20; a code that we lack stays in braces; without one the
  unit is empty, or what `units` says for the attribute;
- a GeoProperty `location` becomes the place and, when it is no point, `geometry`. Of a type that is `moving` it
  becomes a `position`, which is personal data;
- texts and Relationships are left out, since they may name people; those that `keep` names become properties of the
  Thing. `@context` is not read.

Times without an offset are refused, unless `zone` names one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place

from ._hearing import POSITION, Hearing, Measure, at, decoded, number
from ._shapes import shape
from ._units import unit_of

WHAT = "NGSI-LD message"
OURS = {
    "averageVehicleSpeed": "speed",
    "intensity": "flow",
    "peopleCount": "people",
    "vehicleCount": "vehicles",
    "LAeq": "noise",
    "relativeHumidity": "humidity",
    "airTemperature": "temperature",
    "PM2.5": "pm25",
    "pm2p5": "pm25",
}
"""Attributes whose observed property has a name of ours."""
COUNTED = {"people", "vehicles"}
TIMES = (
    "observedAt",
    "dateObservedTo",
    "dateObserved",
    "observationDateTime",
    "timestamp",
    "dateModified",
    "modifiedAt",
)
NOT_VALUES = {"id", "type", "@context", "location", "scope", "createdAt", *TIMES}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\s]+")


@dataclass(frozen=True, slots=True)
class _Options:
    """What a message does not tell: units by attribute, attributes to keep as text, types that move, and the zone."""

    units: Mapping[str, str] = field(default_factory=dict)
    keep: Collection[str] = ()
    moving: Collection[str] = ("Vehicle",)
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class _Attribute:
    """One attribute in any of its representations."""

    name: str
    value: object
    observed: object = None
    unit: str = ""


def read(
    body: bytes,
    source: str,
    *,
    units: Mapping[str, str] | None = None,
    keep: Collection[str] = (),
    moving: Collection[str] = ("Vehicle",),
    zone: str | None = None,
) -> Heard:
    """What a message says; raises BadInput when it is none. An entity that can't be understood is refused by itself."""
    hearing = Hearing(source)
    options = _Options(units or {}, keep, moving, zone)
    entities, told = _entities(decoded(body, object, WHAT))
    for place, entity in enumerate(entities):
        try:
            _entity(hearing, entity, told, options)
        except BadInput as wrong:
            hearing.refuse(f"entity {place}: {wrong}")
    return hearing.heard()


def _entities(said: object) -> tuple[Sequence[object], object]:
    """The entities of a message, and when a notification was sent."""
    if isinstance(said, dict) and isinstance(said.get("data"), list):
        return said["data"], said.get("notifiedAt")
    if isinstance(said, dict) and "id" in said:
        return [said], None
    if isinstance(said, list):
        return said, None
    raise BadInput(f"this is not an {WHAT}: it is no entity with an id, no list of them and no notification with data")


def _entity(hearing: Hearing, entity: object, told: object, options: _Options) -> None:
    if not (isinstance(entity, dict) and isinstance(entity.get("id"), str) and entity.get("type")):
        raise BadInput("it has no id, or no type")
    of = _last(entity["type"])
    attributes = [one for name, raw in entity.items() if name not in NOT_VALUES for one in _attributes(name, raw)]
    moves = of in options.moving
    place, geometry = hearing.located(f"{entity['id'][:80]!r}", partial(_located, entity.get("location")))
    properties = {"geometry": "" if moves else geometry} | {
        one.name: one.value for one in attributes if one.name in options.keep and isinstance(one.value, str)
    }
    name = hearing.thing(entity["id"], _kebab(of), None if moves else place, properties)
    if name is None:
        return
    if moves and place is not None:
        own = next(_attributes("location", entity["location"])).observed
        attributes.append(_Attribute("position", (place.lat, place.lon), own))
    _values(hearing, name, attributes, _when(entity, told, options.zone), options)


def _values(hearing: Hearing, name: str, attributes: Iterable[_Attribute], when: int | None, options: _Options) -> None:
    """Each number of an entity at its own time, or at that of the entity."""
    timeless = []
    for one in attributes:
        if not isinstance(one.value, (bool, int, float, tuple)):
            continue
        try:
            own = _time(one.observed, options.zone)
        except BadInput as wrong:
            hearing.refuse(f"{name}, {one.name[:80]!r}: {wrong}")
            continue
        if own is None and when is None:
            timeless.append(one.name)
        else:
            time = own if own is not None else when or 0
            hearing.say(name, one.name, _measure(one, options), time, *_columns(one.value))
    if timeless:
        says = f"{name}: neither these nor their entity tell when they were observed: {', '.join(timeless)[:200]}"
        hearing.refuse(says, count=len(timeless))


def _columns(value: float | tuple[float, float]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (number(value),)


def _measure(one: _Attribute, options: _Options) -> Measure:
    if isinstance(one.value, tuple):
        return POSITION
    attribute = one.name.partition("/")[0]
    observed = OURS.get(attribute) or _kebab(attribute)
    unit = options.units.get(attribute) or one.unit
    return Measure("counts" if observed in COUNTED else "readings", observed, unit)


def _attributes(name: str, raw: object) -> Iterator[_Attribute]:
    """An attribute, or each of several that share the name and have a datasetId."""
    if isinstance(raw, dict) and "value" in raw:
        code, dataset = raw.get("unitCode"), raw.get("datasetId")
        whole = f"{name}/{dataset}" if isinstance(dataset, str) else name
        yield _Attribute(whole, raw["value"], raw.get("observedAt"), unit_of(code) if isinstance(code, str) else "")
    elif isinstance(raw, dict) and "object" in raw:
        yield _Attribute(name, raw["object"], raw.get("observedAt"))
    elif isinstance(raw, list):
        for one in raw:
            if isinstance(one, dict) and "value" in one:
                yield from _attributes(name, one)
    else:
        yield _Attribute(name, raw)


def _located(raw: object) -> tuple[Place | None, str]:
    """The place of an entity, and its geometry when that is no point; a Property that only looks like one is none."""
    if not isinstance(raw, dict) or raw.get("type") == "Property":
        return None, ""
    geometry = raw.get("value", raw)
    place, text = shape(geometry)
    return place, "" if isinstance(geometry, dict) and geometry.get("type") == "Point" else text


def _when(entity: Mapping[str, object], told: object, zone: str | None) -> int | None:
    """When the entity was observed, as far as it tells as a whole."""
    for name in TIMES:
        for one in _attributes(name, entity.get(name)):
            if (found := _time(one.value, zone)) is not None:
                return found
    return _time(told, zone)


def _time(said: object, zone: str | None) -> int | None:
    """A time, or the end of an interval; None where none is told."""
    text = said.get("@value") if isinstance(said, dict) else said
    return at(text.rpartition("/")[2], zone) if isinstance(text, str) and text.strip() else None


def _last(of: object) -> str:
    """The type as a word: the first of several, without the address before it."""
    first = of[0] if isinstance(of, list) and of else of
    return re.split(r"[/#]", str(first))[-1]


def _kebab(name: str) -> str:
    return _WORD.sub("-", name).lower()


part = read
