"""What maps are made of: features of the ground, what one tile shows of them, and what a picture has on it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .noun import Noun
from .place import Place

Tag = str | bool | int | float
Tags = tuple[tuple[str, Tag], ...]
"""What is said of a feature, in an order that is always the same."""

Spot = tuple[int, int]
"""Across and down, in the tile's own units."""

Kind = Literal["point", "line", "polygon"]


class MapFeature(Noun, frozen=True, kw_only=True):
    """Something on the ground: in which layer of the map, from which zoom on, its shape (WKB in WGS 84), and what is said of it."""

    layer: str
    zoom: int
    shape: bytes
    tags: Tags


class TilePiece(Noun, frozen=True, kw_only=True):
    """What one tile shows of features that are told the same: points, lines, or rings (not closed; outer ones clockwise as seen, holes not)."""

    kind: Kind
    paths: tuple[tuple[Spot, ...], ...]
    tags: Tags


class MapMark(Noun, frozen=True, kw_only=True):
    """A sign on a picture of the map, in the shape and colour of its priority (1 is the most urgent), and what it is in a few words."""

    place: Place
    label: str
    priority: Annotated[int, msgspec.Meta(ge=1, le=4)] = 4


class MapRing(Noun, frozen=True, kw_only=True):
    """A ring on a picture of the map: all within so many metres of a place, and what that is in a few words."""

    place: Place
    metres: Annotated[float, msgspec.Meta(gt=0, le=50_000)]
    label: str
