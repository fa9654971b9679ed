"""The kinds of observation that travel the telemetry lane, each a named, versioned schema.

Additive only: a released version is never changed, and readers keep all of them.
"""

from __future__ import annotations

from enum import StrEnum

from tutela.errors import BadInput

from .noun import Noun


class Key(StrEnum):
    """What a kind is partitioned by; an ordered key never moves."""

    DATASTREAM = "datastream"
    THING = "thing"


class Kind(Noun, frozen=True, kw_only=True):
    """One kind: its columns beside `datastream` (int32) and `time` (int64 microseconds)."""

    name: str
    version: int
    key: Key
    columns: tuple[tuple[str, str], ...]
    personal_data: bool
    says: str

    @property
    def schema(self) -> str:
        """The name and version that a recorded batch carries."""
        return f"{self.name}@{self.version}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="readings",
            version=1,
            key=Key.DATASTREAM,
            columns=(("result", "f8"),),
            personal_data=False,
            says="A measured number: air, noise, water, traffic speed.",
        ),
        Kind(
            name="counts",
            version=1,
            key=Key.DATASTREAM,
            columns=(("result", "i8"),),
            personal_data=False,
            says="A whole number of people, vehicles or events.",
        ),
        Kind(
            name="positions",
            version=1,
            key=Key.THING,
            columns=(("lat", "f8"), ("lon", "f8")),
            personal_data=True,
            says="Where a Thing that moves is; it may follow a person, so it is sealed.",
        ),
    )
}


def kind(name: str) -> Kind:
    """The kind of that name."""
    if name not in KINDS:
        raise BadInput(f"there is no kind called {name!r}; there are: {', '.join(sorted(KINDS))}")
    return KINDS[name]
