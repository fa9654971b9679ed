"""A worker goes on with what can be made, and says what can't."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import cast

import pytest
from tests.screens.town import INSTALL, town

from tutela.app import work
from tutela.app.core import Core
from tutela.app.registering import capabilities, registering
from tutela.errors import BadInput, EngineDown
from tutela.flow import rules
from tutela.flow.options import ALL
from tutela.flow.register_public import Registering
from tutela.model.rule import Rule

GONE = Rule(name="gone", says="It was written for another version.", purpose="public-safety", rule={"since_gone": 1})


async def test_a_rule_whose_part_is_gone_is_left_out_and_said_and_all_else_is_at_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = await town()
    inside = cast(
        "Core",
        SimpleNamespace(
            facts=here.facts,
            keys=here.keys,
            install=INSTALL,
            known=here.known,
            settings=SimpleNamespace(comment_days=14),
            meters=None,
        ),
    )
    before = await work.planned(inside, registering(inside, whole=False))
    await rules.arm(here.facts, GONE, "aino", here.clock())

    plan = await work.planned(inside, registering(inside, whole=False))
    with caplog.at_level(logging.ERROR):
        stages = work.detecting(inside, plan), work.correlating(inside, plan)

    assert plan != before  # so that a worker begins anew with it
    assert plan.works == before.works
    assert [one.detectors for one in stages] == [
        work.detecting(inside, before).detectors,
        work.correlating(inside, before).detectors,
    ]
    assert "the rule gone is left out: rule in detectors" in caplog.text
    with pytest.raises(BadInput, match="the rule gone"):  # the public register leaves nothing out
        capabilities(INSTALL.zone, rules.in_force(await here.facts.rules()))


@pytest.mark.parametrize("wrong", [EngineDown("PostgreSQL does not answer"), BadInput("the rule gone: no such part")])
async def test_what_can_not_be_read_for_a_while_ends_no_worker(
    wrong: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, then = work.Plan((), {}), work.Plan((), {"other": ALL})
    reads: list[object] = [wrong, now, then]

    async def planned(*_: object) -> object:
        found = reads.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(work, "planned", planned)
    monkeypatch.setattr(work, "REFRESH", 0)
    await asyncio.wait_for(work._others(cast("Core", None), cast("Registering", None), now), 30)

    assert reads == []
    assert f"what is in force can't be read, it stays as it is: {wrong}" in caplog.text
