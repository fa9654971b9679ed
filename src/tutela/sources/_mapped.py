"""What of OpenStreetMap is drawn, in the layers, kinds and zooms of the Protomaps basemap, version 4 (docs.protomaps.com/basemaps/layers).

A name is kept as it stands there and in the languages that are spoken here; of a person there is nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import osmium

from tutela.model.mapped import MapFeature, Tag, Tags

NAMES = ("name", "name:en", "name:fi", "name:fr", "name:sv")
COAST = "coastline"
"""The layer of coastlines: it is not drawn, land and sea are made from it."""

_ROADS = {
    "highway": (("motorway",), 5),
    "major_road": (("trunk", "primary"), 8),
    "medium_road": (("secondary", "tertiary"), 10),
    "minor_road": (("residential", "living_street", "unclassified", "road", "service"), 12),
    "path": (("pedestrian", "footway", "cycleway", "path", "steps", "bridleway", "track"), 13),
}
ROADS = {value: (kind, zoom) for kind, (values, zoom) in _ROADS.items() for value in values}
RENAMED = {"medium_road": "major_road"}
"""Of these the schema has no kind of its own: they come in later, under the other's name."""
RAILS = frozenset({"rail", "tram", "subway", "light_rail", "narrow_gauge", "funicular"})
WATERWAYS = {"river": 9, "canal": 11, "stream": 13}
LANDUSE = {
    "leisure": ("park", "garden", "playground", "pitch", "stadium", "golf_course", "nature_reserve"),
    "landuse": ("cemetery", "forest", "grass", "industrial", "railway", "residential", "allotments", "meadow"),
    "amenity": ("hospital", "school", "university", "college"),
    "natural": ("wood", "scrub", "beach", "wetland", "sand", "heath", "grassland"),
    "aeroway": ("aerodrome", "runway"),
    "man_made": ("pier",),
    "highway": ("pedestrian",),
    "place": ("square",),
}
SQUARES = {"square": "pedestrian", "village_green": "grass"}
POIS = {
    "amenity": (
        *("hospital", "clinic", "pharmacy", "police", "fire_station", "townhall", "courthouse", "embassy", "school"),
        *("university", "college", "library", "theatre", "ferry_terminal", "bus_station", "marketplace"),
        "place_of_worship",
    ),
    "railway": ("station", "halt", "subway_entrance"),
    "public_transport": ("station",),
    "tourism": ("museum", "attraction", "hotel"),
    "leisure": ("stadium", "sports_centre", "park"),
    "aeroway": ("aerodrome",),
}
EARLY = frozenset({"hospital", "station", "police", "fire_station", "ferry_terminal", "aerodrome", "park"})
PLACES = {
    "city": ("locality", 4, 12),
    "town": ("locality", 8, 9),
    "village": ("locality", 10, 6),
    "suburb": ("macrohood", 11, 5),
    "quarter": ("neighbourhood", 12, 4),
    "neighbourhood": ("neighbourhood", 13, 3),
    "island": ("island", 11, 3),
}

_shapes = osmium.geom.WKBFactory()
_KEYS = (*LANDUSE, *POIS, "building", "railway", "waterway", "water", "highway", "place")


def features(path: str) -> Iterator[MapFeature]:
    """All that is drawn, in the order of the file. What is not whole, as at the edge of an extract, is drawn as far as it goes or left out."""
    found = osmium.FileProcessor(path).with_locations().with_areas(osmium.filter.KeyFilter(*_KEYS))
    for one in found.with_filter(osmium.filter.KeyFilter(*_KEYS)):
        if isinstance(one, osmium.osm.Node):
            yield from _node(one)
        elif isinstance(one, osmium.osm.Way):
            yield from _way(one)
        elif isinstance(one, osmium.osm.Area):
            yield from _area(one)


def box(path: str) -> tuple[float, float, float, float] | None:
    """What the file says that it covers: west, south, east, north; None when it does not say."""
    with osmium.io.Reader(path, osmium.osm.osm_entity_bits.NOTHING) as reader:
        told = reader.header().box()
    if not told.valid():
        return None
    low, high = told.bottom_left, told.top_right
    return low.lon, low.lat, high.lon, high.lat


def _node(node: osmium.osm.Node) -> Iterator[MapFeature]:
    if not node.location.valid():
        return
    place = PLACES.get(node.tags.get("place") or "")
    if place and "name" in node.tags:
        kind, zoom, rank = place
        told: dict[str, Tag] = {
            "kind": kind,
            "kind_detail": node.tags["place"],
            "population_rank": rank,
            "min_zoom": zoom,
        }
        yield _made("places", zoom, _shapes.create_point(node), told | _names(node.tags))
    yield from _poi(node.tags, _shapes.create_point(node))


def _poi(tags: osmium.osm.TagList, shape: str) -> Iterator[MapFeature]:
    """A point of interest, or the area that is one: where its sign stands, the map says."""
    kind = _kind(tags, POIS)
    if kind and "name" in tags:
        zoom = 13 if kind in EARLY else 15
        told: dict[str, Tag] = {"kind": kind, "min_zoom": zoom}
        yield _made("pois", zoom, shape, told | _names(tags))


def _way(way: osmium.osm.Way) -> Iterator[MapFeature]:
    tags, flat = way.tags, way.tags.get("area") == "yes"
    road = ROADS.get((tags.get("highway") or "").removesuffix("_link"))
    if tags.get("natural") == "coastline":
        yield from _lines(way, COAST, 0, {})
    elif road and not flat:
        kind, zoom = road
        told: dict[str, Tag] = {"kind": RENAMED.get(kind, kind), "kind_detail": tags["highway"], "min_zoom": zoom}
        yield from _lines(way, "roads", zoom, told | _how(tags) | _names(tags))
    elif tags.get("railway") in RAILS:
        told = {"kind": "rail", "kind_detail": tags["railway"], "min_zoom": 11}
        yield from _lines(way, "roads", 11, told | _how(tags))
    elif tags.get("waterway") in WATERWAYS and not way.is_closed():
        kind = tags["waterway"]
        yield from _lines(way, "water", WATERWAYS[kind], {"kind": kind} | _names(tags))


def _how(tags: osmium.osm.TagList) -> dict[str, Tag]:
    """Where it runs: over, under, aside, or one way only."""
    told: dict[str, Tag] = {}
    for key in ("bridge", "tunnel"):
        if tags.get(key, "no") != "no":
            told[f"is_{key}"] = True
    if (tags.get("highway") or "").endswith("_link"):
        told["is_link"] = True
    if tags.get("oneway") == "yes" and "railway" not in tags:
        told["oneway"] = "yes"
    return told


def _lines(way: osmium.osm.Way, layer: str, zoom: int, told: Mapping[str, Tag]) -> Iterator[MapFeature]:
    """The way, in the pieces of which all places are known."""
    piece: list[tuple[float, float]] = []
    for node in [*way.nodes, None]:
        if node is not None and node.location.valid():
            piece.append((node.lon, node.lat))
            continue
        if len(piece) > 1:
            yield MapFeature(layer=layer, zoom=zoom, shape=_wkb(piece), tags=_sorted(told))
        piece = []


def _area(area: osmium.osm.Area) -> Iterator[MapFeature]:
    tags = area.tags
    drawn = _drawn(tags)
    if drawn is None and not _kind(tags, POIS):
        return
    try:
        shape = _shapes.create_multipolygon(area)
    except RuntimeError:  # what osmium says of an outline that is not whole, as at the edge of an extract
        return
    if drawn:
        layer, zoom, told = drawn
        yield _made(layer, zoom, shape, told)
    yield from _poi(tags, shape)


def _drawn(tags: osmium.osm.TagList) -> tuple[str, int, dict[str, Tag]] | None:
    if "building" in tags and tags["building"] != "no":
        return "buildings", 13, {"kind": "building"}
    if tags.get("natural") in {"water", "bay"} or tags.get("waterway") in {"riverbank", "dock"}:
        return "water", 8, {"kind": "water"} | _names(tags)
    kind = _kind(tags, LANDUSE)
    return ("landuse", 9, {"kind": SQUARES.get(kind, kind)}) if kind else None


def _kind(tags: osmium.osm.TagList, table: Mapping[str, tuple[str, ...]]) -> str:
    return next((tags[key] for key, values in table.items() if tags.get(key) in values), "")


def _names(tags: osmium.osm.TagList) -> dict[str, Tag]:
    return {key: tags[key] for key in NAMES if key in tags}


def _made(layer: str, zoom: int, shape: str, told: Mapping[str, Tag]) -> MapFeature:
    return MapFeature(layer=layer, zoom=zoom, shape=bytes.fromhex(shape), tags=_sorted(told))


def _sorted(told: Mapping[str, Tag]) -> Tags:
    return tuple(sorted(told.items()))


def _wkb(places: list[tuple[float, float]]) -> bytes:
    """A line in well-known binary (OGC 06-103r4 §8.2.3)."""
    return struct.pack(f"<BII{2 * len(places)}d", 1, 2, len(places), *(side for place in places for side in place))
