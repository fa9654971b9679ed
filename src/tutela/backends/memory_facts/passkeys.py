"""Passkeys, and challenges that are answered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import another_passkey, follows, may_come, not_answered, not_there
from tutela.model.event import Event
from tutela.model.people import Agent, Passkey


@dataclass(frozen=True)
class MemoryPasskeys:
    """Passkeys, and challenges that are answered once."""

    store: Store

    async def challenge(self, hash_: bytes, agent: str | None, until: int, now: int) -> None:
        """Keep a challenge until then; those that are over are forgotten."""
        for old in [old for old, (_, ends) in self.store.challenges.items() if ends <= now]:
            del self.store.challenges[old]
        self.store.challenges[hash_] = agent, until

    async def answered(self, hash_: bytes, agent: str | None, now: int) -> None:
        """Use up a challenge that was this person's, or nobody's in particular."""
        whose, until = self.store.challenges.pop(hash_, (None, 0))
        if until <= now or whose != agent:
            raise not_answered()

    async def add(self, passkey: Passkey, event: Event) -> None:
        """Keep a passkey."""
        if any(one.credential == passkey.credential for one in self.store.passkeys.values()):
            raise another_passkey()
        self.store.passkeys[passkey.id] = passkey
        self.store.log([event])

    async def passkeys(self, agent: str) -> Sequence[Passkey]:
        """Those of one person, the oldest first."""
        own = [one for one in self.store.passkeys.values() if one.agent == agent]
        return sorted(own, key=lambda one: (one.at, one.id))

    async def passkey(self, credential: bytes) -> Passkey | None:
        """The one that a device calls so."""
        return next((one for one in self.store.passkeys.values() if one.credential == credential), None)

    async def used(self, id_: str, count: int, now: int) -> Agent:
        """It was used: by whom."""
        passkey = self.store.passkeys.get(id_)
        if passkey is None:
            raise not_there("passkey", id_)
        follows(passkey.count, count)
        agent = self.store.agents[passkey.agent]
        may_come(agent, now)
        self.store.passkeys[id_] = msgspec.structs.replace(passkey, count=count, used_at=now)
        return agent

    async def remove(self, agent: str, id_: str, event: Event) -> None:
        """Remove a passkey of that person; sessions that were begun with it are over."""
        passkey = self.store.passkeys.get(id_)
        if passkey is None or passkey.agent != agent:
            raise not_there("passkey", id_)
        del self.store.passkeys[id_]
        for one in self.store.sessions.values():
            if one.session.passkey == id_:
                one.session = msgspec.structs.replace(one.session, until=min(one.session.until, event.at))
        self.store.log([event])
