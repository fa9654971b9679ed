"""Our side of a broker as a process that a test may kill: each message is on the disk before it is acknowledged.

usage: python broker_program.py PORT FILE VERSION
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import IO

import msgspec

from tutela.model.flow import Receipt
from tutela.sources.broker import Broker
from tutela_promises.intake import FakeIntake


@dataclass
class Disk(FakeIntake):
    """Writes each body down, as a line of a file."""

    file: IO[str] | None = None

    async def take(self, body: bytes, topic: str = "") -> Receipt:
        assert self.file is not None
        assert topic == "city/yard/pm25"
        self.file.write(f"{body.decode()}\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        return Receipt(1)


async def main(port: int, file: IO[str], version: str) -> None:
    said = {"host": "127.0.0.1", "port": port, "topics": ("city/#",), "version": version}
    await msgspec.convert(said, Broker).run(Disk(file=file))


if __name__ == "__main__":
    with open(sys.argv[2], "a") as out:  # noqa: PTH123  a program of a few lines
        asyncio.run(main(int(sys.argv[1]), out, sys.argv[3]))
