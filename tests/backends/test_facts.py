"""What every engine that keeps facts promises: the same tests on memory and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import NAMESPACE_OID, uuid4, uuid5

import msgspec
import pytest

from tutela.backends.postgres import register
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import BadInput, Broken, Conflict, Fenced, NotFound, Quarantined, Refused
from tutela.flow.limits import Ages
from tutela.flow.ports import Facts as Ports
from tutela.flow.rules import Rules, arm, disarm
from tutela.flow.units import Units
from tutela.model.alert import AlertStatus
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event
from tutela.model.flow import Column, Effects, Lease, Newest, Outgoing, encode
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.install import Install
from tutela.model.people import Agent, Role, Session, Shift
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.register import Datastream, Source, Thing
from tutela.model.report import ServiceRequest
from tutela.model.resource import EmergencyResource, ResourceKind, UnitStatus
from tutela.model.rule import Armed, Rule
from tutela.model.telling import Telling, word_of

if TYPE_CHECKING:
    from tests.backends.conftest import Lab, Make


class Facts(Ports, Rules, Units, Ages, Protocol):
    """All that is kept, and the rules and units; and since when."""


SOURCE = Source(
    name="air",
    owner="city",
    kind="http",
    purposes=("air",),
    legal_basis="eu-gdpr:A6-1-e",
    personal_data=False,
    place="x",
)
ANNA = Agent(id="anna", name="Anna", role=Role.OPERATOR, agency="city")


def datastream(name: str, **more: object) -> Datastream:
    said: dict[str, Any] = {
        "source": "air",
        "thing": "pole",
        "kind": "readings",
        "observed_property": "pm25",
        "unit": "ug/m3",
    }
    return Datastream(id=0, name=name, **(said | more))


async def desk_lease(facts: Facts) -> Lease:
    (lease,) = await facts.take("w", "desk", 1)
    return lease


# ── install and timelines ───────────────────────────────────────────────────────────────────────
async def test_the_first_install_holds_for_ever(facts: Facts) -> None:
    before = await facts.install(Install(id="00000000-0000-0000-0000-000000000000", zone="UTC", city="x", at=2))

    assert (before.partitions, before.ways, before.city) == (4, 2, "Helsinki")


async def test_a_timeline_has_a_lease_for_each_partition_of_each_stage(facts: Facts) -> None:
    await facts.open_timeline("import/x", 5)
    await facts.open_timeline("import/x", 6)

    assert await facts.timelines() == ["import/x", "live"]
    for stage, count in (("detect", 4), ("correlate", 2), ("desk", 1)):
        taken = await facts.take("w", stage, 100)
        assert [(lease.timeline, lease.partition) for lease in taken] == [
            (timeline, partition) for timeline in ("live", "import/x") for partition in range(count)
        ]


# ── rules ───────────────────────────────────────────────────────────────────────────────────────
async def test_of_each_rule_the_newest_is_known_and_each_has_its_event(facts: Facts) -> None:
    rule = Rule(
        name="wet", says="It is wet.", purpose="city-operations", rule={"when": {"fact": ["call"]}, "within": 1.5}
    )
    other = msgspec.structs.replace(rule, name="dry")

    one = await arm(facts, rule, "anna", 0)
    await arm(facts, other, "anna", 1)
    over = await disarm(facts, "wet", "ben", 2)

    assert await facts.rules() == [await _armed(facts, "dry"), over]
    assert (one.rule, over.rule) == (rule, rule)
    assert [event.kind for event in await facts.about("wet")] == ["rule@1", "rule@1"]


async def _armed(facts: Facts, name: str) -> Armed:
    return next(one for one in await facts.rules() if one.rule.name == name)


# ── the register ────────────────────────────────────────────────────────────────────────────────
async def test_a_source_is_entered_and_changed_with_its_events(facts: Facts, make: Make) -> None:
    changed = msgspec.structs.replace(SOURCE, owner="somebody else")
    await facts.enter(SOURCE, make.event("air", "source@1"))
    await facts.enter(changed, make.event("air", "source@1"))

    assert await facts.sources() == [changed]
    assert len(await facts.about("air")) == 2


# ── who read what about whom ────────────────────────────────────────────────────────────────────
async def test_queries_that_named_a_record_about_somebody_are_found_the_newest_of_them_oldest_first(
    facts: Facts, make: Make
) -> None:
    """And not those that say its name elsewhere, nor other events, nor older ones."""
    bodies = [
        b'{"query":"q","persons":["one","two"]}',
        b'{"query":"two","persons":["one"]}',
        b'{"query":"q","persons":["two"]}',
        b'{"query":"q","persons":["three","two"]}',
    ]
    told = [msgspec.structs.replace(make.event(kind="query@1"), at=n, body=body) for n, body in enumerate(bodies)]
    other = msgspec.structs.replace(make.event(kind="other@1"), at=9, body=bodies[0])
    await facts.append([*told, other])

    assert [event.at for event in await facts.naming("two", 0, 10)] == [0, 2, 3]
    assert [event.at for event in await facts.naming("two", 1, 1)] == [3]
    assert await facts.naming("four", 0, 10) == []


async def test_datastreams_get_whole_numbers_from_one_without_gaps(facts: Facts, make: Make) -> None:
    await facts.enter(SOURCE, make.event())
    first = await facts.define((), [datastream("a"), datastream("b")])
    again = await facts.define((), [datastream("c"), datastream("a", unit="mg/m3"), datastream("d"), datastream("c")])

    assert [(one.name, one.id) for one in first] == [("a", 1), ("b", 2)]
    assert [(one.name, one.id) for one in again] == [("c", 3), ("a", 1), ("d", 4), ("c", 3)]
    assert [(one.id, one.unit) for one in await facts.datastreams()] == [
        (2, "ug/m3"),
        (3, "ug/m3"),
        (1, "mg/m3"),
        (4, "ug/m3"),
    ]


async def test_a_register_of_many_is_read_in_portions(
    facts: Facts, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "PORTION", 2)
    await facts.enter(SOURCE, make.event())
    await facts.define((), [datastream(name) for name in "abcde"])

    read, version = list[str](), 0
    while some := await facts.datastreams(version):
        read += [one.name for one in some]
        version = some[-1].version

    assert read == ["a", "b", "c", "d", "e"]


async def test_every_definition_that_is_new_or_changed_has_a_version_and_events(facts: Facts, make: Make) -> None:
    told: list[tuple[str, int, int | None]] = []

    def events(new: Sequence[Datastream]) -> list[Event]:
        told.extend((one.name, one.version, one.changed) for one in new)
        return [make.event("defined", "datastreams@1")]

    await facts.enter(SOURCE, make.event())
    await facts.define((), [datastream("a", changed=5), datastream("b", changed=5)], events)
    await facts.define((), [datastream("b", changed=6)], events)
    again = await facts.define((), [datastream("b", unit="mg/m3", changed=7), datastream("c", changed=7)], events)

    assert told == [("a", 1, None), ("b", 2, None), ("b", 3, 7), ("c", 4, None)]
    assert [(one.name, one.version, one.changed) for one in again] == told[2:]
    assert [one.name for one in await facts.datastreams()] == ["a", "b", "c"]
    assert await facts.datastreams(after=2) == again
    assert len(await facts.about("defined")) == 2


async def test_many_who_define_at_once_share_one_numbering(facts: Facts, make: Make) -> None:
    await facts.enter(SOURCE, make.event())
    await asyncio.gather(*(facts.define((), [datastream(f"{n % 7}"), datastream(f"{n % 5}")]) for n in range(20)))

    assert [one.id for one in await facts.datastreams()] == list(range(1, 8))


async def test_things_are_kept_by_name(facts: Facts, make: Make) -> None:
    await facts.enter(SOURCE, make.event())
    pole = Thing(id=0, name="pole", kind="lamp", source="air", properties={"height": "8 m"})
    await facts.define([pole, msgspec.structs.replace(pole, name="other")], ())
    await facts.define([msgspec.structs.replace(pole, kind="camera")], ())

    assert [(one.id, one.name, one.kind) for one in await facts.things()] == [
        (1, "pole", "camera"),
        (2, "other", "lamp"),
    ]


async def test_a_thing_that_was_only_heard_of_keeps_what_is_not_told(facts: Facts, make: Make) -> None:
    await facts.enter(SOURCE, make.event())
    here = Place(lat=60.17, lon=24.94)
    pole = Thing(id=0, name="pole", kind="pole", source="air", place=here, properties={"street": "A"})
    await facts.define([pole], ())
    await facts.define([msgspec.structs.replace(pole, kind="mast", place=None, properties={})], (), heard=True)
    heard = await facts.things()
    await facts.define([msgspec.structs.replace(pole, place=None, properties={})], ())

    assert [(one.kind, one.place, one.properties) for one in heard] == [("mast", here, {"street": "A"})]
    assert [(one.place, one.properties) for one in await facts.things()] == [(None, {})]


async def test_a_name_belongs_to_the_source_that_defined_it(facts: Facts, make: Make) -> None:
    await facts.enter(SOURCE, make.event())
    await facts.enter(msgspec.structs.replace(SOURCE, name="thief"), make.event())
    await facts.define((), [datastream("a")])

    with pytest.raises(Conflict, match="belongs to the source 'air'"):
        await facts.define((), [datastream("a", source="thief")])
    with pytest.raises(Conflict, match="is of kind 'readings'"):
        await facts.define((), [datastream("a", kind="counts")])


async def test_a_source_without_an_entry_defines_nothing(facts: Facts) -> None:
    with pytest.raises(Quarantined, match="'air' is not in the register"):
        await facts.define((), [datastream("a")])

    assert await facts.datastreams() == []


async def test_refusals_add_up_by_source_minute_and_reason(facts: Facts) -> None:
    await facts.refuse({("air", 60, "nan"): 2, ("air", 120, "nan"): 1})
    await facts.refuse({("air", 120, "nan"): 4})
    await facts.refuse({})

    assert await facts.refused(100) == {("air", 120, "nan"): 5}


async def test_a_dead_letter_waits_until_it_is_taken_up_and_again_when_it_dies_again(facts: Facts, make: Make) -> None:
    letter = DeadLetter(
        id=make.event().id,
        source="air",
        at=5,
        reason="poison",
        says="…",
        body=b"\xff\x00",
        key="k1",
        subject="obs.live.positions.3",
        headers={"Schema": "positions@1"},
    )
    await facts.dead([letter, msgspec.structs.replace(letter, id=make.event().id, at=4)], [make.event("air")])
    waiting = await facts.dead_letters(10)
    revived = await facts.revive(letter.id, 9)

    assert waiting[0] == letter
    assert revived == msgspec.structs.replace(letter, tries=1, replayed_at=9)
    assert [one.at for one in await facts.dead_letters(10)] == [4]

    otherwise = msgspec.structs.replace(letter, at=6, reason="other", says="another reason")
    await facts.dead([otherwise], [])
    assert [one.at for one in await facts.dead_letters(10)] == [
        4
    ]  # somebody slow, with the message that it was at first

    again = msgspec.structs.replace(otherwise, tries=1)
    await facts.dead([again], [])
    assert await facts.dead_letters(1) == [again]
    for unknown in ("nothing", make.event().id):
        with pytest.raises(NotFound):
            await facts.revive(unknown, 9)


async def test_two_who_set_one_message_aside_make_one_letter_and_one_event(facts: Facts, make: Make) -> None:
    letter = DeadLetter(id=make.event().id, source="live detect 0", at=5, reason="unreadable", says="…", body=b"x")
    event = make.event(letter.id, "dead-letter@1")
    await facts.dead([letter], [event])
    for _ in range(2):
        other = msgspec.structs.replace(event, by="desk", body=b'{"source":"live detect 3"}')
        await facts.dead([msgspec.structs.replace(letter, source="live detect 3")], [other])

    assert await facts.dead_letters(10) == [letter]
    assert [(one.id, one.by) for one in await facts.about(letter.id)] == [(event.id, event.by)]


# ── the log ─────────────────────────────────────────────────────────────────────────────────────
async def test_an_event_comes_back_as_it_went_in_and_only_once(facts: Facts, make: Make) -> None:
    event = make.event("s", body=b"\x00\xff", key="k", salt=b"\x01", cause="why")
    await facts.append([event, event])
    await facts.append([event])

    assert await facts.event(event.id) == event
    assert await facts.about("s") == [event]
    assert await facts.about("") == []
    for unknown in ("nothing", make.event().id):
        with pytest.raises(NotFound, match="there is no event"):
            await facts.event(unknown)


# ── turns ───────────────────────────────────────────────────────────────────────────────────────
async def test_a_turn_is_kept_whole(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    column = Column(detector="threshold", name="level", body=b"\x01\x02")
    await facts.commit(lease, make.found(make.detection("d1"), sequence=7, ticked=3, snapshot=(column,)))
    await facts.release([lease])
    (again,) = await facts.take("w", "detect", 1)

    assert (again.sequence, again.snapshot, again.epoch) == (7, 7, lease.epoch + 1)
    assert await facts.load(again) == {"threshold": {"level": b"\x01\x02"}}
    assert await facts.detections(["d1", "unknown"]) == [make.detection("d1")]
    assert [one.id for one in await facts.pending(10)] == ["d1.0.0", "d1.0.1"]
    assert [event.kind for event in await facts.about("d1")] == ["detection@1"]


async def test_a_saved_column_replaces_the_one_before_and_leaves_the_others(facts: Facts) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    columns = [Column(detector="a", name=name, body=name.encode()) for name in ("x", "y")]
    await facts.commit(lease, Effects(sequence=5, snapshot=tuple(columns)))
    await facts.commit(lease, Effects(sequence=6, snapshot=(Column(detector="a", name="y", body=b"new"),)))
    await facts.commit(lease, Effects(sequence=9))

    assert await facts.load(lease) == {"a": {"x": b"x", "y": b"new"}}
    await facts.release([lease])
    assert [(one.sequence, one.snapshot) for one in await facts.take("w", "detect", 1)] == [(9, 6)]


async def test_a_turn_done_again_changes_nothing_and_sends_nothing_twice(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    await facts.commit(lease, make.found(make.detection("d1"), make.detection("d2"), sequence=7))
    await facts.sent([one.id for one in await facts.pending(10)])
    await facts.commit(lease, make.found(make.detection("d2"), make.detection("d3"), sequence=6))

    assert [one.id for one in await facts.pending(10)] == ["d3.0.0", "d3.0.1"]
    assert len(await facts.about("d2")) == 1
    await facts.release([lease])
    assert [one.sequence for one in await facts.take("w", "detect", 1)] == [7]


async def test_the_same_revision_with_other_content_stops_and_keeps_nothing(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    await facts.commit(lease, make.found(make.detection("d1"), sequence=7))
    other = make.detection("d1", confidence=0.4)

    with pytest.raises(Broken, match="d1 has revision 0 already"):
        await facts.commit(lease, make.found(make.detection("d9"), other, sequence=8, ticked=9))
    with pytest.raises(Broken, match="d8 has revision 0 already"):
        await facts.commit(lease, make.found(make.detection("d8"), make.detection("d8", key="2"), sequence=8))

    assert await facts.detections(["d8", "d9"]) == []
    assert await facts.about("d9") == []
    assert await facts.ticks("detect") == {"live": 0}
    await facts.release([lease])
    assert [one.sequence for one in await facts.take("w", "detect", 1)] == [7]


async def test_a_new_revision_is_kept_beside_the_old_one(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    second = make.detection("d1", 1, confidence=0.9)
    await facts.commit(lease, make.found(make.detection("d1"), second, sequence=7))

    assert await facts.detections(["d1"]) == [second]
    assert len(await facts.pending(10)) == 4


async def test_who_lost_the_lease_commits_nothing(lab: Lab, make: Make) -> None:
    facts = lab.facts
    (old,) = await facts.take("slow", "detect", 1)
    await lab.later()
    taken = await facts.take("quick", "detect", 4)

    with pytest.raises(Fenced, match="this worker lost live detect 0"):
        await facts.commit(old, make.found(make.detection("d1"), sequence=7))
    assert await facts.detections(["d1"]) == []
    await facts.commit(taken[0], make.found(make.detection("d1"), sequence=7))


async def test_who_gave_the_lease_back_commits_nothing(facts: Facts) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    await facts.release([lease])

    with pytest.raises(Fenced):
        await facts.commit(lease, Effects(sequence=7))


async def test_the_second_hop_ticks_with_the_slowest_partition(facts: Facts) -> None:
    leases = await facts.take("w", "detect", 4)
    for ticked, lease in zip((50, 40, 60, None), leases, strict=True):
        await facts.commit(lease, Effects(sequence=1, ticked=ticked))
    before = await facts.ticks("detect")
    await facts.commit(leases[3], Effects(sequence=1, ticked=45))
    await facts.commit(leases[1], Effects(sequence=2, ticked=30))

    assert before == {"live": 0}
    assert await facts.ticks("detect") == {"live": 40}


async def test_newest_values_only_move_forward(facts: Facts) -> None:
    leases = await facts.take("w", "detect", 2)
    for partition, sequence in ((0, 5), (1, 5), (0, 4), (1, 6)):
        newest = Newest(timeline="live", kind="counts", partition=partition, sequence=sequence, body=b"%d" % sequence)
        await facts.commit(leases[partition], Effects(sequence=sequence, newest=(newest,)))

    assert [(one.partition, one.body) for one in await facts.newest("live", "counts")] == [(0, b"5"), (1, b"6")]
    assert await facts.newest("live", "readings") == []


async def test_the_outbox_keeps_the_order_of_commit_until_sent(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    for n in range(3):
        await facts.commit(lease, make.found(make.detection(f"d{n}"), sequence=n + 1))
    first = await facts.pending(4)
    await facts.sent([one.id for one in first])

    assert [one.id for one in first] == ["d0.0.0", "d0.0.1", "d1.0.0", "d1.0.1"]
    assert [one.id for one in await facts.pending(4)] == ["d2.0.0", "d2.0.1"]


async def test_an_outbox_row_keeps_the_place_in_a_trace_beside_its_body(facts: Facts, make: Make) -> None:
    (lease,) = await facts.take("w", "detect", 1)
    rows = (
        Outgoing(id="d1.0.1", subject="det.live.1", body=b"{}", trace="00-aa-bb-01"),
        Outgoing(id="d2.0.1", subject="det.live.1", body=b"{}"),
    )
    await facts.commit(lease, Effects(sequence=1, events=(make.event("d1"),), outgoing=rows))
    called = Outgoing(id="c1.0.1", subject="det.live.1", body=b"{}", trace="00-cc-dd-01")
    await facts.tell(make.call("c1"), make.event("c1", "call@1", b"sealed", key="k"), [called])

    assert await facts.pending(5) == [*rows, called]


# ── alerts and incidents ────────────────────────────────────────────────────────────────────────
async def test_the_alerts_of_the_last_hours_come_newest_first_whatever_became_of_them(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    alerts = (make.alert("a", last=5), make.alert("b", last=9), make.alert("c", last=7, status=AlertStatus.EXPIRED))
    await facts.commit(lease, Effects(sequence=1, alerts=(*alerts, make.alert("d", last=8, timeline="import/x"))))

    assert [alert.id for alert in await facts.alerts_since("live", 6, 10)] == ["b", "c"]
    assert [alert.id for alert in await facts.alerts_since("live", 0, 2)] == ["b", "c"]


async def test_the_alerts_of_a_timeline_are_counted_by_type_whatever_became_of_them(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    alerts = (make.alert("a"), make.alert("b", status=AlertStatus.EXPIRED), make.alert("c", type="smoke"))
    await facts.commit(lease, Effects(sequence=1, alerts=(*alerts, make.alert("d", timeline="import/x"))))

    assert await facts.alert_counts("live") == {"noise": 2, "smoke": 1}
    assert await facts.alert_counts("import/none") == {}


async def test_open_alerts_come_highest_rank_first_exactly_as_they_were(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    alerts = (make.alert("a", rank=1), make.alert("b", rank=9), make.alert("c", status=AlertStatus.EXPIRED))
    other = make.alert("d", timeline="import/x")
    await facts.commit(lease, Effects(sequence=1, alerts=(*alerts, other)))

    assert await facts.alerts("live") == [alerts[1], alerts[0]] == await facts.open_alerts("live")
    assert await facts.alert("c") == alerts[2]
    with pytest.raises(NotFound, match="there is no alert with the id 'z'"):
        await facts.alert("z")


async def test_several_revisions_in_one_turn_are_one_change(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    revisions = tuple(make.alert("a", n, count=n + 1) for n in range(3))
    await facts.commit(lease, Effects(sequence=1, alerts=revisions))
    await facts.commit(lease, Effects(sequence=2, alerts=(make.alert("a", 3), make.alert("a", 4))))

    assert (await facts.alert("a")).revision == 4
    with pytest.raises(Broken, match="give every revision"):
        await facts.commit(lease, Effects(sequence=3, alerts=(make.alert("a", 5), make.alert("a", 7))))


async def test_the_second_of_two_who_change_an_alert_hears_who_was_first_and_when(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    first = make.alert("a")
    await facts.commit(lease, Effects(sequence=1, alerts=(first,), events=(make.said(first),)))
    acknowledged = first.to(AlertStatus.ACKNOWLEDGED, by="anna")
    await facts.act([make.said(acknowledged, by="anna", at=1_000_000)], [acknowledged], [], [])
    joined = make.alert("a", 1, count=2)

    with pytest.raises(Conflict, match=r"changed first by anna at 1970-01-01T00:00:01\.000Z") as wrong:
        await facts.commit(lease, Effects(sequence=2, alerts=(joined,), events=(make.said(joined),)))
    with pytest.raises(Conflict):
        await facts.commit(lease, Effects(sequence=2, alerts=(joined,), events=(make.event("a", body=encode(joined)),)))
    with pytest.raises(Conflict):
        await facts.act([make.event("a")], [first.to(AlertStatus.SHELVED)], [], [])

    assert (wrong.value.where["by"], wrong.value.where["at"], wrong.value.where["revision"]) == ("anna", 1_000_000, 1)
    assert await facts.alert("a") == acknowledged
    assert len(await facts.about("a")) == 2


async def test_an_alert_that_was_moved_on_meanwhile_does_not_stop_a_turn_done_again(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    first = make.alert("a")
    turn = Effects(sequence=1, alerts=(first,), events=(make.said(first),))
    await facts.commit(lease, turn)
    await facts.commit(lease, turn)
    acknowledged = first.to(AlertStatus.ACKNOWLEDGED, by="anna")
    await facts.act([make.said(acknowledged, by="anna")], [acknowledged], [], [])
    await facts.commit(lease, turn)

    assert await facts.alert("a") == acknowledged


async def test_of_many_who_change_one_alert_at_once_exactly_one_wins(facts: Facts, make: Make) -> None:
    lease = await desk_lease(facts)
    first = make.alert("a")
    await facts.commit(lease, Effects(sequence=1, alerts=(first, make.alert("b"))))

    async def dismiss(by: str) -> None:
        changed = [first.to(AlertStatus.DISMISSED, by=by), make.alert("b", 1, by=by)]
        order = changed if by < "5" else changed[::-1]
        await facts.act([make.said(alert, by=by) for alert in order], order, [], [])

    done = await asyncio.gather(*(dismiss(str(n)) for n in range(10)), return_exceptions=True)

    winners = [str(n) for n, result in enumerate(done) if result is None]
    assert len(winners) == 1
    assert {type(result) for result in done} == {type(None), Conflict}
    assert (await facts.alert("a")).by == (await facts.alert("b")).by == winners[0]


async def test_of_many_who_open_one_incident_at_once_exactly_one_wins(facts: Facts, make: Make) -> None:
    def incident(by: str) -> Incident:
        return Incident(
            id="i",
            timeline="live",
            type="fire",
            status=IncidentStatus.NEW,
            place=None,
            opened_at=5,
            opened_by=by,
            purpose="emergency-response",
        )

    async def open_it(by: str) -> None:
        await facts.act([make.event("i", by=by)], [], [incident(by)], [])

    done = await asyncio.gather(*(open_it(str(n)) for n in range(6)), return_exceptions=True)

    (winner,) = [str(n) for n, result in enumerate(done) if result is None]
    assert await facts.incidents("live", 10) == [incident(winner)] == [await facts.incident("i")]
    assert [event.by for event in await facts.about("i")] == [winner]
    active = incident(winner).to(IncidentStatus.ACTIVE)
    await facts.act([make.event("i")], [], [active], [])
    assert await facts.incident("i") == active
    with pytest.raises(NotFound, match="no incident"):
        await facts.incident("z")


def numbered(n: int, **changes: object) -> Incident:
    """Incidents opened in pairs at one moment, every third one over."""
    plain = Incident(
        id=f"i{n:02}",
        timeline="live",
        type="fire",
        status=(IncidentStatus.ACTIVE, IncidentStatus.NEW, IncidentStatus.CLOSED)[n % 3],
        place=None,
        opened_at=n // 2,
        opened_by="anna",
        purpose="emergency-response",
        calls=(f"c{n}", "c"),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize("most", [1, 2, 5, 100])
async def test_incidents_are_read_page_by_page_newest_first(facts: Facts, most: int) -> None:
    incidents = [numbered(n) for n in range(12)]
    await facts.act([], [], [*incidents, numbered(50, timeline="import/x")], [])

    for over in (False, True):
        read: list[Incident] = []
        while page := await facts.incidents("live", most, over=over, after=read[-1] if read else None):
            assert len(page) <= most
            read += page
        wanted = [one for one in incidents if (one.status is IncidentStatus.CLOSED) is over]
        assert read == sorted(wanted, key=lambda one: (-one.opened_at, one.id))


async def test_the_incidents_of_calls_are_found_also_those_that_are_over(facts: Facts) -> None:
    await facts.act([], [], [*(numbered(n) for n in range(6)), numbered(50, timeline="import/x")], [])

    assert await facts.incidents_of("live", ["c2", "c5", "c50", "unknown"]) == [numbered(5), numbered(2)]
    assert len(await facts.incidents_of("live", ["c"])) == 6
    assert not await facts.incidents_of("live", [])


async def test_an_act_is_whole_or_nothing(facts: Facts, make: Make) -> None:
    await facts.act([], [make.alert("a")], [], [])
    stale = make.alert("a", 5)

    with pytest.raises(Conflict):
        await facts.act([make.event("x")], [make.alert("b"), stale], [], [Shift(agent="anna", since=1, budget=3)])

    assert [alert.id for alert in await facts.alerts("live")] == ["a"]
    assert await facts.about("x") == []
    assert await facts.shifts() == []


async def test_the_latest_shift_of_each_agent_counts(facts: Facts, make: Make) -> None:
    shifts = [Shift(agent="anna", since=1, budget=3, until=9), Shift(agent="bo", since=2, budget=4)]
    await facts.act([make.event()], [], [], shifts)
    await facts.act([make.event()], [], [], [Shift(agent="anna", since=20, budget=5)])
    await facts.act([make.event()], [], [], [Shift(agent="bo", since=2, budget=4, until=30)])

    assert sorted(await facts.shifts(), key=lambda shift: shift.agent) == [
        Shift(agent="anna", since=20, budget=5),
        Shift(agent="bo", since=2, budget=4, until=30),
    ]


# ── calls ───────────────────────────────────────────────────────────────────────────────────────
async def test_a_call_is_kept_bare_and_goes_out_once(facts: Facts, make: Make) -> None:
    call = make.call("c1")
    event = make.event("c1", "call@1", b"sealed", key="k")
    outgoing = [Outgoing(id="c1.0.1", subject="det.live.1", body=b"{}")]
    first = await facts.tell(call, event, outgoing)
    await facts.sent(["c1.0.1"])
    again = await facts.tell(call, event, outgoing)

    assert (first, again) == (True, False)
    assert await facts.calls("live", 5) == [(call.bare(), event.id)]
    assert await facts.call("c1") == event
    assert await facts.bare("c1") == call.bare()
    assert await facts.pending(5) == []
    assert len(await facts.about("c1")) == 1
    with pytest.raises(NotFound, match="no call"):
        await facts.call("z")
    with pytest.raises(NotFound, match="no call"):
        await facts.bare("z")


async def test_a_call_under_an_id_that_is_taken_is_not_lost_silently(facts: Facts, make: Make) -> None:
    event = make.event("c1", "call@1")
    await facts.tell(make.call("c1"), event, [])

    with pytest.raises(Conflict, match="a call c1 was told before"):
        await facts.tell(make.call("c1", at=31), event, [])
    with pytest.raises(Conflict, match="a call c1 was told before"):
        await facts.tell(make.call("c1"), make.event("c1", "call@1"), [])


async def test_calls_come_newest_first(facts: Facts, make: Make) -> None:
    for n in (2, 3, 1):
        await facts.tell(make.call(f"c{n}", at=n), make.event(f"c{n}"), [])
    await facts.tell(make.call("other", timeline="import/x"), make.event(), [])

    assert [call.id for call, _ in await facts.calls("live", 2)] == ["c3", "c2"]


async def test_reports_and_posts_are_kept_apart_from_calls_and_from_each_other(facts: Facts, make: Make) -> None:
    call = make.call("c1", at=3)
    report = ServiceRequest(
        id="r1", timeline="live", source="x", at=1, place=call.place, cell=1, category="Trees", said="a tree"
    )
    post = Post(id="p1", timeline="live", source="x", at=1, place=call.place, cell=1, category="Fire", said="smoke")
    posts = [post, msgspec.structs.replace(post, id="p2", at=2)]
    told: list[Telling] = [call, report, *posts]
    for one in told:
        assert await facts.tell(one, make.event(one.id, f"{word_of(one)}@1", b"sealed", key="k"), [])

    assert [one.id for one, _ in await facts.told("call", "live", 9)] == ["c1"]
    assert [one for one, _ in await facts.told("report", "live", 9)] == [report.bare()]
    assert [one for one, _ in await facts.told("post", "live", 9)] == [posts[1].bare(), posts[0].bare()]
    assert [one.id for one, _ in await facts.told("post", "live", 1)] == ["p2"]
    assert await facts.told("post", "import/x", 9) == []
    assert (await facts.telling("p1")).kind == "post@1"
    with pytest.raises(NotFound, match="no call"):
        await facts.bare("r1")
    with pytest.raises(NotFound, match="no call"):
        await facts.call("p1")
    with pytest.raises(NotFound, match="no telling"):
        await facts.telling("z")
    with pytest.raises(Conflict, match="a post p1 was told before"):
        await facts.tell(posts[0], make.event("other"), [])


# ── people ──────────────────────────────────────────────────────────────────────────────────────
async def test_of_two_enrolments_with_one_code_exactly_one_wins(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", "operator", 100, make.event())
    agents = [msgspec.structs.replace(ANNA, id=f"a{n}") for n in range(5)]
    events = [make.event("enrolled", at=50) for _ in agents]

    assert await facts.invited(b"code") == ("operator", 100)
    done = await asyncio.gather(
        *(facts.enrol(b"code", agent, event) for agent, event in zip(agents, events, strict=True)),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in done) == ["Conflict"] * 4 + ["NoneType"]
    assert len(await facts.about("enrolled")) == 1
    with pytest.raises(Conflict, match="this enrolment code was used at 1970"):
        await facts.invited(b"code")
    with pytest.raises(NotFound):
        await facts.invited(b"another")
    with pytest.raises(NotFound):
        await facts.enrol(b"another", ANNA, make.event())


async def test_a_code_is_for_one_role_and_has_an_end_and_a_refusal_does_not_use_it_up(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", "operator", 100, make.event())

    with pytest.raises(Refused, match="was good until 1970"):
        await facts.enrol(b"code", ANNA, make.event(at=100))
    with pytest.raises(Refused, match="is for the role operator, not it"):
        await facts.enrol(b"code", msgspec.structs.replace(ANNA, role=Role.IT), make.event(at=50))
    await facts.enrol(b"code", ANNA, make.event(at=50))


async def test_nobody_becomes_somebody_else_by_enrolling(facts: Facts, make: Make) -> None:
    for code, role in ((b"1", "operator"), (b"2", "operator"), (b"3", "supervisor")):
        await facts.invite(code, role, 100, make.event())
    await facts.enrol(b"1", ANNA, make.event(at=50))
    await facts.enrol(b"2", ANNA, make.event(at=51))

    with pytest.raises(Conflict, match="there is somebody else with the id 'anna'"):
        await facts.enrol(b"3", msgspec.structs.replace(ANNA, role=Role.SUPERVISOR), make.event(at=52))


async def test_a_session_holds_until_its_end(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", "operator", 100, make.event())
    await facts.enrol(b"code", ANNA, make.event(at=50))
    await facts.begin(b"token", Session(agent="anna", until=200), 50)

    assert (await facts.who(b"token", 199)).agent == ANNA
    for token, now in ((b"token", 200), (b"other", 100)):
        with pytest.raises(Refused, match="sign in again"):
            await facts.who(token, now)
    with pytest.raises(NotFound):
        await facts.begin(b"token2", Session(agent="nobody", until=200), 50)


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────
async def test_waiting_ends_when_something_is_committed_and_misses_nothing(facts: Facts, make: Make) -> None:
    async def listen() -> None:
        while len(await facts.about("s")) < 3:
            await facts.wait(30)

    listening = asyncio.create_task(listen())
    for _ in range(3):
        await facts.append([make.event("s")])
    async with asyncio.timeout(20):
        await listening


async def test_waiting_ends_after_its_time(facts: Facts) -> None:
    await facts.wait(0.01)
    await facts.wait(0.01)


# ── units ───────────────────────────────────────────────────────────────────────────────────────
def unit(name: str, revision: int = 0, **more: object) -> EmergencyResource:
    made = EmergencyResource(
        id=f"unit {name}",
        timeline="live",
        name=name,
        agency="fire",
        kind=ResourceKind.ENGINE,
        status=UnitStatus.AVAILABLE,
        since=5,
        by="anna",
        home=Place(lat=60.17, lon=24.94),
        event=str(uuid5(NAMESPACE_OID, f"{name} {revision}")),
        revision=revision,
    )
    return msgspec.structs.replace(made, **more)


def unit_event(make: Make, one: EmergencyResource, by: str = "anna") -> Event:
    return make.event(one.id, "unit@1", encode(one), id=one.event, by=by, at=20)


async def test_units_are_kept_with_their_events_in_order_of_name(facts: Facts, make: Make) -> None:
    some = [unit("H12"), unit("A21"), unit("H11"), unit("X1", timeline="exercise/x")]
    await facts.change([unit_event(make, one) for one in some], some)
    later = unit("H11", 1, status=UnitStatus.ENROUTE)
    await facts.change([unit_event(make, later)], [later])

    assert await facts.units("live") == [some[1], later, some[0]]
    assert await facts.unit("unit H11") == later
    assert [event.id for event in await facts.about("unit H11")] == [some[2].event, later.event]
    with pytest.raises(NotFound, match="no unit with the id 'H99'"):
        await facts.unit("H99")


async def test_the_second_of_two_who_change_a_unit_hears_who_was_first_and_keeps_nothing(
    facts: Facts, make: Make
) -> None:
    first, other = unit("H11"), unit("H12")
    await facts.change([unit_event(make, one) for one in (first, other)], [first, other])
    annas, bens = unit("H11", 1, by="anna"), unit("H11", 1, by="ben", event=str(uuid4()))
    await facts.change([unit_event(make, annas)], [annas])
    changed = unit("H12", 1)

    with pytest.raises(Conflict, match="the unit H11 was changed first by anna at 1970-01-01"):
        await facts.change([unit_event(make, changed), unit_event(make, bens, "ben")], [changed, bens])

    assert await facts.units("live") == [annas, other]
    assert len(await facts.about("unit H12")) == 1


async def test_of_many_who_change_one_unit_at_once_exactly_one_wins(facts: Facts, make: Make) -> None:
    await facts.change([unit_event(make, unit("H11"))], [unit("H11")])

    async def change(by: str) -> None:
        one = unit("H11", 1, by=by, event=str(uuid4()))
        await facts.change([unit_event(make, one, by)], [one])

    done = await asyncio.gather(*(change(f"p{n}") for n in range(8)), return_exceptions=True)

    assert [type(one) for one in done if one is not None] == [Conflict] * 7
    assert len(await facts.about("unit H11")) == 2


# ── what can't be kept ──────────────────────────────────────────────────────────────────────────
async def test_a_value_that_does_not_fit_is_bad_input(pg_facts: PostgresFacts, make: Make) -> None:
    with pytest.raises(BadInput, match="can't keep this value"):
        await pg_facts.append([make.event("nul \x00 inside")])
    with pytest.raises(BadInput, match="can't keep this value"):
        await pg_facts.append([make.event(at=2**70)])


async def test_both_engines_offer_every_port(pg_facts: PostgresFacts, facts: Facts) -> None:
    every: list[Facts] = [pg_facts, facts]

    assert len(every) == 2


# ── retention ───────────────────────────────────────────────────────────────────────────────────
async def test_the_time_of_incidents_alerts_and_people_begins_as_they_say(facts: Facts, make: Make) -> None:
    incident = numbered(0, id="i1", opened_at=7)
    await facts.act([make.event("i1")], [make.alert("a1", last=8)], [incident], [])
    for number, until in ((1, 90), (2, None)):
        await facts.invite(bytes([number]), "operator", 50, make.event())
        agent = Agent(id=f"p{number}", name="", role=Role.OPERATOR, agency="city", until=until)
        await facts.enrol(bytes([number]), agent, make.event())

    assert await facts.begun(["i1", "a1", "p1", "p2", "nobody"]) == {"i1": 7, "a1": 8, "p1": 90}
    assert await facts.begun([]) == {}
