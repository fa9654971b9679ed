"""Trusted: a package from outside that somebody allowed to bring parts, as it was then, byte by byte."""

from __future__ import annotations

from .noun import Noun


class Trusted(Noun, frozen=True, kw_only=True):
    """A distribution by its name and version, and the SHA-256 of all its files and their names."""

    name: str
    version: str
    sha256: str


class TrustTold(Noun, frozen=True, kw_only=True):
    """Body of `parts-trusted@1`: all that may bring parts here, from this start on."""

    trusted: tuple[Trusted, ...]
