"""The first start: the database is brought up to date, and what holds for ever is settled."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tutela.app.core import clock
from tutela.app.settings import Settings
from tutela.app.verifying import settle_key
from tutela.backends.engines import Addresses
from tutela.backends.migrate import migrate
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.ring import CURRENT, root_key
from tutela.errors import BadInput
from tutela.model.install import Install


@dataclass(frozen=True, slots=True)
class Place:
    """Which city this is, in which time zone, in how many partitions."""

    city: str
    zone: str
    partitions: int = 16


async def install(settings: Settings, where: Addresses, place: Place) -> Install:
    """Migrate, make the keys, settle the install; an install that is there already holds."""
    try:
        ZoneInfo(place.zone)
    except (ZoneInfoNotFoundError, ValueError) as wrong:
        raise BadInput(f"there is no time zone {place.zone!r}; write it like Europe/Helsinki") from wrong
    await migrate(where.pg, clock())
    root_key(settings.data / CURRENT)
    facts = PostgresFacts(await Database.open(where.pg, 1))
    try:
        wanted = Install(id=str(uuid4()), partitions=place.partitions, zone=place.zone, city=place.city, at=clock())
        holds = await facts.install(wanted)
        await settle_key(settings, holds, facts)
        return holds
    finally:
        await facts.close()
