"""Agents, one-time enrolment codes and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.backends.memory_facts.store import Invitation, Store
from tutela.backends.memory_facts.store import Sitting as Held
from tutela.backends.rules import no_code, not_there, same_person, signed_in, used, welcome
from tutela.model.event import Event
from tutela.model.people import Agent, Session, SignedIn, Sitting


@dataclass
class MemoryPeople:
    """Agents, one-time enrolment codes and sessions."""

    store: Store = field(default_factory=Store)

    async def enrol(self, code_hash: bytes, agent: Agent, event: Event) -> None:
        """Use a code: exactly one enrolment has it."""
        code = self._usable(code_hash)
        welcome(agent, code.role, code.until, event.at)
        same_person(agent, self.store.agents.get(agent.id, agent))
        code.used_at = event.at
        self.store.agents[agent.id] = agent
        self.store.log([event])

    async def invite(self, code_hash: bytes, role: str, until: int, event: Event) -> None:
        """Make a one-time code for a role, good until then."""
        self.store.invitations.setdefault(code_hash, Invitation(role, until))
        self.store.log([event])

    async def invited(self, code_hash: bytes) -> tuple[str, int]:
        """The role and the end of a code that was not used yet."""
        code = self._usable(code_hash)
        return code.role, code.until

    def _usable(self, code_hash: bytes) -> Invitation:
        code = self.store.invitations.get(code_hash)
        if code is None:
            raise no_code()
        if code.used_at is not None:
            raise used(code.used_at)
        return code

    async def begin(self, token_hash: bytes, session: Session, now: int) -> None:
        """Begin a session of an agent."""
        if session.agent not in self.store.agents:
            raise not_there("agent", session.agent)
        self.store.sessions[token_hash] = Held(session, now)

    async def who(self, token_hash: bytes, now: int) -> SignedIn:
        """Whose session this is; raises Refused when it is over."""
        found = self.store.sessions.get(token_hash)
        if found is None:
            return signed_in(None, 0, now)
        session, agent = found.session, self.store.agents[found.session.agent]
        return signed_in(SignedIn(agent=agent, factor=session.factor, active=found.active), session.until, now)

    async def active(self, token_hash: bytes, now: int) -> None:
        """Somebody did something in that session."""
        if (found := self.store.sessions.get(token_hash)) is not None:
            found.active = max(found.active, now)

    async def end(self, token_hash: bytes, event: Event) -> None:
        """End a session; one that is over already is left alone."""
        found = self.store.sessions.get(token_hash)
        if found is not None and event.at < found.session.until:
            found.session = msgspec.structs.replace(found.session, until=event.at)
            self.store.log([event])

    async def restate(self, agent: Agent, event: Event) -> None:
        """An agent is this from now on."""
        if agent.id not in self.store.agents:
            raise not_there("agent", agent.id)
        self.store.agents[agent.id] = agent
        self.store.log([event])

    async def sittings(self, agent: str, own: bytes, now: int) -> Sequence[Sitting]:
        """The sessions of an agent that hold, the newest act first."""
        found = [
            Sitting(factor=one.session.factor, active=one.active, until=one.session.until, own=hash_ == own)
            for hash_, one in self.store.sessions.items()
            if one.session.agent == agent and one.session.until > now
        ]
        return sorted(found, key=lambda one: -one.active)

    async def end_others(self, own: bytes, event: Event) -> None:
        """End all sessions of its owner but this one."""
        for hash_, one in self.store.sessions.items():
            if hash_ != own and one.session.agent == event.subject and event.at < one.session.until:
                one.session = msgspec.structs.replace(one.session, until=event.at)
        self.store.log([event])

    async def lasts(self, agent: str) -> int:
        """Until when the agent's latest session lasts; 0: there never was one."""
        own = [one.session.until for one in self.store.sessions.values() if one.session.agent == agent]
        return max(own, default=0)

    async def agents(self) -> Sequence[str]:
        """The ids of all who ever enrolled."""
        return sorted(self.store.agents)
