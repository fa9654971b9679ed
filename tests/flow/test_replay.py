"""Recorded history, run again into an empty state, comes to the same detections, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pytest
from tests.flow.stage_support import (
    Doubter,
    Every,
    Everywhere,
    P,
    Pairs,
    call,
    datastream,
    entered,
    known,
    rows,
    second_tick,
    ticked,
    told,
)

from tutela.backends.memory_audit import MemoryStored
from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.memory_lake import MemoryLake
from tutela.errors import Broken
from tutela.flow import hop
from tutela.flow.correlating import CorrelateStage
from tutela.flow.detecting import DetectStage
from tutela.flow.detector import Detector
from tutela.flow.replay import Found, Replayable, Report, compare, replay
from tutela.flow.stage import Fold, Saved
from tutela.model import wire
from tutela.model.event import Event
from tutela.model.flow import Effects, Lease, Message
from tutela.model.when import EVER, MINUTE, SECOND

HOUR = 60 * MINUTE
ALL = 1 << 40


@dataclass
class Recorded:
    """An hour of readings, counts and positions on all partitions, with ticks; archived, and worked off live."""

    detectors: tuple[Detector, ...] = (Every(), Every(name="late", nth=2, lateness=30.0))
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    lake: MemoryLake = field(default_factory=MemoryLake)
    stored: MemoryStored = field(default_factory=MemoryStored)
    messages: list[Message] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)

    def redefined(self, since: int) -> int:
        return sum(at >= since for at in self.changes)

    async def record(self, seed: int = 3, minutes: int = 20) -> Recorded:
        chance = random.Random(seed)
        for minute in range(minutes):
            for partition in range(P):
                for kind in ("readings", "counts", "positions"):
                    await self._message(chance, minute * MINUTE, partition, kind)
            self.messages.append(ticked(len(self.messages) + 1, (minute + 1) * MINUTE))
        await self.lake.archive("OBS-live", self.messages, 0, len(self.messages))
        self.stored.events = await self.live()
        return self

    async def stage(self, *detectors: Detector) -> DetectStage:
        kinds = {number: ("readings", "counts", "positions")[number // P % 3] for number in range(1, 6 * P)}
        facts = entered(*(datastream(number, kind) for number, kind in kinds.items()))
        return DetectStage(detectors or self.detectors, await known(facts), self.keys)

    async def replay(self, stage: Replayable | None = None, **options: object) -> Found:
        until = int(str(options.pop("until", ALL)))
        return await replay(self.lake, self.keys, stage or await self.stage(), "live", until=until, **options)  # type: ignore[arg-type]

    async def report(self, stage: Replayable | None = None, **options: object) -> Report:
        return await compare(await self.replay(stage, **options), self.stored, self.redefined)

    async def _message(self, chance: random.Random, at: int, partition: int, kind: str) -> None:
        sequence = len(self.messages) + 1
        number = partition + ("readings", "counts", "positions").index(kind) * P
        numbers = [number, number + 3 * P] if number else [3 * P]
        times = [at + chance.randrange(-MINUTE, MINUTE) for _ in range(chance.randrange(1, 6))]
        body = wire.encode(rows(kind, *((chance.choice(numbers), max(time, 0), chance.random()) for time in times)))
        headers = {"Schema": f"{kind}@1"}
        if kind == "positions":
            bucket = f"follow/positions/{at // (10 * MINUTE)}"
            key, body = await self.keys.seal(bucket, body)
            headers |= {"Key": key, "Bucket": bucket, "Rows": str(len(times))}
        self.messages.append(Message(sequence, hop.observed("live", kind, partition), headers, body, 0))

    async def live(self, stage: DetectStage | None = None) -> list[Event]:
        """What the workers committed: each message in a turn of its own."""
        stage, events = stage or await self.stage(), list[Event]()
        for partition in range(P):
            lease = Lease(timeline="live", stage="detect", partition=partition, epoch=1, sequence=0, snapshot=0)
            subjects, fold = stage.subjects(lease), await stage.begin(lease, {})
            for message in self.messages:
                if message.subject in subjects:
                    events += (await fold.turn((message,))).events
        return events


@pytest.fixture
async def recorded() -> Recorded:
    return await Recorded().record()


async def test_a_replay_comes_to_the_same(recorded: Recorded) -> None:
    report = await recorded.report()

    assert report.same
    assert report.compared == len(recorded.stored.events) > 100
    assert (report.upto, report.unreadable, report.erased_messages) == (len(recorded.messages), 0, 0)
    assert report.messages == 20 * (2 + 1) * P
    assert {event.kind for event in recorded.stored.events} == {"detection@1", "correction@1"}


async def test_what_was_not_believed_is_replayed_as_well() -> None:
    recorded = await Recorded(detectors=(*Recorded().detectors, Doubter(high=0.8, needs=("pm10",)))).record()
    report = await recorded.report(cut=lambda: 7)

    assert report.same
    assert "believed@1" in {event.kind for event in recorded.stored.events}
    assert report.compared == len(recorded.stored.events)


@pytest.mark.parametrize("seed", range(4))
async def test_cuts_and_the_order_of_partitions_do_not_matter(recorded: Recorded, seed: int) -> None:
    chance = random.Random(seed)
    order = chance.sample(range(P), P)
    plain = await recorded.report()

    report = await recorded.report(order=order, cut=lambda: chance.randrange(1, 40))

    assert report == plain


@pytest.mark.parametrize("until", [1, 100, 137])
async def test_a_replay_can_end_anywhere(recorded: Recorded, until: int) -> None:
    report = await recorded.report(until=until)

    assert report.same
    assert report.upto == until
    assert report.compared >= len([one for one in recorded.stored.events if sequence(one) <= until - 30])


def sequence(event: Event) -> int:
    assert event.cause is not None
    return int(event.cause.rpartition(":")[2])


async def test_a_stored_detection_that_was_changed_is_named(recorded: Recorded) -> None:
    chosen = recorded.stored.events[7]
    body = chosen.body.replace(b'"confidence":1.0', b'"confidence":0.5')
    recorded.stored.events[7] = msgspec.structs.replace(chosen, body=body)

    report = await recorded.report()

    assert (report.same, report.different, report.differences) == (False, (chosen.id,), 1)


async def test_a_stored_detection_that_history_does_not_lead_to_is_named(recorded: Recorded) -> None:
    made_up = msgspec.structs.replace(recorded.stored.events[7], id="ffffffff-0000-8000-8000-000000000000")
    recorded.stored.events.append(made_up)

    report = await recorded.report()

    assert (report.missing, report.differences) == ((made_up.id,), 1)


async def test_a_detection_that_was_not_stored_is_named(recorded: Recorded) -> None:
    gone = recorded.stored.events.pop(7)

    report = await recorded.report()

    assert (report.extra, report.differences) == ((gone.id,), 1)


async def test_what_detectors_with_other_options_found_is_counted_and_not_compared(recorded: Recorded) -> None:
    (every, late) = recorded.detectors
    now = await recorded.stage(every)

    report = await recorded.report(now)

    assert report.others == len([one for one in recorded.stored.events if b'"type":"late"' in one.body])
    assert all(b"correction" not in id_.encode() for id_ in report.missing)
    assert late not in now.detectors


async def test_a_replay_says_how_far_it_is(recorded: Recorded) -> None:
    told: list[tuple[int, int]] = []
    stage = await recorded.stage()

    found = await recorded.replay(stage, cut=lambda: 3, said=lambda *how_far: told.append(how_far))

    assert told == sorted(told)
    assert len(told) > stage.partitions
    assert told[-1] == (found.messages, stage.partitions)


async def test_other_timelines_are_not_looked_at(recorded: Recorded) -> None:
    elsewhere = [msgspec.structs.replace(event, timeline="import/x") for event in recorded.stored.events]
    unlike = [msgspec.structs.replace(event, kind="alert@1") for event in recorded.stored.events]
    recorded.stored.events = elsewhere + unlike

    report = await recorded.report()

    assert (report.compared, report.differences) == (0, len(report_ids(await recorded.replay())))


def report_ids(found: Found) -> list[str]:
    return sorted(found.traces)


FOLLOWS = (Every(), Every(name="follows", nth=2, personal_data=True))


async def test_sealed_input_is_replayed_while_its_key_is_there() -> None:
    recorded = await Recorded(FOLLOWS).record()

    report = await recorded.report()

    assert (report.same, report.across, report.erased_rows) == (True, 0, 0)
    assert report.messages == 20 * (3 + 1) * P


async def test_a_register_that_changed_since_is_told() -> None:
    recorded = await Recorded().record()
    recorded.changes += [0, MINUTE - 1, MINUTE, HOUR]

    assert (await recorded.report()).redefined == 2


async def test_erased_input_is_told_and_nothing_is_compared_across_the_gap() -> None:
    recorded = await Recorded(FOLLOWS).record()
    await recorded.keys.destroy("2")
    sealed = [one for one in recorded.messages if one.headers.get("Key") == "2"]

    report = await recorded.report()

    assert report.same
    assert report.erased_messages == len(sealed)
    assert report.erased_rows == sum(int(one.headers["Rows"]) for one in sealed)
    after = [one for one in recorded.stored.events if sequence(one) >= sealed[0].sequence]
    assert report.across == len([one for one in after if b'"type":"every"' not in one.body])
    assert report.compared == len(recorded.stored.events) - report.across


async def test_rows_whose_time_was_over_are_told_and_nothing_is_compared_from_there_on() -> None:
    recorded = await Recorded().record()
    before = await recorded.report()
    middle = recorded.messages[len(recorded.messages) // 2]
    gone = await recorded.lake.forget("live", np.arange(3 * P, 6 * P, dtype=np.int32), 10 * MINUTE)
    first = min(sequence for _, sequence in recorded.lake.gone)

    report = await recorded.report()

    assert gone > 0
    assert first < middle.sequence
    assert (report.same, report.erased_rows, report.erased_messages) == (True, gone, 0)
    assert report.across == len([one for one in recorded.stored.events if sequence(one) >= first])
    assert report.compared == before.compared - report.across


async def test_what_saw_the_whole_city_is_replayed_and_what_it_lacks_is_counted_once() -> None:
    recorded = await Recorded(detectors=(Every(name="own", personal_data=True), Everywhere())).record()
    whole = await recorded.report(order=(2, 0, 3, 1), cut=lambda: 5)
    await recorded.keys.destroy("2")
    gone = [one for one in recorded.messages if one.headers.get("Key") == "2"]
    report = await recorded.report()

    assert (whole.same, whole.compared) == (True, len(recorded.stored.events))
    assert (report.erased_messages, report.erased_rows) == (len(gone), sum(int(one.headers["Rows"]) for one in gone))
    assert report.same
    assert report.across > 0


async def test_erased_input_that_nobody_looked_at_changes_nothing(recorded: Recorded) -> None:
    for key in list(recorded.keys.buckets):
        await recorded.keys.destroy(key)

    report = await recorded.report()

    assert (report.same, report.across, report.erased_messages) == (True, 0, 0)


async def test_a_message_that_can_not_be_worked_off_is_left_out_as_the_worker_left_it_out(recorded: Recorded) -> None:
    last = len(recorded.messages)
    noise = Message(last + 1, hop.observed("live", "readings", 1), {}, b"noise", 0)
    await recorded.lake.archive("OBS-live", [noise], last, last + 1)

    report = await recorded.report()

    assert (report.same, report.unreadable) == (True, 1)


async def test_a_stage_that_comes_to_two_contents_stops_the_replay(recorded: Recorded) -> None:
    stage = await recorded.stage()

    class Fickle:
        name, saves = "detect", 1.0
        partitions = P
        detectors = stage.detectors
        begins = stage.begins

        def stream(self, lease: Lease) -> str:
            return stage.stream(lease)

        def subjects(self, lease: Lease) -> Sequence[str]:
            return stage.subjects(lease)

        async def begin(self, lease: Lease, saved: Saved) -> Fold:
            return Turning(await stage.begin(lease, saved))

    class Turning:
        def __init__(self, fold: Fold) -> None:
            self.fold, self.newest, self.save = fold, fold.newest, fold.save

        async def turn(self, messages: Sequence[Message]) -> Effects:
            effects = await self.fold.turn(messages)
            again = (msgspec.structs.replace(one, body=one.body.replace(b"1.0", b"0.5")) for one in effects.events)
            return Effects(sequence=effects.sequence, events=(*effects.events, *again))

    with pytest.raises(Broken, match="determinism is broken"):
        await recorded.replay(Fickle())


async def test_what_a_rule_found_before_it_was_last_armed_is_counted_and_not_compared(recorded: Recorded) -> None:
    """It was at work from the start; then the same was armed anew, and a replay knows of that alone."""
    late = replace(await recorded.stage(), begins={"every": 10 * MINUTE, "late": 10 * MINUTE})

    report = await recorded.report(late)

    before = [event for event in recorded.stored.events if event.kind == "detection@1" and event.at < 10 * MINUTE]
    assert report.others >= len(before) > 0


async def test_what_was_found_between_two_times_off_is_found_again_and_nothing_else() -> None:
    """It was off in the middle, as the log says: a replay, in other cuts, comes to the same."""
    recorded = await Recorded().record()
    works = {"every": ((EVER, 5 * MINUTE), (12 * MINUTE, 15 * MINUTE)), "late": ()}
    off = replace(await recorded.stage(), works=works)
    recorded.stored.events = await recorded.live(off)
    report = await recorded.report(off, cut=lambda: 7)
    found = [event.at for event in recorded.stored.events if event.kind == "detection@1"]

    assert (report.same, report.compared) == (True, len(recorded.stored.events))
    assert min(found) < 5 * MINUTE < 12 * MINUTE < max(found)
    assert not [at for at in found if 7 * MINUTE < at < 10 * MINUTE]


async def test_the_second_hop_is_replayed_likewise() -> None:
    stage = CorrelateStage((Pairs(), Pairs(name="all", nth=3, key="city")), ways=2)
    messages = [
        told(1, call("a", SECOND), call("b", 2 * SECOND)),
        told(2, call("c", 3 * SECOND), subject="det.live.1.copy"),
        second_tick(3, MINUTE),
        told(4, call("d", MINUTE + SECOND), subject="det.live.desk"),
        told(5, call("e", MINUTE + SECOND)),
        second_tick(6, 2 * MINUTE),
    ]
    lake, stored = MemoryLake(), MemoryStored()
    await lake.archive("DET-live", messages, 0, 6)
    for partition in range(2):
        lease = Lease(timeline="live", stage="correlate", partition=partition, epoch=1, sequence=0, snapshot=0)
        fold, subjects = await stage.begin(lease, {}), stage.subjects(lease)
        for message in messages:
            if message.subject in subjects:
                stored.events += (await fold.turn((message,))).events

    found = await replay(lake, MemoryKeys(), stage, "live", until=ALL, order=[1, 0], cut=lambda: 3)
    report = await compare(found, stored, lambda _: 0)

    assert report.same
    assert (report.stream, report.compared, report.messages) == ("DET-live", len(stored.events), 9)
    assert report.compared > 0
    assert any(trace.who.startswith("all@") for trace in found.traces.values())
