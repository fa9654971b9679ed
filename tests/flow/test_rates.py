"""Who asks too often waits; who works never notices, and nobody waits for anybody else."""

from __future__ import annotations

import pytest

from tutela.errors import TooOften
from tutela.flow import rates
from tutela.flow.rates import Rate, Rates
from tutela.model.when import SECOND

FEW = Rate(burst=3, each_second=2.0)


class Here:
    """A clock and what was told."""

    def __init__(self) -> None:
        self.now, self.told = 1_000 * SECOND, list[str]()
        self.rates = Rates(lambda: self.now, FEW, FEW, self.told.append)

    def asks(self, who: str, times: int, kind: str = "read") -> int:
        """How many of so many requests are let through."""
        through = 0
        for _ in range(times):
            try:
                self.rates.take(who, kind)
            except TooOften:
                continue
            through += 1
        return through


def test_a_burst_is_let_through_and_then_so_many_a_second() -> None:
    here = Here()

    assert here.asks("aino", 5) == 3
    here.now += SECOND
    assert here.asks("aino", 5) == 2
    here.now += 100 * SECOND
    assert here.asks("aino", 5) == 3
    assert here.told == ["read"] * 7


def test_who_has_to_wait_is_told_how_long() -> None:
    here = Here()
    here.asks("aino", 3)

    with pytest.raises(TooOften, match="more than 3 at once and 2 a second; wait a little") as often:
        here.rates.take("aino", "read")

    assert often.value.retry_after == 0.5


def test_nobody_waits_for_anybody_else_and_acts_do_not_wait_for_reads() -> None:
    here = Here()
    here.asks("aino", 5)

    assert here.asks("bo", 3) == 3
    assert here.asks("aino", 3, "act") == 3


def test_a_clock_that_is_set_back_gives_and_takes_nothing() -> None:
    here = Here()
    here.asks("aino", 2)
    here.now -= 500 * SECOND

    assert here.asks("aino", 3) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 4)
    here = Here()
    for who in "abcd":
        here.asks(who, 1)
    here.asks("e", 1)  # all five asked at once: memory has an end, and it begins anew
    assert len(here.rates._left) == 1
    here.now += 10 * SECOND
    for who in "fgh":
        here.asks(who, 3)
    here.asks("i", 1)  # the bucket of e is full again

    assert {who for who, _ in here.rates._left} == set("fghi")
    assert here.asks("f", 1) == 0
    Rates(lambda: 0, FEW, FEW).take("nobody counts", "act")
    with pytest.raises(TooOften):
        Rates(lambda: 0, Rate(0, 1.0)).take("nobody counts", "read")
