"""A city system: a list of purposes and of parts, each used under a name with options. No code."""

from __future__ import annotations

from .noun import Noun


class Use(Noun, frozen=True, kw_only=True):
    """One use of a part: `part` is its file's name, `name` what this use is called (the type of what it finds)."""

    part: str
    name: str
    options: dict[str, object] = {}


class System(Noun, frozen=True, kw_only=True):
    """One of the ten systems of design.md, as far as it is built."""

    name: str
    says: str
    purposes: tuple[str, ...]
    detectors: tuple[Use, ...] = ()
