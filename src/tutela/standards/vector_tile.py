"""Mapbox Vector Tile 2.1, in and out: what one tile of a map shows, layer by layer, in protocol buffers.

Written by hand: the format has four messages, and the one library for it holds protocol buffers back at an older release (ADR 0040).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tutela.errors import BadInput
from tutela.maths.mercator import EXTENT
from tutela.model.mapped import Kind, Spot, Tag, TilePiece

KINDS: tuple[Kind, ...] = ("point", "line", "polygon")
_KINDS: Mapping[int | bytes, Kind] = dict(enumerate(KINDS, 1))
MOVE, LINE, CLOSE = 1, 2, 7
Pieces = Mapping[str, Sequence[TilePiece]]
Field = tuple[int, int | bytes]
"""A field of a message: its number, and a whole number or bytes."""


def write(layers: Pieces) -> bytes:
    """The tile; layers without a piece are left out."""
    return b"".join(_field(3, _layer(name, pieces)) for name, pieces in layers.items() if pieces)


def read(data: bytes, wanted: Collection[str] | None = None) -> dict[str, tuple[TilePiece, ...]]:
    """What a tile shows, of the layers that are wanted (None: all); raises BadInput."""
    try:
        found = dict(_read_layer(_bytes(body), wanted) for number, body in _fields(data) if number == 3)
    except (IndexError, ValueError, TypeError, KeyError, OverflowError, struct.error) as wrong:
        raise BadInput(f"this is no vector tile ({wrong}); build the map again: `tutela map build`") from wrong
    found.pop("", None)
    return found


def _layer(name: str, pieces: Sequence[TilePiece]) -> bytes:
    keys: dict[str, int] = {}
    values: dict[tuple[type, Tag], int] = {}
    features = []
    for piece in pieces:
        numbers = []
        for key, value in piece.tags:
            numbers += [keys.setdefault(key, len(keys)), values.setdefault((type(value), value), len(values))]
        told = _field(2, _packed(numbers)) if numbers else b""
        shape = _field(4, _packed(_commands(piece)))
        features.append(told + _key(3, 0) + _varint(KINDS.index(piece.kind) + 1) + shape)
    return b"".join(
        [
            _key(15, 0) + _varint(2),
            _field(1, name.encode()),
            *(_field(2, feature) for feature in features),
            *(_field(3, key.encode()) for key in keys),
            *(_field(4, _value(value)) for _, value in values),
            _key(5, 0) + _varint(EXTENT),
        ]
    )


def _value(value: Tag) -> bytes:
    if isinstance(value, str):
        return _field(1, value.encode())
    if isinstance(value, bool):
        return _key(7, 0) + _varint(int(value))
    if isinstance(value, int):
        return _key(6, 0) + _varint(_zigzag(value))
    return _key(3, 1) + struct.pack("<d", value)


def _commands(piece: TilePiece) -> Iterator[int]:
    x = y = 0
    closed = piece.kind == "polygon"
    for path in piece.paths:
        steps = []
        for across, down in path:
            steps += [_zigzag(across - x), _zigzag(down - y)]
            x, y = across, down
        yield MOVE | 1 << 3
        yield from steps[:2]
        if len(path) > 1:
            yield LINE | len(path) - 1 << 3
            yield from steps[2:]
        if closed:
            yield CLOSE | 1 << 3


def _read_layer(data: bytes, wanted: Collection[str] | None) -> tuple[str, tuple[TilePiece, ...]]:
    """The layer's name, which is empty when nobody wants it."""
    parts = list(_fields(data))
    name = b"".join(_bytes(body) for number, body in parts if number == 1).decode()
    if wanted is not None and name not in wanted:
        return "", ()
    keys = [_bytes(body).decode() for number, body in parts if number == 3]
    values = [_read_value(_bytes(body)) for number, body in parts if number == 4]
    return name, tuple(_read_piece(_bytes(body), keys, values) for number, body in parts if number == 2)


def _read_piece(data: bytes, keys: Sequence[str], values: Sequence[Tag]) -> TilePiece:
    parts = dict(_fields(data))
    told = list(_unpacked(_bytes(parts.get(2, b""))))
    tags = tuple((keys[key], values[value]) for key, value in zip(told[::2], told[1::2], strict=True))
    kind = _KINDS[parts[3]]
    return TilePiece(kind=kind, paths=tuple(_paths(_unpacked(_bytes(parts[4])))), tags=tags)


def _paths(numbers: Iterable[int]) -> Iterator[tuple[Spot, ...]]:
    rest, x, y = iter(numbers), 0, 0
    path: list[Spot] = []
    for command in rest:
        what, times = command & 7, command >> 3
        if what == CLOSE:
            continue
        for _ in range(times):
            x, y = x + _zagzig(_next(rest)), y + _zagzig(_next(rest))
            if what == MOVE and path:
                yield tuple(path)
                path = []
            path.append((x, y))
    if path:
        yield tuple(path)


def _next(numbers: Iterator[int]) -> int:
    for number in numbers:
        return number
    raise ValueError("a path breaks off")


def _read_value(data: bytes) -> Tag:
    ((number, body),) = _fields(data)
    if number == 1:
        return _bytes(body).decode()
    if number in {2, 3}:
        return float(struct.unpack("<f" if number == 2 else "<d", _bytes(body))[0])
    return bool(body) if number == 7 else _zagzig(int(body)) if number == 6 else int(body)


def _bytes(body: int | bytes) -> bytes:
    if isinstance(body, int):
        raise ValueError("a number stands where bytes belong")  # noqa: TRY004  all of `read` is told in one way
    return body


def _fields(data: bytes) -> Iterator[Field]:
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        length, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _number(data, at)
        if wire not in {1, 2, 5} or at + length > len(data):
            raise ValueError(f"it breaks off at byte {at}")
        yield key >> 3, data[at : at + length]
        at += length


def _unpacked(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _number(data, at)
        yield value


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number without an end at byte {at}")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _field(number: int, body: bytes) -> bytes:
    return _key(number, 2) + _varint(len(body)) + body


def _packed(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_varint, numbers))


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _zagzig(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


part = read
