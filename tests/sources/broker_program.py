"""Our side of a broker as a process that a test may kill: each row is on the disk before it is acknowledged.

usage: python broker_program.py PORT FILE VERSION
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import IO

import msgspec

from tutela.model.flow import Offer, Receipt
from tutela.model.register import Datastream
from tutela.sources.broker import Broker

ONE = Datastream(
    id=1, name="yard/pm25", source="air", thing="yard", kind="readings", observed_property="pm25", unit="1"
)


class Names:
    def number(self, name: str) -> int | None:
        return 1 if name == ONE.name else None

    def datastream(self, number: int) -> Datastream:
        assert number == 1
        return ONE


class Disk:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    async def give(self, offer: Offer) -> Receipt:
        if offer.rows is None:
            return Receipt(0, offer.refused)
        for result in offer.rows.result.tolist():
            self._file.write(f"{result:.0f}\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return Receipt(len(offer.rows))


async def main(port: int, file: IO[str], version: str) -> None:
    said = {
        "source": "air",
        "host": "127.0.0.1",
        "port": port,
        "topics": ("city/#",),
        "prefix": "city/",
        "version": version,
    }
    await msgspec.convert(said, Broker).run(Disk(file).give, Names(), lambda: time.time_ns() // 1000)


if __name__ == "__main__":
    with open(sys.argv[2], "a") as out:  # noqa: PTH123  a program of a few lines
        asyncio.run(main(int(sys.argv[1]), out, sys.argv[3]))
