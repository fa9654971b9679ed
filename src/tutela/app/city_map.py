"""The map of this instance, found again: its tiles for the console, and pictures for pages that run no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from tutela.app.settings import Settings
from tutela.errors import NotFound
from tutela.maths.drawing import Tile, svg
from tutela.model.area import Area
from tutela.model.mapped import MapMark, MapRing, TilePiece
from tutela.model.noun import Noun
from tutela.standards import vector_tile
from tutela.standards.pmtiles import Archive

CREDIT = "© OpenStreetMap contributors (ODbL 1.0)"


class Built(Noun, frozen=True, kw_only=True):
    """A map that was built: where, how large, of how many features in how many tiles."""

    file: str
    bytes: int
    features: int
    tiles: int


class CityMap:
    """The map of this instance: its own, `map/city.pmtiles` beside its data, else that of the demonstration city it is.

    A map that is built while this runs is taken when it is there. An instance that has none is an answer too: pages say so, and go on.
    """

    def __init__(self, settings: Settings, city: str) -> None:
        self._own, self._city = own(settings), city

    def file(self) -> Path:
        """Where the map is; raises NotFound."""
        if self._own.is_file():
            return self._own
        shipped = _shipped()
        if shipped and shipped[0] == self._city:
            return shipped[1]
        raise NotFound(f"{self._city} has no map yet; build it from an extract: `tutela map build FILE.osm.pbf`")

    def svg(
        self,
        area: Area,
        marks: Sequence[MapMark] = (),
        rings: Sequence[MapRing] = (),
        *,
        title: str = "Map",
        name: str = "map",
        size: tuple[int, int] = (720, 400),
    ) -> str:
        """A picture of the map for pages without a script, as an `<svg>` (see `maths/drawing.svg`); raises NotFound.

        `area`: a Circle or Polygon that is seen whole. `marks`: MapMark(place, label, priority); `rings`: MapRing(place, metres, label).
        `title`, `name` and `size` as there. At most 35 kB, gzipped; the page links `/static/map.css`, and puts it in with `| safe`.
        """
        return svg(_tile_of(self.file()), area, marks, rings, title=title, name=name, size=size)


def own(settings: Settings) -> Path:
    """Where the instance's own map is, or would be."""
    return settings.data / "map" / "city.pmtiles"


def _shipped() -> tuple[str, Path] | None:
    """The demonstration city's name and map, where it is installed."""
    try:
        import tutela_helsinki  # noqa: PLC0415  the city is a distribution of its own, and may be absent
    except ModuleNotFoundError:
        return None
    return tutela_helsinki.NAME, Path(str(tutela_helsinki.MAP))


def _tile_of(file: Path) -> Tile:
    stands = file.stat()
    return partial(_tile, file, stands.st_mtime_ns, stands.st_size)


@lru_cache(maxsize=512)
def _tile(file: Path, changed: int, size: int, zoom: int, x: int, y: int) -> Mapping[str, tuple[TilePiece, ...]]:
    """What a tile shows, as long as the file stands as it does."""
    data = _archive(file, changed, size).tile(zoom, x, y)
    return vector_tile.read(data) if data else {}


@lru_cache(maxsize=4)
def _archive(file: Path, changed: int, size: int) -> Archive:
    del changed, size

    def get(offset: int, length: int) -> bytes:
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(length)

    return Archive(get)
