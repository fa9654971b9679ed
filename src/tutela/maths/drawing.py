"""A picture of the map for pages that run no script: SVG, from the tiles, with marks, rings, names and the credit in it.

Colours are classes (`static/map.css`), so that the picture is dark on dark pages, and needs nothing that a strict content policy forbids.
It is one image for whoever can't see it: its title, and a description that names every mark and ring.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import atan2, ceil, degrees, hypot, log2

from tutela.model.area import Area, Circle
from tutela.model.mapped import MapMark, MapRing, Spot, TilePiece
from tutela.model.place import Place

from .mercator import EXTENT, FINEST, at, metre

Pieces = Mapping[str, Sequence[TilePiece]]
Tile = Callable[[int, int, int], Pieces]
"""What the tile at zoom, x and y shows; nothing where there is none."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]

TILE = 512
FINE = 2
"""Units of the drawing for each pixel."""
NEAR = 15
"""From this zoom on, streets are drawn as wide as they are near by."""
LARGEST = 35_000
"""Bytes that a picture may have, gzipped: what is finest is left out until it fits."""
LETTER, TALL = 6.4, 12
"""Pixels of a letter of a name: how wide on average, and how tall."""
CREDIT = "© OpenStreetMap contributors"

GREEN = frozenset({"park", "garden", "forest", "wood", "grass", "cemetery", "playground", "pitch", "scrub", "meadow"})
DETAIL: Sequence[frozenset[str]] = (
    frozenset(),
    frozenset({"path"}),
    frozenset({"path", "building"}),
    frozenset({"path", "building", "minor"}),
    frozenset({"path", "building", "minor", "green", "rail", "names"}),
)
"""What is left out, step by step, when a picture is too large."""

SHAPES = {
    1: "M0-15 15 0 0 15-15 0Z",
    2: "M0-15 15 12H-15Z",
    3: "M-12-12H12V12H-12Z",
    4: "M-13 0A13 13 0 1 0 13 0 13 13 0 1 0-13 0Z",
}
"""Diamond, triangle, square and circle, as everywhere: for priorities 1 to 4."""


@dataclass(frozen=True, slots=True)
class View:
    """What is seen: the middle of the world's square, its scale in pixels, and how large the picture is."""

    x: float
    y: float
    scale: float
    width: int
    height: int

    @property
    def zoom(self) -> int:
        """The zoom of the tiles that are drawn from."""
        return max(0, min(FINEST, ceil(log2(self.scale / TILE))))

    def spot(self, place: Place) -> Point:
        """Where a place is in the drawing."""
        return self.of(*at(place))

    def of(self, x: float, y: float) -> Point:
        """Where a place of the world's square is in the drawing."""
        half = self.width / 2, self.height / 2
        return ((x - self.x) * self.scale + half[0]) * FINE, ((y - self.y) * self.scale + half[1]) * FINE


def view(area: Area, width: int, height: int) -> View:
    """All of the area, with a little around it."""
    if isinstance(area, Circle):
        (x, y), far = at(area.centre), area.radius * metre(area.centre)
        left, top, right, bottom = x - far, y - far, x + far, y + far
    else:
        across, down = zip(*(at(corner) for corner in area.outer), strict=True)
        left, top, right, bottom = min(across), min(down), max(across), max(down)
    scale = 0.92 * min(width / max(right - left, 1e-7), height / max(bottom - top, 1e-7))
    return View((left + right) / 2, (top + bottom) / 2, scale, width, height)


def svg(
    tile: Tile,
    area: Area,
    marks: Sequence[MapMark] = (),
    rings: Sequence[MapRing] = (),
    *,
    title: str = "Map",
    name: str = "map",
    size: tuple[int, int] = (720, 400),
) -> str:
    """The picture: an `<svg>` to stand in a page. `name` begins its ids, so that a page can have two; `title` is what it is called.

    Every text in it is escaped here, so templates put it in as it is: `{{ picture | safe }}`. Where the map has nothing, nothing is drawn but
    the marks and rings.
    """
    seen = view(area, *size)
    drawn = _Drawn(seen, tile, [seen.spot(mark.place) for mark in marks])
    over = "".join([*(_ring(seen, ring) for ring in rings), *(_mark(seen, mark) for mark in marks)])
    for less in DETAIL:
        made = _whole(seen, drawn.ground(less) + over, _told(title, marks, rings, name), name)
        if len(gzip.compress(made.encode(), 6)) <= LARGEST:
            break
    return made


def _whole(seen: View, inner: str, told: str, name: str) -> str:
    wide, high = seen.width * FINE, seen.height * FINE
    frame = f'<rect class="map-none" width="{wide}" height="{high}"/>'
    credit = f'<text class="map-credit" x="{wide - 12}" y="{high - 14}" text-anchor="end">{CREDIT}</text>'
    class_ = "map" if seen.zoom >= NEAR else "map map-far"
    return (
        f'<svg class="{class_}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{seen.width}" '
        f'height="{seen.height}" role="img" aria-labelledby="{escape(name)}-title {escape(name)}-told">'
        f"{told}{frame}{inner}{credit}</svg>"
    )


def _told(title: str, marks: Sequence[MapMark], rings: Sequence[MapRing], name: str) -> str:
    words = [f"Priority {mark.priority}: {mark.label}" for mark in marks]
    words += [f"Within {ring.metres:.0f} metres: {ring.label}" for ring in rings]
    says = ". ".join(words) or "Nothing is marked on it"
    return (
        f'<title id="{escape(name)}-title">{escape(title)}</title>'
        f'<desc id="{escape(name)}-told">{escape(says)}. {CREDIT}.</desc>'
    )


def _ring(seen: View, ring: MapRing) -> str:
    x, y = seen.spot(ring.place)
    far = ring.metres * metre(ring.place) * seen.scale * FINE
    return f'<circle class="map-ring" cx="{x:.0f}" cy="{y:.0f}" r="{far:.0f}"/>'


def _mark(seen: View, mark: MapMark) -> str:
    x, y = seen.spot(mark.place)
    low = 9 if mark.priority == 2 else 6
    return (
        f'<g class="map-mark map-p{mark.priority}" transform="translate({x:.0f} {y:.0f}) scale({FINE})">'
        f'<path d="{SHAPES[mark.priority]}"/><text y="{low}" text-anchor="middle">{mark.priority}</text></g>'
    )


class _Drawn:
    """What the ground of one view is drawn of: the paths of each class, and the names."""

    def __init__(self, seen: View, tile: Tile, marked: Sequence[Point]) -> None:
        self.seen, self.marked = seen, marked
        self.paths: dict[str, list[str]] = {}
        self.lines: list[tuple[int, str, list[Point]]] = []
        self.places: list[tuple[int, str, Point]] = []
        zoom = seen.zoom
        half = seen.width / 2 / seen.scale, seen.height / 2 / seen.scale
        sides = seen.x - half[0], seen.y - half[1], seen.x + half[0], seen.y + half[1]
        left, top, right, bottom = (min(2**zoom - 1, max(0, int(side * 2**zoom))) for side in sides)
        for x in range(left, right + 1):
            for y in range(top, bottom + 1):
                for layer, pieces in tile(zoom, x, y).items():
                    for piece in pieces:
                        self._add(layer, piece, (zoom, x, y))

    def ground(self, less: frozenset[str]) -> str:
        """The drawing, without what is to be left out."""
        shown = [(one, f"map-{one}") for one in CLASSES if one not in less and self.paths.get(one)]
        drawn = [f'<path class="{class_}" d="{"".join(self.paths[one])}"/>' for one, class_ in shown]
        return "".join(drawn) + ("" if "names" in less else "".join(self._names()))

    def _add(self, layer: str, piece: TilePiece, tile: tuple[int, int, int]) -> None:
        class_, told = _class(layer, piece), dict(piece.tags)
        name = str(told.get("name", ""))
        for path in piece.paths:
            points = [self._point(spot, tile) for spot in path]
            if class_ and self._seen(points):
                self.paths.setdefault(class_, []).append(_d(points, closed=piece.kind == "polygon"))
            if layer == "roads" and name and piece.kind == "line":
                self.lines.append((RANK.get(str(told["kind"]), 9), name, points))
            elif layer == "places" and name and piece.kind == "point":
                self.places.append((-int(told.get("population_rank", 0)), name, points[0]))

    def _point(self, spot: Spot, tile: tuple[int, int, int]) -> Point:
        zoom, x, y = tile
        return self.seen.of((x + spot[0] / EXTENT) / 2**zoom, (y + spot[1] / EXTENT) / 2**zoom)

    def _seen(self, points: Sequence[Point]) -> bool:
        across, down = [x for x, _ in points], [y for _, y in points]
        wide, high = self.seen.width * FINE, self.seen.height * FINE
        return max(across) > 0 and min(across) < wide and max(down) > 0 and min(down) < high

    def _names(self) -> Iterator[str]:
        """Names of quarters, then of streets, the great ones first: each once, where it fits and nothing else is written."""
        far = 15 * FINE
        taken = [(x - far, y - far, x + far, y + far) for x, y in self.marked]
        frame = (0.0, 0.0, float(self.seen.width * FINE), self.seen.height * FINE - 30.0)
        for _, name, (x, y) in sorted(self.places):
            if _free(_room(name, x, y, 0, 1.2), taken, frame):
                yield f'<text class="map-place" x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{escape(name)}</text>'
        done: set[str] = set()
        for _, name, points in sorted(self.lines, key=lambda line: (line[0], line[1], line[2])):
            (x, y), length, turn = _longest(points, frame)
            if name in done or length < len(name) * LETTER * FINE:
                continue
            if _free(_room(name, x, y, turn, 1), taken, frame):
                done.add(name)
                yield (
                    f'<text class="map-street" transform="translate({x:.0f} {y:.0f}) rotate({turn:.0f})" y="7" '
                    f'text-anchor="middle">{escape(name)}</text>'
                )


RANK = {"highway": 0, "major_road": 1, "minor_road": 2, "path": 3}
CLASSES = ("land", "green", "sea", "building", "path", "minor", "rail", "major", "great")
"""In the order in which they are drawn."""

_ROADS = {"highway": "great", "major_road": "major", "minor_road": "minor", "path": "path", "rail": "rail"}


def _class(layer: str, piece: TilePiece) -> str:
    """What it is drawn as; empty for what is not drawn."""
    kind = str(dict(piece.tags).get("kind", ""))
    if layer == "roads":
        return _ROADS.get(kind, "") if piece.kind == "line" else ""
    if layer == "landuse":
        return "green" if kind in GREEN else ""
    drawn = {"earth": "land", "water": "sea", "buildings": "building"}
    return drawn.get(layer, "") if piece.kind == "polygon" else ""


def _d(points: Sequence[Point], *, closed: bool) -> str:
    """The path in whole units, each step from the one before: that is short."""
    spots = [(round(x), round(y)) for x, y in points]
    made, (x, y) = [f"M{spots[0][0]} {spots[0][1]}l"], spots[0]
    steps = []
    for across, down in spots[1:]:
        if (across, down) != (x, y):
            steps.append(f"{across - x} {down - y}")
            x, y = across, down
    if not steps:
        return ""
    return "".join(made) + " ".join(steps).replace(" -", "-") + ("z" if closed else "")


def _longest(points: Sequence[Point], frame: Box) -> tuple[Point, float, float]:
    """The longest run of a line in the frame that hardly turns: its middle, its length, and how it is turned, so that a name is upright."""
    best = ((0.0, 0.0), 0.0, 0.0)
    begin = 0
    for end in range(1, len(points)):
        if end - begin > 1 and not _straight(points[begin : end + 1]):
            begin = end - 1
        (left, top), (right, bottom) = _inside(points[begin], points[end], frame)
        length = hypot(right - left, bottom - top)
        if length > best[1]:
            turn = degrees(atan2(bottom - top, right - left))
            best = ((left + right) / 2, (top + bottom) / 2), length, (turn + 90) % 180 - 90
    return best


def _inside(begin: Point, end: Point, frame: Box) -> tuple[Point, Point]:
    """What of a line is in the frame (Liang and Barsky 1984); a line without length where nothing is."""
    (x, y), (across, down) = begin, (end[0] - begin[0], end[1] - begin[1])
    first, last = 0.0, 1.0
    sides = ((-across, x - frame[0]), (across, frame[2] - x), (-down, y - frame[1]), (down, frame[3] - y))
    for step, room in sides:
        if step == 0:
            last = last if room >= 0 else first
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    last = max(first, last)
    return (x + first * across, y + first * down), (x + last * across, y + last * down)


def _straight(points: Sequence[Point]) -> bool:
    """No corner is further than two pixels from the line between the ends."""
    (left, top), (right, bottom) = points[0], points[-1]
    length = hypot(right - left, bottom - top) or 1.0
    return all(
        abs((right - left) * (top - y) - (left - x) * (bottom - top)) / length <= 2 * FINE for x, y in points[1:-1]
    )


def _room(name: str, x: float, y: float, turn: float, size: float) -> Box:
    """The room that a name takes, upright or turned: the box around it."""
    wide, tall = len(name) * LETTER * FINE * size / 2, TALL * FINE * size / 2
    flat = abs(turn) % 180 / 90
    flat = min(flat, 2 - flat)
    across, down = wide * (1 - flat) + tall, wide * flat + tall
    return x - across, y - down, x + across, y + down


def _free(room: Box, taken: list[Box], frame: Box) -> bool:
    """Whether nothing is written there yet, and all of it is in the picture; then it is taken."""
    left, top, right, bottom = room
    if left < frame[0] or top < frame[1] or right > frame[2] or bottom > frame[3]:
        return False
    if any(left < other[2] and right > other[0] and top < other[3] and bottom > other[1] for other in taken):
        return False
    taken.append(room)
    return True
