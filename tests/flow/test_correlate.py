"""Promises of the second step 4: facts in their order, each once, the same findings however they were fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.stage_support import CELL, Every, Pairs, call, lease, second_tick, told

from tutela.flow import correlate, hop
from tutela.flow.correlating import CorrelateFold, CorrelateStage
from tutela.flow.detector import wants
from tutela.flow.noticed import Correction
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.flow import Column, Effects, Fact, Message, encode
from tutela.model.when import MINUTE, SECOND

Result = TypeVar("Result")

HOME = hop.route(call("c", 1))[0]


def alone(main: Coroutine[object, object, Result]) -> Result:
    return asyncio.run(main)


def detection(name: str, at: int, revision: int = 0) -> Detection:
    made = Every().found("live", name, at, (1,))
    return msgspec.structs.replace(made, id=name, revision=revision)


@dataclass
class Stage:
    """A correlate stage, and what it was asked to keep."""

    detectors: tuple[Pairs, ...] = (Pairs(),)
    saved: dict[str, dict[str, bytes]] = field(default_factory=dict)

    async def fold(self, partition: int = HOME) -> CorrelateFold:
        return await CorrelateStage(self.detectors).begin(lease("correlate", partition), self.saved)

    def keep(self, columns: Iterable[Column]) -> None:
        for column in columns:
            self.saved.setdefault(column.detector, {})[column.name] = column.body


def turn(detectors: Sequence[Pairs], *messages: Message, partition: int = HOME) -> Effects:
    async def main() -> Effects:
        return await (await Stage(tuple(detectors)).fold(partition)).turn(messages)

    return alone(main())


def keys(effects: Effects) -> list[str]:
    return [found.key for found in effects.detections]


# ── the same, however it is fetched ─────────────────────────────────────────────────────────────

Item = tuple[int, int] | int | None
DETECTORS = (Pairs(), Pairs(name="patient", lateness=5.0), Pairs(name="calls", nth=1, needs=("call",), lateness=5.0))


@st.composite
def streams(draw: st.DrawFn) -> list[Item]:
    """Facts (a number, a second), ticks (a second), and places where a message ends (None)."""
    fact = st.tuples(st.integers(0, 12), st.integers(0, 40))
    return draw(st.lists(st.one_of(fact, fact, st.integers(1, 60), st.none()), max_size=40))


def recorded(stream: Sequence[Item]) -> list[Message]:
    messages: list[Message] = []
    waiting: list[Fact] = []
    for item in [*stream, None]:
        if isinstance(item, tuple):
            number, at = item
            waiting.append(
                call(f"call {number}", at * SECOND) if number % 2 else detection(f"det {number}", at * SECOND)
            )
            continue
        if waiting:
            messages.append(told(len(messages) + 1, *waiting))
        waiting = []
        if item is not None:
            messages.append(second_tick(len(messages) + 1, item * SECOND))
    return messages


async def run(messages: Sequence[Message], cuts: Sequence[int], *, resume: bool) -> tuple[object, ...]:
    stage = Stage(DETECTORS)
    fold, effects, first = await stage.fold(), list[Effects](), 0
    for cut in [*sorted(cuts), len(messages)]:
        if messages[first:cut]:
            effects.append(await fold.turn(messages[first:cut]))
        first = max(first, cut)
        if resume:
            stage.keep(await fold.save())
            fold = await stage.fold()
    return (
        sorted((found.id, encode(found)) for one in effects for found in one.detections),
        sorted((event.id, event.cause, event.body) for one in effects for event in one.events),
        sorted((row.id, row.subject) for one in effects for row in one.outgoing),
        sum(sum(one.late.values()) for one in effects),
        max((one.ticked for one in effects if one.ticked is not None), default=None),
    )


@settings(deadline=None, max_examples=80)
@given(stream=streams(), cuts=st.lists(st.integers(0, 50), max_size=6), resume=st.booleans())
def test_any_portions_and_any_stop_and_resume_give_the_same_effects(
    *, stream: list[Item], cuts: list[int], resume: bool
) -> None:
    messages = recorded(stream)

    assert alone(run(messages, cuts, resume=resume)) == alone(run(messages, [], resume=False))


# ── each fact once, in its order ────────────────────────────────────────────────────────────────


def test_a_fact_that_was_sent_twice_is_seen_once_and_a_new_revision_is_another_fact() -> None:
    first, again, revised = detection("d", 1), detection("d", 1), detection("d", 1, revision=1)

    assert keys(turn([Pairs()], told(1, first), told(2, again))) == []
    assert keys(turn([Pairs()], told(1, first), told(2, revised))) == ["d"]


def test_only_so_many_facts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlate, "KNOWN", 2)

    assert len(keys(turn([Pairs(nth=1)], told(1, *(call(name, 1) for name in ("a", "b", "a", "c", "a")))))) == 4


def test_without_lateness_facts_are_given_as_they_were_recorded() -> None:
    effects = turn([Pairs(nth=3)], told(1, call("b", 9), call("a", 5)), told(2, call("c", 1)))

    assert [found.facts for found in effects.detections] == [("b", "a", "c")]


def test_with_lateness_facts_wait_for_the_tick_and_are_given_by_event_time() -> None:
    patient = Pairs(nth=3, lateness=2.0)
    facts = told(1, call("b", 9 * SECOND), call("a", 5 * SECOND)), told(2, call("c", SECOND), call("d", 30 * SECOND))
    early = turn([patient], *facts, second_tick(3, 10 * SECOND))
    due = turn([patient], *facts, second_tick(3, 11 * SECOND))

    assert keys(early) == ["tick 2"]
    assert [(found.facts, found.at) for found in due.detections] == [(("c", "a", "b"), 9 * SECOND), ((), 9 * SECOND)]


def test_on_an_import_facts_wait_for_the_tick_even_where_no_lateness_is_allowed() -> None:
    async def main() -> list[Effects]:
        fold = await CorrelateStage((Pairs(nth=3),)).begin(lease("correlate", HOME, timeline="import/x"), {})
        return [
            await fold.turn([told(1, call("b", 9), call("a", 5))]),
            await fold.turn([told(2, call("c", 1)), second_tick(3, 9, "import/x")]),
        ]

    before, due = alone(main())

    assert keys(before) == []
    assert [found.facts for found in due.detections] == [("c", "a", "b"), ()]


def test_a_held_fact_is_held_over_a_start() -> None:
    async def main() -> Effects:
        stage = Stage((Pairs(nth=2, lateness=2.0),))
        fold = await stage.fold()
        await fold.turn([told(1, call("a", SECOND))])
        stage.keep(await fold.save())
        return await (await stage.fold()).turn([told(2, call("b", 2 * SECOND)), second_tick(3, 9 * SECOND)])

    assert ("a", "b") in [found.facts for found in alone(main()).detections]


def test_a_tick_that_was_told_before_ends_nothing() -> None:
    effects = turn([Pairs()], second_tick(1, 9), second_tick(2, 9), second_tick(3, 8))

    assert keys(effects) == ["tick 0"]
    assert effects.ticked == 9


def test_facts_that_come_too_late_are_counted_and_told_once() -> None:
    patient = Pairs(name="calls", lateness=2.0, needs=("call",))
    effects = turn(
        [patient],
        second_tick(1, 3 * MINUTE),
        told(2, call("late", MINUTE), detection("not wanted", MINUTE), call("well", 3 * MINUTE)),
        second_tick(3, 4 * MINUTE),
        second_tick(4, 5 * MINUTE),
    )
    [event] = [event for event in effects.events if event.kind == "correction@1"]

    assert effects.late == {MINUTE: 1}
    assert event.cause == "DET-live:3"
    assert msgspec.json.decode(event.body, type=Correction) == Correction(
        stage="correlate",
        partition=HOME,
        minute=3 * MINUTE,
        lateness=2.0,
        count=1,
        since=MINUTE,
        until=MINUTE,
    )


def test_what_is_found_goes_to_the_desk_alone_with_the_fact_that_completed_it_as_cause() -> None:
    effects = turn([Pairs()], told(4, call("a", 1)), told(6, call("b", 2), call("c", 3)), second_tick(7, 9))

    assert [row.subject for row in effects.outgoing] == ["det.live.desk", "det.live.desk"]
    assert [event.cause for event in effects.events] == ["DET-live:6", "DET-live:7"]
    assert [event.body for event in effects.events] == [encode(found) for found in effects.detections]
    assert effects.sequence == 7


def test_a_finding_counts_only_where_its_cell_is_at_home() -> None:
    assert keys(turn([Pairs()], told(1, call("a", 1), call("b", 2)), partition=(HOME + 1) % hop.WAYS)) == []
    assert keys(turn([Pairs(cell=CELL)], told(1, call("a", 1), call("b", 2)))) == ["b"]


def test_a_card_needs_calls_or_detections_or_those_of_a_type_or_detector_or_anything() -> None:
    facts: tuple[Call | Detection, ...] = (call("c", 1), detection("d", 1))

    assert [
        [wants(frozenset({word}), fact) for fact in facts] for word in ("*", "call", "detection", "every", "x")
    ] == [[True, True], [True, False], [False, True], [False, True], [False, False]]


def test_a_detector_that_sees_nothing_takes_no_step() -> None:
    assert keys(turn([Pairs(nth=1, needs=("call",))], told(1, detection("d", 1)))) == []


def test_bytes_that_are_no_fact_are_refused_and_change_nothing() -> None:
    async def main() -> None:
        fold = await Stage().fold()
        before = [circle.state for circle in fold._circles]
        with pytest.raises(ValueError, match="JSON"):
            await fold.turn([told(1, call("a", 1)), Message(2, "det.live.1", {}, b"\xff", 2)])
        assert [circle.state for circle in fold._circles] == before

    alone(main())


def test_the_stage_says_what_it_is() -> None:
    stage = CorrelateStage(())
    fold = alone(stage.begin(lease("correlate"), {}))

    assert (stage.name, stage.partitions, stage.stream(lease("correlate"))) == ("correlate", 4, "DET-live")
    assert stage.subjects(lease("correlate")) == ("det.live.1", "det.live.1.copy", "det.live.tick")
    assert fold.newest() == ()


CITY = Pairs(name="all", nth=3, key="city")


def brought(first: int) -> list[Message]:
    """A call of each partition, and one that is copied to the first."""
    calls = [
        told(first + way, call(f"c{first + way}", first + way), subject=f"det.live.{way}") for way in range(hop.WAYS)
    ]
    return [*calls, told(first + hop.WAYS, call(f"c{first + 1}", first + 1), subject="det.live.0.copy")]


def test_a_rule_over_the_city_sees_each_fact_of_all_partitions_once() -> None:
    effects = turn((CITY,), *brought(1), *brought(11), second_tick(20, SECOND), partition=hop.CITY)

    assert [found.key for found in effects.detections] == ["c3", "c12", "tick 8"]
    assert {found.cell for found in effects.detections} == {CELL}  # which is at home elsewhere
    assert [row.subject for row in effects.outgoing] == ["det.live.desk"] * 3


def test_the_others_of_that_partition_see_what_is_near_and_no_more() -> None:
    near = Pairs(name="near", nth=1)
    alone_ = turn((near,), *brought(1), partition=hop.CITY)
    beside = turn((near, CITY), *brought(1), partition=hop.CITY)

    assert hop.CITY != HOME
    assert alone_.events == ()  # CELL is at home elsewhere
    assert [found.type for found in beside.detections] == ["all"]


@pytest.mark.parametrize("partition", [1, 2, 3])
def test_a_rule_over_the_city_is_at_work_in_one_partition(partition: int) -> None:
    stage = CorrelateStage((CITY,))

    assert not turn((CITY,), *brought(1), partition=partition).events
    assert len(stage.subjects(lease("correlate", partition))) == 3
    assert stage.subjects(lease("correlate", hop.CITY)) == (
        "det.live.0",
        "det.live.0.copy",
        "det.live.tick",
        "det.live.1",
        "det.live.2",
        "det.live.3",
    )


def test_a_rule_over_the_city_goes_on_from_what_was_saved() -> None:
    async def main() -> tuple[Effects, Effects]:
        stage = Stage((Pairs(), CITY))
        first = await (fold := await stage.fold(hop.CITY)).turn(brought(1))
        stage.keep(await fold.save())
        return first, await (await stage.fold(hop.CITY)).turn([*brought(1), *brought(11)])

    first, second = alone(main())
    whole = turn((Pairs(), CITY), *brought(1), *brought(11), partition=hop.CITY)

    assert [*first.detections, *second.detections] == list(whole.detections)


def test_what_comes_late_to_a_rule_over_the_city_is_told_as_of_the_partition_after_the_last() -> None:
    late = told(3, call("late", 1), subject="det.live.1")
    patient = msgspec.structs.replace(CITY, lateness=1.0)

    effects = turn(
        (patient,), second_tick(1, MINUTE), second_tick(2, 2 * MINUTE), late, second_tick(4, 3 * MINUTE), partition=0
    )

    (correction,) = (event for event in effects.events if event.kind == "correction@1")
    body = msgspec.json.decode(correction.body, type=Correction)
    assert (body.stage, body.partition, body.count) == ("correlate", hop.WAYS, 1)
    assert effects.late == {0: 1}
