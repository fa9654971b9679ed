"""Street: a piece of road between nodes, as maps have it."""

from __future__ import annotations

from .noun import Noun
from .place import Place


class Street(Noun, frozen=True, kw_only=True):
    """One way of a street map that vehicles may drive: its nodes in order, each with its place.

    Streets meet where they share a node. `forwards` and `backwards`: whether it may be driven in the order of its
    nodes, and against it.
    """

    nodes: tuple[int, ...]
    places: tuple[Place, ...]
    forwards: bool = True
    backwards: bool = True
