"""Vector tiles: what we write, protocol buffers read by the published description of the format; what we read, anybody may have written."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model.mapped import Kind, Tag, TilePiece
from tutela.standards.vector_tile import KINDS, read, write

FIELDS: dict[str, list[tuple[str, int, Any, Any]]] = {
    # vector_tile.proto of the specification, version 2.1: message, name, number, type, label
    "Value": [
        ("string_value", 1, 9, 1),
        ("float_value", 2, 2, 1),
        ("double_value", 3, 1, 1),
        ("int_value", 4, 3, 1),
        ("uint_value", 5, 4, 1),
        ("sint_value", 6, 18, 1),
        ("bool_value", 7, 8, 1),
    ],
    "Feature": [("id", 1, 4, 1), ("tags", 2, 13, 3), ("type", 3, 13, 1), ("geometry", 4, 13, 3)],
    "Layer": [
        ("version", 15, 13, 2),
        ("name", 1, 9, 2),
        ("features", 2, ".mvt.Feature", 3),
        ("keys", 3, 9, 3),
        ("values", 4, ".mvt.Value", 3),
        ("extent", 5, 13, 1),
    ],
    "Tile": [("layers", 3, ".mvt.Layer", 3)],
}
PACKED = {"tags", "geometry"}


def _official() -> type[Any]:
    file = descriptor_pb2.FileDescriptorProto(name="mvt.proto", package="mvt", syntax="proto2")
    for message, fields in FIELDS.items():
        made = file.message_type.add(name=message)
        for name, number, kind, label in fields:
            field = made.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, kind
            else:
                field.type = kind
            field.options.packed = name in PACKED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("mvt.Tile"))


Tile = _official()
SQUARE = ((0, 0), (10, 0), (10, 10), (0, 10))
HOLE = ((2, 2), (2, 4), (4, 4), (4, 2))
spots = st.tuples(st.integers(-5000, 9000), st.integers(-5000, 9000))
tags = st.dictionaries(
    st.text(max_size=5),
    st.one_of(st.text(max_size=8), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False)),
    max_size=4,
)


@st.composite
def pieces(draw: st.DrawFn) -> TilePiece:
    kind: Kind = draw(st.sampled_from(KINDS))
    least, most = {"point": (1, 1), "line": (2, 6), "polygon": (3, 6)}[kind]
    paths = draw(st.lists(st.lists(spots, min_size=least, max_size=most).map(tuple), min_size=1, max_size=3))
    told: dict[str, Tag] = draw(tags)
    return TilePiece(kind=kind, paths=tuple(paths), tags=tuple(told.items()))


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.lists(pieces(), min_size=1, max_size=4), max_size=3))
def test_a_tile_is_read_as_it_was_written(layers: dict[str, list[TilePiece]]) -> None:
    assert read(write(layers)) == {name: tuple(found) for name, found in layers.items()}


def test_protocol_buffers_read_what_the_specification_says() -> None:
    piece = TilePiece(
        kind="polygon", paths=(SQUARE, HOLE), tags=(("kind", "building"), ("height", 9.5), ("is_old", True), ("n", -3))
    )

    tile = Tile.FromString(write({"buildings": [piece], "empty": []}))

    (layer,) = tile.layers
    assert (layer.name, layer.version, layer.extent) == ("buildings", 2, 4096)
    (feature,) = layer.features
    assert feature.type == 3
    assert list(layer.keys) == ["kind", "height", "is_old", "n"]
    assert [one.ListFields()[0][1] for one in layer.values] == ["building", 9.5, True, -3]
    assert list(feature.tags) == [0, 0, 1, 1, 2, 2, 3, 3]
    # MoveTo(1), LineTo(3), ClosePath; deltas are zigzag, from where the ring before ended
    assert list(feature.geometry) == [9, 0, 0, 26, 20, 0, 0, 20, 19, 0, 15, 9, 4, 15, 26, 0, 4, 4, 0, 0, 3, 15]


def test_a_value_of_another_writer_is_read() -> None:
    tile = Tile()
    layer = tile.layers.add(version=2, name="places", keys=["a", "b", "c", "d"])
    layer.values.add(uint_value=7)
    layer.values.add(int_value=9)
    layer.values.add(float_value=0.5)
    layer.values.add(bool_value=False)
    layer.features.add(id=4, type=1, tags=[0, 0, 1, 1, 2, 2, 3, 3], geometry=[17, 2, 2, 2, 2])

    (found,) = read(tile.SerializeToString())["places"]

    assert found == TilePiece(
        kind="point", paths=(((1, 1),), ((2, 2),)), tags=(("a", 7), ("b", 9), ("c", 0.5), ("d", False))
    )


def test_layers_that_nobody_wants_are_not_read() -> None:
    point = TilePiece(kind="point", paths=(((1, 2),),), tags=())

    assert read(write({"a": [point], "b": [point]}), {"b"}) == {"b": (point,)}


@given(st.binary(max_size=60))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    with suppress(BadInput):
        read(data)


def test_a_tile_that_breaks_off_is_refused() -> None:
    whole = write({"a": [TilePiece(kind="polygon", paths=(SQUARE,), tags=(("kind", "x"),))]})

    for end in range(1, len(whole)):
        with pytest.raises(BadInput, match="no vector tile"):
            read(whole[:end])
