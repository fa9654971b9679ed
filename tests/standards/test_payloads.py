"""What a message on a datastream's topic may say: a number, an object, or several; bad ones are refused one by one."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.model.register import Datastream
from tutela.standards import payloads
from tutela.standards.observations import NAMED
from tutela.standards.payloads import LINES


def about(kind: str = "readings") -> Datastream:
    return Datastream(
        id=7, name="yard/pm25", source="yard-air", thing="yard", kind=kind, observed_property="pm25", unit="ug/m3"
    )


def now() -> int:
    return 5


@pytest.mark.parametrize(
    "payload", [b"21.5", b" 21.5\n", b'{"result": 21.5}', b'{"result":21.5,"unit":"ug/m3","battery":3}']
)
def test_a_reading_without_a_time_has_the_time_when_it_came(payload: bytes) -> None:
    lines, refused = payloads.read(payload, about(), now)
    rows = payloads.rows("readings", [7], lines)

    assert refused == ()
    assert (rows.datastream.tolist(), rows.time.tolist(), rows.result.tolist()) == ([7], [5], [21.5])


@pytest.mark.parametrize(
    "time", [b'"2026-11-25T08:00:00.5Z"', b"1795593600500000", b'"2026-11-25T07:00:00Z/2026-11-25T08:00:00.5Z"']
)
def test_a_reading_with_a_time_keeps_it(time: bytes) -> None:
    lines, _ = payloads.read(b'{"result": 21.5, "phenomenonTime": ' + time + b"}", about(), now)

    assert [line.phenomenonTime for line in lines] == [1795593600500000]


def test_a_truth_observation_of_sensorthings_is_one_or_zero() -> None:
    lines, refused = payloads.read(b'{"result": true}\n{"result": false}', about(), now)

    assert refused == ()
    assert payloads.rows("readings", [7, 7], lines).result.tolist() == [1.0, 0.0]


def test_counts_are_whole_and_positions_have_two_numbers() -> None:
    counts, _ = payloads.read(b"3", about("counts"), now)
    positions, _ = payloads.read(b'{"lat": 60.1, "lon": 24.9}', about("positions"), now)

    assert payloads.rows("counts", [7], counts).result.dtype == np.int64
    assert {name: column.tolist() for name, column in payloads.rows("positions", [7], positions).values.items()} == {
        "lat": [60.1],
        "lon": [24.9],
    }


def test_several_lines_are_taken_each_for_itself() -> None:
    clock = count(1)
    lines, refused = payloads.read(b'1\n{"result": 2}\n\nbad\n{"result": 4}', about(), lambda: next(clock))

    assert payloads.rows("readings", [7] * 3, lines).result.tolist() == [1, 2, 4]
    assert [line.phenomenonTime for line in lines] == [1, 2, 3]
    assert [(one.reason, one.count, one.sample) for one in refused] == [("unreadable", 1, b"bad")]
    assert refused[0].says.startswith("yard/pm25, line 3: ")


def test_an_object_over_several_lines_is_one() -> None:
    lines, refused = payloads.read(b'{\n "result": 2\n}\n', about(), now)

    assert (len(lines), refused) == (1, ())


@pytest.mark.parametrize(
    ("kind", "payload", "says"),
    [
        ("readings", b"", "truncated"),
        ("readings", b"NaN", "malformed"),
        ("readings", b"1e400", "out of range"),
        ("readings", b"21,5", "malformed"),
        ("readings", b'"21.5"', "Expected"),
        ("readings", b"[1]", "Expected"),
        ("readings", b'{"more": ' + b"[" * 100_000, "nested too deeply"),
        ("readings", b'{"result": ' * 100_000, "nested|Expected"),
        ("readings", b"\xff\xfe", "malformed"),
        ("readings", b'{"lat": 1, "lon": 2}', "missing required field `result`"),
        ("readings", b'{"result": 1, "phenomenonTime": "now"}', "'now' is not a time"),
        ("readings", b'{"result": 1, "phenomenonTime": "2026-11-25T08:00:00"}', "has no offset"),
        ("readings", b'{"result": 1, "phenomenonTime": 99999999999999999999}', "Integer value out of range|Expected"),
        ("readings", b'{"result": 1, "phenomenonTime": "2026-11-25T08:00:00Z/x"}', "'x' is not a time"),
        (
            "readings",
            b'{"result": 1, "phenomenonTime": "2026-11-25T08:00:00Z/2026-11-25T07:00:00Z"}',
            "ends before it starts",
        ),
        ("readings", b'{"result": 1, "unit": "mg/m3"}', "the register's 'ug/m3'"),
        ("readings", b'{"result": 1, "datastream": "other/pm25"}', "is not the topic's"),
        ("counts", b"1.5", "Expected"),
        ("counts", b"99999999999999999999", "out of range|Expected"),
        ("positions", b"1", "Expected"),
    ],
)
def test_what_can_not_be_understood_is_refused_with_the_reason(kind: str, payload: bytes, says: str) -> None:
    lines, refused = payloads.read(payload, about(kind), now)

    assert lines == ()
    assert [one.count for one in refused] == [1]
    assert any(word in refused[0].says for word in says.split("|")), refused[0].says


def test_a_message_of_too_many_lines_is_refused_whole() -> None:
    lines, refused = payloads.read(b"1\n" * (LINES + 1), about(), now)

    assert lines == ()
    assert [(one.count, "too many for one message" in one.says) for one in refused] == [(LINES + 1, True)]
    assert len(payloads.read(b"1\n" * LINES, about(), now)[0]) == LINES


def test_a_message_of_nothing_but_noise_is_counted_and_told_a_few_times() -> None:
    lines, refused = payloads.read(b"x\n" * 1000, about(), now)

    assert list(lines) == []
    assert sum(one.count for one in refused) == 1000
    assert len(refused) == NAMED + 1


@given(st.sampled_from(["readings", "counts", "positions"]), st.binary(max_size=200))
def test_any_bytes_are_lines_or_refused_and_nothing_else(kind: str, payload: bytes) -> None:
    lines, refused = payloads.read(payload, about(kind), now)

    assert len(lines) + sum(one.count for one in refused) >= 1
    if lines:
        assert len(payloads.rows(kind, [7] * len(lines), lines)) == len(lines)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(-(2**62), 2**62)), min_size=1, max_size=20))
def test_what_was_sent_is_what_is_taken(sent: list[tuple[float, int]]) -> None:
    body = b"\n".join(f'{{"result": {result!r}, "phenomenonTime": {time}}}'.encode() for result, time in sent)
    rows = payloads.rows("readings", [7] * len(sent), payloads.read(body, about(), now)[0])

    assert list(zip(rows.result.tolist(), rows.time.tolist(), strict=True)) == sent


def test_times_that_were_not_said_are_the_clocks_and_never_the_same_twice() -> None:
    said = iter([10, 10, 10, 50, 49, -1_000_000, -1_000_000])
    stamps = payloads.Stamps(lambda: next(said))

    assert [stamps() for _ in range(7)] == [10, 11, 12, 50, 51, -1_000_000, -999_999]
