"""How far the sealer is, in one look and without taking part."""

from __future__ import annotations

from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.model.event import Checkpoint, Seal
from tutela.model.timeline import LIVE

MOST = 10_000

_PROGRESS = """
select s.position as size, w.waiting, w.oldest, c.*
from sealer s
cross join lateral (
    select count(*) as waiting, min(at) filter (where timeline = $1) as oldest from (
        select e.at, e.timeline from event e
        where e.txid >= pg_snapshot_xmin(s.snap) and not pg_visible_in_snapshot(e.txid, s.snap)
            and (s.upto is null or (e.txid, e.ord) > (s.txid, s.ord) or not pg_visible_in_snapshot(e.txid, s.upto))
        order by e.txid, e.ord limit $2
    ) e
) w
left join lateral (
    select origin, seal_epoch as epoch, size as signed, root, at, signature
    from checkpoint order by seal_epoch desc, size desc limit 1
) c on true
"""


@dataclass(frozen=True)
class PostgresProgress:
    """How far the sealer is."""

    db: Database

    async def progress(self) -> Seal:
        """Now."""
        async with self.db.reading() as connection:
            row = await connection.fetchrow(_PROGRESS, LIVE, MOST)
        point = None
        if row["signed"] is not None:
            point = Checkpoint(
                origin=row["origin"],
                epoch=row["epoch"],
                size=row["signed"],
                root=row["root"],
                at=row["at"],
                signature=row["signature"],
            )
        return Seal(size=row["size"], waiting=row["waiting"], oldest=row["oldest"], checkpoint=point)
