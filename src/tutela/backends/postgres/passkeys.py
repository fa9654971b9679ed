"""Passkeys, and challenges that are answered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import another_passkey, follows, may_come, not_answered, not_there
from tutela.model.event import Event
from tutela.model.people import Agent, Passkey

_agent = msgspec.json.Decoder(Agent).decode


@dataclass(frozen=True)
class PostgresPasskeys:
    """Passkeys, and challenges that are answered once."""

    db: Database

    async def challenge(self, hash_: bytes, agent: str | None, until: int, now: int) -> None:
        """Keep a challenge until then; those that are over are forgotten."""
        async with self.db.writing() as connection:
            await connection.execute("delete from challenge where until <= $1", now)
            await connection.execute(
                "insert into challenge (hash, agent, until) values ($1, $2, $3)", hash_, agent, until
            )

    async def answered(self, hash_: bytes, agent: str | None, now: int) -> None:
        """Use up a challenge that was this person's, or nobody's in particular."""
        async with self.db.reading() as connection:
            made = await connection.fetchrow("delete from challenge where hash = $1 returning agent, until", hash_)
        if made is None or made["until"] <= now or made["agent"] != agent:
            raise not_answered()

    async def add(self, passkey: Passkey, event: Event) -> None:
        """Keep a passkey."""
        async with self.db.writing() as connection:
            try:
                await connection.execute(
                    "insert into passkey (id, agent, credential, public_key, count, at) values ($1, $2, $3, $4, $5, $6)",
                    passkey.id,
                    passkey.agent,
                    passkey.credential,
                    passkey.public_key,
                    passkey.count,
                    passkey.at,
                )
            except asyncpg.UniqueViolationError as wrong:
                raise another_passkey() from wrong
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def passkeys(self, agent: str) -> Sequence[Passkey]:
        """Those of one person, the oldest first."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select * from passkey where agent = $1 order by at, id", agent)
        return [_passkey(row) for row in rows]

    async def passkey(self, credential: bytes) -> Passkey | None:
        """The one that a device calls so."""
        async with self.db.reading() as connection:
            row = await connection.fetchrow("select * from passkey where credential = $1", credential)
        return None if row is None else _passkey(row)

    async def used(self, id_: str, count: int, now: int) -> Agent:
        """It was used: by whom."""
        async with self.db.writing() as connection:
            row = await connection.fetchrow(
                "select count, entry from passkey join agent on agent.id = agent where passkey.id = $1 for update of passkey",
                id_,
            )
            if row is None:
                raise not_there("passkey", id_)
            follows(row["count"], count)
            agent = _agent(row["entry"])
            may_come(agent, now)
            await connection.execute("update passkey set count = $2, used_at = $3 where id = $1", id_, count, now)
        return agent

    async def remove(self, agent: str, id_: str, event: Event) -> None:
        """Remove a passkey of that person; sessions that were begun with it are over."""
        async with self.db.writing() as connection:
            if await connection.execute("delete from passkey where id = $1 and agent = $2", id_, agent) != "DELETE 1":
                raise not_there("passkey", id_)
            await connection.execute("update session set until = $2 where passkey = $1 and until > $2", id_, event.at)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)


def _passkey(row: asyncpg.Record) -> Passkey:
    return Passkey(**dict(row))
