"""How a source, or one device of it, shows who it is: by a token that is shown once and kept only as a hash."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tutela.errors import EngineDown, Quarantined
from tutela.maths.ids import digest
from tutela.model.flow import Refusal, Sender
from tutela.model.when import HOUR, SECOND
from tutela.policy.gate import Reason

from .catalogue import Known
from .health import Health
from .ports import Clock

Who = TypeVar("Who", str, Sender)

SECRET = 32
"""Random bytes of a token: so many that guessing is hopeless without a slow hash."""

HOLDS = 5 * SECOND
"""For so long a token is known without asking; a token that was taken back works no longer than that."""

PATIENCE = 2.0
"""Seconds for which the database is waited for, where the token was good before."""

OUTAGE = HOUR
"""For so long a token that was good is good still when nobody can be asked: calls and telemetry go on while the database does not."""

NOBODY = "(nobody)"
"""Stands for all who come without a token that is known: nothing of them is kept but how often."""


class Holders(Protocol):
    """Where the hashes are kept."""

    async def allow(self, hash_: bytes, sender: Sender, at: int) -> None:
        """Whoever shows that token sends as this source or Thing; raises NotFound when the register has none."""

    async def holder(self, hash_: bytes) -> Sender | None:
        """Who holds that token."""


class Tokens:
    """Issues tokens and knows who holds them."""

    def __init__(self, holders: Holders, clock: Clock, chance: Callable[[int], bytes]) -> None:
        self._holders, self._clock, self._chance = holders, clock, chance
        self._known: dict[bytes, tuple[Sender, int]] = {}

    async def issue(self, source: str, thing: str | None = None) -> str:
        """A new token of that source, or of one Thing of it; raises NotFound when the register has none."""
        token = urlsafe_b64encode(self._chance(SECRET)).decode().rstrip("=")
        await self._holders.allow(_hash(token), Sender(source, thing), self._clock())
        return token

    def met(self, token: str) -> bool:
        """Whether this token was shown here before, and was good."""
        return _hash(token) in self._known

    async def sender(self, token: str) -> Sender:
        """Who shows this token; raises Quarantined when nobody does."""
        hash_, now = _hash(token), self._clock()
        known = self._known.get(hash_)
        if known is not None and now - known[1] < HOLDS:
            return known[0]
        was = known is not None and now - known[1] < OUTAGE
        try:
            async with asyncio.timeout(PATIENCE if was else None):
                sender = await self._holders.holder(hash_) if token else None
        except (EngineDown, TimeoutError):
            if known is None or not was:
                raise
            return known[0]
        if sender is None:
            self._known.pop(hash_, None)
            raise Quarantined(
                "no source has this token, so nothing of this was kept; "
                "enter the source with `tutela sources enter` and send its token as `Authorization: Bearer …`"
            )
        self._known[hash_] = sender, now
        return sender

    async def identify(self, token: str) -> str:
        """The source that shows this token; raises Quarantined when there is none, and for a device's token."""
        sender = await self.sender(token)
        if sender.thing is not None:
            raise Quarantined(
                f"this is the token of one device, {sender.name}, which speaks MQTT and for itself only, so nothing of this "
                "was kept; send the source's own token"
            )
        return sender.source


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows sources and devices by their tokens, and counts who comes without one."""

    tokens: Tokens
    known: Known
    health: Health
    clock: Clock

    async def identify(self, token: str) -> str:
        """The source that shows this token; raises Quarantined, and counts, when there is none."""
        return await self._met(token, self.tokens.identify)

    async def sender(self, token: str) -> Sender:
        """The source or device that shows this token; raises Quarantined, and counts, when there is none."""
        return await self._met(token, self.tokens.sender)

    async def _met(self, token: str, who: Callable[[str], Awaitable[Who]]) -> Who:
        # Whoever comes with a token for the first time may have been entered, or entered anew, a moment ago: what the
        # register says of them is looked up at once.
        met = self.tokens.met(token)
        try:
            sender = await who(token)
        except Quarantined as stranger:
            self.health.refused(NOBODY, (Refusal(Reason.QUARANTINED, stranger.message, 1),), self.clock())
            raise
        if not met:
            await self.known.refresh()
        return sender


def _hash(token: str) -> bytes:
    return digest("source", token, size=32)
