"""What all nouns share: frozen, keyword-only, and unknown fields are refused at the boundary."""

from __future__ import annotations

import msgspec


class Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen fact. Change is a new noun: `msgspec.structs.replace(noun, …)`."""
