"""A town that nobody has mapped: some of everything that a map draws, and what is not whole."""

from __future__ import annotations

from pathlib import Path

NODES = {1: (60.10, 24.10), 2: (60.10, 24.20), 3: (60.20, 24.20), 4: (60.20, 24.10), 5: (60.15, 24.15)}
WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("1 2 3", {"highway": "primary", "name": "Main", "name:sv": "Stora", "bridge": "yes", "oneway": "yes"}),
    ("1 5", {"highway": "motorway_link", "tunnel": "no"}),
    ("1 2 9 3 4", {"highway": "footway"}),
    ("1 2 3 4 1", {"building": "yes"}),
    ("1 2 9 1", {"building": "yes"}),
    ("1 2 3 4 1", {"natural": "water", "name": "Lake"}),
    ("1 2 3 4 1", {"leisure": "park", "name": "Park"}),
    ("1 2 3 4 1", {"place": "square"}),
    ("1 2 3 4 1", {"landuse": "commercial"}),
    ("1 2 3 4 1", {"highway": "pedestrian", "area": "yes"}),
    ("2 3", {"railway": "tram", "bridge": "yes"}),
    ("3 4", {"waterway": "river", "name": "Joki"}),
    ("4 5", {"natural": "coastline"}),
    ("4 5", {"power": "line"}),
)


def town(folder: Path) -> Path:
    """Its extract, in OpenStreetMap's XML."""
    nodes = [f'<node id="{id_}" version="1" lat="{lat}" lon="{lon}"/>' for id_, (lat, lon) in NODES.items()]
    places = {
        6: {"place": "town", "name": "Testby", "name:fr": "Essai"},
        7: {"amenity": "hospital", "name": "Clinic"},
        8: {"amenity": "hospital"},
    }
    nodes += [
        f'<node id="{id_}" version="1" lat="60.15" lon="24.1{id_}">{_tags(told)}</node>' for id_, told in places.items()
    ]
    ways = [
        f'<way id="{number}" version="1">{"".join(f"""<nd ref="{ref}"/>""" for ref in refs.split())}{_tags(told)}</way>'
        for number, (refs, told) in enumerate(WAYS, 1)
    ]
    file = folder / "town.osm"
    file.write_text(f'<osm version="0.6">{"".join(nodes)}{"".join(ways)}</osm>')
    return file


def _tags(told: dict[str, str]) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in told.items())
