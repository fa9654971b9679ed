"""The register's figures are counted and never typed, follow the system, hide small counts, and are signed."""

from __future__ import annotations

import csv
import json
from base64 import b64decode
from hashlib import sha256
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.screens.town import LOG_KEY, NOW, ORIGIN, WITNESS, Town, town

from tutela.errors import Refused
from tutela.flow import tally
from tutela.flow.counting import handled
from tutela.flow.entering import define, enter
from tutela.flow.figures import KIND, OLDEST, SUBJECT, Figuring, Hashed
from tutela.flow.ledger import Asker, Denial, Query
from tutela.flow.retain import Erased, Over
from tutela.flow.tally import OTHER, Tally
from tutela.model import note
from tutela.model.access import Access
from tutela.model.capability import Words
from tutela.model.event import Event
from tutela.model.figures import (
    LEAST,
    SMALL,
    Changed,
    Figures,
    Handled,
    Head,
    Sensors,
    Times,
    cell,
    lines,
    signing,
)
from tutela.model.flow import encode
from tutela.model.hold import Hold
from tutela.model.noun import Noun
from tutela.model.people import Role
from tutela.model.register import Thing
from tutela.model.rights import Right, RightsRequest, RightsStatus
from tutela.model.when import DAY, HOUR, SECOND
from tutela.policy.purposes import PURPOSES

ROOT = Path(__file__).parents[2]
HELD = Hold(id="", case="R 1", authority="a court", reason="r", at=0, review=NOW + DAY, bucket="traffic/positions/2026")


def event(kind: str, body: Noun, subject: str = "", at: int = NOW) -> Event:
    return Event(id="e", at=at, by="b", cause=None, kind=kind, timeline="live", body=encode(body), subject=subject)


def asker(role: str, purpose: str) -> Asker:
    return Asker(agent="a", role=role, agency="city", purpose=purpose, legal_basis="PublicInterest", case=None)


async def reads(here: Town, times: int) -> Access:
    agent, _ = await here.person(Role.OPERATOR, "Aino")
    access = here.access(agent)
    for _ in range(times):
        await here.reads.desk.alerts(access, "live")
    await here.seal()
    return access


async def counted(here: Town) -> Figures:
    return (await here.figuring().signed()).figures


# ── what is counted ─────────────────────────────────────────────────────────────────────────────
async def test_sensors_are_counted_by_kind_with_those_that_are_off_and_those_that_nobody_can_tell() -> None:
    here = await town()
    await here.tracked("unit/H11")
    found = {one.kind: one for one in (await counted(here)).sensors}

    # The mast has a stream that is silent, and another that is heard: it is on.
    lamp, unit = found["street-lamp"], found["unit"]
    assert (lamp.things, lamp.on, lamp.off, lamp.unknown, lamp.last) == (2, 2, 0, 0, NOW - 2 * SECOND)
    assert (unit.things, unit.on, unit.off, unit.unknown, unit.last) == (1, 0, 0, 1, None)


async def test_what_has_not_been_heard_for_three_intervals_is_off() -> None:
    here = await town()
    here.registering.clock = lambda: NOW + HOUR
    (lamp,) = (await counted(here)).sensors

    assert (lamp.on, lamp.off) == (0, 2)


async def test_reads_refusals_and_exports_are_counted_by_role_and_purpose() -> None:
    here = await town()
    access = await reads(here, LEAST)
    for purpose in ("statistics", "Liisa Virtanen, my neighbour"):
        with pytest.raises(Refused):
            await here.reads.desk.alerts(msgspec.structs.replace(access, purpose=purpose), "live")
    await here.seal()
    found = await counted(here)

    assert [(one.role, one.purpose, one.times) for one in found.reads] == [("operator", "public-safety", "10")]
    assert [(one.purpose, one.times) for one in found.refusals] == [(OTHER, SMALL), ("statistics", SMALL)]
    assert "Liisa" not in str(found)


async def test_holds_the_log_its_witnesses_and_purposes_are_what_stands() -> None:
    here = await town()
    await here.holds.place(HELD, "somebody")
    point = await here.witnessed()
    found = await counted(here)

    assert (found.holds, found.reviews, found.policies) == (1, 0, here.ledger.policies)
    assert found.head is not None
    assert (found.head.size, found.head.witnesses[WITNESS]) == (point.size, NOW)
    assert {"public-safety", "city-operations", "emergency-response"} <= set(found.purposes) <= set(PURPOSES)
    here.registering.clock = lambda: NOW + 2 * DAY
    assert (await counted(here)).reviews == 1


async def test_what_was_deleted_restored_and_changed_is_counted_from_its_events() -> None:
    found = Tally()
    for one in (
        event("retention@1", Over(source="s", days=1, before=1, rows=7)),
        event("retention@1", Over(source="s", days=1, before=1, rows=5)),
        event("erasure@1", Erased(bucket="b", key="k")),
        event("restore@1", HELD, at=5),
        event("backup@1", HELD, at=6),
        event("register-words@1", HELD, "register/traffic", at=7),
        event("shift@1", HELD),
        event("export@1", Query(asker=asker("supervisor", "public-safety"), query="q", count=1, ids="")),
        event("refusal@1", Denial(asker=asker("", ""), query="q", policy="p", says="s")),
    ):
        found.add(one)

    assert (found.deleted, found.erased, found.latest) == (12, 1, {"restored": 5, "backed-up": 6})
    assert [(one.at, one.what, one.name) for one in found.changes] == [(7, "words", "traffic")]
    assert [(one.role, one.times) for one in found.told("refusals")] == [(OTHER, SMALL)]
    assert [one.purpose for one in found.told("exports")] == ["public-safety"]


async def test_a_long_log_is_counted_in_several_looks_and_each_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    here = await town()
    await reads(here, 25)
    whole = Tally()
    await whole.catch_up(here.facts)
    monkeypatch.setattr(tally, "AT_ONCE", 4)
    monkeypatch.setattr(tally, "PAGES", 2)
    pieces = Tally()
    await pieces.catch_up(here.facts)
    assert pieces.after == 7
    while pieces.after < whole.after:
        await pieces.catch_up(here.facts)
    await pieces.catch_up(here.facts)

    assert (pieces.after, pieces.times, pieces.changes) == (whole.after, whole.times, whole.changes)


# ── small cells ─────────────────────────────────────────────────────────────────────────────────
requests = st.builds(
    RightsRequest,
    id=st.just("R"),
    right=st.sampled_from(list(Right)),
    at=st.integers(0, 100 * DAY),
    due=st.integers(0, 200 * DAY),
    status=st.sampled_from(list(RightsStatus)),
    secret=st.just(""),
    claim=st.just(""),
    simulated=st.booleans(),
    decided_at=st.none() | st.integers(100 * DAY, 200 * DAY),
)


@given(st.lists(requests, max_size=80))
def test_no_count_of_what_people_asked_is_below_ten(some: list[RightsRequest]) -> None:
    found = handled(some, 150 * DAY)
    real = [one for one in some if not one.simulated]
    told = {
        **{right: sum(one.right is right for one in real) for right in Right},
    }

    assert found.received == {right: str(count) if count >= 10 else "<10" for right, count in told.items()}
    for count in (*found.received.values(), found.upheld, found.refused, found.overdue):
        assert count == "<10" or int(count) >= 10
    assert (found.median_days is None) == (sum(one.decided_at is not None for one in real) < 10)


@given(st.dictionaries(st.tuples(st.sampled_from(list(Role)), st.sampled_from([*PURPOSES, "x"])), st.integers(1, 30)))
def test_no_count_of_what_people_did_is_below_ten_and_nothing_that_they_typed_is_told(
    done: dict[tuple[Role, str], int],
) -> None:
    found = Tally()
    for (role, purpose), times in done.items():
        one = event("query@1", Query(asker=asker(role, purpose), query="my neighbour", count=1, ids=""))
        for _ in range(times):
            found.add(one)

    told = {(one.role, one.purpose): one.times for one in found.told("reads")}
    wanted = {(role, purpose if purpose in PURPOSES else OTHER): cell(times) for (role, purpose), times in done.items()}
    assert told == wanted
    assert all(times == SMALL or int(times) >= LEAST for times in told.values())


def test_a_count_is_told_from_ten_on() -> None:
    assert [cell(count) for count in (0, 1, 9, 10, 11)] == [SMALL, SMALL, SMALL, "10", "10"]
    assert [cell(count) for count in (19, 20, 29, 1234)] == ["10", "20", "20", "1230"]


# ── drift, and what is typed ────────────────────────────────────────────────────────────────────
async def test_the_figures_differ_within_a_minute_of_any_change() -> None:
    now = NOW
    here = await town(lambda: now)
    here.registering.clock = lambda: now
    figuring = here.figuring()

    async def seen() -> Figures:
        nonlocal now
        await here.seal()
        now += OLDEST
        return (await figuring.signed()).figures

    before = await seen()
    await define(here.facts, [Thing(id=0, name="Bollard 1", kind="bollard", source="lamps")], [], "install", now)
    things = await seen()
    await here.holds.place(msgspec.structs.replace(HELD, review=now + DAY), "somebody")
    holds = await seen()
    await reads(here, LEAST)
    read = await seen()
    await enter(here.facts, msgspec.structs.replace(here.known.sources["lamps"], owner="Others"), "install", now)
    entered = await seen()

    assert [one.kind for one in things.sensors if one not in before.sensors] == ["bollard"]
    assert (things.holds, holds.holds) == (0, 1)
    assert (holds.reads, [one.times for one in read.reads]) == ((), ["10"])
    assert (entered.changes[0].what, entered.changes[0].name) == ("source", "lamps")
    assert OLDEST <= 60 * SECOND


def test_nothing_that_people_type_is_something_that_a_query_gives() -> None:
    counted_ = {name for of in (Figures, Sensors, Times, Handled, Head, Changed) for name in of.__struct_fields__}
    typed = set(Words.__struct_fields__) - {"system"}
    shipped = msgspec.toml.decode((ROOT / "cities/helsinki/src/tutela_helsinki/register.toml").read_bytes())

    assert typed & counted_ == set()
    assert len(counted_) > 30
    assert {name for table in shipped["words"] for name in table} - {"system"} <= typed
    assert not [name for name in typed if any(word in name for word in ("count", "total", "number", "version", "size"))]


# ── signed ──────────────────────────────────────────────────────────────────────────────────────
async def test_the_figures_are_signed_by_the_logs_key_and_one_changed_byte_shows() -> None:
    here = await town()
    signed = await here.figuring().signed()
    told = json.loads(msgspec.json.encode(signed))
    body = json.dumps(told["figures"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    assert sha256(body).hexdigest() == signed.sha256
    text, _, line = signed.note.partition("\n\n")
    assert text.encode() + b"\n" == signing(ORIGIN, body) != signing(ORIGIN, body.replace(b"Helsinki", b"Helsinky"))
    LOG_KEY.public_key().verify(note.signature_of(line.strip()), signing(ORIGIN, body))


async def test_the_table_has_every_figure_and_its_last_line_signs_the_others() -> None:
    here = await town()
    await reads(here, LEAST)
    await here.witnessed()
    figuring = here.figuring()
    table = await figuring.table()
    rows = list(csv.reader(StringIO(table)))
    body, _, last = table.rstrip("\n").rpartition("\n")
    text, _, line = b64decode(last.split(",")[2]).decode().partition("\n\n")

    assert rows[1:-1] == [list(one) for one in lines((await figuring.signed()).figures)]
    assert ["reads", "operator for public-safety", "10"] in rows
    assert text.encode() + b"\n" == signing(ORIGIN, f"{body}\n".encode())
    LOG_KEY.public_key().verify(note.signature_of(line.strip()), signing(ORIGIN, f"{body}\n".encode()))


async def test_a_log_that_is_not_signed_yet_has_no_head_and_its_table_has_none() -> None:
    found = await counted(await town())

    assert found.head is None
    assert "log" not in {section for section, _, _ in lines(found)}


async def test_the_hash_is_in_the_log_once_an_hour_however_often_somebody_looks() -> None:
    now = NOW
    here = await town(lambda: now)
    here.registering.clock = lambda: now
    figuring: Figuring = here.figuring()
    first = await figuring.signed()
    for _ in range(5):
        now += 2 * OLDEST
        await figuring.signed()
    other = here.figuring()
    await other.signed()
    now += HOUR
    last = await figuring.signed()

    told = await here.facts.about(SUBJECT)
    assert {one.kind for one in told} == {KIND}
    hashes = [msgspec.json.decode(one.body, type=Hashed).sha256 for one in told]
    assert hashes == [first.sha256, last.sha256]
