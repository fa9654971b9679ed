"""Passkeys: people add them once they are in, and come in again with them instead of a new code.

A challenge is answered once, within five minutes. What is kept of a passkey is its public key; what its owner calls it is
sealed in the log with their name. A passkey that counts backwards is no longer believed, and the log says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from tutela.errors import BadInput, Refused
from tutela.maths.ids import digest, uuid_of
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.people import Agent, Factor, Passkey
from tutela.model.timeline import LIVE
from tutela.model.when import MINUTE

from .people import ENTRANCE, SALT, Staff

CHALLENGE = 32
"""Random bytes of a challenge."""

CHALLENGE_LASTS = 5 * MINUTE
MOST = 20
"""Passkeys of one person."""

COPIED = "passkey-copied"
"""The policy in the refusal of a passkey that counts backwards."""

LONGEST = 60
"""Characters of what a passkey is called."""

Answer = Mapping[str, object]
"""What a browser says, as JSON."""


class Added(Noun, frozen=True, kw_only=True):
    """Body of `passkey@1`, sealed: the passkey, and what its owner calls it."""

    passkey: Passkey
    name: str


class Removed(Noun, frozen=True, kw_only=True):
    """Body of `passkey-removed@1`: which passkey of its subject."""

    passkey: str


class Doubted(Noun, frozen=True, kw_only=True):
    """Body of `passkey-doubted@1`: a passkey of its subject that counts backwards, as if there were two of it."""

    passkey: str


class Own(Noun, frozen=True, kw_only=True):
    """A passkey as its owner knows it; times in microseconds."""

    id: str
    name: str
    at: int
    used_at: int | None


class Store(Protocol):
    """Passkeys, and challenges that are answered once."""

    async def challenge(self, hash_: bytes, agent: str | None, until: int, now: int) -> None:
        """Keep a challenge until then; those that are over are forgotten."""

    async def answered(self, hash_: bytes, agent: str | None, now: int) -> None:
        """Use it up. Raises Refused for one that never was, was answered, is over or was somebody else's."""

    async def add(self, passkey: Passkey, event: Event) -> None:
        """Keep a passkey; raises Conflict for a credential that is known."""

    async def passkeys(self, agent: str) -> Sequence[Passkey]:
        """Those of one person, the oldest first."""
        ...

    async def passkey(self, credential: bytes) -> Passkey | None:
        """The one that a device calls so."""

    async def used(self, id_: str, count: int, now: int) -> Agent:
        """It was used: by whom. Raises Refused when it counts backwards, or its owner may not come in any more."""
        ...

    async def remove(self, agent: str, id_: str, event: Event) -> None:
        """Remove one of that person, and end the sessions that were begun with it; raises NotFound."""


class Ceremonies(Protocol):
    """What a browser is told, and what it answers."""

    def to_make(self, origin: str, challenge: bytes, agent: Agent, has: Sequence[bytes]) -> Mapping[str, object]:
        """What makes a passkey of this person, on a device that has none of these."""
        ...

    def to_show(self, origin: str, challenge: bytes) -> Mapping[str, object]:
        """What lets somebody choose a passkey of theirs."""
        ...

    def asked(self, answer: Answer) -> tuple[bytes, bytes]:
        """The challenge and the credential that an answer says it is about; raises Refused. Nothing is believed yet."""
        ...

    def made(self, origin: str, challenge: bytes, answer: Answer) -> tuple[bytes, bytes, int] | None:
        """The credential, its public key and its count; None when it is not true."""

    def shown(self, origin: str, challenge: bytes, public_key: bytes, answer: Answer) -> int | None:
        """Its count; None when it is not true."""


_added = msgspec.json.Decoder(Added).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkeys:
    """Who has which passkey, and who comes in with one. `origin` is that of the page, as in https://city.example."""

    staff: Staff
    store: Store
    ceremonies: Ceremonies

    async def to_make(self, agent: Agent, origin: str) -> Mapping[str, object]:
        """What the browser of somebody who is signed in needs to make a passkey."""
        has = [one.credential for one in await self.store.passkeys(agent.id)]
        if len(has) >= MOST:
            raise BadInput(f"you have {MOST} passkeys; remove one that you do not use before you add another")
        challenge = await self._challenge(agent.id)
        return self.ceremonies.to_make(origin, challenge, await self.staff.named(agent), has)

    async def add(self, agent: Agent, origin: str, name: str, answer: Answer) -> Own:
        """Keep what the browser made, under a name that its owner gives it."""
        (challenge, _), called = self.ceremonies.asked(answer), _called(name)
        await self.store.answered(_hash(challenge), agent.id, self._now)
        made = self.ceremonies.made(origin, challenge, answer)
        if made is None:
            raise Refused("this passkey was not made as it must be; begin again, on this page", policy="passkey")
        credential, public_key, count = made
        passkey = Passkey(
            id=uuid_of("passkey", agent.id, credential),
            agent=agent.id,
            credential=credential,
            public_key=public_key,
            count=count,
            at=self._now,
        )
        body = encode(Added(passkey=passkey, name=called))
        key, sealed = await self.staff.keys.seal(f"system-operation/people/{agent.id}", body)
        event = self._event("passkey@1", agent.id, agent.id, sealed)
        await self.store.add(passkey, msgspec.structs.replace(event, key=key))
        return _own(passkey, called)

    async def to_show(self, origin: str) -> Mapping[str, object]:
        """What the browser of somebody who wants to come in needs to show a passkey."""
        return self.ceremonies.to_show(origin, await self._challenge(None))

    async def come(self, origin: str, answer: Answer, address: str = "") -> tuple[Agent, str]:
        """Come in with a passkey: the person, and the token of a session. Raises Refused, and LockedOut as for codes."""
        challenge, credential = self.ceremonies.asked(answer)
        passkey = await self.store.passkey(credential)
        come = partial(self._come, origin, challenge, passkey, answer)
        return await self.staff.signing_in(come, address, passkey.agent if passkey else None)

    async def own(self, agent: Agent) -> Sequence[Own]:
        """One's own, the oldest first."""
        return await self._named(agent.id)

    async def of(self, access: Access, agent: str) -> Sequence[Own]:
        """Somebody's, for whoever may invite them; raises Refused and NotFound."""
        query = f"passkeys of {agent}"
        await self.staff.may_invite_again(access, agent, query)
        found = await self._named(agent)
        await self.staff.ledger.wrote(access, LIVE, query, (one.id for one in found), (agent,))
        return found

    async def remove(self, agent: Agent, id_: str) -> None:
        """Remove one's own; whoever came in with it is out. Raises NotFound."""
        await self._remove(agent.id, agent.id, id_)

    async def remove_of(self, access: Access, agent: str, id_: str) -> None:
        """Remove somebody's, for whoever may invite them; raises Refused and NotFound."""
        await self.staff.may_invite_again(access, agent, f"remove the passkey {id_} of {agent}")
        await self._remove(access.agent.id, agent, id_)

    @property
    def _now(self) -> int:
        return self.staff.ledger.now

    async def _challenge(self, agent: str | None) -> bytes:
        challenge, now = self.staff.chance(CHALLENGE), self._now
        await self.store.challenge(_hash(challenge), agent, now + CHALLENGE_LASTS, now)
        return challenge

    async def _come(self, origin: str, challenge: bytes, passkey: Passkey | None, answer: Answer) -> tuple[Agent, str]:
        await self.store.answered(_hash(challenge), None, self._now)
        # Whether there is such a passkey is told to nobody: an unknown one and a wrong answer are refused alike.
        count = self.ceremonies.shown(origin, challenge, passkey.public_key, answer) if passkey else None
        if passkey is None or count is None:
            raise Refused("this passkey does not let you in here; use another one, or ask for a code", policy="passkey")
        try:
            agent = await self.store.used(passkey.id, count, self._now)
        except Refused as refused:
            if refused.policy == COPIED:
                body = encode(Doubted(passkey=passkey.id))
                await self.staff.log.append([self._event("passkey-doubted@1", ENTRANCE, passkey.agent, body)])
            raise
        return agent, await self.staff.begin(agent, Factor.PASSKEY, passkey.id)

    async def _named(self, agent: str) -> Sequence[Own]:
        names: dict[str, str] = {}
        for event in await self.staff.log.about(agent):
            if event.kind == "passkey@1" and event.key is not None:
                added = await self._opened(event.key, event.body)
                names |= {added.passkey.id: added.name} if added else {}
        return [_own(one, names.get(one.id, "")) for one in await self.store.passkeys(agent)]

    async def _opened(self, key: str, sealed: bytes) -> Added | None:
        """What was sealed; None when it was erased."""
        try:
            return _added(await self.staff.keys.open(key, sealed))
        except Refused:
            return None

    async def _remove(self, by: str, agent: str, id_: str) -> None:
        event = self._event("passkey-removed@1", by, agent, encode(Removed(passkey=id_)))
        await self.store.remove(agent, id_, event)
        await self.staff.rest(agent, by)

    def _event(self, kind: str, by: str, subject: str, body: bytes) -> Event:
        return Event(
            id=uuid_of(kind, subject, self._now, body),
            at=self._now,
            by=by,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=body,
            subject=subject,
            salt=self.staff.chance(SALT),
        )


def _own(passkey: Passkey, name: str) -> Own:
    return Own(id=passkey.id, name=name, at=passkey.at, used_at=passkey.used_at)


def _hash(challenge: bytes) -> bytes:
    return digest("challenge", challenge, size=32)


def _called(name: str) -> str:
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= LONGEST or not plain.isprintable():
        raise BadInput(f"a passkey's name has 1 to {LONGEST} characters; write what you call the device")
    return plain
