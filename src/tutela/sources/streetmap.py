"""OpenStreetMap: the Things of a city that stand in its map, with their real places, and its streets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import osmium

from tutela.errors import BadInput, NotFound
from tutela.model.card import Card
from tutela.model.mapped import MapFeature
from tutela.model.place import Address, Place
from tutela.model.register import Thing
from tutela.model.street import Street

from . import _mapped

KINDS = {
    ("man_made", "surveillance"): "camera",
    ("highway", "street_lamp"): "street-lamp",
    ("highway", "traffic_signals"): "traffic-signal",
    ("barrier", "bollard"): "bollard",
    ("barrier", "lift_gate"): "lift-gate",
}


DRIVABLE = frozenset(
    f"{road}{link}"
    for road in ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
    for link in ("", "_link")
) | {"living_street", "road"}
"""Values of `highway` that vehicles may drive, without service roads: yards, drive-ways and the ways of car parks."""

AREAS = frozenset({"suburb", "quarter", "neighbourhood", "square"})
"""Values of `place` that people look for; blocks and the whole city are none."""

FORWARDS, BACKWARDS = frozenset({"yes", "true", "1"}), frozenset({"-1", "reverse"})
CLOSED = frozenset({"no", "private"})
ANEW = "fetch the extract again, as FILE.osm.pbf or FILE.osm"


class StreetMap:
    """An extract in PBF format; `things` lists what stands in it, each named after its OSM node, `streets` its streets."""

    name = "streetmap"
    card = Card(
        finds="Cameras, street lamps, signals, bollards, gates and streets that are in OpenStreetMap.",
        needs=frozenset(),
        key="thing",
        lateness=0,
        personal_data=False,
        cannot="Know what nobody has mapped, nor whether a thing still stands, nor where turning is forbidden.",
    )

    def __init__(self, path: Path) -> None:
        self.path = path

    def things(self, source: str) -> tuple[Thing, ...]:
        """Every Thing in the extract, in the order of its node's number."""
        self._must_be_there()
        found = []
        for node in osmium.FileProcessor(str(self.path), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter(*_KEYS)):
            kind = next((KINDS[pair] for pair in KINDS if node.tags.get(pair[0]) == pair[1]), None)
            if kind and isinstance(node, osmium.osm.Node):
                place = Place(lat=node.location.lat, lon=node.location.lon)
                name = f"{kind}/{node.id}"
                properties = {"osm": f"node/{node.id}"}
                found.append(Thing(id=0, name=name, kind=kind, source=source, place=place, properties=properties))
        return tuple(found)

    def streets(self) -> tuple[Street, ...]:
        """Every street in the extract that vehicles may drive, in the order of its way's number."""
        self._must_be_there()
        ways = osmium.FileProcessor(str(self.path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        drivable = osmium.filter.KeyFilter("highway")
        return tuple(
            street
            for way in ways.with_filter(drivable)
            if isinstance(way, osmium.osm.Way) and _may_drive(way.tags)
            for street in _pieces(way)
        )

    def features(self) -> Iterator[MapFeature]:
        """All of the extract that a map draws, in the order of the file; raises BadInput for what is no extract."""
        self._must_be_there()
        try:
            yield from _mapped.features(str(self.path))
        except RuntimeError as wrong:
            raise BadInput(f"{self.path} can't be read as OpenStreetMap data: {wrong}; {ANEW}") from wrong

    def box(self) -> tuple[float, float, float, float] | None:
        """What the extract says that it covers: west, south, east, north; None when it does not say. Raises BadInput."""
        self._must_be_there()
        try:
            return _mapped.box(str(self.path))
        except RuntimeError as wrong:
            raise BadInput(f"{self.path} can't be read as OpenStreetMap data: {wrong}; {ANEW}") from wrong

    def addresses(self) -> tuple[Address, ...]:
        """What people call the places of the extract: houses, streets (by their middle), squares and parts of the city, each name once, in the order of the file."""
        self._must_be_there()
        found: dict[str, Address] = {}
        ways = osmium.FileProcessor(str(self.path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        for one in ways.with_filter(osmium.filter.KeyFilter("addr:housenumber", "highway", "place")):
            place = _middle(one)
            if place is not None:
                for name in (names := _names(one.tags)):
                    found.setdefault(name, Address(name=name, place=place, own=name == names[0]))
        return tuple(found.values())

    def _must_be_there(self) -> None:
        if not self.path.is_file():
            raise NotFound(f"there is no map extract at {self.path}; reinstall the city's distribution")


def _middle(one: object) -> Place | None:
    """Where a node is, or the middle node of a way; None when the extract does not tell."""
    if isinstance(one, osmium.osm.Node):
        return Place(lat=one.location.lat, lon=one.location.lon)
    if not isinstance(one, osmium.osm.Way):
        return None
    known = [node.location for node in one.nodes if node.location.valid()]
    return Place(lat=known[len(known) // 2].lat, lon=known[len(known) // 2].lon) if known else None


def _names(tags: osmium.osm.TagList) -> list[str]:
    """What it is called, in each of its languages; nothing, when it is no address."""
    if "addr:street" in tags and "addr:housenumber" in tags:
        return [f"{tags['addr:street']} {tags['addr:housenumber']}"]
    if "highway" not in tags and tags.get("place") not in AREAS:
        return []
    return [tags[key] for key in ("name", "name:fi", "name:sv") if key in tags]


def _may_drive(tags: osmium.osm.TagList) -> bool:
    access = tags.get("motor_vehicle") or tags.get("vehicle") or tags.get("access") or "yes"
    return tags["highway"] in DRIVABLE and access not in CLOSED


def _pieces(way: osmium.osm.Way) -> Iterator[Street]:
    """The way, cut where a node lies outside of the extract, so that its place is not known."""
    implied = way.tags.get("junction") == "roundabout" or way.tags["highway"].startswith("motorway")
    oneway = way.tags.get("oneway") or ("yes" if implied else "no")
    for known, nodes in groupby(way.nodes, lambda node: node.location.valid()):
        here = [*nodes] if known else []
        if len(here) > 1:
            yield Street(
                nodes=tuple(node.ref for node in here),
                places=tuple(Place(lat=node.lat, lon=node.lon) for node in here),
                forwards=oneway not in BACKWARDS,
                backwards=oneway not in FORWARDS,
            )


_KEYS = sorted({key for key, _ in KINDS})

part = StreetMap
