"""The source register, in the words of OGC SensorThings 1.1 and W3C DPV.

A source without an entry is quarantined and nothing of it is kept (governance G01).
"""

from __future__ import annotations

from typing import Any

from .noun import Noun
from .place import Place


class Source(Noun, frozen=True, kw_only=True):
    """A register entry: who sends what, for which purposes, on which legal basis.

    `subjects` are those that a feed of public posts is followed by (none: any); a post on another one is refused.
    """

    name: str
    owner: str
    kind: str
    purposes: tuple[str, ...]
    legal_basis: str
    personal_data: bool
    place: str
    retention_days: int | None = None
    dpia: str | None = None
    ends: int | None = None
    simulated: bool = False
    agency: str = "city"
    subjects: tuple[str, ...] = ()


class Thing(Noun, frozen=True, kw_only=True):
    """SensorThings Thing: a lamp, a camera, a station."""

    id: int
    name: str
    kind: str
    source: str
    place: Place | None = None
    properties: dict[str, str] = {}


class Datastream(Noun, frozen=True, kw_only=True):
    """SensorThings Datastream: one observed property of one Thing, from one source.

    `id` is given by the register, whole numbers from 1 without large gaps: partition = id mod P,
    slot = id div P. `interval` is the expected time between observations in seconds (None: unknown).
    `purpose` is one of its source's; a definition that leaves it out means the first of those. `version` is given by
    the register too and counts up over all definitions in it; `changed` tells when this datastream was last defined
    otherwise than before (microseconds; None: never).
    """

    id: int
    name: str
    source: str
    thing: str
    kind: str
    observed_property: str
    unit: str
    place: Place | None = None
    cell: int = 0
    interval: float | None = None
    purpose: str = ""
    version: int = 0
    changed: int | None = None


class Connection(Noun, frozen=True, kw_only=True):
    """The part that fetches or listens, with its options, and the standard that reads what comes.

    `options` are fields of the part, `reading` are options of the standard. `secret` names the further fields of the
    part whose values are sealed: nobody is shown those, and no event holds them.
    """

    source: str
    part: str
    standard: str = ""
    options: dict[str, Any] = {}
    reading: dict[str, Any] = {}
    secret: tuple[str, ...] = ()


class Kept(Noun, frozen=True, kw_only=True):
    """A connection with the sealed values of its secret fields (JSON under `key`; both empty when it has none)."""

    connection: Connection
    key: str = ""
    sealed: bytes = b""


class Reach(Noun, frozen=True, kw_only=True):
    """How a connection was doing at a moment (microseconds), since it was entered or its process started.

    `reachable`: whether the other side answered last; None while nothing is known. `came`: when something came last.
    `troubles` counts what went wrong and was lived with, `says` is the newest of it; `starts` counts how often it was
    started.
    """

    source: str
    at: int
    reachable: bool | None = None
    came: int | None = None
    troubles: int = 0
    starts: int = 0
    says: str = ""
