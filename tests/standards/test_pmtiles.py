"""PMTiles: read by the format's own library as we wrote it, and the other way round."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.reader import MemorySource, Reader
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer as Official

from tutela.errors import BadInput
from tutela.standards import pmtiles
from tutela.standards.pmtiles import About, Archive, Writer, tile_id

ABOUT = About(box=(24.9, 60.1, 25.0, 60.2), zooms=(0, 8), says={"attribution": "© OpenStreetMap contributors"})


def over(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


def made(tiles: dict[int, bytes]) -> bytes:
    writer = Writer()
    body = b"".join(writer.put(number, data) for number, data in sorted(tiles.items()))
    return writer.head(ABOUT) + body


def every(zoom: int) -> list[tuple[int, int, int]]:
    return [(zoom, x, y) for x in range(2**zoom) for y in range(2**zoom)]


@pytest.mark.parametrize("zoom", range(6))
def test_tiles_are_numbered_along_the_curve_of_the_format(zoom: int) -> None:
    assert [tile_id(*tile) for tile in every(zoom)] == [zxy_to_tileid(*tile) for tile in every(zoom)]


@given(st.integers(16, 24).flatmap(lambda z: st.tuples(st.just(z), *[st.integers(0, 2**z - 1)] * 2)))
def test_and_so_are_those_of_high_zooms(tile: tuple[int, int, int]) -> None:
    assert tile_id(*tile) == zxy_to_tileid(*tile)


@given(st.dictionaries(st.integers(0, 300), st.sampled_from([b"sea", b"land", b"town" * 9]), max_size=60))
def test_the_library_of_the_format_reads_what_we_write(tiles: dict[int, bytes]) -> None:
    reader = Reader(MemorySource(made(tiles)))

    found = {tile_id(*tile): reader.get(*tile) for zoom in range(5) for tile in every(zoom)}
    assert {number: gzip.decompress(data) for number, data in found.items() if data} == {
        number: data for number, data in tiles.items() if number < len(found)
    }
    header = reader.header()
    assert (header["tile_type"], header["tile_compression"]) == (TileType.MVT, Compression.GZIP)
    assert (header["min_lon_e7"], header["max_lat_e7"]) == (249_000_000, 602_000_000)
    assert (header["addressed_tiles_count"], header["tile_contents_count"]) == (len(tiles), len(set(tiles.values())))
    assert reader.metadata() == ABOUT.says


def test_a_large_map_has_directories_below_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmtiles, "LEAF", 64)
    monkeypatch.setattr(pmtiles, "ROOT", 327)
    tiles = {tile_id(*tile): repr(tile).encode() for tile in every(5)}
    data = made(tiles)

    ours, theirs = Archive(over(data)), Reader(MemorySource(data))

    assert theirs.header()["leaf_directory_length"] > 0
    assert all(ours.tile(*tile) == repr(tile).encode() for tile in every(5))
    assert all(gzip.decompress(theirs.get(*tile)) == repr(tile).encode() for tile in every(5))
    assert ours.tile(4, 0, 0) is None


def test_we_read_what_the_library_of_the_format_writes() -> None:
    file = io.BytesIO()
    writer = Official(file)
    for tile in every(3):
        writer.write_tile(zxy_to_tileid(*tile), gzip.compress(repr(tile).encode()))
    writer.finalize(
        {
            "tile_type": TileType.MVT,
            "tile_compression": Compression.GZIP,
            "min_zoom": 3,
            "max_zoom": 3,
            "center_zoom": 3,
            "center_lon_e7": 0,
            "center_lat_e7": 0,
            "min_lon_e7": 0,
            "min_lat_e7": 0,
            "max_lon_e7": 10,
            "max_lat_e7": 10,
        },
        {},
    )

    archive = Archive(over(file.getvalue()))

    assert archive.zooms == (3, 3)
    assert all(archive.tile(*tile) == repr(tile).encode() for tile in every(3))
    assert archive.tile(2, 0, 0) is None


def test_the_same_tiles_are_the_same_file() -> None:
    tiles = {number: bytes([number % 3]) * 20 for number in range(50)}

    assert made(tiles) == made(tiles)


@pytest.mark.parametrize("data", [b"", b"PMTiles\x03", b"x" * 200, b"PMTiles\x02" + bytes(119)])
def test_what_is_no_map_is_refused_with_what_to_do(data: bytes) -> None:
    with pytest.raises(BadInput, match="tutela map build"):
        Archive(over(data))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_map_gives_its_tiles_or_is_refused(at: int, junk: bytes) -> None:
    whole = bytearray(made({number: repr(number).encode() * 5 for number in range(40)}))
    whole[at : at + len(junk)] = junk
    with suppress(BadInput):
        archive = Archive(over(bytes(whole)))
        for tile in every(2):
            archive.tile(*tile)


def test_a_tile_that_is_far_too_large_is_refused() -> None:
    writer = Writer()
    body = writer.put(0, bytes(pmtiles.LARGEST + 1))

    with pytest.raises(BadInput, match="larger than any"):
        Archive(over(writer.head(ABOUT) + body)).tile(0, 0, 0)


def test_directories_that_lead_in_a_circle_are_left() -> None:
    directory = gzip.compress(bytes([1, 0, 0, 25, 1]), 9, mtime=0)
    head = bytearray(made({}))
    first = pmtiles.HEADER.size
    struct.pack_into("<4Q", head, 8, first, len(directory), 0, 0)
    struct.pack_into("<2Q", head, 40, first, len(directory))
    looped = gzip.compress(bytes([1, 0, 0, len(directory), 1]), 9, mtime=0)

    with pytest.raises(BadInput, match="circle"):
        Archive(over(bytes(head[:first]) + looped)).tile(0, 0, 0)
