"""Promises of the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.backends.memory import MemoryStreams
from tutela.errors import EngineDown
from tutela.flow import hop
from tutela.flow.outbox import Relay
from tutela.model.flow import Outgoing

STREAM = hop.second("live")


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


class Box:
    """An outbox: rows in order of commit, ticks worked off, and a bell."""

    def __init__(self, *rows: Outgoing) -> None:
        self.rows = {row.id: row for row in rows}
        self.at: dict[str, int] = {}
        self.settled: dict[str, int] = {}
        self.bell = asyncio.Event()
        self.crash = False

    def commit(self, *rows: Outgoing, at: int | None = None) -> None:
        self.rows.update({row.id: row for row in rows})
        if at is not None:
            self.at["live"] = at
        self.bell.set()

    async def pending(self, most: int) -> Sequence[Outgoing]:
        return list(self.rows.values())[:most]

    async def sent(self, ids: Sequence[str]) -> None:
        if self.crash:
            self.crash = False
            raise EngineDown("PostgreSQL went away between sending and striking off")
        for id_ in ids:
            del self.rows[id_]

    async def wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.bell.wait(), seconds)
        except TimeoutError:
            return
        self.bell.clear()

    async def ticks(self, stage: str) -> Mapping[str, int]:
        return dict(self.at if stage == "detect" else self.settled)


def row(number: int, way: str = "0") -> Outgoing:
    return Outgoing(id=f"f{number}", subject=f"det.live.{way}", body=b'{"n":%d}' % number)


async def opened() -> MemoryStreams:
    streams = MemoryStreams(clock=lambda: 0)
    await streams.open(STREAM, ("det.live.>",))
    return streams


async def lines(streams: MemoryStreams, subject: str = "det.live.>") -> list[str]:
    """All that was sent, fact by fact."""
    reader = await streams.read(STREAM, (subject,), 0)
    return [line.decode() for message in await reader.fetch(10_000, 0) for line in message.body.splitlines()]


async def test_what_is_pending_is_sent_in_the_order_of_each_subject_and_struck_off() -> None:
    streams, box = await opened(), Box(*(row(number, str(number % 2)) for number in range(6)))

    await Relay(box, streams, most=4).turn()

    assert await lines(streams, "det.live.0") == ['{"n":0}', '{"n":2}', '{"n":4}']
    assert await lines(streams, "det.live.1") == ['{"n":1}', '{"n":3}', '{"n":5}']
    assert box.rows == {}


async def test_facts_of_one_subject_share_messages_up_to_a_size() -> None:
    streams, box = await opened(), Box(*(row(number) for number in range(5)))

    await Relay(box, streams, pack=16).turn()

    assert await streams.last(STREAM) == 3
    assert await lines(streams) == [f'{{"n":{number}}}' for number in range(5)]


async def test_the_tick_follows_what_was_pending_when_it_was_worked_off() -> None:
    streams, box = await opened(), Box(row(1))
    box.at = {"live": 7_000_000}

    relay = Relay(box, streams)
    await relay.turn()
    await relay.turn()

    assert await lines(streams) == ['{"n":1}', '{"at":7000000}']


async def test_the_desk_is_told_what_is_correlated_and_the_correlate_stage_what_is_detected() -> None:
    streams, box = await opened(), Box(row(1))
    box.at, box.settled = {"live": 7}, {"live": 5}

    await Relay(box, streams).turn()

    assert await lines(streams, hop.second_ticks("live")) == ['{"at":7}']
    assert await lines(streams, hop.settled("live")) == ['{"at":5}']


async def test_a_tick_is_told_only_when_it_has_moved_on() -> None:
    streams, box = await opened(), Box()
    relay = Relay(box, streams)
    for at in (0, 5, 5, 4, 6):
        box.at = {"live": at}
        await relay.turn()

    assert await lines(streams) == ['{"at":5}', '{"at":6}']


async def test_a_relay_that_starts_anew_goes_on_from_where_the_last_one_was() -> None:
    streams, box = await opened(), Box()
    box.at = {"live": 5}
    await Relay(box, streams).turn()

    await Relay(box, streams).turn()

    assert await lines(streams) == ['{"at":5}']


async def test_a_crash_before_striking_off_sends_nothing_twice() -> None:
    streams, box = await opened(), Box(row(1), row(2))
    box.crash = True
    with pytest.raises(EngineDown):
        await Relay(box, streams).turn()

    await Relay(box, streams).turn()

    assert await lines(streams) == ['{"n":1}', '{"n":2}']


async def test_what_was_committed_after_a_crash_is_never_taken_for_what_was_sent_before_it() -> None:
    streams, box = await opened(), Box(row(1))
    box.crash = True
    with pytest.raises(EngineDown):
        await Relay(box, streams).turn()
    box.commit(row(2))

    await Relay(box, streams).turn()

    assert set(await lines(streams)) == {'{"n":1}', '{"n":2}'}


class Slow(MemoryStreams):
    """Publishing takes a second on subject 0, and fails at once on subject 1."""

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        if subject.endswith(".1"):
            raise EngineDown("NATS does not answer")
        await asyncio.sleep(1)
        return await super().publish(subject, body, id_, headers)


def test_when_one_subject_fails_the_others_have_ended_before_it_is_tried_again(virtually: Virtually) -> None:
    async def main() -> None:
        streams = Slow(clock=lambda: 0)
        await streams.open(STREAM, ("det.live.>",))
        box = Box(row(1, "0"), row(2, "1"))
        with pytest.raises(EngineDown):
            await Relay(box, streams).turn()

        assert await lines(streams) == ['{"n":1}']
        assert len(box.rows) == 2

    virtually(main())


def test_a_commit_wakes_it_and_nats_away_makes_it_wait(virtually: Virtually) -> None:
    async def main() -> None:
        streams, box = await opened(), Box()
        running = asyncio.create_task(Relay(box, streams).run())
        await asyncio.sleep(0.5)
        box.commit(row(1), at=3)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert await lines(streams) == ['{"n":1}', '{"at":3}']

        streams.fail = 2
        box.commit(row(2))
        await asyncio.sleep(3.9)
        assert len(box.rows) == 1
        await asyncio.sleep(0.2)
        assert await lines(streams, "det.live.0") == ['{"n":1}', '{"n":2}']
        running.cancel()

    virtually(main())


steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["lose", "unsaid", "crash"]), st.integers(1, 2)),
    ),
    max_size=15,
)


@settings(max_examples=100, deadline=None)
@given(steps=steps, most=st.integers(1, 5), pack=st.integers(0, 40))
def test_whatever_fails_every_fact_arrives_and_each_subject_first_sees_them_in_order(
    virtually: Virtually, steps: list[tuple[str, int]], most: int, pack: int
) -> None:
    async def main() -> None:
        streams, box = await opened(), Box()
        committed = 0
        for step, many in steps:
            streams.fail = many if step == "lose" else 0
            streams.lose_acks = many if step == "unsaid" else 0
            box.crash = step == "crash"
            if step == "commit":
                box.commit(*(row(committed + one, str((committed + one) % 3)) for one in range(many)))
                committed += many
            try:
                await Relay(box, streams, most=most, pack=pack).turn()
            except EngineDown:
                continue
        streams.fail = streams.lose_acks = 0
        box.crash = False
        await Relay(box, streams, most=most, pack=pack).turn()

        assert box.rows == {}
        for way in range(3):
            first_seen = list(dict.fromkeys(await lines(streams, f"det.live.{way}")))
            assert first_seen == [f'{{"n":{one}}}' for one in range(committed) if one % 3 == way]

    virtually(main())
