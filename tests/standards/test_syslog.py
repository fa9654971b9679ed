"""Syslog: how many messages of which severity, by host and minute; and nothing of what they say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.standards.messages import AT, SYSLOG

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.when import SECOND, micros
from tutela.standards import syslog

RECEIVED = micros(datetime(2026, 1, 1, 0, 5, tzinfo=UTC))


def counts(heard: Heard) -> list[tuple[str, int, float]]:
    return [(value.datastream, (value.time - AT) // 1_000_000, value.columns[0]) for value in heard.values]


def old(line: str, received: int | None = RECEIVED, zone: str | None = "Europe/Helsinki") -> Heard:
    return syslog.read(line.encode(), "s", zone=zone, received=received)


def test_messages_are_counted_by_host_severity_and_minute_at_the_last_of_them() -> None:
    heard = syslog.read(SYSLOG, "logs")

    assert counts(heard) == [
        ("logs/lamp-gw-1/notice", 3, 1.0),
        ("logs/lamp-gw-1/err", 21, 2.0),
        ("logs/lamp-gw-1/err", 60, 1.0),
    ]
    assert {(stream.kind, stream.observed_property, stream.unit) for stream in heard.datastreams} == {
        ("counts", "log-messages", "1")
    }
    assert [(thing.name, thing.kind) for thing in heard.things] == [("logs/lamp-gw-1", "host")]


def test_equal_counts_of_two_bodies_of_one_second_are_two_and_of_one_body_told_twice_are_one() -> None:
    bodies = [b"<11>1 2026-11-25T08:00:00.9Z a x - - - %d" % number for number in range(20)]
    times = [value.time for body in bodies for value in syslog.read(body, "s").values]

    assert len(set(times)) == 20
    assert {when // SECOND for when in times} == {micros(datetime(2026, 11, 25, 8, tzinfo=UTC)) // SECOND}
    assert syslog.read(bodies[0], "s").values[0].time == times[0]


def test_messages_may_be_framed_by_their_lengths_and_then_hold_lines() -> None:
    one, two = b"<11>1 2026-11-25T08:00:00Z a b - - - x\ny", b"<12>1 2026-11-25T08:00:00Z a b - - - x"
    body = b"".join(b"%d %b" % (len(message), message) for message in (one, two))

    assert counts(syslog.read(body, "s")) == [("s/a/err", 0, 1.0), ("s/a/warning", 0, 1.0)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<34>Jan  1 02:03:00 gate su: failed", datetime(2026, 1, 1, 0, 3, tzinfo=UTC)),
        ("<34>Dec 31 23:59:00 gate su: failed", datetime(2025, 12, 31, 21, 59, tzinfo=UTC)),
        ("<34>2026-01-01T02:03:00+02:00 gate su: failed", datetime(2026, 1, 1, 0, 3, tzinfo=UTC)),
        ("<34>2026-01-01T02:03:00 gate su: failed", datetime(2026, 1, 1, 0, 3, tzinfo=UTC)),
        ("<34>1 - gate su - - - failed", datetime(2026, 1, 1, 0, 5, tzinfo=UTC)),
    ],
)
def test_an_old_time_is_the_nearest_to_when_it_was_received(line: str, expected: datetime) -> None:
    heard = old(line)

    assert [(value.datastream, value.time // SECOND * SECOND) for value in heard.values] == [
        ("s/gate/crit", micros(expected))
    ]


def test_a_leap_day_is_in_the_year_that_has_one() -> None:
    near = micros(datetime(2025, 1, 2, tzinfo=UTC))

    assert (
        old("<34>Feb 29 12:00:00 gate x", near).values[0].time // SECOND
        == micros(datetime(2024, 2, 29, 10, tzinfo=UTC)) // SECOND
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hello", "does not begin like"),
        ("<192>1 2026-11-25T08:00:00Z a b", "the highest is 191"),
        ("<9999>1 2026-11-25T08:00:00Z a b", "does not begin like"),
        ("<13>1 2026-11-25T08:00:00Z - b", "names no host"),
        ("<13>1 2026-11-25T88:00:00Z a b", "is not a time"),
        ("<13>1 - a b", "say when it was received"),
        ("<13>Jan  1 02:03:00 a b", "neither year nor zone"),
        ("<13>1 2026-11-25T08:00:00 a b", "no offset"),
    ],
)
def test_a_line_that_is_no_syslog_is_refused_by_its_number_and_not_repeated(line: str, says: str) -> None:
    heard = syslog.read(SYSLOG + line.encode(), "s")

    assert len(heard.values) == 3
    assert [refusal.says.partition(":")[0] for refusal in heard.refused] == ["message 5"]
    assert says in heard.refused[0].says
    assert heard.refused[0].sample == b""


def test_a_day_that_is_in_no_calendar_is_refused() -> None:
    assert "in no calendar" in old("<34>Feb 31 12:00:00 gate x").refused[0].says
    assert "in no calendar" in old("<34>Foo 11 12:00:00 gate x").refused[0].says


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n\0"])
def test_a_body_without_messages_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(BadInput, match="no syslog message"):
        syslog.read(body, "s")
