"""Promises of step 4: the same detections however the recorded stream is cut, and the right rows to each detector."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.stage_support import (
    Doubter,
    Every,
    P,
    datastream,
    entered,
    known,
    lease,
    observed,
    rows,
    ticked,
)

from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput
from tutela.flow import hop
from tutela.flow.detect import IDLE
from tutela.flow.detecting import DetectFold, DetectStage
from tutela.flow.noticed import Correction
from tutela.flow.options import identified, identity
from tutela.flow.stage import Saved
from tutela.model import wire
from tutela.model.detection import Detection
from tutela.model.flow import Column, Effects, Message, decode_fact
from tutela.model.when import MINUTE, SECOND

Result = TypeVar("Result")

ONE, FIVE, NINE, THIRTEEN, OTHER = 1, 5, 9, 13, 2
"""Datastreams of partition 1: readings, readings, counts, positions; and one of partition 2."""


def register() -> MemoryFacts:
    kinds = dict.fromkeys(range(1, 14), "readings") | {NINE: "counts", THIRTEEN: "positions"}
    return entered(*(datastream(number, kinds[number]) for number in kinds))


def alone(main: Coroutine[object, object, Result]) -> Result:
    return asyncio.run(main)


@dataclass
class Stage:
    """A detect stage over that register, and what it was asked to keep."""

    detectors: tuple[Every, ...] = (Every(),)
    facts: MemoryFacts = field(default_factory=register)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    saved: dict[str, dict[str, bytes]] = field(default_factory=dict)

    async def fold(self, saved: Saved | None = None) -> DetectFold:
        stage = DetectStage(self.detectors, await known(self.facts), self.keys)
        return await stage.begin(lease(), saved or {})

    async def effects(self, messages: Sequence[Message]) -> Effects:
        return await (await self.fold()).turn(messages)

    def keep(self, columns: Iterable[Column]) -> None:
        for column in columns:
            self.saved.setdefault(column.detector, {})[column.name] = column.body


def keys(effects: Effects) -> list[str]:
    return [found.key for found in effects.detections]


# ── the same, however it is cut ─────────────────────────────────────────────────────────────────

slots = st.sampled_from([ONE, FIVE, NINE])
told = st.tuples(slots, st.integers(0, 40), st.integers(0, 2))
Item = tuple[int, int, int] | int | None


@st.composite
def streams(draw: st.DrawFn) -> list[Item]:
    """Rows (datastream, second, value), ticks (a second), and places where a message ends (None)."""
    return draw(st.lists(st.one_of(told, told, told, st.integers(1, 60), st.none()), max_size=50))


def recorded(stream: Sequence[Item]) -> list[Message]:
    messages: list[Message] = []
    waiting: list[tuple[int, int, int]] = []
    for item in [*stream, None]:
        if isinstance(item, tuple):
            waiting.append(item)
            continue
        for kind, numbers in (("readings", (ONE, FIVE)), ("counts", (NINE,))):
            mine = [(number, at * SECOND, float(value)) for number, at, value in waiting if number in numbers]
            if mine:
                messages.append(observed(len(messages) + 1, kind, *mine))
        waiting = []
        if item is not None:
            messages.append(ticked(len(messages) + 1, item * SECOND))
    return messages


DETECTORS = (
    Every(),
    Every(name="pm10", nth=2, needs=("pm10",)),
    Every(name="patient", nth=2, lateness=5.0),
    Every(name="people", nth=1, needs=("people",), lateness=5.0),
    Every(name="all", nth=2, doubted=True),
    Doubter(needs=("pm10",)),
)


async def run(messages: Sequence[Message], cuts: Sequence[int], *, resume: bool) -> tuple[object, ...]:
    """All that comes of these messages, fetched in such portions; with `resume`, by a new fold for each."""
    stage = Stage(DETECTORS)
    fold, effects, first = await stage.fold(), list[Effects](), 0
    for cut in [*sorted(cuts), len(messages)]:
        if messages[first:cut]:
            effects.append(await fold.turn(messages[first:cut]))
        first = max(first, cut)
        if resume:
            stage.keep(await fold.save())
            fold = await stage.fold(stage.saved)
    fold._shown = {}
    newest = [(one.kind, one.body) for one in fold.newest()]
    return (
        sorted((found.id, wire_of(found)) for one in effects for found in one.detections),
        sorted((event.id, event.cause, event.body) for one in effects for event in one.events),
        sorted((row.id, row.subject) for one in effects for row in one.outgoing),
        sum((one.late.get(0, 0) for one in effects), 0),
        max((one.ticked for one in effects if one.ticked is not None), default=None),
        newest,
    )


def wire_of(noun: object) -> bytes:
    return msgspec.json.encode(noun, order="sorted")


@settings(deadline=None, max_examples=60)
@given(stream=streams(), cuts=st.lists(st.integers(0, 60), max_size=6), resume=st.booleans())
def test_any_portions_and_any_stop_and_resume_give_the_same_effects(
    *, stream: list[Item], cuts: list[int], resume: bool
) -> None:
    messages = recorded(stream)

    assert alone(run(messages, cuts, resume=resume)) == alone(run(messages, [], resume=False))


def test_another_hash_seed_gives_the_same_effects() -> None:
    program = (
        "from tests.flow import test_detect as t; from hashlib import sha256\n"
        "s = [(d, (7 * k) % 40, k % 3) if k % 9 else 4 * k for k in range(1, 60) for d in (1, 5, 9)]\n"
        "print(sha256(repr(t.alone(t.run(t.recorded(s), [5, 9], resume=True))).encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }

    assert len(told) == 1


# ── who gets what ───────────────────────────────────────────────────────────────────────────────


def test_a_detector_gets_the_observed_properties_that_its_card_needs() -> None:
    air, people = Every(name="air", nth=1, needs=("pm10",)), Every(name="people", nth=1, needs=("people", "smell"))
    effects = alone(
        Stage((air, people)).effects(
            [observed(1, "readings", (ONE, 1, 5.0), (FIVE, 1, 5.0)), observed(2, "counts", (NINE, 1, 5.0))]
        )
    )

    assert [(found.type, found.key) for found in effects.detections] == [
        ("air", "1/1"),
        ("air", "5/1"),
        ("people", "9/1"),
    ]


def test_a_detection_is_committed_with_its_event_its_cause_and_its_way_over_the_second_hop() -> None:
    effects = alone(
        Stage((Every(nth=2),)).effects(
            [
                observed(4, "readings", (ONE, 1, 5.0), (FIVE, 1, 5.0)),
                observed(6, "readings", (ONE, 2, 5.0), (ONE, 3, 5.0)),
                ticked(7, 9),
            ]
        )
    )

    assert keys(effects) == ["1/2", "1+3", "5+1"]
    assert [event.cause for event in effects.events] == ["OBS-live:6", "OBS-live:7", "OBS-live:7"]
    assert [event.subject for event in effects.events] == [found.id for found in effects.detections]
    assert [event.body for event in effects.events] == [wire_of(found) for found in effects.detections]
    assert {event.kind for event in effects.events} == {"detection@1"}
    assert [event.at for event in effects.events] == [2, 9, 9]
    assert effects.outgoing == tuple(row for found in effects.detections for row in hop.outgoing(found))
    assert decode_fact(effects.outgoing[0].body) == effects.detections[0]
    assert effects.sequence == 7
    assert effects.ticked == 9


def test_a_detection_that_rests_on_no_observation_follows_from_the_last_message_or_the_tick() -> None:
    stage = Stage((Every(nth=1, rests=False),))
    untold = alone(stage.effects([observed(1, "readings", (ONE, 1, 5.0)), observed(2, "readings", (FIVE, 1, 5.0))]))
    told = alone(stage.effects([observed(1, "readings", (ONE, 1, 5.0)), ticked(3, 9)]))

    assert [event.cause for event in untold.events] == ["OBS-live:2", "OBS-live:2"]
    assert [event.cause for event in told.events] == ["OBS-live:1", "OBS-live:3"]


class Ahead(Every, frozen=True, kw_only=True):
    """Says of what it finds that it was a microsecond later than the row."""

    def found(self, timeline: str, key: str, at: int, datastreams: tuple[int, ...]) -> Detection:
        return super().found(timeline, key, at + 1, datastreams)


def test_a_detection_of_a_moment_without_a_row_follows_from_the_last_message() -> None:
    rows = [observed(1, "readings", (ONE, 1, 5.0)), observed(2, "readings", (FIVE, 1, 5.0))]

    assert [event.cause for event in alone(Stage((Ahead(nth=1),)).effects(rows)).events] == ["OBS-live:2"] * 2


def test_a_tick_that_was_told_before_ends_nothing() -> None:
    effects = alone(Stage().effects([ticked(1, 9), observed(2, "readings", (ONE, 1, 5.0)), ticked(3, 9), ticked(4, 8)]))

    assert effects.detections == ()
    assert effects.ticked == 9


def test_with_some_lateness_rows_wait_and_a_tick_tells_the_time_up_to_which_all_was_given() -> None:
    async def main() -> list[list[str]]:
        fold = await Stage((Every(nth=2, lateness=5.0),)).fold()
        first = await fold.turn([observed(1, "readings", (ONE, 10 * SECOND, 1.0), (ONE, 8 * SECOND, 1.0))])
        later = await fold.turn([observed(2, "readings", (ONE, 14 * SECOND, 1.0))])
        last = await fold.turn([ticked(4, 14 * SECOND + 5 * SECOND + IDLE)])
        return [[f"{found.key} at {found.at}" for found in effects.detections] for effects in (first, later, last)]

    assert alone(main()) == [[], [], ["1/2 at 10000000", "1+3 at 14000000"]]


def test_what_was_let_go_is_held_no_more_after_a_start() -> None:
    async def main() -> tuple[Effects, Effects]:
        stage = Stage((Every(name="patient", nth=1, lateness=60.0),))
        fold = await stage.fold()
        await fold.turn([observed(1, "readings", (ONE, SECOND, 1.0))])
        stage.keep(await fold.save())
        let_go = await fold.turn([ticked(2, 2 * MINUTE)])
        stage.keep(await fold.save())
        return let_go, await (await stage.fold(stage.saved)).turn([ticked(3, 4 * MINUTE)])

    let_go, after = alone(main())

    assert [key for key in keys(let_go) if "/" in key] == ["1/1"]
    assert [key for key in keys(after) if "/" in key] == []


# ── late and doubled ────────────────────────────────────────────────────────────────────────────


def test_what_is_told_twice_of_the_same_moment_has_the_first_message_as_its_cause_however_it_is_cut() -> None:
    messages = recorded([(ONE, 0, 0), None, (ONE, 0, 1)])

    for cuts in ([], [1]):
        assert alone(run(messages, cuts, resume=True)) == alone(run(messages, [], resume=False))


def test_a_doubled_row_is_seen_once() -> None:
    twice = (ONE, 5, 1.0)
    effects = alone(
        Stage((Every(nth=2),)).effects([observed(1, "readings", twice, twice), observed(2, "readings", twice)])
    )

    assert effects.detections == ()
    assert effects.late == {}


def test_late_rows_are_counted_and_told_once_for_each_minute_of_recorded_time() -> None:
    async def main() -> tuple[Effects, ...]:
        stage = Stage((Every(needs=("pm10",)), Every(name="patient", lateness=60.0, needs=("people",))))
        fold = await stage.fold()
        first = await fold.turn(
            [
                ticked(1, 3 * MINUTE),
                observed(2, "readings", (ONE, 3 * MINUTE, 1.0), (ONE, 2 * MINUTE, 1.0), (ONE, MINUTE + 5, 1.0)),
                observed(3, "counts", (NINE, 3 * MINUTE, 1.0), (NINE, MINUTE, 1.0), (NINE, 2 * MINUTE + 1, 1.0)),
                ticked(4, 3 * MINUTE + 59 * SECOND),
            ]
        )
        stage.keep(await fold.save())
        fold = await stage.fold(stage.saved)
        second = await fold.turn([observed(5, "readings", (ONE, 7, 1.0)), ticked(6, 4 * MINUTE)])
        third = await fold.turn([ticked(7, 9 * MINUTE)])
        return first, second, third

    first, second, third = alone(main())
    told = [msgspec.json.decode(event.body, type=Correction) for event in second.events if event.kind == "correction@1"]

    assert first.late == {2 * MINUTE: 1, MINUTE: 2}
    assert not [event for event in first.events if event.kind == "correction@1"]
    assert told == [
        Correction(stage="detect", partition=1, minute=3 * MINUTE, lateness=0.0, count=3, since=7, until=2 * MINUTE),
        Correction(stage="detect", partition=1, minute=3 * MINUTE, lateness=60.0, count=1, since=MINUTE, until=MINUTE),
    ]
    assert [event.cause for event in second.events if event.kind == "correction@1"] == ["OBS-live:6"] * 2
    assert len({event.id for event in second.events}) == len(second.events)
    assert not [event for event in third.events if event.kind == "correction@1"]


def test_an_offer_sent_again_is_neither_seen_nor_told_as_late_also_after_a_start_between() -> None:
    async def main() -> Effects:
        stage = Stage((Every(nth=1), Every(name="patient", nth=1, lateness=60.0)))
        offer = [(ONE, second * SECOND, 1.0) for second in (1, 2, 3, 5, 4, 6, 7, 8)]
        fold = await stage.fold()
        await fold.turn([observed(1, "readings", *offer)])
        stage.keep(await fold.save())
        fold = await stage.fold(stage.saved)
        assert not (await fold.turn([observed(2, "readings", *offer)])).detections
        return await fold.turn([ticked(3, 2 * MINUTE)])

    effects = alone(main())

    told = [
        msgspec.json.decode(event.body, type=Correction) for event in effects.events if event.kind == "correction@1"
    ]

    assert effects.late == {}
    assert [correction.count for correction in told] == [1]  # the fourth second, when it first came
    assert [found.at // SECOND for found in effects.detections if found.at <= 8 * SECOND] == list(range(1, 9))


def test_what_is_late_for_nobody_is_not_told() -> None:
    effects = alone(
        Stage((Every(needs=("people",)),)).effects(
            [observed(1, "readings", (ONE, 5, 1.0), (ONE, 4, 1.0)), ticked(2, 2 * MINUTE)]
        )
    )

    assert effects.late == {}
    assert effects.events == ()


# ── the register ────────────────────────────────────────────────────────────────────────────────


def test_a_datastream_that_is_new_in_the_register_is_seen_from_its_first_row() -> None:
    async def main() -> tuple[list[str], list[str]]:
        stage = Stage((Every(nth=1, needs=("pm10",)),))
        fold = await stage.fold()
        unknown = await fold.turn([observed(1, "readings", (ONE, 1, 5.0), (17, 1, 5.0))])
        stage.facts.store.datastreams["s17"] = datastream(17)
        return keys(unknown), keys(await fold.turn([observed(2, "readings", (17, 2, 5.0))]))

    assert alone(main()) == (["1/1"], ["17/1"])


def test_rows_of_another_partition_and_unreadable_bytes_are_refused_and_change_nothing() -> None:
    async def main() -> list[str]:
        fold = await Stage((Every(nth=2),)).fold()
        await fold.turn([observed(1, "readings", (ONE, 1, 5.0))])
        before = fold._own.state
        good = observed(2, "readings", (ONE, 2, 5.0))
        for bad in (
            observed(3, "readings", (OTHER, 2, 5.0)),
            observed(3, "readings", (ONE - P, 2, 5.0)),
            Message(3, good.subject, {}, b"\xff\x00", 3),
            Message(3, hop.ticks("live"), {}, b"soon", 3),
        ):
            with pytest.raises((BadInput, ValueError)):
                await fold.turn([good, bad])
            assert fold._own.state is before
        return keys(await fold.turn([good]))

    assert alone(main()) == ["1/2"]


def test_the_newest_values_are_given_when_they_changed() -> None:
    async def main() -> list[list[tuple[str, int, list[int], list[float]]]]:
        fold, shown = await Stage(()).fold(), []
        for messages in (
            [ticked(1, 1)],
            [observed(2, "readings", (ONE, 5, 1.0), (FIVE, 7, 2.0), (ONE, 4, 9.0), (FIVE, 7, 3.0))],
            [ticked(3, 2)],
            [observed(4, "counts", (NINE, 5, 4.0))],
        ):
            await fold.turn(messages)
            told = [(one.kind, one.sequence, wire.decode(one.body)) for one in fold.newest()]
            shown.append([(of, at, got.datastream.tolist(), got.result.tolist()) for of, at, got in told])
        return shown

    assert alone(main()) == [[], [("readings", 2, [ONE, FIVE], [1.0, 3.0])], [], [("counts", 4, [NINE], [4])]]


# ── personal data ───────────────────────────────────────────────────────────────────────────────


async def sealed(stage: Stage, sequence: int, *told: tuple[int, int, float]) -> Message:
    key, body = await stage.keys.seal("public-safety/positions/2026-11-25", wire.encode(rows("positions", *told)))
    return Message(sequence, hop.observed("live", "positions", 1), {"Key": key}, body, sequence)


def test_personal_data_is_not_even_fetched_when_no_detector_takes_any() -> None:
    async def main() -> list[Sequence[str]]:
        facts = await known(register())
        stages = [
            DetectStage((Every(), Every(name="near", personal_data=personal)), facts, MemoryKeys())
            for personal in (False, True)
        ]
        return [stage.subjects(lease()) for stage in stages]

    plain, personal = alone(main())

    assert plain == ("obs.live.readings.1", "obs.live.counts.1", "obs.live.tick")
    assert personal == ("obs.live.readings.1", "obs.live.counts.1", "obs.live.positions.1", "obs.live.tick")


def test_personal_data_goes_to_detectors_that_take_it_and_what_they_save_is_sealed() -> None:
    async def main() -> tuple[list[tuple[str, str]], list[tuple[str, str]], Stage]:
        stage = Stage((Every(nth=2), Every(name="follows", nth=2, personal_data=True, lateness=1.0)))
        fold = await stage.fold()
        early = await sealed(stage, 1, (THIRTEEN, 1, 60.0), (THIRTEEN, 2, 61.0))
        first = await fold.turn([early, ticked(2, 9 * SECOND)])
        stage.keep(await fold.save())
        fold = await stage.fold(stage.saved)
        second = await fold.turn([ticked(3, 20 * SECOND)])
        assert fold.newest() == ()
        return (
            [(found.type, found.key) for found in first.detections],
            [(found.type, found.key) for found in second.detections],
            stage,
        )

    first, second, stage = alone(main())

    assert first == []
    assert second == [("follows", "13/2"), ("follows", "13+2")]
    assert not any(np.float64(60.0).tobytes() in body for own in stage.saved.values() for body in own.values())


def test_detectors_of_personal_data_come_and_go_and_what_was_saved_is_read_all_the_same() -> None:
    plain, follows = (Every(nth=3),), (Every(nth=3), Every(name="follows", personal_data=True))

    async def main() -> list[list[str]]:
        found, stage = [], Stage(plain)
        for number, detectors in enumerate((plain, follows, plain, follows)):
            stage.detectors = detectors
            fold = await stage.fold(stage.saved)
            effects = await fold.turn([observed(number + 1, "readings", (ONE, number, 1.0))])
            found.append([f"{one.type} {one.key}" for one in effects.detections])
            stage.keep(await fold.save())
        return found

    assert alone(main()) == [[], [], [f"every {ONE}/3"], []]


def test_a_datastream_that_is_defined_otherwise_is_seen_so_from_the_next_turn_on() -> None:
    async def main() -> list[list[str]]:
        facts = register()
        stage = DetectStage((Every(nth=1, needs=("noise",)),), await known(facts), MemoryKeys())
        fold = await stage.begin(lease(), {})
        found = [keys(await fold.turn([observed(1, "readings", (ONE, 1, 1.0))]))]
        old = next(one for one in facts.store.datastreams.values() if one.id == ONE)
        top = max(one.version for one in facts.store.datastreams.values())
        facts.store.datastreams[old.name] = msgspec.structs.replace(old, observed_property="noise", version=top + 1)
        await stage.known.refresh()
        return [*found, keys(await fold.turn([observed(2, "readings", (ONE, 2, 1.0))]))]

    assert alone(main()) == [[], [f"{ONE}/1"]]


def test_what_was_erased_is_left_out_and_what_can_not_be_opened_is_refused() -> None:
    async def main() -> list[str]:
        stage = Stage((Every(nth=1, personal_data=True),))
        fold, message = await stage.fold(), await sealed(stage, 1, (THIRTEEN, 1, 60.0))
        altered = Message(2, message.subject, message.headers, message.body[:-1] + b"\x00", 2)
        lost = Message(2, message.subject, {"Key": "99"}, message.body, 2)
        for bad in (altered, lost):
            with pytest.raises(BadInput):
                await fold.turn([bad])
        await stage.keys.destroy(message.headers["Key"])
        return keys(await fold.turn([message]))

    assert alone(main()) == []


# ── which detector it is ────────────────────────────────────────────────────────────────────────


def test_a_detector_is_known_by_name_version_and_options() -> None:
    assert identity(Every()) == identity(Every())
    assert identity(Every(nth=4)) != identity(Every())
    assert identity(Every()).startswith("every@1#")
    with pytest.raises(BadInput, match="listed twice"):
        identified([Every(), Every(nth=4), Every()])


def test_options_may_be_the_fields_of_a_dataclass_and_of_nothing_else() -> None:
    @dataclass
    class Simple:
        level: float
        name: str = "simple"
        version: int = 1
        card = Every().card
        begin = Every.begin
        step = Every.step
        changed = Every.changed
        load = Every.load

    class Hidden:
        name = "hidden"
        version = 1
        card = Every().card
        begin = Every.begin
        step = Every.step
        changed = Every.changed
        load = Every.load

    assert identity(Simple(1.0)) != identity(Simple(2.0))
    with pytest.raises(BadInput, match="can't be read"):
        identity(Hidden())


def test_a_detector_with_other_options_begins_anew_and_another_lateness_orders_anew() -> None:
    async def main() -> list[str]:
        stage = Stage((Every(nth=2),))
        fold = await stage.fold()
        await fold.turn([observed(1, "readings", (ONE, 1, 1.0))])
        stage.keep(await fold.save())
        stage.detectors = (Every(nth=2), Every(name="new", nth=2), Every(name="patient", nth=2, lateness=1.0))
        fold = await stage.fold(stage.saved)
        return keys(await fold.turn([observed(2, "readings", (ONE, 2, 1.0), (ONE, 3, 1.0))]))

    assert alone(main()) == ["1/2", "1/2"]


def test_the_stage_says_what_it_is() -> None:
    async def main() -> DetectStage:
        return DetectStage((), await known(register()), MemoryKeys())

    stage = alone(main())

    assert (stage.name, stage.partitions, stage.stream(lease())) == ("detect", P, "OBS-live")
