"""`tutela verify`: reads the whole log of an instance and finds what was changed in it."""

from __future__ import annotations

from tutela.app.core import core
from tutela.app.settings import Settings
from tutela.backends.checkpoints import Checkpoints, Key, Verifier
from tutela.backends.postgres.audit import PostgresAudit
from tutela.flow.verify import Report, verify


def witness(settings: Settings) -> Checkpoints:
    """The checkpoints outside of the database."""
    return Checkpoints(settings.data / "checkpoints.jsonl")


def log_key(settings: Settings) -> Key:
    """The key that signs the log's checkpoints."""
    return Key(settings.data / "log.key")


async def run(settings: Settings) -> Report:
    """What was read and what was found."""
    async with core(settings, "verify", connections=2) as inside:
        async with inside.facts.db.reading() as connection:
            gone = await connection.fetch("select id from bucket_key where destroyed_at is not null")
        return await verify(
            PostgresAudit(inside.facts.db),
            inside.facts,
            witness(settings),
            Verifier(log_key(settings).public),
            destroyed=[row["id"] for row in gone],
        )
