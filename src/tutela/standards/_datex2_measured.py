"""DATEX II: sites where traffic is measured, and what they measure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from xml.etree.ElementTree import Element

from tutela.errors import BadInput
from tutela.model.place import Place

from ._datex2_places import where
from ._hearing import FLOW, OCCUPANCY, SPEED, Hearing, Measure, at
from ._xml import text

SITE = "traffic-station"
MEASURES = (
    ("averageVehicleSpeed", "speed", SPEED),
    ("vehicleFlow", "vehicleFlowRate", FLOW),
    ("occupancy", "percentage", OCCUPANCY),
    ("concentration", "concentrationOfVehicles", Measure("readings", "concentration", "1/km")),
    ("travelTime", "duration", Measure("readings", "travel-time", "s")),
)
"""Element of the basic data, element of its number, and what it is. DATEX II fixes the units."""
TELLS = ("specificMeasurementValueType", "specificLane", "vehicleType", "period")
INDICES = 100
"""Measurements of one site whose meaning is kept."""


def site(hearing: Hearing, found: Element, *, lon_first: bool) -> None:
    """One record of a table of measurement sites."""
    id_ = found.get("id", "")
    there = partial(where, [found.find("measurementSiteLocation")], lon_first=lon_first)
    place, geometry = hearing.located(f"site {id_[:80]!r}", there)
    properties = {"name": text(found, "measurementSiteName//value"), "geometry": geometry}
    for one in found.findall("measurementSpecificCharacteristics")[:INDICES]:
        told = [(word.text or "").strip() for tag in TELLS for word in one.iter(tag)]
        properties[one.get("index", "")] = ", ".join(word for word in told if word)
    hearing.thing(id_, SITE, place, properties)


def measured(hearing: Hearing, found: Element, zone: str | None, places: Mapping[str, Place]) -> None:
    """The measurements of one site."""
    reference = found.find("measurementSiteReference")
    id_ = "" if reference is None else reference.get("id") or (reference.text or "").strip()
    name = hearing.thing(id_, SITE, places.get(f"{hearing.source}/{id_}"))
    if name is None:
        return
    told = text(found, "measurementTimeDefault/timeValue", "measurementTimeDefault")
    for outer in (one for tag in ("measuredValue", "physicalQuantity") for one in found.findall(tag)):
        index = outer.get("index")
        for basic in outer.iter("basicData"):
            own = text(basic, "measurementOrCalculationTime/timeValue", "measurementOrCalculationTime")
            try:
                _values(hearing, basic, (name, index), at(own or told, zone))
            except BadInput as wrong:
                hearing.refuse(f"{name}, measurement {index}: {wrong}")


def _values(hearing: Hearing, basic: Element, which: tuple[str, str | None], when: int) -> None:
    """The numbers of one piece of basic data; raises BadInput for one that the site itself calls wrong."""
    name, index = which
    for outer, inner, measure in MEASURES:
        if (found := basic.find(outer)) is None:
            continue
        said = text(found, inner)
        if text(found, "dataError").lower() in {"true", "1"}:
            raise BadInput("the site says that its value is wrong")
        try:
            number = float(said)
        except ValueError as wrong:
            raise BadInput(f"{said[:40]!r} is no number") from wrong
        if number < 0:
            raise BadInput(f"{number:g} says that there is no value")
        field = measure.observed_property if index is None else f"{index}/{measure.observed_property}"
        hearing.say(name, field, measure, when, number)
