"""How a source is reached that is fetched from or listened to, as the register keeps it."""

from __future__ import annotations

from typing import Any

from .noun import Noun


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


class Condition(Noun, frozen=True, kw_only=True):
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
