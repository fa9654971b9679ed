"""The lake of an instance."""

from __future__ import annotations

from tutela.app.core import Core
from tutela.backends.lake import DuckLake
from tutela.backends.lake_catalogue import Where


def lake(inside: Core) -> DuckLake:
    """History: Parquet beside the data, its catalogue in the same PostgreSQL. It connects when it is first used."""
    settings = inside.settings
    return DuckLake(Where(inside.where.pg, settings.lake, settings.data / "spill", inside.install.partitions))
