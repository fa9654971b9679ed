"""How sources are reached, on both engines: entered with an event, marks that hold, one process at a time."""

from __future__ import annotations

import msgspec
import pytest
from tests.backends.conftest import Lab, Make

from tutela.errors import Fenced, Quarantined
from tutela.flow.ports import Facts
from tutela.model.register import Connection, Kept, Reach, Source


def kept(source: str = "buses", part: str = "poll") -> Kept:
    connection = Connection(source=source, part=part, standard="gtfs_rt", options={"url": "https://feed", "every": 5.5})
    return Kept(connection=connection, key="k1", sealed=b"\x00sealed")


@pytest.fixture
async def entered(facts: Facts, make: Make) -> Facts:
    """Two sources are in the register."""
    for name in ("buses", "trams"):
        source = Source(
            name=name,
            owner="City",
            kind="feed",
            purposes=("traffic",),
            legal_basis="PublicInterest",
            personal_data=False,
            place="everywhere",
        )
        await facts.enter(source, make.event(name, "source@1"))
    return facts


async def test_a_connection_is_kept_as_it_was_entered_with_its_event(entered: Facts, make: Make) -> None:
    await entered.connect(kept("trams"), make.event("trams", "connection@1"))
    await entered.connect(kept(), make.event("buses", "connection@1"))

    assert list(await entered.connections()) == [kept(), kept("trams")]
    assert [event.kind for event in await entered.about("buses")] == ["source@1", "connection@1"]


async def test_a_source_without_an_entry_cannot_be_connected(facts: Facts, make: Make) -> None:
    with pytest.raises(Quarantined):
        await facts.connect(kept(), make.event("buses", "connection@1"))

    assert list(await facts.connections()) == []
    assert list(await facts.about("buses")) == []


async def test_a_mark_is_kept_while_part_standard_and_reading_are_the_same(entered: Facts, make: Make) -> None:
    epoch = await entered.attend("one")
    assert epoch is not None
    one = Connection(source="buses", part="poll", standard="gtfs_rt", reading={"zone": "UTC"})
    same = msgspec.structs.replace(one, options={"every": 60}, secret=("headers",))
    marks = []
    changes: list[dict[str, object]] = [{}, {"part": "sql"}, {"standard": "json_map"}, {"reading": {"zone": "CET"}}]
    changes.append({"reading": {}})
    for change in changes:
        await entered.connect(Kept(connection=one), make.event())
        await entered.remember(epoch, "buses", b"\x00here")
        await entered.connect(Kept(connection=msgspec.structs.replace(same, **change)), make.event())
        marks.append(await entered.mark("buses"))

    assert marks == [b"\x00here", b"", b"", b"", b""]


async def test_a_connection_that_is_taken_back_leaves_no_mark(entered: Facts, make: Make) -> None:
    await entered.connect(kept(), make.event())
    epoch = await entered.attend("one") or 0
    await entered.remember(epoch, "buses", b"here")
    await entered.disconnect("buses", make.event("buses", "connection@1"))
    await entered.disconnect("buses", make.event("buses", "connection@1"))

    assert list(await entered.connections()) == []
    assert [event.kind for event in await entered.about("buses")] == ["source@1", "connection@1"]  # the second: nothing
    assert await entered.mark("buses") == b""
    with pytest.raises(Fenced):
        await entered.remember(epoch, "buses", b"there")


async def test_one_process_attends_at_a_time_and_another_goes_on_when_it_is_gone(lab: Lab) -> None:
    first = await lab.facts.attend("first")
    assert first is not None
    assert await lab.facts.attend("second") is None
    assert await lab.facts.attend("first") == first
    await lab.later()
    second = await lab.facts.attend("second")

    assert second == first + 1
    assert await lab.facts.attend("first") is None


async def test_who_was_overtaken_moves_no_mark_and_reports_nothing(entered: Facts, lab: Lab, make: Make) -> None:
    await entered.connect(kept(), make.event())
    first = await entered.attend("first") or 0
    await entered.remember(first, "buses", b"5")
    await lab.later()
    second = await entered.attend("second") or 0
    await entered.remember(second, "buses", b"9")
    with pytest.raises(Fenced):
        await entered.remember(first, "buses", b"6")
    await entered.report(first, [Reach(source="buses", at=1)])

    assert await entered.mark("buses") == b"9"
    assert list(await entered.conditions()) == []


async def test_conditions_are_the_last_ones_told_and_begin_anew_with_a_changed_connection(
    entered: Facts, make: Make
) -> None:
    for source in ("trams", "buses"):
        await entered.connect(kept(source), make.event())
    epoch = await entered.attend("one") or 0
    told = [
        Reach(source="buses", at=5, reachable=False, troubles=3, starts=2, says="no answer"),
        Reach(source="trams", at=5, reachable=True, came=4),
    ]
    await entered.report(epoch, [Reach(source="buses", at=4)])
    await entered.report(epoch, [*told, Reach(source="gone", at=5)])
    assert list(await entered.conditions()) == told
    await entered.connect(kept(), make.event())

    assert list(await entered.conditions()) == told[1:]
