"""Promises of the desk at work: nothing twice, nothing lost, and what a person did stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from tests.flow.desk_support import GRAVE, START, detection

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import Conflict
from tutela.flow import hop
from tutela.flow.desk import DeskFold, DeskStage
from tutela.flow.measures import Measures, measures
from tutela.flow.stage import Fold, Stage
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Lease, Message, encode
from tutela.model.install import Install
from tutela.model.people import Shift
from tutela.model.place import Place
from tutela.model.register import Source
from tutela.model.timeline import token
from tutela.model.when import MINUTE, SECOND


def call() -> Call:
    return Call(
        id="c1", timeline="live", source="112", at=START, place=Place(lat=60, lon=24.9), cell=0, category="FIRE"
    )


@dataclass
class Room:
    """A control room in memory: what a worker does with the stage "desk", one message after the other."""

    facts: MemoryFacts = field(default_factory=lambda: MemoryFacts(Store(lambda: START)))
    timeline: str = "live"
    sequence: int = 0

    @property
    def stage(self) -> DeskStage:
        return DeskStage(self.facts)

    async def ready(self) -> Room:
        await self.facts.install(
            Install(id="00000000-0000-0000-0000-000000000000", zone="Europe/Helsinki", city="Helsinki", at=START)
        )
        await self.facts.open_timeline(self.timeline, START)
        return self

    async def begin(self) -> tuple[Lease, DeskFold]:
        """Lease the desk and begin, as a worker does after a crash."""
        for row in self.facts.store.leases.values():
            row.until = 0
        leases = await self.facts.take("w1", "desk", 9)
        (lease,) = (one for one in leases if one.timeline == self.timeline)
        return lease, await self.stage.begin(lease, await self.facts.load(lease))

    def messages(self, *facts: Detection | Call | int | bytes) -> list[Message]:
        """The next messages of the second hop; whole numbers are settled ticks, in seconds after the start."""
        made = []
        for fact in facts:
            self.sequence += 1
            subject = f"det.{token(self.timeline)}.0"
            if isinstance(fact, int):
                subject, body = hop.settled(self.timeline), hop.tick(START + fact * SECOND)
            else:
                body = fact if isinstance(fact, bytes) else encode(fact)
            made.append(Message(self.sequence, subject, {}, body, START))
        return made

    async def work(self, lease: Lease, desk: DeskFold, messages: Sequence[Message]) -> None:
        """One turn and its commit."""
        effects = await desk.turn(messages)
        await self.facts.commit(lease, replace(effects, snapshot=await desk.save()))

    async def alerts(self) -> list[Alert]:
        return sorted(self.facts.store.alerts.values(), key=lambda one: (one.since, one.id))

    async def act(self, alert: Alert, by: str = "anna") -> Alert:
        """A person changes an alert."""
        event = Event(
            id=f"{alert.id}-{alert.revision}",
            at=START,
            by=by,
            cause=None,
            kind="alert@1",
            timeline="live",
            body=b"",
            subject=alert.id,
        )
        done = msgspec.structs.replace(alert, by=by, event=event.id)
        await self.facts.act([event], [done], [], [])
        return done

    async def sign_on(self, budget: int = 60) -> None:
        await self.facts.act([], [], [], [Shift(agent="anna", since=START, budget=budget)])


@pytest.fixture
async def room() -> Room:
    return await Room().ready()


def test_the_desk_is_a_stage(room: Room) -> None:
    stage: Stage = room.stage
    lease = Lease(timeline="import/x", stage="desk", partition=0, epoch=1, sequence=0, snapshot=0)

    assert (stage.name, stage.partitions, stage.saves) == ("desk", 1, 0)
    assert (stage.stream(lease), list(stage.subjects(lease))) == ("DET-import-x", ["det.import-x.*"])


async def test_a_detection_becomes_an_alert_with_its_event_and_its_cause(room: Room) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    fold: Fold = desk
    assert fold.newest() == ()

    await room.work(lease, desk, room.messages(5, detection("d1", 6), call()))

    (alert,) = await room.alerts()
    held, shown = await room.facts.about(alert.id)
    assert (alert.status, alert.count) == (AlertStatus.NEW, 1)
    assert [msgspec.json.decode(event.body, type=Alert).status for event in (held, shown)] == ["held", "new"]
    assert (held.kind, held.by, held.timeline) == ("alert@1", "desk", "live")
    assert (shown.cause, shown.id) == (held.id, alert.event)
    assert held.cause != shown.cause


async def test_a_message_that_cannot_be_read_changes_nothing(room: Room) -> None:
    _, desk = await room.begin()
    before = await desk.save()

    with pytest.raises(ValueError, match="truncated"):
        await desk.turn(room.messages(detection("d1"), b"{"))
    assert await desk.save() == before


async def test_a_restart_counts_nothing_twice(room: Room) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    messages = room.messages(5, detection("d1", 6), detection("d2", 7, lat=61.0))
    await room.work(lease, desk, messages)
    before = await room.alerts()

    lease, desk = await room.begin()
    again = await desk.turn(messages)
    await room.work(lease, desk, room.messages(detection("d3", 8)))

    assert not again.events
    assert [alert.count for alert in before] == [1, 1]
    assert sorted(alert.count for alert in await room.alerts()) == [1, 2]


async def test_tokens_survive_a_restart(room: Room) -> None:
    await room.sign_on(budget=1)
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))

    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(10, detection("d2", 11, lat=61.0)))

    assert [alert.status for alert in await room.alerts()] == [AlertStatus.NEW, AlertStatus.HELD]


async def test_the_desk_sees_within_seconds_who_signed_on(room: Room) -> None:
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))
    await room.sign_on()
    held = await room.alerts()
    await room.work(lease, desk, room.messages(10))

    assert [alert.status for alert in held] == [AlertStatus.HELD]
    assert [alert.status for alert in await room.alerts()] == [AlertStatus.NEW]


async def test_a_simulated_source_is_known_as_one(room: Room) -> None:
    entry = Source(
        name="toy",
        owner="city",
        kind="sensors",
        purposes=("public-safety",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Helsinki",
        simulated=True,
    )
    event = Event(id="e", at=START, by="it", cause=None, kind="source@1", timeline="live", body=b"")
    await room.facts.enter(entry, event)
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(detection("d1", source="toy"), detection("d2")))

    assert sorted(alert.simulated for alert in await room.alerts()) == [False, True]


async def test_a_person_acts_and_the_desk_goes_on_from_there(room: Room) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6), detection("d2", 6, lat=61.0)))
    one, other = await room.alerts()
    until = START + 100 * SECOND
    await room.act(one.to(AlertStatus.SHELVED, shelved_until=until, reason="roadworks"))
    await room.act(other.to(AlertStatus.DISMISSED, reason="false"))

    await room.work(lease, desk, room.messages(11, detection("d3", 12), detection("d4", 12, lat=61.0), 99))
    resting = {alert.id: alert for alert in await room.alerts()}
    await room.work(lease, desk, room.messages(100))
    later = {alert.id: alert for alert in await room.alerts()}

    assert (resting[one.id].status, resting[one.id].count) == (AlertStatus.SHELVED, 2)
    assert (later[one.id].status, later[one.id].by) == (AlertStatus.NEW, "anna")
    assert (later[other.id].status, later[other.id].count) == (AlertStatus.DISMISSED, 2)


@pytest.mark.parametrize("looked", ["before it begins again", "when it begins again"])
async def test_a_dismissed_alert_is_remembered_over_a_restart(room: Room, looked: str) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))
    (alert,) = await room.alerts()
    await room.act(alert.to(AlertStatus.DISMISSED, reason="false"))
    if looked == "before it begins again":
        await room.work(lease, desk, room.messages(10))

    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(detection("d1", 6), detection("d2", 12)))

    assert [(one.status, one.count) for one in await room.alerts()] == [(AlertStatus.DISMISSED, 2)]


async def test_when_a_person_was_first_the_turn_is_undone_and_folded_again(room: Room) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))
    (alert,) = await room.alerts()
    await room.act(alert.to(AlertStatus.ACKNOWLEDGED), by="anna")
    messages = room.messages(detection("d2", 7))

    with pytest.raises(Conflict, match="anna"):
        await room.work(lease, desk, messages)
    lease, desk = await room.begin()
    await room.work(lease, desk, messages)

    (alert,) = await room.alerts()
    assert (alert.status, alert.count, alert.by, alert.revision) == (AlertStatus.ACKNOWLEDGED, 2, "anna", 3)


async def test_an_act_between_two_turns_that_are_committed_together_is_noticed_at_once(room: Room) -> None:
    """The desk must not go on from the act and leave out what it did itself before."""
    await room.sign_on()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))
    (alert,) = await room.alerts()
    await desk.turn(room.messages(detection("d2", 7)))
    await room.act(alert.to(AlertStatus.ACKNOWLEDGED))

    with pytest.raises(Conflict, match="anna"):
        await desk.turn(room.messages(11))


async def test_what_is_not_committed_yet_is_not_lost_when_the_desk_looks_again(room: Room) -> None:
    await room.sign_on()
    lease, desk = await room.begin()
    first = await desk.turn(room.messages(5, detection("d1", 6)))
    second = await desk.turn(room.messages(10, detection("d2", 11)))
    for effects in (first, second):
        await room.facts.commit(lease, effects)

    (alert,) = await room.alerts()
    assert alert.count == 2


async def test_what_expired_and_was_forgotten_but_is_not_committed_yet_does_not_come_back() -> None:
    """Turns of an import pass hours; several are committed together."""
    room = await Room(timeline="import/x").ready()
    lease, desk = await room.begin()
    found = msgspec.structs.replace(detection("d1", 6), timeline=room.timeline)
    await room.work(lease, desk, room.messages(found, 7))
    turns = [await desk.turn(room.messages(second)) for second in (4000, 9000, 20_000, 30_000)]
    for effects in turns:
        await room.facts.commit(lease, effects)
    await room.work(lease, desk, room.messages(40_000, 50_000))

    (alert,) = await room.alerts()
    assert (alert.status, alert.revision) == (AlertStatus.EXPIRED, 2)
    assert [len(effects.alerts) for effects in turns] == [1, 0, 0, 0]


async def test_what_is_sent_again_after_it_was_forgotten_makes_no_second_alert(room: Room) -> None:
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6), 4000, 8000))
    (expired,) = await room.alerts()
    await room.work(lease, desk, room.messages(detection("d1", 6), detection("d2", 7)))

    assert expired.status is AlertStatus.EXPIRED
    assert sorted(alert.detections for alert in await room.alerts()) == [("d1",), ("d2",)]


async def test_an_import_shows_what_one_operator_would_have_seen() -> None:
    room = await Room(timeline="import/x").ready()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(*(detection(f"d{n}", n, lat=60.0 + n / 10) for n in range(3)), 3))

    assert [alert.status for alert in await room.alerts()] == [AlertStatus.NEW, AlertStatus.HELD, AlertStatus.HELD]


async def test_what_the_partitions_of_an_import_find_in_any_order_is_seen_in_the_order_of_its_time() -> None:
    room = await Room(timeline="import/x").ready()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(detection("march", 9000), detection("january", 1)))
    before = await room.alerts()
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(detection("february", 2), 8999, 9001))

    assert before == []
    assert [(alert.since, alert.detections) for alert in await room.alerts()] == [
        (START + 1 * SECOND, ("january", "february")),
        (START + 9000 * SECOND, ("march",)),
    ]


async def test_a_turn_says_up_to_which_time_the_desk_has_seen_everything(room: Room) -> None:
    _, desk = await room.begin()

    assert (await desk.turn(room.messages(detection("d1", 6)))).ticked is None
    assert (await desk.turn(room.messages(5, 7))).ticked == START + 7 * SECOND


async def test_the_time_of_the_desk_is_what_is_settled_not_what_is_still_being_correlated(room: Room) -> None:
    lease, desk = await room.begin()
    await room.work(lease, desk, room.messages(5, detection("d1", 6)))
    early = Message(99, hop.second_ticks("live"), {}, hop.tick(START + 9000 * SECOND), START)
    await room.work(lease, desk, [early])

    assert [alert.status for alert in await room.alerts()] == [AlertStatus.HELD]


async def test_the_measures_of_a_queue_are_those_of_eemua_191(room: Room) -> None:
    await room.sign_on(budget=120)
    lease, desk = await room.begin()
    grave = [detection(f"g{n}", 5, lat=50.0 + n, scale=GRAVE) for n in range(11)]
    await room.work(lease, desk, room.messages(5, *grave, detection("d1", 6, lat=10.0)))
    one, other, *_ = await room.alerts()
    await room.act(one.to(AlertStatus.ACKNOWLEDGED))
    await room.act(other.to(AlertStatus.SHELVED))

    now = await room.facts.open_alerts("live")

    assert measures(now, START + 6 * SECOND) == Measures(
        lately=12, flood=True, waiting=10, standing=1, shelved=1, held=0
    )
    assert measures(now, START + 16 * MINUTE) == Measures(
        lately=0, flood=False, waiting=10, standing=1, shelved=1, held=0
    )
