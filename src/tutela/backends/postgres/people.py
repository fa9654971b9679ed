"""Agents, one-time enrolment codes and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import no_code, not_there, same_person, signed_in, used, welcome
from tutela.errors import TutelaError
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.people import Agent, Factor, Session, SignedIn, Sitting

_agent = msgspec.json.Decoder(Agent).decode


@dataclass(frozen=True)
class PostgresPeople:
    """Agents, one-time enrolment codes and sessions."""

    db: Database

    async def enrol(self, code_hash: bytes, agent: Agent, event: Event) -> None:
        """Use a code: exactly one enrolment has it."""
        async with self.db.writing() as connection:
            code = await connection.fetchrow(
                "update invitation set used_at = $2 where code_hash = $1 and used_at is null returning role, until",
                code_hash,
                event.at,
            )
            if code is None:
                raise await _unusable(connection, code_hash)
            welcome(agent, code["role"], code["until"], event.at)
            await _settle(connection, agent)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def invite(self, code_hash: bytes, role: str, until: int, event: Event) -> None:
        """Make a one-time code for a role, good until then."""
        async with self.db.writing() as connection:
            await connection.execute(
                "insert into invitation (code_hash, role, until) values ($1, $2, $3) on conflict do nothing",
                code_hash,
                role,
                until,
            )
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def invited(self, code_hash: bytes) -> tuple[str, int]:
        """The role and the end of a code that was not used yet."""
        async with self.db.reading() as connection:
            code = await connection.fetchrow(
                "select role, until from invitation where code_hash = $1 and used_at is null", code_hash
            )
            if code is None:
                raise await _unusable(connection, code_hash)
        return code["role"], code["until"]

    async def begin(self, token_hash: bytes, session: Session, now: int) -> None:
        """Begin a session of an agent."""
        async with self.db.reading() as connection:
            try:
                await connection.execute(
                    "insert into session (token_hash, agent, until, factor, passkey, active) values ($1, $2, $3, $4, $5, $6)",
                    token_hash,
                    session.agent,
                    session.until,
                    session.factor,
                    session.passkey,
                    now,
                )
            except asyncpg.ForeignKeyViolationError as wrong:
                raise not_there("agent", session.agent) from wrong

    async def who(self, token_hash: bytes, now: int) -> SignedIn:
        """Whose session this is; raises Refused when it is over."""
        async with self.db.reading() as connection:
            found = await connection.fetchrow(
                "select entry, until, factor, active from session join agent on id = agent where token_hash = $1",
                token_hash,
            )
        if found is None:
            return signed_in(None, 0, now)
        person = SignedIn(agent=_agent(found["entry"]), factor=Factor(found["factor"]), active=found["active"])
        return signed_in(person, found["until"], now)

    async def active(self, token_hash: bytes, now: int) -> None:
        """Somebody did something in that session."""
        async with self.db.reading() as connection:
            await connection.execute(
                "update session set active = greatest(active, $2) where token_hash = $1", token_hash, now
            )

    async def end(self, token_hash: bytes, event: Event) -> None:
        """End a session; one that is over already is left alone."""
        async with self.db.writing() as connection:
            ended = await connection.execute(
                "update session set until = $2 where token_hash = $1 and until > $2", token_hash, event.at
            )
            if ended == "UPDATE 1":
                await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def restate(self, agent: Agent, event: Event) -> None:
        """An agent is this from now on."""
        async with self.db.writing() as connection:
            done = await connection.execute(
                "update agent set entry = $2::text::json where id = $1", agent.id, encode(agent).decode()
            )
            if done != "UPDATE 1":
                raise not_there("agent", agent.id)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def sittings(self, agent: str, own: bytes, now: int) -> Sequence[Sitting]:
        """The sessions of an agent that hold, the newest act first."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select token_hash, until, factor, active from session where agent = $1 and until > $2 order by active desc",
                agent,
                now,
            )
        return [
            Sitting(
                factor=Factor(row["factor"]), active=row["active"], until=row["until"], own=row["token_hash"] == own
            )
            for row in rows
        ]

    async def end_others(self, own: bytes, event: Event) -> None:
        """End all sessions of its owner but this one."""
        async with self.db.writing() as connection:
            await connection.execute(
                "update session set until = $3 where agent = $2 and token_hash <> $1 and until > $3",
                own,
                event.subject,
                event.at,
            )
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def lasts(self, agent: str) -> int:
        """Until when the agent's latest session lasts; 0: there never was one."""
        async with self.db.reading() as connection:
            until: int = await connection.fetchval(
                "select coalesce(max(until), 0) from session where agent = $1", agent
            )
        return until

    async def agents(self) -> Sequence[str]:
        """The ids of all who ever enrolled."""
        async with self.db.reading() as connection:
            return [row["id"] for row in await connection.fetch("select id from agent order by id")]


async def _unusable(connection: asyncpg.Connection, code_hash: bytes) -> TutelaError:
    at = await connection.fetchval("select used_at from invitation where code_hash = $1", code_hash)
    return no_code() if at is None else used(at)


async def _settle(connection: asyncpg.Connection, agent: Agent) -> None:
    """Enter an agent, or the new end of their role."""
    entry = encode(agent).decode()
    await connection.execute(
        "insert into agent (id, entry) values ($1, $2::text::json) on conflict do nothing", agent.id, entry
    )
    same_person(agent, _agent(await connection.fetchval("select entry from agent where id = $1 for update", agent.id)))
    await connection.execute("update agent set entry = $2::text::json where id = $1", agent.id, entry)
