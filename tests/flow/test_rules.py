"""Rules that people write: read, put into parts, armed, taken back; and when their detectors begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import pytest
from tests.flow.stage_support import (
    CENTRE,
    Doubter,
    Every,
    Pairs,
    call,
    datastream,
    entered,
    known,
    lease,
    observed,
    second_tick,
    ticked,
    told,
)

from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, NotFound
from tutela.flow.correlating import CorrelateStage
from tutela.flow.detecting import DetectStage
from tutela.flow.detector import Detector, Works, may
from tutela.flow.rules import SOON, arm, begins, disarm, in_force, read, standing, uses
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.flow import Column, Effects
from tutela.model.rule import Armed, Rule
from tutela.model.timeline import LIVE
from tutela.model.when import EVER, SECOND

TEXT = """
name = "underpass"
says = "The underpass fills up and nobody pumps."
purpose = "city-operations"

[[terms]]
part = "threshold"
name = "deep"
options = { observed_property = "water-level", high = 0.4, low = 0.2 }

[rule]
within = 300
changes = [{ when = { fact = ["deep", "call:Rescue"] }, scale = { severity = "Severe" } }]

[rule.when]
sequence = [{ fact = "deep" }, { any = [{ fact = "silence" }, { fact = "call" }] }]
"""


def test_a_rule_is_its_terms_and_what_they_mean_together() -> None:
    term, rule = uses(read(TEXT))

    assert (term.part, term.name, term.options["high"]) == ("threshold", "underpass/deep", 0.4)
    assert (rule.part, rule.name) == ("rule", "underpass")
    assert rule.options == {
        "within": 300,
        "purpose": "city-operations",
        "says": "The underpass fills up and nobody pumps.",
        "when": {"sequence": [{"fact": ["underpass/deep"]}, {"any": [{"fact": ["silence"]}, {"fact": ["call"]}]}]},
        "changes": [{"when": {"fact": ["underpass/deep", "call:Rescue"]}, "scale": {"severity": "Severe"}}],
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[rule]", "[rule"), "the rule can't be read: .*line"),
        (('name = "underpass"', 'name = "Under pass"'), "the rule can't be read: .*regex"),
        (('name = "underpass"', ""), "the rule can't be read: .*`name`"),
        (("city-operations", "curiosity"), "underpass: there is no purpose called 'curiosity'; there are: "),
        (("within = 300", 'says = "x"'), r"underpass: says stands at the top of the file, and not under \[rule\]"),
        (("within = 300", 'purpose = "x"'), "underpass: purpose stands at the top"),
        (('"deep"', '"wet"'), "underpass: nothing speaks of the term 'wet'"),
        (("[rule]", '[[terms]]\npart = "silence"\nname = "deep"\n[rule]'), "two terms are called 'deep'"),
        (('fact = "silence"', "fact = 7"), "fact is a word, or a list of words; 7 is neither"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(change: tuple[str, str], says: str) -> None:
    before, after = change
    with pytest.raises(BadInput, match=says):
        uses(read(TEXT.replace(before, after, 1)))


async def test_a_rule_is_armed_a_little_later_with_its_event_and_taken_back_with_another() -> None:
    facts, rule = MemoryFacts(), read(TEXT)

    one = await arm(facts, rule, "anna", 7 * SECOND + 5)
    assert (one.since, one.by) == (7 * SECOND + SOON, "anna")
    assert in_force(await facts.rules()) == (one,)
    assert begins(await facts.rules()) == {"underpass": one.since, "underpass/deep": one.since}

    over = await disarm(facts, "underpass", "ben", 60 * SECOND)
    assert (over.since, over.rule) == (None, rule)
    assert in_force(await facts.rules()) == ()
    assert begins(await facts.rules()) == {}
    events = sorted(facts.store.events.values(), key=lambda event: event.at)
    assert [(event.kind, event.subject, event.by) for event in events] == [
        ("rule@1", "underpass", "anna"),
        ("rule@1", "underpass", "ben"),
    ]
    assert msgspec.json.decode(events[0].body, type=Armed) == one


@dataclass
class Passed:
    """Stages that are past these ticks of the live timeline."""

    detect: int
    correlate: int

    async def ticks(self, stage: str) -> Mapping[str, int]:
        return {LIVE: getattr(self, stage)}


@pytest.mark.parametrize(("detect", "correlate", "begun"), [(0, -1, False), (-1, 0, False), (0, 0, True), (9, 9, True)])
async def test_a_rule_has_begun_once_both_stages_are_past_its_moment(
    detect: int, correlate: int, *, begun: bool
) -> None:
    facts = MemoryFacts()
    assert await standing(facts, facts) == ()
    one = await arm(facts, read(TEXT), "anna", 7 * SECOND)
    since = one.since or 0

    (shown,) = await standing(facts, Passed(since + detect, since + correlate))

    assert (shown.rule, shown.since, shown.by, shown.at) == (one.rule, since, "anna", one.at)
    assert shown.begun is begun
    assert not (await standing(facts, facts))[0].begun, "nobody works yet"


async def test_a_rule_that_is_not_in_force_can_not_be_taken_back() -> None:
    facts = MemoryFacts()
    await arm(facts, read(TEXT), "anna", 0)

    with pytest.raises(NotFound, match="no rule called 'other' is armed; there are: underpass"):
        await disarm(facts, "other", "ben", 0)
    await disarm(facts, "underpass", "ben", 1)
    with pytest.raises(NotFound, match="there are: none"):
        await disarm(facts, "underpass", "ben", 2)


async def test_the_newest_rule_of_a_name_is_the_one_that_counts() -> None:
    facts, rule = MemoryFacts(), read(TEXT)
    await arm(facts, rule, "anna", 0)
    second: Rule = msgspec.structs.replace(rule, says="Otherwise.")
    await arm(facts, second, "anna", 1)

    assert [one.rule.says for one in await facts.rules()] == ["Otherwise."]


# ── a detector begins with the first tick from its time on ─────────────────────────────────────


async def test_a_detector_of_observations_begins_with_the_first_tick_from_its_time_on() -> None:
    stage = await detect_stage({"every": 20})
    fold = await stage.begin(lease(), {})

    before = await fold.turn((observed(1, "readings", (1, 5, 1.0)), ticked(2, 19)))
    meanwhile = await fold.turn((observed(3, "readings", (1, 19, 2.0)), ticked(4, 25)))
    after = await fold.turn((observed(5, "readings", (1, 26, 3.0)), ticked(6, 30)))

    assert keys(before) + keys(meanwhile) == []
    assert keys(after) == ["1/1", "1+1"]  # it has seen one row, and the tick after it


async def test_a_detector_that_is_switched_off_finds_nothing_and_begins_anew_when_it_is_on_again() -> None:
    facts = entered(datastream(1))
    works = {"every": ((EVER, 19), (30, 40))}
    stage = DetectStage((Every(nth=1),), await known(facts), MemoryKeys(), works=works)
    fold, found = await stage.begin(lease(), {}), []
    for number, at in enumerate((5, 19, 25, 30, 35, 40, 45)):
        turn = (observed(2 * number + 1, "readings", (1, at - 1, 1.0)), ticked(2 * number + 2, at))
        found.append([key for key in keys(await fold.turn(turn)) if "/" in key])

    assert found == [["1/1"], ["1/2"], [], [], ["1/1"], ["1/2"], []]


async def test_a_detector_of_facts_is_switched_off_likewise() -> None:
    fold = await CorrelateStage((Pairs(nth=1),), works={"pairs": ((EVER, 19),)}).begin(lease("correlate"), {})
    effects = [
        await fold.turn((told(1, call("a", 5)), second_tick(2, 19))),
        await fold.turn((told(3, call("b", 20)), second_tick(4, 25))),
    ]

    assert [key for one in effects for key in keys(one) if not key.startswith("tick")] == ["a"]


async def test_a_detector_that_judges_is_switched_off_likewise() -> None:
    facts = entered(datastream(1))
    doubts = Doubter(high=0.5, needs=("pm10",))
    events = []
    spans: tuple[Works, ...] = ({}, {doubts.name: ()}, {doubts.name: ((0, 10),)})
    for works in spans:
        stage = DetectStage((doubts,), await known(facts), MemoryKeys(), works=works)
        fold = await stage.begin(lease(), {})
        await fold.turn((ticked(1, 15),))
        events.append(len((await fold.turn((observed(2, "readings", (1, 16, 9.0)), ticked(3, 20)))).detections))

    assert events[0] > 0
    assert events[1:] == [0, 0]


async def test_what_was_saved_of_it_before_it_began_is_not_loaded() -> None:
    early = await (stage := await detect_stage({})).begin(lease(), {})
    await early.turn((observed(1, "readings", (1, 5, 1.0)), ticked(2, 19)))
    saved = kept(await early.save())

    fold = await (await detect_stage({"every": 20})).begin(lease(), saved)
    effects = await fold.turn((ticked(3, 25), observed(4, "readings", (1, 26, 3.0))))
    again = await (await stage.begin(lease(), saved)).turn((ticked(3, 25), observed(4, "readings", (1, 26, 3.0))))

    assert keys(effects) == ["1/1"]
    assert "1/2" in keys(again)


async def detect_stage(starts: dict[str, int]) -> DetectStage:
    facts = entered(datastream(1))
    return DetectStage((Every(nth=1),), await known(facts), MemoryKeys(), begins=starts)


async def test_a_detector_of_facts_begins_likewise() -> None:
    for starts, expected in (({}, ["a", "b", "c"]), ({"pairs": 20}, ["c"])):
        fold = await CorrelateStage((Pairs(nth=1),), begins=starts).begin(lease("correlate"), {})
        effects = [
            await fold.turn((told(1, call("a", 5)), second_tick(2, 19))),
            await fold.turn((told(3, call("b", 19)), second_tick(4, 25))),
            await fold.turn((told(5, call("c", 26)),)),
        ]
        assert [key for one in effects for key in keys(one) if not key.startswith("tick")] == expected


async def test_what_was_saved_of_a_detector_of_facts_before_it_began_is_not_loaded() -> None:
    early = await CorrelateStage((Pairs(nth=2),)).begin(lease("correlate"), {})
    await early.turn((told(1, call("a", 5)), second_tick(2, 19)))
    saved = kept(await early.save())

    for starts, expected in (({}, ["b"]), ({"pairs": 20}, [])):
        fold = await CorrelateStage((Pairs(nth=2),), begins=starts).begin(lease("correlate"), saved)
        effects = await fold.turn((second_tick(3, 25), told(4, call("b", 26))))
        assert [key for key in keys(effects) if not key.startswith("tick")] == expected


def keys(effects: Effects) -> list[str]:
    return [found.key for found in effects.detections]


def kept(columns: tuple[Column, ...]) -> dict[str, dict[str, bytes]]:
    saved: dict[str, dict[str, bytes]] = {}
    for column in columns:
        saved.setdefault(column.detector, {})[column.name] = column.body
    return saved


# ── purposes ───────────────────────────────────────────────────────────────────────────────────


class Purposeful(Pairs, frozen=True, kw_only=True):
    """A detector that finds for one purpose."""

    purpose: str


@pytest.mark.parametrize(
    ("purpose", "call_seen", "air_seen"),
    [
        ("emergency-response", True, True),
        ("statistics", True, True),
        ("environment", False, True),
        ("traffic", False, False),
    ],
)
def test_a_rule_is_not_given_what_was_collected_for_another_purpose(
    purpose: str, call_seen: object, air_seen: object
) -> None:
    detector: Detector = Purposeful(purpose=purpose)
    air: Detection = msgspec.structs.replace(Every().found("live", "a", 1, (1,)), purpose="environment")
    said: Call = call("c", 1)

    assert (may(detector, said), may(detector, air)) == (call_seen, air_seen)
    assert may(Pairs(), air)
    assert said.place == CENTRE


async def test_the_stage_keeps_it_from_the_rule() -> None:
    fold = await CorrelateStage((Purposeful(nth=1, purpose="environment"),)).begin(lease("correlate"), {})

    assert keys(await fold.turn((told(1, call("a", 5)),))) == []
