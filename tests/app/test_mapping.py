"""`tutela map build`: from an extract to a map, the same each time; and the map that ships is the one that it makes."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from tests.sources.towns import town
from tutela_helsinki import EXTRACT, MAP, NAME

from tutela.app.city_map import CityMap, own
from tutela.app.mapping import ORDER, build
from tutela.app.settings import Settings
from tutela.cli import main
from tutela.errors import BadInput, NotFound
from tutela.maths.mercator import at
from tutela.model.area import Circle
from tutela.model.mapped import TilePiece
from tutela.model.place import Place
from tutela.standards import vector_tile
from tutela.standards.pmtiles import Archive

SQUARE = Place(lat=60.1712, lon=24.9438)
HELSINKI = Path(str(EXTRACT))


def quiet(says: str) -> None:
    assert says


def archive(file: Path) -> Archive:
    data = file.read_bytes()
    return Archive(lambda offset, length: data[offset : offset + length])


def shown(file: Path, place: Place, zoom: int) -> dict[str, tuple[TilePiece, ...]]:
    x, y = at(place)
    return vector_tile.read(archive(file).tile(zoom, int(x * 2**zoom), int(y * 2**zoom)) or b"")


@pytest.fixture(scope="module")
def helsinki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("map") / "helsinki.pmtiles"
    build(HELSINKI, into, quiet)
    return into


def test_the_map_that_ships_is_what_the_command_makes_of_the_extract_that_ships(helsinki: Path) -> None:
    # Of the tiles: how well something is packed is a matter of the zlib that is there.
    made, ships = archive(helsinki), archive(Path(str(MAP)))

    assert made.box == ships.box
    x, y = at(SQUARE)
    for zoom in range(16):
        for across in (-1, 0, 1):
            place = zoom, int(x * 2**zoom) + across, int(y * 2**zoom)
            assert made.tile(*place) == ships.tile(*place)
    assert Path(str(MAP)).stat().st_size < 1_000_000


def test_the_same_extract_gives_the_same_bytes(helsinki: Path, tmp_path: Path) -> None:
    build(HELSINKI, tmp_path / "again.pmtiles", quiet)

    assert (tmp_path / "again.pmtiles").read_bytes() == helsinki.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["again.pmtiles"]


def test_the_middle_of_helsinki_has_all_layers_with_their_names(helsinki: Path) -> None:
    found = shown(helsinki, SQUARE, 14)

    assert set(found) == set(ORDER)
    names = {(name, dict(piece.tags).get(name)) for pieces in found.values() for piece in pieces for name in TOLD}
    assert {("name", "Mannerheimintie"), ("name:sv", "Mannerheimvägen"), ("name:en", "Helsinki")} <= names
    assert {dict(piece.tags)["kind"] for piece in found["water"]} >= {"ocean"}


TOLD = ("name", "name:sv", "name:en")


def test_far_off_only_what_is_large_is_shown(helsinki: Path) -> None:
    assert set(shown(helsinki, SQUARE, 4)) <= {"earth", "water", "places"}
    assert "buildings" not in shown(helsinki, SQUARE, 12)


def test_a_file_that_is_no_extract_is_refused_and_leaves_the_map_that_stands(tmp_path: Path) -> None:
    wrong, into = tmp_path / "photo.osm.pbf", tmp_path / "city.pmtiles"
    wrong.write_bytes(b"\x89PNG" * 99)
    into.write_bytes(b"stands")

    with pytest.raises(BadInput, match=r"photo\.osm\.pbf can't be read as OpenStreetMap data"):
        build(wrong, into, quiet)
    assert into.read_bytes() == b"stands"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["city.pmtiles", "photo.osm.pbf"]


def test_an_extract_without_a_street_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sea.osm").write_text('<osm version="0.6"><node id="1" version="1" lat="60" lon="24"/></osm>')

    with pytest.raises(BadInput, match="not one street"):
        build(tmp_path / "sea.osm", tmp_path / "city.pmtiles", quiet)


def test_the_command_puts_the_map_where_the_instance_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extract = town(tmp_path)

    assert main(["map", "build", str(extract), "--data", str(tmp_path / "data")]) == 0

    mine = CityMap(Settings(tmp_path / "data", {}), "Elsewhere")
    assert mine.file() == own(Settings(tmp_path / "data", {}))
    assert "OpenStreetMap contributors" in capsys.readouterr().out
    assert shown(mine.file(), Place(lat=60.15, lon=24.15), 14)["roads"]


def test_a_city_without_a_map_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="tutela map build"):
        CityMap(Settings(tmp_path, {}), "Elsewhere").file()


def test_helsinki_shows_the_map_that_ships_and_pictures_of_it(tmp_path: Path) -> None:
    here = CityMap(Settings(tmp_path, {}), NAME)

    picture = here.svg(Circle(centre=SQUARE, radius=300), title="The square")

    assert here.file() == Path(str(MAP))
    assert "Kaivokatu" in picture
    assert 'class="map-building"' in picture
    assert len(gzip.compress(picture.encode(), 6)) < 30_000


def test_a_map_that_is_built_anew_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    here, settings = CityMap(Settings(tmp_path, {}), NAME), Settings(tmp_path, {})
    before = here.svg(Circle(centre=SQUARE, radius=300))
    build(town(tmp_path), own(settings), quiet)

    assert "Kaivokatu" in before
    assert "Kaivokatu" not in here.svg(Circle(centre=SQUARE, radius=300))


def test_without_what_cuts_a_map_the_rest_goes_on_and_building_says_what_to_install(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["shapely"] = None
import tutela.app.city
import tutela.app.serve
from tutela.cli import main
sys.exit(main(["map", "build", sys.argv[1], "--data", sys.argv[2]]))
"""
    command = (sys.executable, "-c", program, str(town(tmp_path)), str(tmp_path / "data"))

    told = subprocess.run(command, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert "building a map needs shapely" in told.stderr
    assert "pip install 'tutela[map]'" in told.stderr
