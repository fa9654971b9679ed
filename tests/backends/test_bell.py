"""The bell: whoever waits is woken, and what was rung while somebody was busy is not missed."""

from __future__ import annotations

import asyncio

from tutela.backends.bell import Bell


async def test_a_first_wait_hears_only_what_comes_after() -> None:
    bell = Bell()
    bell.ring("a")
    waiting = asyncio.create_task(bell.wait(("a",), 60))
    await asyncio.sleep(0)

    assert not waiting.done()
    bell.ring("a")
    await waiting


async def test_a_ring_while_busy_ends_the_next_wait_at_once_and_only_once() -> None:
    bell = Bell()
    await bell.wait(("a", "b"), 0.001)
    bell.ring("a")
    bell.ring("a")
    await bell.wait(("a", "b"), 60)
    waiting = asyncio.create_task(bell.wait(("a",), 0.001))
    await waiting


async def test_another_name_wakes_nobody_for_long() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(("a",), 60))
    await asyncio.sleep(0)
    bell.ring("b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not waiting.done()
    bell.ring("a")
    await waiting


async def test_everybody_who_waits_is_woken() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait(("a",), 60)) for _ in range(5)]
    await asyncio.sleep(0)
    bell.ring("a")
    await asyncio.gather(*waiting)
