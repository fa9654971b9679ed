"""How the facts stand, in numbers alone: what metrics tell. Each question is answered from an index or a small table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.model.alert import AlertStatus
from tutela.model.timeline import LIVE

OPEN = (AlertStatus.HELD, AlertStatus.NEW, AlertStatus.ACKNOWLEDGED, AlertStatus.SHELVED)

_ALERTS = """
select status, count(*) as n from alert
where timeline = $1 and status in ('held', 'new', 'acknowledged', 'shelved') group by status
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers of one moment. `sequences`: how far each partition of each stage of the live timeline is."""

    alerts: Mapping[str, int]
    outbox: int
    letters: int
    sequences: Mapping[tuple[str, int], int]


@dataclass(frozen=True)
class PostgresGauges:
    """Asks for them."""

    db: Database

    async def read(self) -> Facts:
        """Now."""
        async with self.db.reading() as connection:
            alerts = {row["status"]: row["n"] for row in await connection.fetch(_ALERTS, LIVE)}
            leases = await connection.fetch("select stage, partition, sequence from lease where timeline = $1", LIVE)
            return Facts(
                alerts={status: alerts.get(status, 0) for status in OPEN},
                outbox=await connection.fetchval("select count(*) from outbox"),
                letters=await connection.fetchval("select count(*) from dead_letter where replayed_at is null"),
                sequences={(row["stage"], row["partition"]): row["sequence"] for row in leases},
            )
