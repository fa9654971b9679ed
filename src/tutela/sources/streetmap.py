"""OpenStreetMap: the Things of a city that stand in its map, with their real places."""

from __future__ import annotations

from pathlib import Path

import osmium

from tutela.errors import NotFound
from tutela.model.card import Card
from tutela.model.place import Place
from tutela.model.register import Thing

KINDS = {
    ("man_made", "surveillance"): "camera",
    ("highway", "street_lamp"): "street-lamp",
    ("highway", "traffic_signals"): "traffic-signal",
    ("barrier", "bollard"): "bollard",
    ("barrier", "lift_gate"): "lift-gate",
}


class StreetMap:
    """An extract in PBF format; `things` lists what stands in it, each named after its OSM node."""

    name = "streetmap"
    card = Card(
        finds="Cameras, street lamps, signals, bollards and gates that are in OpenStreetMap.",
        needs=frozenset(),
        key="thing",
        lateness=0,
        personal_data=False,
        cannot="Know what nobody has mapped, nor whether a thing still stands.",
    )

    def __init__(self, path: Path) -> None:
        self.path = path

    def things(self, source: str) -> tuple[Thing, ...]:
        """Every Thing in the extract, in the order of its node's number."""
        if not self.path.is_file():
            raise NotFound(f"there is no map extract at {self.path}; reinstall the city's distribution")
        found = []
        for node in osmium.FileProcessor(str(self.path), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter(*_KEYS)):
            kind = next((KINDS[pair] for pair in KINDS if node.tags.get(pair[0]) == pair[1]), None)
            if kind and isinstance(node, osmium.osm.Node):
                place = Place(lat=node.location.lat, lon=node.location.lon)
                name = f"{kind}/{node.id}"
                properties = {"osm": f"node/{node.id}"}
                found.append(Thing(id=0, name=name, kind=kind, source=source, place=place, properties=properties))
        return tuple(found)


_KEYS = sorted({key for key, _ in KINDS})

part = StreetMap
