"""How long `tutela up` takes until it is ready: the first time (packages installed), again, and with much stored.

The first and second start are those of a person who types `make up`: with the demonstration city. The restart comes
after a kill -9 of the main process, and counts until a new event is committed and sealed.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.report import promise, tell
from benchmarks.stack import until
from benchmarks.upped import Upped, stop

from tutela.app.core import Core
from tutela.maths.ids import uuid_of
from tutela.model.event import Event

COLD, WARM, RESTART = 30.0, 5.0, 10.0
STORED = 1_000_000
CHUNK = 50_000
FILL = """
insert into event (id, at, by, cause, kind, timeline, subject, salt, body)
select gen_random_uuid(), $1, 'bench', null, 'bench@1', 'live', 'bench/' || n, decode(repeat('5a', 16), 'hex'),
       convert_to('{"noun":"bench","number":' || n || ',"text":"' || repeat('x', 200) || '"}', 'UTF8')
from generate_series($2::bigint, $3::bigint) as n
"""


async def first_starts(here: Upped) -> None:
    """The very first one, and the second."""
    for name, bar in (("cold", COLD), ("warm", WARM)):
        main = await here.start(demo=True)
        tell(f"starts.{name}", await here.ready(main), "s", most=bar)
        await stop(main)


async def restart(here: Upped, stored: int) -> None:
    """After a kill, with that many events stored and sealed."""
    main = await here.start()
    await here.ready(main)
    async with here.inside() as inside:
        await fill(inside, stored)
    main.kill()
    await main.wait()
    begun = time.monotonic()
    main = await here.start()
    ready = await here.ready(main)
    async with here.inside() as inside:
        sealed = await _sealed_anew(inside)
        took = time.monotonic() - begun
        last = await inside.facts.last()
    tell("starts.restart", took, "s", most=RESTART, ready=ready, sealed=sealed, stored=last + 1)
    promise("starts.restart.all", last + 1 > stored, stored=last + 1)
    await stop(main)


async def fill(inside: Core, stored: int) -> None:
    """Commit so many events, and wait until they are sealed."""
    at = time.time_ns() // 1000
    for first in range(1, stored + 1, CHUNK):
        async with inside.facts.db.writing() as connection:
            await connection.execute(FILL, at, first, min(first + CHUNK - 1, stored))

    async def done() -> bool:
        return await inside.facts.last() + 1 >= stored

    begun = time.monotonic()
    await until(done, 600, every=0.5)
    tell("starts.filled", stored / (time.monotonic() - begun), "events/s sealed")


async def _sealed_anew(inside: Core) -> float:
    """Seconds from a commit until it is sealed."""
    last = await inside.facts.last()
    at, begun = time.time_ns() // 1000, time.monotonic()
    event = Event(
        id=uuid_of("bench", at), at=at, by="bench", cause=None, kind="bench@1", timeline="live", body=b"{}", subject=""
    )
    await inside.facts.append([event])

    async def done() -> bool:
        return any(one.event.id == event.id for one in await inside.facts.sealed(last, 1000))

    await until(done, 60, every=0.01)
    return time.monotonic() - begun


async def main() -> None:
    """All three, in one directory."""
    with tempfile.TemporaryDirectory(prefix="tutela-bench-") as folder:
        here = Upped.at(Path(folder) / "city")
        try:
            await first_starts(here)
            await restart(here, 20_000 if report.quick() else STORED)
        finally:
            here.forget()


if __name__ == "__main__":
    asyncio.run(main())
