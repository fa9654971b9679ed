"""What is wrong with an instance, in a person's words: what, where, and what to do. Works with the engines down."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tutela.backends.disk import DiskState, Level, look
from tutela.backends.engines import NATS, addresses
from tutela.backends.examine import examine_nats, examine_postgres
from tutela.backends.finding import Finding, bad, good, warning
from tutela.backends.orphans import Lock, orphans
from tutela.backends.places import OWNER, SYSTEM, Places, places
from tutela.backends.server_nats import free, read_access
from tutela.backends.spool import SPOOL, waiting
from tutela.backends.trust import HERE, TRUSTED
from tutela.errors import NotFound
from tutela.model.when import iso

SECRETS = ("*.key", "*.pem", "key*", "keys/*", "nats/access.json", "nats/server.conf")
PYTHON = (3, 11)


async def examine(data_dir: Path, env: Mapping[str, str]) -> list[Finding]:
    """All findings, the machine's first, then the instance's, then the engines'."""
    where = places(data_dir)
    found = [_python(), *_packages(), *_disks(where), *_gone(), *_instance(where, env)]
    try:
        at = addresses(data_dir, env)
    except NotFound as nothing:
        return [*found, bad("nothing was ever started here", where.data, nothing.message)]
    nats = examine_nats(at.nats, None if env.get(NATS) else read_access(where))
    of_nats, of_postgres = await asyncio.gather(nats, examine_postgres(at.pg))
    return [*found, *of_nats, *of_postgres]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return bad(f"Python {version} is too old", sys.executable, "install Python 3.11 or newer")
    return good(f"Python {version}", sys.executable)


def _packages() -> Iterator[Finding]:
    """Packages from outside that bring parts: those that nobody trusted are not at work."""
    for one, state in HERE.states():
        if state == TRUSTED:
            yield good(f"{one.name} {one.version} brings parts, and is trusted as it is", one.name)
        else:
            yield warning(
                f"{one.name} {one.version} brings parts that are not at work; it is {state}",
                one.name,
                f"look at it, and then: tutela parts trust {one.name}; or take it out",
            )


def _disks(where: Places) -> Iterator[Finding]:
    states = {state.path: state for state in (look(where.data), look(where.postgres))}
    for state in states.values():
        yield _disk(state)


def _disk(state: DiskState) -> Finding:
    says = f"{state.free >> 20} MB of {state.total >> 20} MB are free"
    if state.inodes:
        says += f", and {state.inodes_free} of {state.inodes} files can still be made"
    if state.level is Level.FULL:
        return bad(f"the disk is full: {says}", state.path, "free some space: everything goes on by itself then")
    if state.level is Level.LOW:
        return warning(
            f"the disk is low: {says}; telemetry is refused so that calls are still taken",
            state.path,
            f"free space until {state.reserve >> 20} MB are free",
        )
    return good(f"the disk has room: {says}", state.path)


def _gone() -> Iterator[Finding]:
    """As root, facts lie outside the data directory, and stay when somebody deletes that."""
    for owner in SYSTEM.glob(f"*/{OWNER}"):
        data = owner.read_text().strip()
        if places(Path(data)).postgres.parent != owner.parent:
            yield warning(
                f"these facts belong to {data}, which is gone",
                owner.parent,
                f"if nobody needs them: rm -r {owner.parent}",
            )


def _instance(where: Places, env: Mapping[str, str]) -> Iterator[Finding]:
    if not where.data.exists():
        return
    yield from _permissions(where)
    yield from _spooled(where.data / SPOOL)
    if Lock.held(where.run / "lock"):
        yield good("a supervisor is at work", where.run)
        return
    yield warning("no supervisor is at work", where.run, "start it with `tutela up`")
    for file, process in orphans(where.run):
        yield bad(
            f"{file.name} (pid {process.pid}) was left behind by a run that crashed",
            where.run / f"{file.name}.json",
            "the next `tutela up` stops it; until then it may hold data and ports",
        )
    access = read_access(where)
    if access and not env.get(NATS) and not orphans(where.run) and not free(access.port):
        yield warning(
            f"another program listens on port {access.port}, which was ours",
            "127.0.0.1",
            "the next `tutela up` takes another",
        )


def _spooled(where: Path) -> Iterator[Finding]:
    waits = waiting(where)
    if waits:
        since = iso(int(min(waits).partition("-")[0]) // 1000)
        yield bad(
            f"{len(waits)} calls wait beside the log, the oldest one since {since}",
            where,
            "make PostgreSQL answer, and they are told to the log by themselves; what stays then was altered: look at serve's log",
        )


def _permissions(where: Places) -> Iterator[Finding]:
    open_ = [path for path in (where.data, *_secrets(where.data)) if path.stat().st_mode & 0o077]
    for path in open_:
        yield bad("others on this machine can read this", path, f"chmod go= {path}")
    if not open_:
        yield good("secrets are for their owner alone", where.data)


def _secrets(data: Path) -> Iterator[Path]:
    for pattern in SECRETS:
        yield from data.glob(pattern)
