"""How often the gateway may write: each durable message costs an fsync, so messages are counted, not rows.

At rest nothing waits. Under load each batch lingers as long as the budget needs, from 20 ms to 1 s,
and grows while it does (a token bucket: Turner 1986, "New directions in communications").
"""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST = 0.001
"""Seconds: a shorter wait is none, since no timer is that exact."""


@dataclass(slots=True)
class Pace:
    """A budget of `rate` messages a second. Times are seconds of a clock that never goes back.

    `burst` messages may be ahead of the budget before anybody waits; while a batch is on its way the
    next waits `least`, so that it collects what comes meanwhile; nobody waits longer than `most`.
    """

    rate: float = 400.0
    burst: float = 60.0
    least: float = 0.020
    most: float = 1.0
    _ahead: float = 0.0
    _at: float = float("-inf")

    def wait(self, now: float, *, flying: bool) -> float:
        """Seconds until the next batch may start; `flying`: another is still on its way."""
        over = (self._left(now) - self.burst) / self.rate
        since = now - self._at
        linger = max(over, self.least - since if flying else 0.0)
        wait = min(linger, self.most - since)
        return wait if wait > SHORTEST else 0.0

    def sent(self, now: float, messages: int) -> None:
        """A batch of that many messages starts now."""
        # What one batch overdraws is forgotten after `most`: nobody waits longer than that for it.
        self._ahead = min(self._left(now) + messages, self.burst + self.rate * self.most)
        self._at = now

    def _left(self, now: float) -> float:
        return max(0.0, self._ahead - max(0.0, now - self._at) * self.rate)
