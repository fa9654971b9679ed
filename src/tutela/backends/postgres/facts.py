"""All that PostgreSQL keeps, on one pool."""

from __future__ import annotations

from tutela.backends.postgres import ages, published, units, values
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.desk import PostgresDesk
from tutela.backends.postgres.install import PostgresTimelines
from tutela.backends.postgres.leases import PostgresLeases
from tutela.backends.postgres.log import PostgresLog
from tutela.backends.postgres.outbox import PostgresOutbox
from tutela.backends.postgres.people import PostgresPeople
from tutela.backends.postgres.progress import PostgresProgress
from tutela.backends.postgres.register import (
    PostgresConnections,
    PostgresDeadLetters,
    PostgresRegister,
    PostgresRules,
)
from tutela.backends.postgres.sealing import PostgresSealing
from tutela.backends.postgres.turns import PostgresTurns


class PostgresFacts(
    PostgresTimelines,
    PostgresRegister,
    PostgresRules,
    PostgresConnections,
    PostgresDeadLetters,
    PostgresLeases,
    PostgresTurns,
    PostgresLog,
    PostgresOutbox,
    PostgresSealing,
    PostgresProgress,
    published.PostgresPublished,
    PostgresDesk,
    units.PostgresUnits,
    PostgresPeople,
    values.PostgresValues,
    ages.PostgresAges,
):
    """All ports on one pool: `PostgresFacts(await Database.open(dsn))`. Its `wait` returns for news of any kind.

    Who waits for one kind only takes that port by itself, such as `PostgresOutbox(facts.db)`.
    """

    @classmethod
    async def open(cls, dsn: str, size: int = 8) -> PostgresFacts:
        """Connect to a database that is migrated; raises EngineDown when it does not answer."""
        return cls(await Database.open(dsn, size))

    async def wait(self, seconds: float) -> None:
        """Return when anything was committed, sealed or ticked since this task last waited."""
        await self.db.notices.wait(seconds)

    async def close(self) -> None:
        """Close the pool; waits for what is under way."""
        await self.db.close()
