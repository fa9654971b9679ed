"""Agents, one-time enrolment codes and sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from tutela.backends.memory_facts.store import Invitation, Store
from tutela.backends.rules import no_code, not_there, signed_in, taken, used, welcome
from tutela.model.event import Event
from tutela.model.people import Agent


@dataclass
class MemoryPeople:
    """Agents, one-time enrolment codes and sessions."""

    store: Store = field(default_factory=Store)

    async def enrol(self, code_hash: bytes, agent: Agent, event: Event) -> None:
        """Use a code: exactly one enrolment has it."""
        code = self._usable(code_hash)
        welcome(agent, code.role, code.until, event.at)
        if self.store.agents.get(agent.id, agent) != agent:
            raise taken(agent.id)
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

    async def begin(self, token_hash: bytes, agent: str, until: int) -> None:
        """Begin a session of an agent, good until then."""
        if agent not in self.store.agents:
            raise not_there("agent", agent)
        self.store.sessions[token_hash] = (agent, until)

    async def who(self, token_hash: bytes, now: int) -> Agent:
        """Whose session this is; raises Refused when it is over."""
        agent, until = self.store.sessions.get(token_hash, ("", 0))
        return signed_in(self.store.agents.get(agent) if now < until else None)

    async def end(self, token_hash: bytes, event: Event) -> None:
        """End a session; one that is over already is left alone."""
        agent, until = self.store.sessions.get(token_hash, ("", 0))
        if event.at < until:
            self.store.sessions[token_hash] = (agent, event.at)
            self.store.log([event])

    async def lasts(self, agent: str) -> int:
        """Until when the agent's latest session lasts; 0: there never was one."""
        return max((until for whose, until in self.store.sessions.values() if whose == agent), default=0)
