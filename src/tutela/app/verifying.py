"""`tutela verify`: reads the whole log of an instance and finds what was changed in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from tutela.app.core import Core, core
from tutela.app.settings import Settings
from tutela.backends import outsider, outsider_bundle
from tutela.backends.checkpoints import Checkpoints, Key, settle, verifier, verifies
from tutela.backends.postgres.audit import PostgresAudit
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.tombstones import destroyed
from tutela.errors import BadInput
from tutela.flow.published import Publishing
from tutela.flow.verify import Report, verify
from tutela.model import note
from tutela.model.install import Install

_OURS = re.compile(r"^from (?:__future__ import .*|tutela\.backends\.outsider import \([^)]*\))\n+", re.MULTILINE)
"""What stands for the first half at the head of the second."""


def witness(settings: Settings) -> Checkpoints:
    """The checkpoints outside of the database."""
    return Checkpoints(settings.data / "checkpoints.jsonl")


def log_key(settings: Settings) -> Key:
    """The key that signs the log's checkpoints; raises Broken when it is gone."""
    return Key(settings.data / "log.key")


def origin(install: Install) -> str:
    """The log's name, in everything that it signs."""
    return f"tutela/{install.id}"


async def settle_key(settings: Settings, install: Install, facts: PostgresFacts) -> None:
    """At the install: the key that signs, and its public half for everybody. They are never made anew."""
    signed = await witness(settings).last() is not None or bool(await facts.checkpoints())
    where = settings.data
    await asyncio.to_thread(settle, where / "log.key", public_key(settings), origin(install), signed=signed)


def key_text(given: str) -> str:
    """A public key as it was given: the key itself, or a file with it. Raises BadInput."""
    path = Path(given)
    if "+" in given and not path.exists():
        return given.strip()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadInput(f"{given[:200]!r} is neither a public key, NAME+ID+KEY, nor a file with one: {wrong}") from wrong


def of_file(
    file: Path, key: str | None, witnesses: Sequence[str], parent: Path | None = None
) -> tuple[int, Sequence[str]]:
    """Check a proof or a bundle of evidence as anybody does who has no tutela: the exit status, and what to say."""
    try:
        log = outsider.Key(key_text(key), outsider.LOG) if key else None
        asked = [outsider.Key(key_text(one), outsider.WITNESS) for one in witnesses]
        from_ = None if parent is None else parent.read_bytes()
        return outsider_bundle.check_file(file.read_bytes(), log, asked, from_)
    except (OSError, outsider.WrongError) as wrong:
        raise BadInput(f"{file} can't be checked: {wrong}") from wrong


def script() -> str:
    """The program by which anybody checks a proof or a bundle: one file that stands alone, put together from two."""
    first, second = (
        (files("tutela.backends") / name).read_text(encoding="utf-8") for name in ("outsider.py", "outsider_bundle.py")
    )
    return f"{first}\n{_OURS.sub('', second[second.index('from __future__') :])}"


async def publishing(inside: Core) -> Publishing:
    """What anybody may have of this log."""
    told = await asyncio.to_thread(public_key(inside.settings).read_text)
    return Publishing(inside.facts, note.read_verifier_key(told), verifies)


def public_key(settings: Settings) -> Path:
    """The file with the public half of the log's key."""
    return settings.data / "log.pub"


async def run(
    settings: Settings, key: Path | None = None, said: Callable[[int, int], None] = lambda _count, _total: None
) -> Report:
    """What was read and what was found.

    `key`: a copy of the log's public key, kept where nobody here can change it. `said` is told how many events were
    read so far, and of how many.
    """
    async with core(settings, "verify", connections=2) as inside:
        return await check(inside, key or public_key(settings), said)


async def check(inside: Core, key: Path, said: Callable[[int, int], None]) -> Report:
    """Likewise, of an instance that is open already."""
    genuine = await asyncio.to_thread(verifier, key)
    total = await inside.facts.last() + 1
    return await verify(
        PostgresAudit(inside.facts.db),
        inside.facts,
        witness(inside.settings),
        genuine,
        destroyed=tuple(await destroyed(inside.facts.db)),
        said=lambda count: said(count, max(count, total)),
    )
