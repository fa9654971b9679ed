"""One shell for all blocks of a page: what one block sets, the next one knows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic

from .pages import Block, blocks

LASTS = 120.0
"""Seconds for one page."""

PATIENCE = 150.0
"""Seconds in which a block that is tried again has to answer."""

MARK = "── this block is over: "


class Shell:
    """Bash, fed block by block."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._timer = Timer(LASTS, self._process.kill)
        self._timer.start()

    def run(self, text: str) -> tuple[int, str]:
        """The block's exit status and all that it said."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{{\n{text}\n}} </dev/null\nstatus=$?; echo; echo '{MARK}'$status\n")
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(MARK):
                return int(line.removeprefix(MARK)), "".join(said)
            said.append(line)
        raise AssertionError(f"the shell ended, or took longer than {LASTS:.0f} s:\n{''.join(said)}")

    def close(self) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


@contextmanager
def shell(folder: Path, env: Mapping[str, str]) -> Iterator[Shell]:
    one = Shell(folder, env)
    try:
        yield one
    finally:
        one.close()


def wanted(page: Path) -> Iterator[tuple[Block, str]]:
    """The blocks of a page that run, each with what the page says that it answers."""
    all_ = blocks(page)
    for block, after in zip(all_, [*all_[1:], None], strict=True):
        if block.runs:
            yield block, after.text if after and after.info == ("text",) else ""


def lacking(said: str, shown: str) -> list[str]:
    """The lines of `shown` that were not said, in order; `…` stands for anything in a line."""
    rest, missing = [" ".join(line.split()) for line in said.splitlines()], []
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = ".*".join(re.escape(part.strip()).replace(r"\ ", r"\s+") for part in line.split("…"))
        places = [place for place, one in enumerate(rest) if re.search(pattern, one)]
        if places:
            rest = rest[places[0] :]
        else:
            missing.append(line)
    return missing


def played(page: Path, one: Shell, address: str, mqtt: int) -> Iterator[str]:
    """Run a page; what is wrong with it, in words."""
    for block, shown in wanted(page):
        text = block.text.replace("http://localhost:8466", address).replace("-p 1883", f"-p {mqtt}")
        until = monotonic() + PATIENCE if block.patient else 0.0
        while True:
            status, said = one.run(text)
            missing = lacking(said, shown)
            if (status == 0 and not missing) or monotonic() >= until:
                break
        if status or missing:
            yield f"{page.name}:{block.line} ended with {status} and did not say {missing}, but:\n{said}"
