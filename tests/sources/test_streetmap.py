"""The streets of the map: real ones, that vehicles may drive, in the directions in which they may."""

from __future__ import annotations

from pathlib import Path

import osmium
import pytest
from tests.sources.towns import town as drawn_town
from tutela_helsinki import EXTRACT

from tutela.errors import BadInput, NotFound
from tutela.sources.streetmap import StreetMap


@pytest.fixture
def town(tmp_path: Path) -> StreetMap:
    """A map of a few ways between four nodes."""
    file = tmp_path / "town.osm"
    nodes = "".join(f'<node id="{n}" version="1" lat="60.{n}" lon="24.{n}"/>' for n in (1, 2, 3, 4))
    ways = (
        ("1 2 3", {"highway": "residential"}),
        ("1 2", {"highway": "primary", "oneway": "yes"}),
        ("2 3", {"highway": "primary", "oneway": "-1"}),
        ("3 4 1", {"highway": "tertiary", "junction": "roundabout"}),
        ("1 4", {"highway": "motorway_link"}),
        ("1 4", {"highway": "motorway", "oneway": "no"}),
        ("1 2 9 3 4", {"highway": "secondary"}),
        ("1 9", {"highway": "secondary"}),
        ("1 2", {"highway": "footway"}),
        ("1 2", {"highway": "service"}),
        ("1 2", {"highway": "residential", "access": "private"}),
        ("1 3", {"highway": "residential", "access": "no", "motor_vehicle": "yes"}),
        ("1 2", {"building": "yes"}),
    )
    lines = [
        f'<way id="{number}" version="1">{"".join(f"<nd ref={ref!r}/>" for ref in refs.split())}'
        f"{''.join(f'<tag k={key!r} v={value!r}/>' for key, value in tags.items())}</way>"
        for number, (refs, tags) in enumerate(ways, 1)
    ]
    file.write_text(f'<osm version="0.6">{nodes}{"".join(lines)}</osm>'.replace("'", '"'))
    assert sum(isinstance(one, osmium.osm.Way) for one in osmium.FileProcessor(str(file))) == len(ways)
    return StreetMap(file)


def test_a_street_is_what_vehicles_may_drive_in_the_directions_in_which_they_may(town: StreetMap) -> None:
    assert [(one.nodes, one.forwards, one.backwards) for one in town.streets()] == [
        ((1, 2, 3), True, True),
        ((1, 2), True, False),
        ((2, 3), False, True),
        ((3, 4, 1), True, False),
        ((1, 4), True, False),
        ((1, 4), True, True),
        ((1, 2), True, True),  # cut where a node is not in the extract
        ((3, 4), True, True),
        ((1, 3), True, True),
    ]
    assert [(place.lat, place.lon) for place in town.streets()[0].places] == [(60.1, 24.1), (60.2, 24.2), (60.3, 24.3)]


def test_the_map_gives_the_real_streets_of_central_helsinki() -> None:
    streets = StreetMap(Path(str(EXTRACT))).streets()

    assert len(streets) == 725
    assert all(60.1 < place.lat < 60.3 and 24.8 < place.lon < 25.1 for one in streets for place in one.places)


def test_a_missing_map_says_what_to_do() -> None:
    with pytest.raises(NotFound, match="reinstall"):
        StreetMap(Path("nowhere.osm.pbf")).streets()


def test_the_map_draws_each_in_its_layer_and_kind_as_far_as_it_is_whole(tmp_path: Path) -> None:
    found = [(one.layer, one.zoom, dict(one.tags)) for one in StreetMap(drawn_town(tmp_path)).features()]

    assert sorted(found, key=repr) == sorted(
        [
            ("places", 8, {"kind": "locality", "kind_detail": "town", "min_zoom": 8, "population_rank": 9} | TOWN),
            ("pois", 13, {"kind": "hospital", "min_zoom": 13, "name": "Clinic"}),
            ("roads", 8, {"kind": "major_road", "kind_detail": "primary", "min_zoom": 8, **MAIN}),
            ("roads", 5, {"kind": "highway", "kind_detail": "motorway_link", "min_zoom": 5, "is_link": True}),
            ("roads", 13, {"kind": "path", "kind_detail": "footway", "min_zoom": 13}),
            ("roads", 13, {"kind": "path", "kind_detail": "footway", "min_zoom": 13}),  # cut where a node is missing
            ("roads", 11, {"kind": "rail", "kind_detail": "tram", "min_zoom": 11, "is_bridge": True}),
            ("water", 9, {"kind": "river", "name": "Joki"}),
            ("coastline", 0, {}),
            ("buildings", 13, {"kind": "building"}),  # the one whose outline is not whole is left out
            ("water", 8, {"kind": "water", "name": "Lake"}),
            ("landuse", 9, {"kind": "park"}),
            ("pois", 13, {"kind": "park", "min_zoom": 13, "name": "Park"}),
            ("landuse", 9, {"kind": "pedestrian"}),
            ("landuse", 9, {"kind": "pedestrian"}),
        ],
        key=repr,
    )


TOWN = {"name": "Testby", "name:fr": "Essai"}
MAIN = {"name": "Main", "name:sv": "Stora", "is_bridge": True, "oneway": "yes"}


def test_an_extract_says_what_it_covers_or_that_it_does_not_know(tmp_path: Path) -> None:
    assert StreetMap(Path(str(EXTRACT))).box() == pytest.approx((24.9351762, 60.164155, 24.9534145, 60.179113))
    assert StreetMap(drawn_town(tmp_path)).box() is None


def test_what_is_no_extract_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "no.osm.pbf").write_bytes(b"no")

    with pytest.raises(BadInput, match="fetch the extract again"):
        list(StreetMap(tmp_path / "no.osm.pbf").features())
    with pytest.raises(BadInput, match="fetch the extract again"):
        StreetMap(tmp_path / "no.osm.pbf").box()
