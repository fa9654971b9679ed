"""A watched folder: each file that somebody puts there is read once, by the connection's standard.

A file is taken when its size and time have not changed for a while, so that one which is still being written is left alone;
better still, write it elsewhere on the same disk and rename it into the folder. What was taken is moved into the folder `done`
names, or remembered. A file that changes later is read again, whole. Symbolic links, folders, pipes and hidden files are left
alone: a link could lead to any file of this machine.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.flow import Refusal
from tutela.model.heard import Heard
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun
from tutela.model.when import SECOND

FILES = 20_000
"""Files in the folder at once, which are all remembered: beyond, they have to be moved away."""
SHORT = 16
"""Hexadecimal digits that tell one state of a file from another."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was seen: `time` is when it was changed last, in nanoseconds."""

    name: str
    size: int
    time: int

    @property
    def state(self) -> str:
        return sha256(os.fsencode(self.name) + f"\0{self.size}\0{self.time}".encode()).hexdigest()[:SHORT]

    @property
    def shown(self) -> str:
        """The name as it can be told to people: it may be of any bytes."""
        return os.fsencode(self.name).decode(errors="backslashreplace")


@dataclass(slots=True)
class _Watch:
    """What was seen so far: files with the time since when they rest (microseconds), and states that were taken."""

    rests: dict[_File, int] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def due(self, files: Sequence[_File], now: int, settle: float) -> list[_File]:
        """New files that have rested long enough, oldest first; what is no longer there is forgotten."""
        new = [file for file in files if file.state not in self.taken]
        self.rests = {file: self.rests.get(file, now) for file in new}
        self.taken &= {file.state for file in files}
        rested = [file for file in new if now - self.rests[file] >= settle * SECOND]
        return sorted(rested, key=lambda file: (file.time, file.name))


class Directory(Noun, frozen=True, kw_only=True):
    """The folder `path` is looked at each `every` seconds for files whose name fits `pattern`.

    `settle`: seconds that a file has to rest. `done`: a folder inside of `path`, into which files go that were taken; left out,
    they stay and are remembered. `most`: bytes of a file.
    """

    sealed: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        finds="What is in files that somebody puts into a folder.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Follow a file that only grows: it is read from its start after each change. Look into folders below.",
    )

    path: str
    pattern: str = "*"
    every: Annotated[float, msgspec.Meta(ge=0.1)] = 5.0
    settle: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    done: str = ""
    most: Annotated[int, msgspec.Meta(ge=1, le=256_000_000)] = 64_000_000

    def __post_init__(self) -> None:
        """Refuse a folder that depends on where the program was started, or lies elsewhere."""
        if not Path(self.path).is_absolute():
            raise BadInput(f"{self.path!r} depends on where the program runs; write the whole path, from /")
        if self.done and (Path(self.done).name != self.done or self.done in {".", ".."}):
            raise BadInput(f"done = {self.done!r} is no name of a folder inside of {self.path}")

    async def run(self, intake: Intake) -> None:
        """Look for ever."""
        watch = _Watch(taken=_taken(await intake.mark()))
        failures = 0
        while True:
            try:
                files = await asyncio.to_thread(self._files)
                if self.done:
                    await self._clear([file for file in files if file.state in watch.taken], intake)
                for file in watch.due(files, intake.clock(), self.settle):
                    await self._take(file, watch, intake)
            except OSError as wrong:
                intake.trouble(f"{self.path} can't be read: {wrong.strerror or wrong}")
                failures += 1
            else:
                intake.well()
                failures = 0
            await intake.wait(pause(self.every, failures, intake.chance()))

    def _files(self) -> list[_File]:
        """The plain files in the folder that are asked for."""
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not fnmatchcase(entry.name, self.pattern):
                    continue
                if entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    found.append(_File(entry.name, about.st_size, about.st_mtime_ns))
                if len(found) > FILES:
                    raise OSError(f"there are more than {FILES} files; name a folder with `done`, or clear it")
        return found

    async def _take(self, file: _File, watch: _Watch, intake: Intake) -> None:
        """Read one file; it is remembered only after all of it is durable, and then moved."""
        try:
            body = await asyncio.to_thread(self._body, file)
        except FileNotFoundError:
            return  # somebody took it away again
        except OSError as wrong:
            intake.trouble(f"{file.shown} can't be read: {wrong.strerror or wrong}")
            return  # the others can, perhaps
        if body is None:
            says = f"{file.shown} has {file.size} bytes, more than {self.most}; split it, or raise `most`"
            intake.trouble(says)
            await intake.hear(Heard(refused=(Refusal("too-long", says, 1),)))
        else:
            await intake.take(body)
        watch.taken.add(file.state)
        await intake.remember(msgspec.json.encode(sorted(watch.taken)))
        if self.done:
            await self._clear([file], intake)

    async def _clear(self, files: Sequence[_File], intake: Intake) -> None:
        """Move files that were taken. One that can't be moved is not taken again, and is tried with the next look."""
        for file in files:
            try:
                await asyncio.to_thread(self._move, file)
            except OSError as wrong:
                says = wrong.strerror or type(wrong).__name__
                intake.trouble(f"{file.shown} was taken, and can't be moved into {self.done}: {says}")

    def _body(self, file: _File) -> bytes | None:
        """The whole file, None when it is too long. What became a link or a pipe meanwhile is not opened."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(Path(self.path) / file.name, flags), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise FileNotFoundError(file.name)
            body = opened.read(self.most + 1)
        return body if len(body) <= self.most else None

    def _move(self, file: _File) -> None:
        """Into the folder of what was taken; a name that is there already gets the file's state added."""
        folder = Path(self.path) / self.done
        folder.mkdir(exist_ok=True)
        target = folder / file.name
        if target.exists():
            target = folder / f"{file.name}.{file.state}"
        (Path(self.path) / file.name).rename(target)


def _taken(mark: bytes) -> set[str]:
    try:
        return msgspec.json.decode(mark, type=set[str]) if mark else set()
    except msgspec.DecodeError:
        return set()  # of another version: then all is read once more


part = Directory
