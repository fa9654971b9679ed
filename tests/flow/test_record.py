"""Promises of the facts' door."""

from __future__ import annotations

import math

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, Conflict, Quarantined, Refused
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.health import Health
from tutela.flow.record import Recorder
from tutela.maths.cells import cell_of, centre_of
from tutela.maths.ids import uuid_of
from tutela.model.call import Call
from tutela.model.event import Event
from tutela.model.flow import decode_fact
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.register import Source
from tutela.model.report import ServiceRequest
from tutela.model.telling import Telling
from tutela.model.when import HOUR, MINUTE, parse

NOW = int(parse("2026-11-25T12:00:00Z"))
HELSINKI = Place(lat=60.1699, lon=24.9384)

CALL = Call(
    id="2026-117",
    timeline="live",
    source="112",
    at=NOW,
    place=HELSINKI,
    cell=0,
    category="FIRE",
    said="my neighbour's kitchen burns",
    caller="+358 40 123",
)


class Door:
    """A recorder with all that it stands on."""

    def __init__(self, root: bytes) -> None:
        self.facts = MemoryFacts(Store(clock=lambda: NOW))
        self.keys = MemoryKeys(clock=lambda: NOW, root=root)
        self.known = Known(self.facts, 4)
        self.health = Health()
        self.recorder = Recorder(self.facts, self.keys, self.known, self.health, lambda: NOW, lambda n: b"s" * n)


@pytest.fixture
async def door() -> Door:
    return await entered(bytes(32))


async def entered(root: bytes) -> Door:
    """The door of an install with that root key, in whose register the source is."""
    made = Door(root)
    entry = Source(
        name="112",
        owner="city",
        kind="http",
        purposes=("emergency-response", "city-operations", "public-safety"),
        legal_basis="VitalInterest",
        personal_data=True,
        place="Helsinki",
    )
    entered = Event(id="e", at=0, by="test", cause=None, kind="source@1", timeline="live", body=b"{}")
    await made.facts.enter(entry, entered)
    await made.known.refresh()
    return made


async def test_a_call_is_committed_sealed_before_it_is_answered(door: Door) -> None:
    id_ = await door.recorder.tell(CALL)

    event = await door.facts.call(id_)
    assert (event.id, event.kind, event.by, event.at) == (id_, "call@1", "112", NOW)
    assert (event.timeline, event.subject, event.cause, event.salt) == ("live", id_, None, b"s" * 16)
    assert b"kitchen" not in event.body
    assert event.key is not None
    assert decode_fact(await door.keys.open(event.key, event.body)) == CALL
    assert door.keys.buckets[event.key].name == "emergency-response/calls/2026-11-25T12"
    assert [(report.source, report.rows) for report in door.health.report(NOW)] == [("112", 1)]


async def test_inside_a_call_goes_bare_by_the_id_of_its_event_and_with_its_cell(door: Door) -> None:
    id_ = await door.recorder.tell(CALL)

    bare = msgspec.structs.replace(CALL.bare(), id=id_, cell=cell_of(HELSINKI))
    assert await door.facts.calls("live", 10) == [(bare, id_)]
    sent = await door.facts.pending(10)
    assert [decode_fact(one.body) for one in sent] == [bare] * len(hop.route(bare))


async def test_telling_a_call_again_changes_nothing(door: Door) -> None:
    first = await door.recorder.tell(CALL)
    await door.facts.sent([one.id for one in await door.facts.pending(10)])

    assert await door.recorder.tell(CALL) == first

    assert len(await door.facts.calls("live", 10)) == 1
    assert await door.facts.pending(10) == []
    assert [report.rows for report in door.health.report(NOW)] == [1]


@pytest.mark.parametrize("more", [{"said": "two children are on the third floor"}, {"caller": "+358 50 9"}])
async def test_a_call_told_again_with_other_words_is_not_acknowledged(door: Door, more: dict[str, str]) -> None:
    """What was said is sealed, so the desk itself can't compare it."""
    first = await door.recorder.tell(CALL)

    with pytest.raises(Conflict, match="under another id"):
        await door.recorder.tell(msgspec.structs.replace(CALL, **more))

    event = await door.facts.call(first)
    assert event.key is not None
    assert decode_fact(await door.keys.open(event.key, event.body)) == CALL
    assert [report.rows for report in door.health.report(NOW)] == [1]


async def test_a_call_told_again_after_it_was_erased_stays_erased(door: Door) -> None:
    id_ = await door.recorder.tell(CALL)
    event = await door.facts.call(id_)
    assert event.key is not None
    await door.keys.destroy(event.key)

    assert await door.recorder.tell(CALL) == id_
    assert await door.facts.call(id_) == event


async def test_another_call_under_the_same_id_is_a_conflict(door: Door) -> None:
    await door.recorder.tell(CALL)

    with pytest.raises(Conflict):
        await door.recorder.tell(msgspec.structs.replace(CALL, category="EMS: FALL"))


@pytest.mark.parametrize("word", ["call", "report", "post"])
async def test_whoever_holds_bare_rows_cannot_find_out_which_call_report_or_post_they_are_of(word: str) -> None:
    """All that goes into the id can be guessed, but for the secret of the install."""
    every: dict[str, Telling] = {"call": CALL, "report": REPORT, "post": POST}
    one = every[word]
    here, again, elsewhere = [await entered(root) for root in (b"h" * 32, b"h" * 32, b"e" * 32)]

    id_ = await here.recorder.tell(one)

    assert await again.recorder.tell(one) == id_
    assert await elsewhere.recorder.tell(one) != id_
    assert id_ != uuid_of(word, one.timeline, one.source, one.id)


async def test_two_timelines_may_use_the_same_id(door: Door) -> None:
    live = await door.recorder.tell(CALL)
    imported = await door.recorder.tell(msgspec.structs.replace(CALL, timeline="import/x"))

    assert live != imported
    assert len(await door.facts.calls("import/x", 10)) == 1


async def test_a_call_of_an_unknown_source_leaves_a_count_and_nothing_else(door: Door) -> None:
    with pytest.raises(Quarantined):
        await door.recorder.tell(msgspec.structs.replace(CALL, source="stranger"))

    assert door.health.take() == {("stranger", NOW // MINUTE * MINUTE, "quarantined"): 1}
    assert await door.facts.calls("live", 10) == []
    assert door.keys.buckets == {}


async def test_a_call_from_the_future_is_refused_and_counted(door: Door) -> None:
    with pytest.raises(BadInput, match="the call's time"):
        await door.recorder.tell(msgspec.structs.replace(CALL, at=NOW + HOUR))

    assert door.health.take() == {("112", NOW // MINUTE * MINUTE, "bad-call"): 1}


@pytest.mark.parametrize(("lat", "lon"), [(math.nan, 0.0), (0.0, math.inf), (90.1, 0.0), (0.0, -180.1)])
async def test_a_call_from_nowhere_on_earth_is_refused(door: Door, lat: float, lon: float) -> None:
    with pytest.raises(BadInput, match="not on the Earth"):
        await door.recorder.tell(msgspec.structs.replace(CALL, place=Place(lat=lat, lon=lon)))


async def test_calls_come_in_after_those_of_the_same_month_were_erased(door: Door) -> None:
    first = await door.facts.call(await door.recorder.tell(CALL))
    assert first.key is not None
    await door.keys.destroy(first.key)

    later = await door.facts.call(await door.recorder.tell(msgspec.structs.replace(CALL, id="2026-118")))

    assert later.key is not None
    assert b"kitchen" in await door.keys.open(later.key, later.body)
    with pytest.raises(Refused, match="was erased"):
        await door.keys.open(first.key, first.body)


# ── what residents tell ─────────────────────────────────────────────────────────────────────────

REPORT = ServiceRequest(
    id="638344",
    timeline="live",
    source="112",
    at=NOW - HOUR,
    place=HELSINKI,
    cell=0,
    category="Trees: fallen tree",
    said="a tree lies in front of my door",
)
POST = Post(
    id="p-1",
    timeline="live",
    source="112",
    at=NOW - HOUR,
    place=HELSINKI,
    cell=0,
    category="Fire",
    said="smoke over my street",
)


async def test_a_report_is_sealed_for_its_hour_and_goes_on_without_its_words(door: Door) -> None:
    id_ = await door.recorder.tell(REPORT)

    event = await door.facts.telling(id_)
    assert (event.id, event.kind, event.subject, b"door" in event.body) == (id_, "report@1", id_, False)
    assert event.key is not None
    assert decode_fact(await door.keys.open(event.key, event.body)) == REPORT
    assert door.keys.buckets[event.key].name == "city-operations/reports/2026-11-25T11"
    bare = msgspec.structs.replace(REPORT.bare(), id=id_, cell=cell_of(HELSINKI))
    assert await door.facts.told("report", "live", 9) == [(bare, id_)]
    assert [decode_fact(one.body) for one in await door.facts.pending(10)] == [bare] * len(hop.route(bare))


async def test_a_post_is_sealed_for_its_hour_and_kept_no_closer_than_its_cell(door: Door) -> None:
    id_ = await door.recorder.tell(POST)

    event = await door.facts.telling(id_)
    assert event.kind == "post@1"
    assert event.key is not None
    assert door.keys.buckets[event.key].name == "public-safety/posts/2026-11-25T11"
    kept = decode_fact(await door.keys.open(event.key, event.body))
    ((bare, _),) = await door.facts.told("post", "live", 9)
    cell = cell_of(HELSINKI)
    assert (kept.place, bare.place, bare.cell, bare.said) == (centre_of(cell), centre_of(cell), cell, "")
    assert kept.place != HELSINKI


async def test_the_same_id_is_another_one_in_each_of_the_three_ways_to_tell(door: Door) -> None:
    told = [msgspec.structs.replace(one, id="1") for one in (CALL, REPORT, POST)]
    ids = [await door.recorder.tell(one) for one in told]

    assert len(set(ids)) == 3
    assert [await door.recorder.tell(one) for one in told] == ids
    assert len(await door.facts.calls("live", 9)) == 1


@pytest.mark.parametrize("one", [REPORT, POST])
async def test_one_told_again_with_other_words_is_not_acknowledged(door: Door, one: ServiceRequest | Post) -> None:
    await door.recorder.tell(one)

    with pytest.raises(Conflict, match="was told before with other words"):
        await door.recorder.tell(msgspec.structs.replace(one, said="nothing"))


async def test_a_post_of_yesterday_is_too_old_to_be_kept(door: Door) -> None:
    with pytest.raises(BadInput, match="the post's time"):
        await door.recorder.tell(msgspec.structs.replace(POST, at=NOW - 25 * HOUR))
    await door.recorder.tell(msgspec.structs.replace(REPORT, at=NOW - 25 * HOUR))

    assert dict(door.health.report(NOW)[0].refused) == {"bad-post": 1}
