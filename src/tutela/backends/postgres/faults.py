"""PostgreSQL's faults, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from tutela.backends.rules import not_installed
from tutela.errors import BadInput, Conflict, EngineDown, StorageFull

_GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)


@contextmanager
def faults() -> Iterator[None]:
    """Raise what went wrong inside as an error of ours.

    EngineDown: try again, whatever was under way may or may not be committed. StorageFull: nothing was
    committed. Conflict: another transaction was in the way. BadInput: a value that can't be stored.
    """
    try:
        yield
    except asyncpg.DiskFullError as wrong:
        raise StorageFull(
            "PostgreSQL's disk is full; what was accepted is safe, free some space and new data goes on"
        ) from wrong
    except _GONE as wrong:
        raise EngineDown(
            f"PostgreSQL does not answer ({wrong or type(wrong).__name__}); see `tutela doctor`"
        ) from wrong
    except asyncpg.InterfaceError as wrong:
        # asyncpg says both "the connection is closed" and "this value does not fit" with this class
        if isinstance(wrong, ValueError):
            raise BadInput(f"PostgreSQL can't keep this value: {wrong}") from wrong
        raise EngineDown(f"the connection to PostgreSQL is gone ({wrong}); see `tutela doctor`") from wrong
    except asyncpg.DataError as wrong:
        raise BadInput(f"PostgreSQL can't keep this value: {wrong}") from wrong
    except asyncpg.TransactionRollbackError as wrong:
        raise Conflict(f"another change was made at the same moment ({wrong}); try again") from wrong
    except asyncpg.UndefinedTableError as wrong:
        raise not_installed() from wrong
