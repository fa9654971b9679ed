"""A picture of the map: what is marked is told in words, what is written is escaped, and it is never too large."""

from __future__ import annotations

import gzip
from xml.etree import ElementTree as ET

from tutela.maths.drawing import LARGEST, Pieces, svg, view
from tutela.maths.mercator import EXTENT, at
from tutela.model.area import Circle, Polygon
from tutela.model.mapped import MapMark, MapRing, Spot, Tags, TilePiece
from tutela.model.place import Place

HERE = Place(lat=60.17, lon=24.94)
AREA = Circle(centre=HERE, radius=300)
SVG = "{http://www.w3.org/2000/svg}"


def nothing(zoom: int, x: int, y: int) -> Pieces:
    del zoom, x, y
    return {}


def piece(shape: str, paths: list[list[Spot]], **tags: str | int) -> TilePiece:
    told: Tags = tuple(sorted(tags.items()))
    return TilePiece(kind=shape, paths=tuple(tuple(path) for path in paths), tags=told)  # type: ignore[arg-type]


def drawn(picture: str) -> ET.Element:
    return ET.fromstring(picture)


def classes(picture: str) -> list[str]:
    return [one.get("class", "") for one in drawn(picture).iter() if one.get("class")]


def test_all_of_an_area_is_seen() -> None:
    corners = (Place(lat=60.16, lon=24.93), Place(lat=60.18, lon=24.93), Place(lat=60.18, lon=24.96))
    for area, places in ((Polygon(outer=corners), corners), (AREA, (HERE,))):
        seen = view(area, 720, 400)
        spots = [seen.spot(place) for place in places]
        assert all(0 < x < 1440 and 0 < y < 800 for x, y in spots)
    assert view(AREA, 720, 400).spot(HERE) == (720, 400)


def test_every_mark_and_ring_is_told_to_who_cannot_see_it() -> None:
    marks = [MapMark(place=HERE, label="Fire & <smoke>", priority=1), MapMark(place=HERE, label="Works")]
    picture = svg(nothing, AREA, marks, [MapRing(place=HERE, metres=150, label="Stay in")], title='A "map"', name="m")

    root = drawn(picture)

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "m-title m-told"
    assert root.findtext(f"{SVG}title") == 'A "map"'
    told = root.findtext(f"{SVG}desc") or ""
    assert "Priority 1: Fire & <smoke>. Priority 4: Works. Within 150 metres: Stay in." in told
    assert "© OpenStreetMap contributors" in told


def test_an_empty_picture_says_that_nothing_is_marked() -> None:
    assert "Nothing is marked on it" in (drawn(svg(nothing, AREA)).findtext(f"{SVG}desc") or "")


def test_the_credit_is_drawn_and_nothing_needs_a_style_or_a_script() -> None:
    picture = svg(nothing, AREA)

    assert ">© OpenStreetMap contributors</text>" in picture
    assert not any("style" in one.attrib or one.tag.endswith(("style", "script")) for one in drawn(picture).iter())


def test_each_priority_has_its_shape_and_its_number() -> None:
    marks = [MapMark(place=HERE, label="x", priority=one) for one in (1, 2, 3, 4)]
    found = list(drawn(svg(nothing, AREA, marks)).iter(f"{SVG}g"))

    assert [one.get("class") for one in found] == [f"map-mark map-p{one}" for one in (1, 2, 3, 4)]
    assert [one.findtext(f"{SVG}text") for one in found] == ["1", "2", "3", "4"]
    assert len({one.find(f"{SVG}path").get("d") for one in found}) == 4  # type: ignore[union-attr]


def one_tile(layers: Pieces) -> object:
    """The tile in which the place is has these; others have nothing."""
    across, down = at(HERE)

    def tile(zoom: int, x: int, y: int) -> Pieces:
        return layers if (x, y) == (int(across * 2**zoom), int(down * 2**zoom)) else {}

    return tile


def test_each_layer_is_drawn_in_its_class_from_the_ground_up() -> None:
    square = [[(0, 0), (EXTENT, 0), (EXTENT, EXTENT), (0, EXTENT)]]
    line = [[(0, 0), (EXTENT, EXTENT)]]
    layers = {
        "places": [piece("point", [[(2000, 2000)]], kind="neighbourhood", name="Kluuvi", population_rank=3)],
        "roads": [
            piece("line", line, kind="major_road", name="A & B street"),
            piece("line", [[(0, 2000), (EXTENT, 2000)]], kind="minor_road", name="A & B street"),
            piece("line", line, kind="path"),
            piece("line", line, kind="rail"),
            piece("line", line, kind="ferry"),
        ],
        "buildings": [piece("polygon", square, kind="building")],
        "water": [piece("polygon", square, kind="ocean"), piece("line", line, kind="stream")],
        "landuse": [piece("polygon", square, kind="park"), piece("polygon", square, kind="school")],
        "earth": [piece("polygon", square, kind="earth")],
        "pois": [piece("point", [[(2000, 2000)]], kind="hotel", name="Hotel")],
    }

    picture = svg(one_tile(layers), AREA)  # type: ignore[arg-type]

    drawn_ = [one.removeprefix("map-") for one in classes(picture) if one not in {"map", "map-none", "map-credit"}]
    assert drawn_ == ["land", "green", "sea", "building", "path", "minor", "rail", "major", "place", "street"]
    assert picture.count("A &amp; B street") == 1
    assert "Hotel" not in picture


def test_what_is_outside_of_the_picture_is_not_drawn() -> None:
    far = [[(-900_000, 0), (-900_000, 10), (-900_010, 10)]]

    assert "map-building" not in svg(one_tile({"buildings": [piece("polygon", far, kind="building")]}), AREA)  # type: ignore[arg-type]


def test_a_picture_that_would_be_too_large_leaves_out_what_is_finest() -> None:
    crowded = [
        piece("polygon", [[(x * 7 % 4096, y), (x * 7 % 4096 + 5, y + x % 9), (x * 7 % 4096, y + 9)]], kind="building")
        for x in range(500)
        for y in range(0, 4096, 64)
    ]
    layers = {"buildings": crowded, "roads": [piece("line", [[(0, 0), (4000, 4000)]], kind="major_road")]}

    picture = svg(one_tile(layers), AREA)  # type: ignore[arg-type]

    assert len(gzip.compress(picture.encode(), 6)) <= LARGEST
    assert "map-building" not in classes(picture)
    assert "map-major" in classes(picture)
