"""Senders that insist: each posts again and again until it is acknowledged. What is acknowledged is noted here, outside."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from tests.integration.running import line, now

STREAMS = 120
CALLERS = 4
EVERY = 3
LOW, HIGH = 10.0, 400.0
"""µg/m³ of fine particles: what is usual, and what the system `environment` calls smoke."""

TAKEN = {200, 201}
LATER = {429, 503, 507}
"""Answers that say when to come again; any other is a fault."""


@dataclass
class Book:
    """What the senders know together. Rows are (datastream, microseconds); calls by their own id."""

    rows: set[tuple[str, int]] = field(default_factory=set)
    spikes: set[tuple[str, int]] = field(default_factory=set)
    calls: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    flying: int = 0
    answers: int = 0
    over: bool = False


def name(number: int) -> str:
    return f"storm/{number}"


@contextmanager
def storm(base: str, sensors: str, calls: str) -> Iterator[Book]:
    """Senders at work on a thread of their own; in the end each sees its last one through. Tokens of the two sources."""
    book = Book()
    thread = threading.Thread(target=lambda: asyncio.run(_send(book, base, sensors, calls)), name="senders")
    thread.start()
    try:
        yield book
    finally:
        book.over = True
        thread.join(120)
    assert not thread.is_alive(), "a sender was not answered to the end"


async def _send(book: Book, base: str, sensors: str, calls: str) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=base, timeout=10, limits=limits) as http, asyncio.TaskGroup() as group:
        for number in range(STREAMS):
            group.create_task(_observe(_Sender(book, http, sensors), name(number)))
        for number in range(CALLERS):
            group.create_task(_call(_Sender(book, http, calls), number))


@dataclass
class _Sender:
    book: Book
    http: httpx.AsyncClient
    token: str

    async def insist(self, path: str, **body: object) -> httpx.Response:
        """Post it until it is acknowledged."""
        while True:
            answer = await self._once(path, body)
            if answer is not None:
                self.book.statuses[answer.status_code] += 1
                if answer.status_code in TAKEN:
                    self.book.answers += 1
                    return answer
                if answer.status_code not in LATER or "Retry-After" not in answer.headers:
                    self.book.wrong.append(f"{answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.1)

    async def _once(self, path: str, body: dict[str, object]) -> httpx.Response | None:
        self.book.flying += 1
        try:
            return await self.http.post(path, headers={"Authorization": f"Bearer {self.token}"}, **body)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None
        finally:
            self.book.flying -= 1


async def _observe(sender: _Sender, datastream: str) -> None:
    """One observation after the other. Each third is smoke, which has to be noticed once."""
    before = 0
    for turn in itertools.count(1):
        if sender.book.over:
            return
        at = before = max(time.time_ns() // 1000, before + 1)
        smoke = turn % EVERY == 0
        answer = await sender.insist("/v1/observations", content=line(datastream, HIGH if smoke else LOW, at))
        if answer.json()["accepted"] != 1:
            sender.book.wrong.append(answer.text)
        sender.book.rows.add((datastream, at))
        if smoke:
            sender.book.spikes.add((datastream, at))


async def _call(sender: _Sender, number: int) -> None:
    for turn in itertools.count():
        if sender.book.over:
            return
        id_ = f"storm-{number}-{turn}"
        call = {"id": id_, "at": now(), "lat": 60.3, "lon": 24.9, "category": "EMS: fall", "said": "storm"}
        sender.book.calls[id_] = (await sender.insist("/v1/calls", json=call)).json()["event"]
        await asyncio.sleep(0.2)
