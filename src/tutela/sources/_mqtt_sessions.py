"""Sessions of MQTT clients: which connection is whose, and who is away for a while.

A session here is nothing but that it exists: a server which only takes messages with QoS 0 and 1 has nothing else to
keep (MQTT 5.0 §4.1). It is still told truthfully, since a client whose session is gone forgets what it has not had acknowledged.
They are kept in memory: when the process starts anew, none is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

Key = tuple[str, str]
"""Identity and client identifier: nobody ends somebody else's session by its name."""

C = TypeVar("C")


@dataclass(slots=True)
class _Session(Generic[C]):
    """`connection`: None while the client is away, until `ends` (seconds). `lasts`: seconds that it may be away."""

    connection: C | None
    lasts: int
    ends: float = inf


class Sessions(Generic[C]):
    """One connection a session. `most`: how many clients that are away are remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: dict[Key, _Session[C]] = {}
        self._away = 0

    def enter(self, key: Key, connection: C, lasts: int, now: float, *, clean: bool) -> tuple[bool, C | None]:
        """A client comes: whether its session is known, and the connection that it takes the place of."""
        before = self._all.pop(key, None)
        self._all[key] = _Session(connection, lasts)
        if before is None:
            return False, None
        self._away -= before.connection is None
        return not clean and before.ends > now, before.connection

    def change(self, key: Key, connection: C, lasts: int) -> None:
        """A client that leaves says for how long (§3.14.2.2.2)."""
        session = self._all.get(key)
        if session is not None and session.connection is connection:
            session.lasts = lasts

    def leave(self, key: Key, connection: C, now: float) -> None:
        """A connection is over; another one may have taken its place before."""
        session = self._all.get(key)
        if session is None or session.connection is not connection:
            return
        if session.lasts and self._away < self._most:
            session.connection, session.ends = None, now + session.lasts
            self._away += 1
        else:
            del self._all[key]

    def forget(self, now: float) -> None:
        """Sessions whose time is over are gone."""
        for key in [key for key, session in self._all.items() if session.ends <= now]:
            del self._all[key]
            self._away -= 1
