"""Rules are read like everything else: decided, written down; a backtest tells of alerts and calls, and asks for both."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from tests.flow.read_support import NOW, City, access, city
from tests.flow.test_read_desk import ALERT

from tutela.errors import BadInput, Refused
from tutela.flow.read_rules import On, RuleReads
from tutela.flow.rules import arm, disarm
from tutela.flow.tried import Tried
from tutela.model.people import Role
from tutela.model.rule import Rule, Term

RULE = Rule(name="wet", says="It is wet.", purpose="emergency-response", rule={"when": {"fact": "call"}})


@dataclass
class Trial:
    """Tells what it was asked."""

    asked: list[tuple[str, On]] = field(default_factory=list)

    async def run(self, rule: Rule, on: On) -> Tried:
        self.asked.append((rule.name, on))
        return Tried(
            rule=rule.name,
            timeline=on.timeline,
            since=0,
            until=NOW,
            detections=1,
            alerts=1,
            shown=1,
            by_day={},
            each=on.each,
            minutes=on.each,
            examples=(ALERT,),
        )


@pytest.fixture
async def here() -> City:
    return await city()


def reads(here: City, trial: Trial) -> RuleReads:
    return RuleReads(ledger=here.reads.desk.ledger, rules=here.facts, ticks=here.facts, try_=trial.run)


async def test_the_rules_in_force_are_read_and_that_is_written_down(here: City) -> None:
    await arm(here.facts, RULE, "anna", 0)
    shown = await reads(here, Trial()).in_force(access())
    await disarm(here.facts, "wet", "anna", 1)

    assert [one.rule for one in shown] == [RULE]
    assert await reads(here, Trial()).in_force(access()) == ()
    assert [(query.query, query.count) for query in here.queries()] == [("rules in force", 1), ("rules in force", 0)]


async def test_a_backtest_is_run_as_it_was_asked_for_and_written_down(here: City) -> None:
    trial, on = Trial(), On(timeline="live", days=2.5, each=4)

    told = await reads(here, trial).tried(access(), RULE, on)

    assert (told.alerts, told.minutes, trial.asked) == (1, 4, [("wet", on)])
    assert [(query.query, query.count) for query in here.queries()] == [("backtest of wet on 2.5 days of live", 1)]


async def test_whoever_may_not_read_alerts_or_calls_tries_no_rule(here: City) -> None:
    trial = Trial()
    for role, purpose in ((Role.AUDITOR, "oversight"), (Role.IT, "system-operation")):
        with pytest.raises(Refused):
            await reads(here, trial).tried(access(role, purpose), RULE, On())
    assert trial.asked == []
    assert len(here.denials()) == 2


async def test_a_rule_for_another_purpose_than_one_may_read_for_is_not_tried(here: City) -> None:
    trial, neighbours = Trial(), msgspec.structs.replace(RULE, purpose="neighbourhood")

    with pytest.raises(Refused):
        await reads(here, trial).tried(access(), neighbours, On())
    assert trial.asked == []


async def test_a_rule_that_says_nothing_plainly_is_not_tried(here: City) -> None:
    trial = Trial()
    unused = Rule(
        name="wet", says="It is wet.", purpose="traffic", rule=RULE.rule, terms=(Term(name="deep", part="threshold"),)
    )

    with pytest.raises(BadInput, match="nothing speaks of the term 'deep'"):
        await reads(here, trial).tried(access(), unused, On())
    assert trial.asked == []


async def test_a_rule_that_looks_at_what_nobody_may_is_refused_and_that_is_written_down(here: City) -> None:
    trial = Trial()
    looks = Rule(
        name="wet",
        says="It is wet.",
        purpose="traffic",
        rule={"when": {"fact": ["deep"]}},
        terms=(Term(name="deep", part="threshold", options={"observed_property": "person-score", "high": 1.0}),),
    )

    with pytest.raises(Refused, match="tutela does not score people"):
        await reads(here, trial).tried(access(), looks, On())
    assert (trial.asked, [one.policy for one in here.denials()]) == ([], ["R01-person-scores"])
