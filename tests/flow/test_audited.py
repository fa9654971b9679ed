"""What hands things out stops when nobody signs or cosigns the log, and what saves lives goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.flow.conftest import Virtually
from tests.flow.read_support import POLICIES

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import EngineDown, Refused
from tutela.flow.audited import GAP, Audited, Gap, gap
from tutela.flow.ledger import Ledger
from tutela.model.access import Access
from tutela.model.cosign import Cosigner, WitnessNow
from tutela.model.event import Checkpoint, Seal
from tutela.model.people import Agent, Role
from tutela.model.timeline import LIVE
from tutela.model.when import MINUTE, SECOND, parse
from tutela.policy.purposes import Action, ask

NOW = int(parse("2026-11-28T12:00:00Z"))


def signed(at: int | None, oldest: int | None = None) -> Seal:
    point = None if at is None else Checkpoint(origin="o", epoch=1, size=1, root=b"", at=at, signature=b"")
    return Seal(size=1, waiting=0, oldest=oldest, checkpoint=point)


def witness(waits: int | None, entered: int = 0) -> WitnessNow:
    return WitnessNow(cosigner=Cosigner(name="w", key="", owner="court", at=entered), size=1, at=1, waits=waits)


@dataclass
class City:
    """A log that is signed and cosigned by hand."""

    now: int = NOW
    seal: Seal = field(default_factory=lambda: signed(NOW))
    watched: tuple[WitnessNow, ...] = ()
    down: bool = False
    told: list[bool] = field(default_factory=list)
    facts: MemoryFacts = field(default_factory=lambda: MemoryFacts(Store(lambda: NOW)))

    async def progress(self) -> Seal:
        if self.down:
            raise EngineDown("PostgreSQL does not answer")
        return self.seal

    async def witnesses(self) -> tuple[WitnessNow, ...]:
        return self.watched

    def audited(self) -> Audited:
        return Audited("serve", self, self.witnesses, self.facts, lambda: self.now, self.told.append)

    def gaps(self) -> list[Gap]:
        kept = self.facts.store.events.values()
        return [msgspec.json.decode(event.body, type=Gap) for event in kept if event.kind == "audit-gap@1"]


async def test_a_gap_is_told_once_when_it_begins_and_once_when_it_is_mended() -> None:
    city = City()
    audited = city.audited()
    for minutes in (0, 10, 11, 12, 20):
        city.now = NOW + minutes * MINUTE
        await audited.look()
    assert (audited.fine, city.told) == (False, [True, True, False, False, False])

    city.seal = signed(city.now)
    await audited.look()
    await audited.look()

    assert (audited.fine, city.told[-2:]) == (True, [True, True])
    assert city.gaps() == [
        Gap(what="the log was not signed", since=NOW),
        Gap(what="the log was not signed", since=NOW, until=NOW + 20 * MINUTE),
    ]


def test_it_looks_again_and_again(virtually: Virtually) -> None:
    async def main() -> list[bool]:
        city = City()
        running = asyncio.create_task(city.audited().run(every=10))
        await asyncio.sleep(25)
        running.cancel()
        return city.told

    assert virtually(main()) == [True] * 3


async def test_what_was_found_holds_on_while_the_database_is_away() -> None:
    city = City()
    audited = city.audited()
    city.now += GAP + 1
    await audited.look()
    city.down = True
    await audited.look()

    assert not audited.fine


def test_a_log_in_which_nothing_was_ever_written_has_no_gap_and_one_that_is_never_signed_has() -> None:
    assert gap(signed(None), (), 0, NOW) is None
    found = gap(signed(None, oldest=NOW - GAP - 1), (), 0, NOW)
    assert found is not None
    assert found.what == "the log was not signed"


def test_a_city_that_stood_still_has_ten_minutes_to_sign_again() -> None:
    assert gap(signed(NOW - 100 * GAP), (witness(NOW - 100 * GAP),), NOW - GAP, NOW) is None
    assert gap(signed(NOW - 100 * GAP), (), NOW - GAP - 1, NOW) == Gap(
        what="the log was not signed", since=NOW - GAP - 1
    )


@example([GAP + 1], 2 * GAP)
@given(
    st.lists(st.none() | st.integers(0, 2 * GAP), max_size=4),
    st.integers(0, 2 * GAP),
)
def test_one_witness_in_time_is_enough_and_none_is_a_gap(behind: list[int | None], entered: int) -> None:
    watched = tuple(witness(None if one is None else NOW - one, NOW - entered) for one in behind)
    waits = [0 if one is None else min(one, entered) for one in behind]
    found = gap(signed(NOW), watched, 0, NOW)

    assert (found is not None) == (bool(waits) and min(waits) > GAP)


async def test_nothing_is_handed_out_in_a_gap_and_people_act_on() -> None:
    now, fine = NOW, True
    ledger = Ledger(POLICIES, MemoryFacts(Store(lambda: now)), lambda: now, audited=lambda: fine)
    boss = Agent(id="a", name="Aino", role=Role.SUPERVISOR, agency="city")
    access = Access(agent=boss, purpose="public-safety", legal_basis="PublicInterest")
    wanted = replace(ask(access, Action.EXPORT, "alerts", now), stands=frozenset({"agreement"}))
    await ledger.must(wanted, LIVE, "evidence")

    fine = False
    now += SECOND  # a decision holds for five, for whoever asks the same: this is another question
    with pytest.raises(Refused, match="the record of what is done here was not signed") as refused:
        await ledger.must(replace(wanted, now=now), LIVE, "evidence")
    await ledger.must(ask(access, Action.ACT, "alerts", now), LIVE, "acknowledge")

    assert refused.value.policy == "G33-audit-gap"
