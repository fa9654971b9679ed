"""What is followed goes along with messages and outbox rows, and changes nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Protocol

import msgspec
import pytest
from tests.flow.stage_support import observed
from tests.flow.test_gateway import City, Disk, city, positions, readings
from tests.flow.test_outbox import Box, opened, row
from tests.flow.trace_support import UNSAMPLED, A, B, C, Kept, keeping, links, parent, place, told

from tutela.errors import BadInput, StorageFull
from tutela.flow import hop
from tutela.flow.gateway import Options
from tutela.flow.leased import _set_aside
from tutela.flow.outbox import Relay
from tutela.flow.trace import (
    NOTHING,
    TRACEPARENT,
    TRACES,
    UNTRACED,
    after,
    carried,
    lines,
    same,
    sampled_first,
    shared,
    within,
)
from tutela.model.flow import Lease, Message, Receipt, Refusal

WITH_TRACE = {TRACEPARENT, TRACES}


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as traces:
        yield traces


# ── places ──────────────────────────────────────────────────────────────────────────────────────
def test_nobody_who_keeps_no_traces_is_anywhere() -> None:
    with UNTRACED.span("offer", (A,), {"rows": 1}, since=5) as span:
        span.note({"rows": 1})
        span.end("BadInput")
        assert (span.trace, UNTRACED.here(), span) == ("", "", NOTHING)
    assert after(UNTRACED, (A,), "publish", {}) is after(UNTRACED, (), "publish", {}) is NOTHING


def test_of_what_nobody_follows_nothing_follows(kept: Kept) -> None:
    assert after(kept, (), "publish", {}) is NOTHING


def test_a_cause_whose_trace_is_kept_goes_first(kept: Kept) -> None:
    after(kept, (UNSAMPLED, B, A), "publish", {}).end()

    assert (parent(kept.only("publish")), links(kept.only("publish"))) == (B, [A])
    assert sampled_first((UNSAMPLED, "", C)) == [C, UNSAMPLED, ""]


def test_a_message_carries_where_it_is() -> None:
    assert carried({"Schema": "x@1"}, "") == {"Schema": "x@1"}
    assert carried({"Schema": "x@1"}, A) == {"Schema": "x@1", TRACEPARENT: A}
    assert (lines({}), lines({TRACEPARENT: ""}), lines({TRACEPARENT: A})) == ((), (), (A,))


@pytest.mark.parametrize(
    ("trace", "rows", "headers", "read"),
    [
        ("", ["", ""], {}, ()),
        (A, [A, A], {TRACEPARENT: A}, (A,)),
        (A, [A.replace("-aaaaaaaaaaaaaaaa-", "-cccccccccccccccc-"), A], {TRACEPARENT: A}, (A,)),
        (A, [A, B, ""], {TRACEPARENT: A, TRACES: f"{A},{B},"}, [A, B, ""]),
        ("", [A, ""], {TRACES: f"{A},"}, [A, ""]),
    ],
    ids=["none", "one", "one trace", "several", "by a relay that keeps none"],
)
def test_each_line_of_a_message_keeps_its_trace(
    trace: str, rows: list[str], headers: Mapping[str, str], read: object
) -> None:
    assert shared(trace, rows) == headers
    assert lines(headers) == read


def test_what_a_turn_found_is_in_the_trace_of_what_made_it() -> None:
    turn = A.replace("-aaaaaaaaaaaaaaaa-", "-dddddddddddddddd-")

    assert within(turn, (A,)) == (turn,)
    assert within(turn, (B, A)) == (B, turn)
    assert within(turn, ()) == (turn,)
    assert same(A, turn)
    assert not same("", "")


# ── the gateway ─────────────────────────────────────────────────────────────────────────────────
async def gives(it: City, kept: Kept, door: str, of: str = "air", *said: tuple[int, float]) -> Receipt:
    with kept.span(door):
        return await it.give(of, (positions if of == "cars" else readings)(*said))


def test_an_offer_is_followed_until_its_messages_are_stored(virtually: Virtually, kept: Kept) -> None:
    async def main() -> None:
        async with city(options=Options(traces=kept)) as it:
            with kept.span("door"):
                receipt = await it.give("air", readings((1, 10.0), (2, 11.0)), Refusal("unknown", "no such", 3))

            assert receipt.accepted == 2
            messages = await it.disk.messages()
            spans = {told(one)["partition"]: one for one in kept.named("publish")}
            assert {one.headers[TRACEPARENT] for one in messages} == {place(one) for one in spans.values()}
            assert {parent(one) for one in spans.values()} == {place(kept.only("offer"))}
            assert told(spans[1]) == {"timeline": "live", "kind": "readings", "partition": 1, "rows": 1}
            assert parent(kept.only("offer")) == place(kept.only("door"))
            assert told(kept.only("gate")) == {"kind": "readings", "accepted": 2, "refused": 3}

    virtually(main())


def test_a_message_of_several_offers_is_in_one_trace_and_linked_to_the_others(virtually: Virtually, kept: Kept) -> None:
    async def main() -> None:
        async with city(Disk(takes=lambda: 0.5), Options(traces=kept)) as it:
            first = asyncio.create_task(gives(it, kept, "first", "air", (1, 0.0)))
            await asyncio.sleep(0.001)
            given = (("a", "air", (1, 1.0)), ("b", "metro", (13, 2.0)), ("c", "air", (2, 3.0)), ("d", "cars", (9, 4.0)))
            others = [asyncio.create_task(gives(it, kept, door, of, said)) for door, of, said in given]
            await asyncio.gather(first, *others)

            offers = {parent(one): place(one) for one in kept.named("offer")}
            door = {name: offers[place(kept.only(name))] for name in ("first", "a", "b", "c", "d")}
            found = {(parent(one), *links(one)) for one in kept.named("publish")}
            assert found == {(door["first"],), (door["a"], door["b"]), (door["c"],), (door["d"],)}

    virtually(main())


def test_what_is_stored_is_the_same_whoever_follows_it(virtually: Virtually, kept: Kept) -> None:
    async def stored(options: Options) -> list[tuple[str, bytes, dict[str, str]]]:
        async with city(options=options) as it:
            await gives(it, kept, "door", "air", (1, 10.0), (5, 11.0), (2, 12.0))
            return [
                (one.subject, one.body, {name: text for name, text in one.headers.items() if name not in WITH_TRACE})
                for one in await it.disk.messages()
            ]

    async def main() -> None:
        assert await stored(Options(traces=kept)) == await stored(Options())

    virtually(main())


def test_what_could_not_be_stored_has_failed(virtually: Virtually, kept: Kept) -> None:
    async def main() -> None:
        async with city(Disk(before=lambda _: StorageFull("the disk is full")), Options(traces=kept)) as it:
            with pytest.raises(StorageFull):
                await gives(it, kept, "door", "air", (1, 1.0))

            assert {told(one)["error.type"] for one in kept.spans() if one.name != "gate"} == {"StorageFull"}

    virtually(main())


# ── the outbox ──────────────────────────────────────────────────────────────────────────────────
async def test_the_relay_carries_each_fact_on_in_its_own_trace(kept: Kept) -> None:
    streams, box = await opened(), Box()
    rows = [msgspec.structs.replace(row(number), trace=trace) for number, trace in enumerate((A, "", B, A))]
    box.commit(*rows, row(9, "1"))
    await Relay(box, streams, traces=kept).turn()

    hopped = kept.only("hop")
    assert (parent(hopped), links(hopped), told(hopped)) == (A, [B], {"subject": "det.live.0", "facts": 4})
    reader = await streams.read(hop.second("live"), ("det.live.>",), 0)
    first, second = sorted(await reader.fetch(10, 0), key=lambda one: one.subject)
    assert lines(first.headers) == [place(hopped), "", B, place(hopped)]
    assert set(second.headers) == {"Nats-Msg-Id"}


async def test_ids_and_bodies_on_the_second_hop_are_the_same_whoever_follows_them(kept: Kept) -> None:
    async def sent(*rows_: str) -> list[tuple[str, bytes]]:
        streams, box = await opened(), Box()
        box.commit(*(msgspec.structs.replace(row(number), trace=trace) for number, trace in enumerate(rows_)))
        await Relay(box, streams, traces=kept if any(rows_) else UNTRACED).turn()
        reader = await streams.read(hop.second("live"), ("det.live.>",), 0)
        return [(one.headers["Nats-Msg-Id"], one.body) for one in await reader.fetch(10, 0)]

    assert await sent(A, B, "", C) == await sent("", "", "", "")


# ── dead letters ────────────────────────────────────────────────────────────────────────────────
def test_a_dead_letter_keeps_no_trace() -> None:
    plainly = observed(3, "readings", (1, 5, 1.0))
    followed = Message(3, plainly.subject, {"Schema": "x", TRACEPARENT: A, TRACES: f"{A},{B}"}, plainly.body, 30)
    lease = Lease(timeline="live", stage="detect", partition=1, epoch=1, sequence=0, snapshot=0)
    (letter,), events = _set_aside(lease, followed, BadInput("it can't be read"))

    assert letter.headers == {"Schema": "x"}
    assert events == _set_aside(lease, plainly, BadInput("it can't be read"))[1]
