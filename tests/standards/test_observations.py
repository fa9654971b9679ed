"""What the JSON doors promise: good lines are taken as they were sent, bad ones refused one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.standards import observations


class Names:
    def number(self, name: str) -> int | None:
        return int(name[1:]) if name[0] == "d" and name[1:].isdigit() else None

    def unit(self, number: int) -> str | None:
        return "ug/m3" if number else None


NAMES = Names()
GOOD = b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00.5Z","result":12.5,"more":{"x":[1]}}'


def test_a_line_becomes_a_row_with_its_number_time_and_result() -> None:
    rows, refused = observations.read(GOOD, "readings", NAMES)

    assert rows is not None
    assert (rows.datastream.tolist(), rows.time.tolist(), rows.result.tolist()) == ([7], [1795593600500000], [12.5])
    assert refused == ()


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 2**52), st.floats(-1e9, 1e9)), min_size=1, max_size=50))
def test_what_was_sent_is_what_is_taken(sent: list[tuple[int, int, float]]) -> None:
    body = b"\n".join(
        json.dumps({"datastream": f"d{number}", "phenomenonTime": at, "result": result}).encode()
        for number, at, result in sent
    )
    rows, refused = observations.read(body, "readings", NAMES)

    assert rows is not None
    assert list(zip(rows.datastream.tolist(), rows.time.tolist(), rows.result.tolist(), strict=True)) == sent
    assert refused == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff\xfe\x00garbage", "malformed"),
        (b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00Z","result":NaN}', "malformed"),
        (b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00Z"}', "missing required field `result`"),
        (b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00","result":1}', "zone offset"),
        (b'{"datastream":"d7","phenomenonTime":"yesterday","result":1}', "yesterday"),
        (b'{"datastream":"d7","phenomenonTime":1e400,"result":1}', "line 2"),
        (
            b'{"datastream":"d7","phenomenonTime":"2026-11-25T08:00:00Z","result":1,"unit":"ppm"}',
            "'ppm' is not the register's 'ug/m3'",
        ),
        (
            b'{"datastream":"d7","phenomenonTime":0,"result":1,"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
            "nested too deeply",
        ),
        (b"[" * 10_000, "line 2"),
    ],
)
def test_a_bad_line_is_refused_by_itself_with_its_number_and_reason(line: bytes, reason: str) -> None:
    rows, refused = observations.read(b"\n".join([GOOD, line, b"", GOOD]), "readings", NAMES)

    assert rows is not None
    assert len(rows) == 2
    assert [refusal.reason for refusal in refused] == ["unreadable"]
    assert "line 2" in refused[0].says
    assert reason in refused[0].says


@given(
    st.lists(
        st.sampled_from([GOOD, b"\xff", b"{}", b"[[", b"nul"])
        | st.binary(max_size=40).filter(lambda line: b"\n" not in line)
    )
)
def test_every_line_is_either_taken_or_refused(lines: list[bytes]) -> None:
    rows, refused = observations.read(b"\n".join(lines), "readings", NAMES)

    taken = 0 if rows is None else len(rows)
    assert taken + sum(refusal.count for refusal in refused) == sum(bool(line.strip()) for line in lines)


@pytest.mark.parametrize("bad", [[0], [999], [17, 18, 500], range(0, 1000, 7), range(1000)])
def test_however_many_are_bad_the_good_ones_are_taken_in_their_order(bad: Iterable[int]) -> None:
    lines = [GOOD.replace(b"12.5", b"%d" % number) for number in range(1000)]
    for number in bad:
        lines[number] = b'{"result":'
    rows, refused = observations.read(b"\n".join(lines), "readings", NAMES, first=5)

    good = sorted(set(range(1000)) - set(bad))
    assert good == ([] if rows is None else rows.result.tolist())
    assert sum(refusal.count for refusal in refused) == len(list(bad))
    assert len(refused) <= observations.NAMED + 1
    assert f"line {5 + next(iter(bad))}:" in refused[0].says


def test_a_count_must_be_a_whole_number() -> None:
    body = b'{"datastream":"d7","phenomenonTime":0,"result":1.5}\n{"datastream":"d7","phenomenonTime":0,"result":3}'
    rows, refused = observations.read(body, "counts", NAMES)

    assert rows is not None
    assert rows.result.dtype == np.int64
    assert rows.result.tolist() == [3]
    assert len(refused) == 1


def test_positions_have_a_latitude_and_a_longitude() -> None:
    body = b'{"datastream":"d1","phenomenonTime":5,"lat":60.17,"lon":24.94}'
    rows, _ = observations.read(body, "positions", NAMES)

    assert rows is not None
    assert (rows.values["lat"].tolist(), rows.values["lon"].tolist()) == ([60.17], [24.94])


def test_times_may_be_text_or_numbers_even_in_one_body() -> None:
    body = GOOD + b'\n{"datastream":"d8","phenomenonTime":1795593600500000,"result":1}'
    rows, _ = observations.read(body, "readings", NAMES)

    assert rows is not None
    assert rows.time[0] == rows.time[1]


def test_a_name_that_the_register_lacks_becomes_number_nought_for_the_gate_to_refuse() -> None:
    rows, refused = observations.read(GOOD.replace(b"d7", b"x7"), "readings", NAMES)

    assert rows is not None
    assert rows.datastream.tolist() == [0]
    assert refused == ()


def test_a_unit_of_a_datastream_that_the_register_lacks_is_for_the_gate_too() -> None:
    rows, refused = observations.read(
        GOOD.replace(b"d7", b"x7").replace(b'"more"', b'"unit":"kg","more"'), "readings", NAMES
    )

    assert rows is not None
    assert rows.datastream.tolist() == [0]
    assert refused == ()
