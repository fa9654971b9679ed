"""The disks that telemetry must not fill."""

from __future__ import annotations

from tutela.app.settings import Settings
from tutela.backends.disk import Reserve
from tutela.backends.engines import POSTGRES
from tutela.backends.places import places


def reserve(settings: Settings) -> Reserve:
    """That of the data directory, and that of PostgreSQL when it is ours."""
    where = places(settings.data)
    return Reserve((where.data,) if settings.env.get(POSTGRES) else (where.data, where.postgres))
