"""How a source shows who it is: by a token that is shown once and kept only as a hash."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tutela.errors import Quarantined
from tutela.maths.ids import digest
from tutela.model.flow import Refusal
from tutela.model.when import SECOND
from tutela.policy.gate import Reason

from .catalogue import Known
from .health import Health
from .ports import Clock

SECRET = 32
"""Random bytes of a token: so many that guessing is hopeless without a slow hash."""

HOLDS = 5 * SECOND
"""For so long a token is known without asking; a token that was taken back works no longer than that."""

NOBODY = "(nobody)"
"""Stands for all who come without a token that is known: nothing of them is kept but how often."""


class Holders(Protocol):
    """Where the hashes are kept."""

    async def allow(self, hash_: bytes, source: str, at: int) -> None:
        """Whoever shows that token sends as this source."""

    async def holder(self, hash_: bytes) -> str | None:
        """The source of that token."""


class Tokens:
    """Issues tokens and knows their sources."""

    def __init__(self, holders: Holders, clock: Clock, chance: Callable[[int], bytes]) -> None:
        self._holders, self._clock, self._chance = holders, clock, chance
        self._known: dict[bytes, tuple[str, int]] = {}

    async def issue(self, source: str) -> str:
        """A new token of that source; raises NotFound when the register has no such entry."""
        token = urlsafe_b64encode(self._chance(SECRET)).decode().rstrip("=")
        await self._holders.allow(_hash(token), source, self._clock())
        return token

    def met(self, token: str) -> bool:
        """Whether this token was shown here before, and was good."""
        return _hash(token) in self._known

    async def identify(self, token: str) -> str:
        """The source that shows this token; raises Quarantined when there is none."""
        hash_, now = _hash(token), self._clock()
        source, since = self._known.get(hash_, ("", now - HOLDS))
        if now - since >= HOLDS:
            source = await self._holders.holder(hash_) or ""
            if not source:
                self._known.pop(hash_, None)
                raise Quarantined(
                    "no source has this token, so nothing of this was kept; "
                    "enter the source with `tutela sources enter` and send its token as `Authorization: Bearer …`"
                )
            self._known[hash_] = source, now
        return source


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows sources by their tokens, and counts who comes without one."""

    tokens: Tokens
    known: Known
    health: Health
    clock: Clock

    async def identify(self, token: str) -> str:
        """The source that shows this token; raises Quarantined, and counts, when there is none.

        Whoever comes with a token for the first time may have been entered, or entered anew, a moment ago: what the
        register says of them is looked up at once.
        """
        met = self.tokens.met(token)
        try:
            source = await self.tokens.identify(token)
        except Quarantined as stranger:
            self.health.refused(NOBODY, (Refusal(Reason.QUARANTINED, stranger.message, 1),), self.clock())
            raise
        if not met:
            await self.known.refresh()
        return source


def _hash(token: str) -> bytes:
    return digest("source", token, size=32)
