"""Sessions of MQTT clients: which connection is whose, and who is away for a while.

A session here is nothing but that it exists: a server which only takes messages with QoS 0 and 1 has nothing else to
keep (MQTT 5.0 §4.1). It is still told truthfully, since a client whose session is gone forgets what it has not had acknowledged.
They are kept in memory: when the process starts anew, none is known.
"""

from __future__ import annotations

from collections import Counter
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
        self._here_of: Counter[str] = Counter()
        self._away_of: Counter[str] = Counter()

    def room(self, key: Key, most: int) -> bool:
        """Whether a client may come of an identity that has at most so many connections; one that comes again takes its own place."""
        session = self._all.get(key)
        return self._here_of[key[0]] < most or (session is not None and session.connection is not None)

    def enter(self, key: Key, connection: C, lasts: int, now: float, *, clean: bool) -> tuple[bool, C | None]:
        """A client comes: whether its session is known, and the connection that it takes the place of."""
        before = self._all.pop(key, None)
        self._all[key] = _Session(connection, lasts)
        if before is None or before.connection is None:
            self._here_of[key[0]] += 1
        if before is None:
            return False, None
        if before.connection is None:
            self._returned(key)
        return not clean and before.ends > now, before.connection

    def change(self, key: Key, connection: C, lasts: int) -> None:
        """A client that leaves says for how long (§3.14.2.2.2)."""
        session = self._all.get(key)
        if session is not None and session.connection is connection:
            session.lasts = lasts

    def leave(self, key: Key, connection: C, now: float, most: int) -> None:
        """A connection is over; another one may have taken its place before. Of its identity at most so many are remembered."""
        session = self._all.get(key)
        if session is None or session.connection is not connection:
            return
        _one_less(self._here_of, key[0])
        if session.lasts and self._away < self._most and self._away_of[key[0]] < most:
            session.connection, session.ends = None, now + session.lasts
            self._away += 1
            self._away_of[key[0]] += 1
        else:
            del self._all[key]

    def forget(self, now: float) -> None:
        """Sessions whose time is over are gone."""
        for key in [key for key, session in self._all.items() if session.ends <= now]:
            del self._all[key]
            self._returned(key)

    def _returned(self, key: Key) -> None:
        """A client is away no more."""
        self._away -= 1
        _one_less(self._away_of, key[0])


def _one_less(of: Counter[str], name: str) -> None:
    """Count one less; what there is none of is not held."""
    of[name] -= 1
    if of[name] <= 0:
        del of[name]
