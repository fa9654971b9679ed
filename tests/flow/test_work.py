"""Promises of the worker: fair shares, nothing lost, nothing twice, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.conftest import _virtually
from tests.flow.stage_support import (
    Every,
    Pairs,
    datastream,
    entered,
    known,
    observed,
    ticked,
)

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, Broken, Conflict, EngineDown, Fenced
from tutela.flow import hop
from tutela.flow.correlating import CorrelateStage
from tutela.flow.detecting import DetectStage
from tutela.flow.leased import TRIES, Rhythm, joined
from tutela.flow.letters import Letters
from tutela.flow.outbox import Relay
from tutela.flow.stage import Saved, Stage
from tutela.flow.work import Worker
from tutela.model.event import Event
from tutela.model.flow import Column, Effects, Lease, Message, Newest, encode
from tutela.model.install import Install
from tutela.model.timeline import token
from tutela.model.when import SECOND

P, WAYS = 4, 2
START = 1_767_571_200 * SECOND
INSTALL = Install(id="i", partitions=P, ways=WAYS, zone="Europe/Helsinki", city="Helsinki", at=START)


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


def clock() -> int:
    return START + int(asyncio.get_running_loop().time() * SECOND)


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let (virtual) time pass until it is so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what is waited for is in many places, and virtual time costs nothing
            await asyncio.sleep(0.05)


def mark(sequence: int, word: str) -> Event:
    return Event(id=word, at=sequence, by="echo", cause=None, kind="test@1", timeline="live", body=word.encode())


@dataclass
class Echo:
    """A fold that logs each message once more. `!` can't be worked off; `state` is all words so far."""

    stage: Echoes
    state: list[str]

    async def turn(self, messages: Sequence[Message]) -> Effects:
        words = [message.body.decode() for message in messages]
        self.stage.turns.append(words)
        await asyncio.sleep(self.stage.takes)
        if "!" in words:
            raise self.stage.wrong
        self.state += words
        return Effects(
            sequence=messages[-1].sequence,
            events=tuple(mark(message.sequence, word) for message, word in zip(messages, words, strict=True)),
        )

    def newest(self) -> tuple[Newest, ...]:
        return (Newest(timeline="live", kind="readings", partition=0, sequence=len(self.state), body=b""),)

    async def save(self) -> tuple[Column, ...]:
        return (Column(detector="echo", name="words", body=" ".join(self.state).encode()),)


@dataclass
class Echoes:
    """A stage of such folds over one subject for each partition."""

    name: str = "detect"
    partitions: int = P
    saves: float = 15.0
    takes: float = 0.0
    city: bool = False
    wrong: Exception = field(default_factory=lambda: BadInput("it is no word; write words"))
    turns: list[list[str]] = field(default_factory=list)
    begun: list[tuple[Lease, list[str]]] = field(default_factory=list)

    def stream(self, lease: Lease) -> str:
        return hop.observations(lease.timeline)

    def subjects(self, lease: Lease) -> Sequence[str]:
        whole = self.city and lease.partition == hop.CITY
        return [f"obs.{token(lease.timeline)}.{number}" for number in (range(P) if whole else (lease.partition,))]

    async def begin(self, lease: Lease, saved: Saved) -> Echo:
        words = saved.get("echo", {}).get("words", b"").decode().split()
        self.begun.append((lease, list(words)))
        return Echo(self, words)


class FaultyFacts(MemoryFacts):
    """Facts that fail when a test wants it, and take their time."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.fails: list[Exception] = []
        self.down: set[str] = set()
        self.takes = 0.0
        self.commits: list[tuple[float, Effects]] = []

    def check(self, what: str) -> None:
        if what in self.down:
            raise EngineDown(f"PostgreSQL did not answer ({what}); this was asked for")

    async def commit(self, lease: Lease, effects: Effects) -> None:
        await asyncio.sleep(self.takes)
        self.check("commit")
        if self.fails:
            raise self.fails.pop(0)
        await super().commit(lease, effects)
        self.commits.append((asyncio.get_running_loop().time(), effects))

    async def heartbeat(self, worker: str) -> int:
        self.check("heartbeat")
        return await super().heartbeat(worker)

    async def release(self, leases: Sequence[Lease]) -> None:
        self.check("release")
        await super().release(leases)


@dataclass
class World:
    """Streams, facts and workers in virtual time."""

    streams: MemoryStreams
    facts: FaultyFacts
    stages: Sequence[Stage]
    rhythm: Rhythm = field(default_factory=Rhythm)
    workers: dict[str, tuple[Worker, asyncio.Task[None]]] = field(default_factory=dict)
    sent: int = 0

    def work(self, name: str) -> Worker:
        worker = Worker(name, self.stages, self.streams, self.facts, self.rhythm)
        self.workers[name] = worker, asyncio.create_task(worker.run())
        return worker

    async def kill(self, name: str) -> None:
        _, task = self.workers.pop(name)
        task.cancel()
        await asyncio.wait((task,))

    async def say(self, words: str, partition: int = 0, timeline: str = "live") -> None:
        for word in words.split():
            self.sent += 1
            await self.streams.publish(f"obs.{token(timeline)}.{partition}", word.encode(), f"m{self.sent}", {})

    async def until_leased(self, worker: Worker, count: int) -> None:
        await until(lambda: len(worker.leases) == count)

    async def until_logged(self, count: int) -> None:
        await until(lambda: len(self.logged()) == count)

    def logged(self) -> list[str]:
        return [event.body.decode() for event in self.facts.store.events.values() if event.kind == "test@1"]


@asynccontextmanager
async def world(*stages: Stage, rhythm: Rhythm | None = None, facts: MemoryFacts | None = None) -> AsyncIterator[World]:
    store = facts.store if facts else Store()
    store.clock = clock
    made = World(MemoryStreams(clock), FaultyFacts(store), stages, rhythm or Rhythm())
    await made.facts.install(INSTALL)
    for stream, subjects in hop.everything("live").items():
        await made.streams.open(stream, subjects)
    try:
        yield made
    finally:
        for name in tuple(made.workers):
            await made.kill(name)


# ── fair shares ─────────────────────────────────────────────────────────────────────────────────


def partitions(worker: Worker, stage: str = "detect") -> list[tuple[str, int]]:
    return sorted((lease.timeline, lease.partition) for lease in worker.leases if lease.stage == stage)


def test_one_worker_has_all_and_a_second_takes_over_half_at_once(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes(), Echoes(name="desk", partitions=1)) as here:
            one = here.work("one")
            await until(lambda: len(one.leases) == P + 1)
            two = here.work("two")
            await until(lambda: len(one.leases) + len(two.leases) == P + 1 and len(partitions(two)) == P // 2)
            assert partitions(one) == [("live", 0), ("live", 1)]
            assert partitions(two) == [("live", 2), ("live", 3)]
            await here.kill("one")
            await until(lambda: len(two.leases) == P + 1)

    virtually(main())


def test_each_timeline_is_shared_and_a_new_one_is_taken_up(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            one = here.work("one")
            await until(lambda: len(one.leases) == P)
            for stream, subjects in hop.everything("import/x").items():
                await here.streams.open(stream, subjects)
            await here.facts.open_timeline("import/x", START)
            await until(lambda: len(one.leases) == 2 * P)
            two = here.work("two")
            await until(lambda: len(two.leases) == P)
            assert partitions(one) == [("import/x", 0), ("import/x", 1), ("live", 0), ("live", 1)]

    virtually(main())


def test_a_worker_that_died_without_a_word_is_replaced_when_its_leases_run_out(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            assert len(await here.facts.take("dead", "detect", P)) == P
            one = here.work("one")
            await here.say("a b")
            await until(lambda: len(one.leases) == P)
            await until(lambda: here.logged() == ["a", "b"])

    virtually(main())


# ── nothing lost, nothing twice ─────────────────────────────────────────────────────────────────


def test_what_was_committed_is_worked_off_again_from_the_snapshot_for_the_state_alone(virtually: Virtually) -> None:
    async def main() -> None:
        stage = Echoes(saves=5.0)
        async with world(stage) as here:
            here.work("one")
            await here.say("a b")
            await until(lambda: bool(here.facts.store.columns))
            await here.say("c d")
            await until(lambda: here.logged() == ["a", "b", "c", "d"])
            await here.kill("one")
            before = len(here.facts.commits)
            stage.turns.clear()
            here.work("two")
            await here.say("e")
            await until(lambda: here.logged() == ["a", "b", "c", "d", "e"])
            [(lease, words)] = [one for one in stage.begun[P:] if one[0].partition == 0]
            assert words == ["a", "b"]
            assert (lease.snapshot, lease.sequence) == (2, 4)
            assert stage.turns == [["c", "d"], ["e"]]
            told = [event.id for _, effects in here.facts.commits[before:] for event in effects.events]
            assert told == ["e"]
            await until(lambda: here.facts.store.columns["live", "detect", 0]["echo"]["words"] == b"a b c d e")

    virtually(main())


def test_a_small_state_is_saved_with_each_commit(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes(saves=0.0)) as here:
            here.work("one")
            for number, word in enumerate(("a", "b", "c"), 1):
                await here.say(word)
                await here.until_logged(number)
            assert [effects.snapshot is not None for _, effects in here.facts.commits if effects.events] == [True] * 3

    virtually(main())


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), st.floats(0.0, 2.0)), max_size=6))
def test_any_workers_killed_at_any_time_find_what_one_worker_finds(deaths: list[tuple[str, float]]) -> None:
    assert _found(tuple(deaths)) == _found(())


@cache
def _found(deaths: tuple[tuple[str, float], ...]) -> tuple[object, ...]:
    """All that is committed after both hops, when workers die (by name, so many seconds after the last death)."""
    found: list[tuple[object, ...]] = []

    async def main() -> None:
        facts = entered(*(datastream(number) for number in range(1, 9)))
        columnar = (Every(name="third"), Every(name="patient", nth=2, lateness=2.0))
        stages = (
            DetectStage(columnar, await known(facts), MemoryKeys(), WAYS, saves=1.0),
            CorrelateStage((Pairs(needs=("third",)),), WAYS, saves=1.0),
        )
        async with world(*stages, facts=facts, rhythm=Rhythm(most=3)) as here:
            relay = asyncio.create_task(Relay(here.facts, here.streams).run())
            for name in ("one", "two", "three"):
                here.work(name)
            feed = asyncio.create_task(_feed(here.streams))
            for name, after in deaths:
                await asyncio.sleep(after)
                await here.kill(name)
                here.work(name)
            await feed
            last = START + 41 * SECOND
            await until(lambda: here.facts.store.leases["live", "detect", 3].ticked == last)
            await until(lambda: all(held.ticked == last for held in here.facts.store.leases.values() if held.epoch))
            await asyncio.sleep(3)
            relay.cancel()
            store = here.facts.store
            found.append(
                (
                    sorted(
                        (id_, encode(one[0])) for id_, one in store.detections.items() if one[0].detector == "every"
                    ),
                    Counter((one[0].detector, one[0].type) for one in store.detections.values())["every", "patient"],
                    sum(len(one[0].facts) for one in store.detections.values()),
                    sorted((one.kind, one.partition, one.body) for one in store.newest.values()),
                    sorted(event.kind for event in store.events.values() if event.kind != "detection@1"),
                    not store.outbox,
                )
            )

    _virtually(main())
    return found[0]


async def _feed(streams: MemoryStreams) -> None:
    """Rows of eight datastreams, some late and some doubled, with a tick each second."""
    for second in range(40):
        at = START + second * SECOND
        for partition in range(P):
            told = [
                (number, at - (3 * SECOND if second % 7 == 3 else 0), float(second))
                for number in range(1, 9)
                if number % P == partition
            ]
            made = observed(1, "readings", *told, partition=partition)
            await streams.publish(made.subject, made.body, f"{second}/{partition}", {})
            if second % 5 == 0:
                await streams.publish(made.subject, made.body, f"{second}/{partition} again", {})
        await streams.publish(hop.ticks("live"), ticked(1, at + SECOND).body, f"tick {second}", {})
        await asyncio.sleep(0.3)
    await streams.publish(hop.ticks("live"), ticked(1, at + 2 * SECOND).body, "tick last", {})


# ── what may go wrong ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrong", [BadInput("no word"), ValueError("no word"), KeyError("x"), ZeroDivisionError("x")])
def test_a_message_that_can_not_be_worked_off_is_set_aside_and_the_others_go_on(
    virtually: Virtually, wrong: Exception
) -> None:
    async def main() -> None:
        stage = Echoes(wrong=wrong)
        async with world(stage) as here:
            await here.say("a b ! c")
            await here.say("x", partition=1)
            here.work("one")
            await until(lambda: sorted(here.logged()) == ["a", "b", "c", "x"])
            [letter] = await here.facts.dead_letters(9)
            assert (letter.source, letter.body, letter.reason) == ("live detect 0", b"!", "unreadable")
            assert str(wrong) in letter.says
            assert letter.subject == "obs.live.0"
            assert not any(name.startswith("Nats-") for name in letter.headers)
            [event] = await here.facts.about(letter.id)
            assert event.kind == "dead-letter@1"
            assert sum("!" in words for words in stage.turns) == TRIES
            assert await here.facts.revive(letter.id, 1)
            await here.kill("one")
            here.work("two")
            await here.say("d")
            await until(lambda: "d" in here.logged())
            assert not await here.facts.dead_letters(9)

    virtually(main())


def test_a_letter_that_dies_again_is_the_same_letter_and_its_tries_go_on(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes(wrong=ValueError("no word"))) as here:
            letters = Letters(here.facts, here.streams, lambda: 7)
            await here.say("!")
            here.work("one")
            for tries in (0, 1, 2):
                await until(lambda: _waiting(here.facts))
                [letter] = await here.facts.dead_letters(9)
                assert letter.tries == tries
                await letters.revive(letter.id, "it")
            await until(lambda: _waiting(here.facts))

            [letter] = await here.facts.dead_letters(9)
            assert letter.tries == 3
            assert letter.headers == {}
            told = await here.facts.about(letter.id)
            assert [event.kind for event in told] == [*(["dead-letter@1", "letter@1"] * 3), "dead-letter@1"]
            assert [event.cause for event in told[2::2]] == [event.id for event in told[1::2]]

    virtually(main())


def test_a_message_that_two_partitions_can_not_work_off_is_one_letter_and_is_sent_once_more(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        stage = Echoes(city=True)
        async with world(stage) as here:
            await here.say("! a", partition=3)
            here.work("one")
            await until(lambda: len(here.logged()) == 1 and sum("!" in words for words in stage.turns) == 2 * TRIES)
            [letter] = await here.facts.dead_letters(9)
            assert len(await here.facts.about(letter.id)) == 1

            await Letters(here.facts, here.streams, lambda: 7).revive(letter.id, "it")
            await until(lambda: sum("!" in words for words in stage.turns) == 4 * TRIES)
            await until(lambda: _waiting(here.facts))
            [again] = await here.facts.dead_letters(9)
            assert (again.id, again.tries) == (letter.id, 1)
            assert [event.kind for event in await here.facts.about(letter.id)] == [
                "dead-letter@1",
                "letter@1",
                "dead-letter@1",
            ]

    virtually(main())


def _waiting(facts: MemoryFacts) -> bool:
    letters = facts.store.letters.values()
    return bool(letters) and all(letter.replayed_at is None for letter in letters)


def test_a_lost_lease_is_dropped_quietly(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            one = here.work("one")
            await here.say("a")
            await until(lambda: here.logged() == ["a"])
            held = here.facts.store.leases["live", "detect", 0]
            held.owner, held.epoch, held.until = "other", held.epoch + 1, clock() + 60 * SECOND
            await here.say("b")
            await until(lambda: len(one.leases) == P - 1)
            await asyncio.sleep(2)
            assert here.logged() == ["a"]
            held.until = 0
            await until(lambda: here.logged() == ["a", "b"])

    virtually(main())


def test_a_commit_that_is_fenced_ends_that_partition_alone(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            one = here.work("one")
            await until(lambda: len(one.leases) == P)
            here.facts.fails.append(Fenced("another worker has it"))
            await here.say("a")
            await here.say("b", partition=1)
            await until(lambda: sorted(here.logged()) == ["a", "b"])

    virtually(main())


def test_when_somebody_else_was_first_the_partition_begins_anew(virtually: Virtually) -> None:
    async def main() -> None:
        stage = Echoes()
        async with world(stage) as here:
            here.work("one")
            await until(lambda: len(stage.begun) == P)
            here.facts.fails.append(Conflict("somebody changed it first"))
            await here.say("a")
            await until(lambda: here.logged() == ["a"], 2.0)
            assert len(stage.begun) == P + 1

    virtually(main())


@pytest.mark.parametrize("part", ["heartbeat", "commit"])
def test_while_postgresql_is_away_the_worker_waits_and_then_goes_on(virtually: Virtually, part: str) -> None:
    async def main() -> None:
        stage = Echoes()
        async with world(stage) as here:
            here.work("one")
            await until(lambda: len(stage.begun) == P)
            here.facts.down.add(part)
            await here.say("a b")
            await asyncio.sleep(20)
            begun = len(stage.begun)
            here.facts.down.clear()
            await until(lambda: here.logged() == ["a", "b"], 6.0)
            assert begun < P + 20

    virtually(main())


def test_a_stream_that_is_not_there_yet_is_waited_for(virtually: Virtually) -> None:
    async def main() -> None:
        stage = Echoes()
        async with world(stage) as here:
            await here.facts.open_timeline("import/x", START)
            here.work("one")
            await here.say("a")
            await until(lambda: here.logged() == ["a"])
            for stream, subjects in hop.everything("import/x").items():
                await here.streams.open(stream, subjects)
            await here.say("b", timeline="import/x")
            await until(lambda: here.logged() == ["a", "b"])

    virtually(main())


@pytest.mark.parametrize("wrong", [Broken("two answers"), RuntimeError("nobody foresaw it")])
def test_a_broken_promise_stops_the_worker_and_gives_its_leases_back(virtually: Virtually, wrong: Exception) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            here.work("one")
            here.facts.fails.append(wrong)
            await here.say("a")
            _, task = here.workers["one"]
            with pytest.raises(type(wrong)):
                await task
            assert not any(held.owner for held in here.facts.store.leases.values())

    virtually(main())


def test_a_worker_that_is_stopped_gives_its_leases_back_if_it_can(
    virtually: Virtually, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with world(Echoes()) as here:
            for name, down in (("one", set[str]()), ("two", {"release"})):
                worker = here.work(name)
                await here.until_leased(worker, P)
                here.facts.down = down
                await here.kill(name)
                assert sum(held.owner is not None for held in here.facts.store.leases.values()) == len(down) * P

    with caplog.at_level(logging.WARNING):
        virtually(main())
    assert "they run out" in caplog.text


# ── rhythm ──────────────────────────────────────────────────────────────────────────────────────


def test_the_next_turn_is_worked_out_while_a_commit_runs_and_commits_do_not_pile_up(virtually: Virtually) -> None:
    async def main() -> None:
        stage = Echoes()
        async with world(stage) as here:
            here.facts.takes = 1.0
            here.work("one")
            await here.say("a")
            await until(lambda: stage.turns == [["a"]])
            for word in ("b", "c"):
                await asyncio.sleep(0.25)
                await here.say(word)
            await until(lambda: len(stage.turns) == 3)
            assert here.logged() == []
            await until(lambda: here.logged() == ["a", "b", "c"])
            told = [[event.id for event in effects.events] for _, effects in here.facts.commits]
            assert [words for words in told if words] == [["a"], ["b", "c"]]

    virtually(main())


def test_no_more_is_fetched_than_may_wait_for_a_commit(virtually: Virtually) -> None:
    async def main() -> None:
        stage = Echoes()
        async with world(stage, rhythm=Rhythm(most=2, held=5)) as here:
            here.facts.takes = 9.0
            words = [f"w{number}" for number in range(30)]
            await here.say(" ".join(words))
            here.work("one")
            await asyncio.sleep(5)
            assert sum(len(turn) for turn in stage.turns) == 2 + 4
            await until(lambda: here.logged() == words, 120.0)

    virtually(main())


def test_the_longer_a_turn_takes_the_more_it_brings_up_to_a_limit(virtually: Virtually) -> None:
    """A word comes each tenth of a second; a turn may take a fiftieth of the time between two of them."""

    async def main() -> None:
        counts = []
        for takes in (0.0, 0.004, 0.006, 0.1):
            stage = Echoes(partitions=1, takes=takes)
            async with world(stage) as here:
                here.work("one")
                for number in range(200):
                    await here.say(f"w{number}")
                    await asyncio.sleep(0.1)
                counts.append(len(stage.turns))
        assert counts[0] == pytest.approx(100, abs=2), "one a fifth of a second"
        assert counts[1:] == [counts[0], pytest.approx(66, abs=3), pytest.approx(40, abs=2)]

    virtually(main())


def test_commits_newest_values_and_snapshots_keep_their_distance(virtually: Virtually) -> None:
    async def main() -> None:
        async with world(Echoes(saves=4.0)) as here:
            here.work("one")
            for number in range(100):
                await here.say(f"w{number}")
                await asyncio.sleep(0.1)
            await asyncio.sleep(10)
            commits = here.facts.commits
            for times, apart in (
                ([at for at, effects in commits if effects.events], 0.25),
                ([at for at, effects in commits if effects.newest], 1.0),
                ([at for at, effects in commits if effects.snapshot], 4.0),
            ):
                gaps = [round(late - early, 6) for early, late in pairwise(times)]
                assert min(gaps) >= apart
                assert max(gaps[:-1]) < apart + 0.5
            last = [effects for _, effects in commits if effects.newest][-1]
            assert last.newest[0].sequence == 100
            assert [effects for _, effects in commits if effects.snapshot][-1].sequence == 100

    virtually(main())


def test_that_nothing_was_found_is_committed_once_a_second_and_a_tick_at_once(virtually: Virtually) -> None:
    async def main() -> None:
        facts = entered(datastream(1))
        stage = DetectStage((), await known(facts), MemoryKeys(), WAYS)
        async with world(stage, facts=facts) as here:
            here.work("one")
            await until(lambda: here.facts.store.leases["live", "detect", 3].epoch == 1)
            begun = asyncio.get_running_loop().time()
            for number in range(21):
                made = observed(1, "readings", (1, START + number * SECOND, 1.0))
                await here.streams.publish(made.subject, made.body, f"m{number}", {})
                await asyncio.sleep(0.1)
            assert len(here.facts.commits) <= 3
            await here.streams.publish(hop.ticks("live"), hop.tick(START), "tick", {})
            at = asyncio.get_running_loop().time()
            await until(lambda: here.facts.store.leases["live", "detect", 1].ticked == START)
            assert asyncio.get_running_loop().time() - at < 0.6
            assert at - begun > 2

    virtually(main())


def test_effects_of_several_turns_are_those_of_one() -> None:
    one = Effects(sequence=3, ticked=5, events=(mark(1, "a"),), late={60: 1})
    other = Effects(sequence=4, events=(mark(2, "b"),), late={60: 2, 120: 1})

    assert joined([one, other], 4) == Effects(
        sequence=4, ticked=5, events=(mark(1, "a"), mark(2, "b")), late={60: 3, 120: 1}
    )
    assert joined([], 7) == Effects(sequence=7)
