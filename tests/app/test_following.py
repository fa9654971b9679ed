"""A worker's turns are followed: what is found belongs to the trace of what made it, and nothing else becomes another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import msgspec
import pytest
from tests.flow.stage_support import (
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
)
from tests.flow.stage_support import (
    told as facts_told,
)
from tests.flow.trace_support import UNSAMPLED, A, B, C, Kept, keeping, links, parent, place, told

from tutela.app.following import Bounded, Following, worker
from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, Fenced
from tutela.flow.correlating import CorrelateStage
from tutela.flow.desk import DeskStage
from tutela.flow.detecting import DetectStage
from tutela.flow.stage import Fold, Stage
from tutela.flow.trace import TRACEPARENT, TRACES, UNTRACED
from tutela.flow.work import Facts
from tutela.model.detection import Detection
from tutela.model.flow import Effects, Message, Outgoing
from tutela.model.scales import Certainty, Scale, Severity, Urgency

GRAVE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.EXTREME, certainty=Certainty.OBSERVED)


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as traces:
        yield traces


def at(message: Message, *places: str) -> Message:
    """The message, with the place that it, or each of its lines, follows from."""
    headers = {TRACEPARENT: places[0]} if len(places) == 1 else {TRACEPARENT: places[0], TRACES: ",".join(places)}
    return replace(message, headers={**message.headers, **headers})


async def detect(every: Every, following: Following | None, sequence: int = 0) -> Fold:
    register = await known(entered(datastream(1), datastream(5)))
    stage: Stage = DetectStage((every,), register, MemoryKeys())
    return await _begun(stage, following, sequence)


async def correlate(following: Following | None) -> Fold:
    return await _begun(CorrelateStage((Pairs(),)), following)


async def desk(following: Following | None) -> Fold:
    return await _begun(DeskStage(MemoryFacts()), following)


async def _begun(stage: Stage, following: Following | None, sequence: int = 0) -> Fold:
    stages = following.stages([stage]) if following else [stage]
    return await stages[0].begin(lease(stage.name, sequence=sequence), {})


def unfollowed(effects: Effects) -> Effects:
    return replace(effects, outgoing=tuple(msgspec.structs.replace(row, trace="") for row in effects.outgoing))


def traces_of(rows: Sequence[Outgoing], detections: Sequence[Detection]) -> list[str]:
    """The trace of each detection's outbox rows: all its rows have one."""
    found = [{row.trace for row in rows if row.id.startswith(one.id)} for one in detections]
    assert all(len(each) == 1 for each in found)
    return [each.pop() for each in found]


def end(following: Following) -> None:
    """All that was found is committed."""
    while following.open:
        following.open.popitem()[1].end()


MESSAGES = [
    observed(1, "readings", (1, 100, 1.0), (1, 200, 1.0)),
    observed(2, "readings", (5, 300, 1.0)),
    ticked(3, 400),
    observed(4, "readings", (1, 500, 2.0)),
]


@pytest.mark.parametrize("cut", [1, 2, 4])
async def test_nothing_that_is_committed_becomes_another(kept: Kept, cut: int) -> None:
    plain, followed = await detect(Every(nth=2), None), await detect(Every(nth=2), Following(kept))
    carried = [at(message, place_) for message, place_ in zip(MESSAGES, (A, B, C, UNSAMPLED), strict=True)]
    for first in range(0, len(MESSAGES), cut):
        effects = await followed.turn(carried[first : first + cut])
        assert unfollowed(effects) == await plain.turn(MESSAGES[first : first + cut])
    assert await followed.save() == await plain.save()
    assert followed.newest() == plain.newest()


async def test_a_turn_follows_from_all_its_messages_and_a_finding_from_the_one_that_made_it(kept: Kept) -> None:
    following = Following(kept)
    fold = await detect(Every(nth=1), following)
    effects = await fold.turn(
        [
            at(observed(1, "readings", (1, 100, 1.0)), UNSAMPLED),
            at(observed(2, "readings", (5, 300, 1.0)), A),
            at(observed(3, "readings", (1, 400, 1.0)), B),
        ]
    )
    end(following)

    turn = kept.only("detect")
    assert (parent(turn), links(turn)) == (A, [B])
    assert told(turn) == {"timeline": "live", "partition": 1, "messages": 3, "found": 3}
    found = {parent(one): one for one in kept.named("detection")}
    assert set(found) == {place(turn), B}  # that of the message which is not sampled is not kept
    assert links(found[B]) == [place(turn)]
    assert told(found[B]) == {"detector": "every", "revision": 0}
    by_trace = traces_of(effects.outgoing, effects.detections)
    assert {one[3:35] for one in by_trace} == {one[3:35] for one in (UNSAMPLED, A, B)}
    assert place(found[B]) in by_trace


async def test_a_turn_that_nobody_follows_and_that_finds_nothing_is_not_told(kept: Kept) -> None:
    fold = await detect(Every(nth=100), Following(kept))
    effects = await fold.turn(MESSAGES[:2])

    assert (kept.spans(), effects.outgoing) == ([], ())


async def test_what_a_tick_brings_begins_a_trace(kept: Kept) -> None:
    following = Following(kept)
    fold = await detect(Every(nth=100), following)
    await fold.turn([at(observed(1, "readings", (1, 100, 1.0)), UNSAMPLED)])
    effects = await fold.turn([ticked(2, 200)])
    following.open.popitem()[1].end()

    turn, found = kept.only("detect"), kept.only("detection")
    assert (parent(turn), parent(found)) == ("", place(turn))
    assert traces_of(effects.outgoing, effects.detections) == [place(found)]

    # in a turn of somebody else's it is no part of that trace
    await fold.turn([at(observed(3, "readings", (5, 300, 1.0)), A), ticked(4, 500)])
    following.open.popitem()[1].end()
    turn, found = kept.named("detect")[-1], kept.named("detection")[-1]
    assert (parent(turn), parent(found), links(found)) == (A, "", [place(turn)])


async def test_a_row_that_was_held_is_found_in_its_own_trace(kept: Kept) -> None:
    following = Following(kept)
    fold = await detect(Every(nth=1, lateness=60.0), following)
    await fold.turn([at(observed(1, "readings", (1, 100, 1.0)), A)])
    await fold.turn([ticked(2, 100_000_000)])
    end(following)

    assert A[3:35] in {parent(one)[3:35] for one in kept.named("detection")}


async def test_what_was_committed_before_is_not_told_again(kept: Kept) -> None:
    fold = await detect(Every(nth=1), Following(kept), sequence=2)
    await fold.turn([at(observed(1, "readings", (1, 100, 1.0)), A), at(observed(2, "readings", (5, 300, 1.0)), B)])

    assert kept.spans() == []


async def test_a_turn_that_can_not_be_worked_off_has_failed(kept: Kept) -> None:
    fold = await detect(Every(), Following(kept))
    for message in (observed(1, "readings", (2, 100, 1.0)), at(observed(2, "readings", (2, 100, 1.0)), A)):
        with pytest.raises(BadInput):
            await fold.turn([message])

    assert (parent(kept.only("detect")), told(kept.only("detect"))["error.type"]) == (A, "BadInput")


async def test_a_correlation_follows_from_the_last_fact_and_is_linked_to_those_before(kept: Kept) -> None:
    following = Following(kept)
    fold = await correlate(following)
    await fold.turn([at(facts_told(1, call("a", 100)), A)])
    effects = await fold.turn([second_tick(2, 150), at(facts_told(3, call("b", 160), call("c", 200)), C, B)])
    end(following)

    turn = kept.named("correlate")[-1]
    assert (parent(turn), links(turn)) == (C, [B])
    (pair,) = [one for one in effects.detections if one.facts == ("a", "b")]
    (span,) = [one for one in kept.named("detection") if place(one) in traces_of(effects.outgoing, [pair])]
    assert (parent(span), links(span)) == (place(turn), [A])

    # the second line of that message goes on in its own trace
    effects = await fold.turn([facts_told(4, call("d", 300))])
    end(following)
    (span,) = [one for one in kept.named("detection") if place(one) in traces_of(effects.outgoing, effects.detections)]
    assert effects.detections[0].facts == ("c", "d")
    assert (parent(span)[3:35], links(span)) == (B[3:35], [place(kept.named("correlate")[-1])])


async def test_an_alert_follows_from_its_detection_also_later(kept: Kept) -> None:
    found = [Pairs(scale=GRAVE if grave else Scale()).found("live", str(grave), 100, ()) for grave in (0, 1)]
    following = Following(kept)
    fold = await desk(following)
    effects = await fold.turn([at(facts_told(1, *found), A, B)])
    alerts = {alert.revision: alert for alert in effects.alerts}
    end(following)

    turn = kept.only("desk")
    assert (parent(turn), links(turn)) == (A, [B])
    spans = kept.named("alert")
    assert {parent(one) for one in spans} >= {place(turn)}
    assert {parent(one)[3:35] for one in spans} == {A[3:35], B[3:35]}
    assert {told(one)["type"] for one in spans} == {alert.type for alert in alerts.values()}


class Ends(MemoryFacts):
    """Facts that commit, or say that somebody else goes on."""

    fenced = False

    async def commit(self, *_: object) -> None:
        if self.fenced:
            raise Fenced("another worker goes on")


@pytest.mark.parametrize("fenced", [False, True])
async def test_a_finding_is_over_when_it_is_committed(kept: Kept, *, fenced: bool) -> None:
    following, facts = Following(kept), Ends()
    facts.fenced = fenced
    fold = await detect(Every(nth=1), following)
    effects = await fold.turn([at(MESSAGES[1], A)])
    assert kept.named("detection") == []
    committing = following.facts(cast("Facts", facts))
    if fenced:
        with pytest.raises(Fenced):
            await committing.commit(lease(), effects)
    else:
        await committing.commit(lease(), effects)

    assert told(kept.only("detection")).get("error.type") == ("Fenced" if fenced else None)
    assert not following.open


async def test_a_worker_without_traces_has_no_layers_around_it(kept: Kept) -> None:
    stage, facts, streams = CorrelateStage(()), cast("Facts", MemoryFacts()), MemoryStreams()

    assert worker("w", [stage], streams, facts, UNTRACED)._stages == [stage]
    layered = worker("w", [stage], streams, facts, kept)._stages[0]
    assert layered is not stage
    asked = lease("correlate")
    assert (layered.name, layered.partitions, layered.saves) == (stage.name, stage.partitions, stage.saves)
    assert (layered.stream(asked), layered.subjects(asked)) == (stage.stream(asked), stage.subjects(asked))


def test_what_is_remembered_is_bounded() -> None:
    newest: Bounded[int] = Bounded(2)
    for number, name in enumerate("abca"):
        newest.keep(name, number)

    assert dict(newest) == {"c": 2, "a": 3}


def test_facts_of_a_message_whose_lines_and_places_differ_do_not_stop_a_worker(kept: Kept) -> None:
    following = Following(kept)
    following.learn(facts_told(1, call("a", 1)), [A, B])
    following.learn(facts_told(2, call("b", 1), call("c", 1)), ["", ""])

    assert dict(following.known) == {"a": A}
