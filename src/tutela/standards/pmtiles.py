"""PMTiles 3, in and out: all tiles of a map in one file, read by ranges. Nothing is opened here: bytes come by a function.

Tiles stand in the order of the Hilbert curve, so that what lies together on the ground is read together.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from tutela.errors import BadInput

MAGIC = b"PMTiles\x03"
HEADER = struct.Struct("<8s11Q6B4iB2i")
ROOT = 16_384
"""The header and the root directory stand within so many bytes."""
LEAF = 4_096
"""Entries of a directory below the root."""
GZIP, MVT = 2, 1
SCALE = 10_000_000
DEEPEST = 4
"""Directories on the way to a tile; no file of anybody's has more."""
LARGEST = 16_000_000
"""Bytes of a directory or of a tile, unpacked: more is no map."""

Get = Callable[[int, int], bytes]
"""The bytes of the file from an offset, so many."""


class Entry(NamedTuple):
    """From this tile on, for `run` tiles: these bytes. `run` 0: a directory."""

    tile: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True, slots=True)
class About:
    """Of the whole map: where it is (west, south, east, north, in degrees), its zooms, and what is said of it."""

    box: tuple[float, float, float, float]
    zooms: tuple[int, int]
    says: Mapping[str, Any]


def tile_id(zoom: int, x: int, y: int) -> int:
    """The number of a tile: after all tiles of lower zooms, along the Hilbert curve of its own."""
    number = ((1 << 2 * zoom) - 1) // 3
    side = 1 << zoom >> 1
    while side:
        right, low = int(x & side > 0), int(y & side > 0)
        number += side * side * (3 * right ^ low)
        if not low:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side >>= 1
    return number


class Writer:
    """Makes a file: `put` each tile in the order of its number, append what it returns, and set `head` before it all."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._known: dict[bytes, tuple[int, int]] = {}
        self._size = 0

    def put(self, number: int, data: bytes) -> bytes:
        """What to append to the tiles: nothing, when another tile is the same."""
        packed = gzip.compress(data, 9, mtime=0)
        print_ = sha256(packed).digest()
        new = print_ not in self._known
        if new:
            self._known[print_] = self._size, len(packed)
            self._size += len(packed)
        offset, length = self._known[print_]
        last = self._entries[-1] if self._entries else None
        if last and last.offset == offset and last.tile + last.run == number:
            self._entries[-1] = last._replace(run=last.run + 1)
        else:
            self._entries.append(Entry(number, offset, length, 1))
        return packed if new else b""

    def head(self, about: About) -> bytes:
        """All that stands before the tiles: header, root directory, what is said of the map, and leaves."""
        root, leaves = _directories(self._entries)
        says = gzip.compress(msgspec.json.encode(about.says, order="sorted"), 9, mtime=0)
        first = HEADER.size
        offsets = (first, len(root), first + len(root), len(says), first + len(root) + len(says), len(leaves))
        west, south, east, north = (round(side * SCALE) for side in about.box)
        header = HEADER.pack(
            MAGIC,
            *offsets,
            first + len(root) + len(says) + len(leaves),
            self._size,
            sum(entry.run for entry in self._entries),
            len(self._entries),
            len(self._known),
            *(1, GZIP, GZIP, MVT, *about.zooms),
            *(west, south, east, north, min(about.zooms[1], 14), (west + east) // 2, (south + north) // 2),
        )
        return header + root + says + leaves


class Archive:
    """A file that is there, read by ranges; raises BadInput for one that is no PMTiles of vector tiles."""

    def __init__(self, get: Get) -> None:
        self._get = get
        try:
            told = HEADER.unpack(get(0, HEADER.size))
        except struct.error as wrong:
            raise BadInput("this is no PMTiles file: it is too short; make one with `tutela map build`") from wrong
        if told[0] != MAGIC or told[13:16] != (GZIP, GZIP, MVT):
            raise BadInput(
                "this is no PMTiles 3 file with gzipped vector tiles; make one with `tutela map build FILE.osm.pbf`"
            )
        self._root, self._leaves, self._tiles = (told[1], told[2]), told[5], told[7]
        self.zooms = (int(told[16]), int(told[17]))
        west, south, east, north = (side / SCALE for side in told[18:22])
        self.box = (west, south, east, north)
        self._kept: dict[int, Sequence[Entry]] = {}

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        """The tile, unpacked; None where the map has none."""
        number, (offset, length) = tile_id(zoom, x, y), self._root
        for _ in range(DEEPEST):
            found = _find(self._directory(offset, length), number)
            if found is None:
                return None
            if found.run:
                return _unpacked(self._get(self._tiles + found.offset, found.length))
            offset, length = self._leaves + found.offset, found.length
        raise BadInput("the directories of this map lead in a circle; build it again: `tutela map build`")

    def _directory(self, offset: int, length: int) -> Sequence[Entry]:
        if offset not in self._kept:
            self._kept[offset] = _read_directory(_unpacked(self._get(offset, length)))
        return self._kept[offset]


def _find(entries: Sequence[Entry], number: int) -> Entry | None:
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if entries[middle].tile <= number else (low, middle)
    found = entries[low - 1] if low else None
    return found if found and (found.run == 0 or number < found.tile + found.run) else None


def _directories(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """The root, and the leaves where the root alone would be too large."""
    root, size = _directory(entries), LEAF
    leaves = b""
    while len(root) > ROOT - HEADER.size:
        parts = [entries[at : at + size] for at in range(0, len(entries), size)]
        packed = [_directory(part) for part in parts]
        leaves = b"".join(packed)
        at, above = 0, []
        for part, leaf in zip(parts, packed, strict=True):
            above.append(Entry(part[0].tile, at, len(leaf), 0))
            at += len(leaf)
        root, size = _directory(above), size * 2
    return root, leaves


def _directory(entries: Sequence[Entry]) -> bytes:
    numbers = [len(entries)]
    numbers += [entry.tile - before for before, entry in zip([0, *(e.tile for e in entries)], entries, strict=False)]
    numbers += [entry.run for entry in entries]
    numbers += [entry.length for entry in entries]
    numbers += [entry.offset + 1 for entry in entries[:1]]
    numbers += [
        0 if entry.offset == before.offset + before.length else entry.offset + 1 for before, entry in pairwise(entries)
    ]
    made = bytearray()
    for number in numbers:
        while number > 127:
            made.append(number & 127 | 128)
            number >>= 7  # noqa: PLW2901  the same
        made.append(number)
    return gzip.compress(bytes(made), 9, mtime=0)


def _read_directory(data: bytes) -> Sequence[Entry]:
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    count = numbers[0] if numbers else 0
    if len(numbers) != 1 + 4 * count:
        raise BadInput("a directory of this map is not whole; build it again: `tutela map build`")
    columns = [numbers[1 + each * count : 1 + (each + 1) * count] for each in range(4)]
    entries: list[Entry] = []
    tile = end = 0
    for step, run, length, told in zip(*columns, strict=True):
        tile += step
        offset = end if told == 0 and entries else told - 1
        entries.append(Entry(tile, offset, length, run))
        end = offset + length
    return entries


def _unpacked(data: bytes) -> bytes:
    try:
        opened = zlib.decompressobj(wbits=31)
        plain = opened.decompress(data, LARGEST)
    except zlib.error as wrong:
        raise BadInput("a part of this map can't be unpacked; build it again: `tutela map build`") from wrong
    if not opened.eof:
        raise BadInput("a part of this map is cut short, or larger than any; build it again: `tutela map build`")
    return plain


part = Archive
