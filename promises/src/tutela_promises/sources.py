"""What every source promises. `name` is the source's; `tutela_promises.source` says which are tried.

A source that fetches or listens is tried with an `Other` as well: somebody it speaks with, who says what the test wants.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tutela import parts
from tutela.errors import BadInput
from tutela.model.card import Card

from .about import about
from .intake import FakeIntake, Kept, Source, run

GARBAGE = {
    "no text": b"\x00\xff\xfe\x80",
    "half a table": b"a,b,c\n1,2",
    "half an object": b'{"a": [1, {"b"',
    "half an element": b"<?xml version='1.0'?><a><b",
    "deep": b"[" * 100_000,
    "empty lines": b"\r\n" * 1000,
    "one long line": b"9" * 300_000,
    "noise": np.random.default_rng(1).bytes(65_536),
}
SOON = 20.0
"""Seconds after which nothing more comes."""


@dataclass(frozen=True)
class Other:
    """Somebody a source speaks with: `says` lets them say these bytes to whoever asks, and gives the options to reach them.

    `well` is what they say when all is well. Afterwards they are gone.
    """

    says: Callable[[bytes], AbstractContextManager[Mapping[str, object]]]
    well: bytes


def connects(part: Any) -> bool:  # noqa: ANN401  a part can be of any kind
    """Whether a `[connection]` can name it."""
    return hasattr(part, "sealed")


def runs(part: Any) -> bool:  # noqa: ANN401  as above
    """Whether it fetches or listens by itself."""
    return connects(part) and hasattr(part, "run")


# ── what it says of itself ──────────────────────────────────────────────────────────────────────


def test_says_honestly_what_comes_in_and_what_it_cannot(name: str) -> None:
    card: Card = parts.load("sources", name).card

    assert card.finds.endswith(".")
    assert card.cannot.endswith(".")


@about(connects)
def test_refuses_an_option_that_it_does_not_have(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} in sources: .*colour.*its options are"):
        parts.make("sources", name, {"colour": "blue"})


@about(connects)
def test_what_is_secret_is_among_its_options(name: str) -> None:
    part = parts.load("sources", name)

    assert part.sealed <= {*part.__struct_fields__}


@about(runs)
def test_is_given_all_that_it_needs_to_run(name: str) -> None:
    """Its options when it is made, and an intake: no clock, no way in of its own."""
    run_ = parts.load("sources", name).run

    assert inspect.iscoroutinefunction(run_)
    assert list(inspect.signature(run_).parameters) == ["self", "intake"]


# ── with somebody to speak with ─────────────────────────────────────────────────────────────────


def made(name: str, options: Mapping[str, object]) -> Source:
    part: Source = parts.make("sources", name, options)
    return part


def attend(name: str, options: Mapping[str, object], **intake: Any) -> FakeIntake:  # noqa: ANN401  its fields
    return asyncio.run(run(made(name, options), FakeIntake(**intake)))


def came(kept: Kept) -> list[Any]:
    """What came in: bodies for a standard to read, or values by datastream."""
    return [*kept.bodies, *((value.datastream, value.columns) for heard in kept.heard for value in heard.values)]


def test_what_is_said_comes_in_under_the_name_of_the_source(name: str, other: Other) -> None:
    with other.says(other.well) as options:
        intake = attend(name, options)

    assert came(intake.kept)
    assert intake.troubles == []
    defined = set[str]()
    for heard in intake.kept.heard:
        things, streams = ({one.source for one in some} for some in (heard.things, heard.datastreams))
        assert things | streams <= {intake.source}
        defined |= {one.name for one in heard.datastreams}
        assert {value.datastream for value in heard.values} <= defined
    assert [one for one in sorted(defined) if not one.startswith(f"{intake.source}/")] == []


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_told_of_and_lived_with(name: str, other: Other, garbage: bytes) -> None:
    with other.says(garbage) as options:
        intake = attend(name, options, waits=3)

    assert len(intake.waited) == 3
    assert intake.troubles or intake.kept.bodies or [one for heard in intake.kept.heard for one in heard.refused]


def test_who_is_gone_is_told_of_and_tried_again_later_and_later(name: str, other: Other) -> None:
    with other.says(other.well) as options:
        pass
    intake = attend(name, options, waits=5)

    assert len(intake.troubles) == 5
    assert intake.waited == sorted(intake.waited)
    assert intake.waited[-1] > intake.waited[0]
    assert came(intake.kept) == []


def test_killed_at_any_moment_it_loses_nothing(name: str, other: Other) -> None:
    """It remembers only what was heard."""
    with other.says(other.well) as options:
        whole = attend(name, options).kept
        for dies in range(1, len(whole.heard) + 1):
            kept = Kept()
            attend(name, options, kept=kept, dies=dies)
            attend(name, options, kept=kept)

            assert [one for one in came(whole) if one not in came(kept)] == []


@dataclass
class Patient(FakeIntake):
    """An intake that lets a source wait for ever."""

    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.waiting.set()
        await asyncio.Event().wait()


def test_ends_when_it_is_stopped_and_leaves_nothing_running(name: str, other: Other) -> None:
    async def stopped(options: Mapping[str, object]) -> tuple[bool, int]:
        intake = Patient()
        task = asyncio.ensure_future(made(name, options).run(intake))
        async with asyncio.timeout(SOON):
            await intake.waiting.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return task.cancelled(), len(asyncio.all_tasks())

    with other.says(other.well) as options:
        assert asyncio.run(stopped(options)) == (True, 1)
