"""The keeper tells what is off while it can, and goes on when it can't."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest
from tests.screens.town import town

from tutela.app import arming
from tutela.app.core import Core
from tutela.flow import rules
from tutela.flow.arming import OFF
from tutela.model.rule import Rule

GONE = Rule(name="gone", says="It was written for another version.", purpose="public-safety", rule={"since_gone": 1})


class Said(logging.Handler):
    """What is said, to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.words: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.words.put_nowait(record.getMessage())

    async def says(self, words: str) -> str:
        while words not in (said := await asyncio.wait_for(self.words.get(), 30)):
            pass
        return said


async def test_an_armed_rule_that_this_version_can_t_make_is_told_again_and_again_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, said = await town(), Said()
    await rules.arm(here.facts, GONE, "aino", here.clock())
    monkeypatch.setattr(arming, "arming", lambda _: here.arming)
    monkeypatch.setattr(arming, "EVERY", 0)
    arming.LOG.addHandler(said)

    telling = asyncio.create_task(arming.telling(cast("Core", None)))
    first, again = [await said.says("can't be told") for _ in range(2)]
    told_before = here.events(OFF)
    await rules.disarm(here.facts, "gone", "aino", here.clock())
    await said.says("the capability units-gather is off")
    telling.cancel()
    arming.LOG.removeHandler(said)

    assert first == again
    assert first.startswith("whether a capability is off can't be told: BadInput: the rule gone: rule in detectors")
    assert told_before == []
    with pytest.raises(asyncio.CancelledError):
        await telling
