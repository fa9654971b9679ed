"""Where, as a surface: a circle, or a polygon with holes. WGS 84, as in CAP 1.2 §3.2.4 and RFC 7946 §3.1.6."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .noun import Noun
from .place import Place

Ring = Annotated[tuple[Place, ...], msgspec.Meta(min_length=3)]
"""The corners of a line that closes by itself. A last corner that repeats the first is allowed."""


class Circle(Noun, tag="circle", tag_field="shape", frozen=True, kw_only=True):
    """All within `radius` metres of `centre`."""

    centre: Place
    radius: Annotated[float, msgspec.Meta(gt=0)]


class Polygon(Noun, tag="polygon", tag_field="shape", frozen=True, kw_only=True):
    """All inside `outer` and not inside any of `holes`. Lines go straight, the short way round the earth."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


Area = Circle | Polygon
