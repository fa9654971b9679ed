"""The city's map, built: an extract of OpenStreetMap becomes one file of tiles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import shapely

from tutela.app.city_map import CREDIT, Built
from tutela.errors import BadInput
from tutela.maths.cutting import Sheet, covered, cut, on_world, sheet
from tutela.maths.land import land
from tutela.maths.mercator import FINEST
from tutela.model.mapped import MapFeature
from tutela.sources.streetmap import StreetMap
from tutela.standards import vector_tile
from tutela.standards.pmtiles import About, Writer, tile_id

ORDER = ("earth", "landuse", "water", "buildings", "roads", "pois", "places")
SIGNS = frozenset({"pois", "places"})
"""Layers of which a point is shown."""
COAST = "coastline"
SEA, LAND = (("kind", "ocean"),), (("kind", "earth"),)
Said = Callable[[str], None]
Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Ground:
    """What is on the map, layer by layer, and which part of the world it is, in degrees."""

    layers: dict[str, list[MapFeature]] = field(default_factory=dict)
    box: Box = (0, 0, 0, 0)


def build(extract: Path, into: Path, said: Said) -> Built:
    """Build the map of an extract. The same extract gives the same bytes; a map that stands there is replaced when the new one is whole."""
    ground = _read(StreetMap(extract), said)
    found = sum(len(features) for features in ground.layers.values())
    there = [name for name in ORDER if ground.layers.get(name)]
    sheets = {name: sheet(ground.layers[name], points=name in SIGNS) for name in there}
    into.parent.mkdir(parents=True, exist_ok=True)
    half, body = into.with_name(f".{into.name}.new"), into.with_name(f".{into.name}.tiles")
    writer, tiles = Writer(), 0
    try:
        with body.open("wb") as file:
            for number, data in _tiles(sheets, ground.box, said):
                file.write(writer.put(number, data))
                tiles += 1
        _join(writer.head(_about(ground, sheets)), body, half)
        half.replace(into)
    finally:
        for left in (half, body):
            left.unlink(missing_ok=True)
    return Built(file=str(into), bytes=into.stat().st_size, features=found, tiles=tiles)


def _read(there: StreetMap, said: Said) -> Ground:
    ground, count = Ground(), 0
    for count, one in enumerate(there.features(), 1):
        ground.layers.setdefault(one.layer, []).append(one)
        if count % 1000 == 0:
            said(f"reading {there.path.name}: {count:,} features")
    if not ground.layers.get("roads"):
        raise BadInput(f"{there.path} has not one street, so there is nothing to draw; give a whole extract of a city")
    shapes = shapely.from_wkb([one.shape for one in ground.layers["roads"]])
    west, south, east, north = there.box() or shapely.total_bounds(shapes).tolist()
    ground.box = (west, south, east, north)
    said("land and sea")
    _with_land(ground)
    return ground


def _with_land(ground: Ground) -> None:
    """Land and sea, from where the coast runs inside of the box."""
    coasts = [shapely.from_wkb(one.shape) for one in ground.layers.pop(COAST, [])]
    dry = land(coasts, ground.box)
    wet = shapely.difference(shapely.box(*ground.box), dry)
    for layer, shape, tags in (("earth", dry, LAND), ("water", wet, SEA)):
        parts = [part for part in shapely.get_parts(shape) if part.area > 0]
        made = [MapFeature(layer=layer, zoom=0, shape=shapely.to_wkb(part), tags=tags) for part in parts]
        ground.layers[layer] = [*made, *ground.layers.get(layer, [])]


def _tiles(sheets: dict[str, Sheet], box: Box, said: Said) -> Iterator[tuple[int, bytes]]:
    """Every tile that shows something, by its number, in the order of the file."""
    world = tuple(shapely.total_bounds(on_world(shapely.box(*box))).tolist())
    for zoom in range(FINEST + 1):
        places = sorted((tile_id(zoom, x, y), x, y) for x, y in covered(world, zoom))
        for done, (number, x, y) in enumerate(places):
            if done % 50 == 0:
                said(f"drawing zoom {zoom} of {FINEST}: tile {done:,} of {len(places):,}")
            layers = {name: cut(found, zoom, x, y) for name, found in sheets.items()}
            if data := vector_tile.write(layers):
                yield number, data


def _about(ground: Ground, sheets: dict[str, Sheet]) -> About:
    says = {
        "name": "tutela",
        "description": "Built by `tutela map build` in the Protomaps basemap schema",
        "type": "baselayer",
        "attribution": CREDIT,
        "version": "4.0.0",
        "vector_layers": [{"id": name, "fields": {}, "minzoom": 0, "maxzoom": FINEST} for name in sheets],
    }
    return About(box=ground.box, zooms=(0, FINEST), says=says)


def _join(head: bytes, body: Path, into: Path) -> None:
    """Both in one file, on the disk before it takes its name."""
    with into.open("wb") as file, body.open("rb") as tiles:
        file.write(head)
        shutil.copyfileobj(tiles, file)
        file.flush()
        os.fsync(file.fileno())
