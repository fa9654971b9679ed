"""Whatever is changed in the stored log is found, and at its place."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from hashlib import sha256

import msgspec
import pytest

from tutela.backends.memory_audit import MemoryAudit, MemoryWitness
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.flow import beside
from tutela.flow.seal import Rhythm, Sealer, Signer, leaf_of, read_witnessed
from tutela.flow.verify import Report, verify
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import Tree
from tutela.model import note
from tutela.model.event import Checkpoint, Entry, Event

WITNESSED, OPEN = 90, 7


def sign(text: bytes) -> bytes:
    return sha256(b"secret" + text).digest() * 2


def genuine(signature: bytes, text: bytes) -> bool:
    return signature == sign(text)


def event(number: int, **changes: object) -> Event:
    made = Event(
        id=uuid_of("event", number),
        at=1_780_000_000_000_000 + number,
        by="threshold",
        cause=None,
        kind="detection@1",
        timeline="live",
        body=b'{"n":%d}' % number,
        salt=b"s" * 16,
    )
    return msgspec.structs.replace(made, **changes)


class Stored:
    """A sealed log of 97 events under three checkpoints of 30; the last 7 events have none yet."""

    audit: MemoryAudit
    witness: MemoryWitness
    facts: MemoryFacts

    async def fill(self, witnessed: int = WITNESSED, left: int = OPEN, each: int = 30) -> Stored:
        self.facts, self.witness = MemoryFacts(Store(lambda: 0)), MemoryWitness()
        signer = Signer("helsinki.example/log", b"p" * 32, sign)
        rhythm = Rhythm(leaves=each, most=each)
        sealer = Sealer(
            "one", self.facts, self.facts, self.witness, signer, lambda: 0, lambda: 0.0, lambda _n, _lag: None, rhythm
        )
        await self.facts.append([event(number) for number in range(witnessed + left)])
        while await sealer.step():
            pass
        self.audit = MemoryAudit(await self.facts.sealed(-1, witnessed + left))
        return self

    async def verify(self, destroyed: Collection[str] = (), most: int = 1000) -> Report:
        return await verify(self.audit, self.facts, self.witness, genuine, destroyed=destroyed, most=most)

    def change(self, position: int, **changes: object) -> None:
        """Edit the event at that position, and leave its leaf."""
        entry = self.audit.stored[position]
        assert entry.event is not None
        self.put(position, entry, event=msgspec.structs.replace(entry.event, **changes))

    def forge(self, position: int, **changes: object) -> None:
        """Edit the event at that position, and its leaf to fit."""
        self.change(position, **changes)
        entry = self.audit.stored[position]
        assert entry.event is not None
        self.put(position, entry, leaf=leaf_of(entry.event))

    def put(self, place: int, entry: Entry, /, **changes: object) -> None:
        self.audit.stored[place] = msgspec.structs.replace(entry, **changes)

    def renumber(self) -> None:
        self.audit.stored = [
            msgspec.structs.replace(entry, position=place) for place, entry in enumerate(self.audit.stored)
        ]

    def swap(self, one: int, other: int) -> None:
        first, second = self.audit.stored[one], self.audit.stored[other]
        self.put(one, second, position=one)
        self.put(other, first, position=other)


@pytest.fixture
async def stored() -> Stored:
    return await Stored().fill()


def whats(report: Report) -> list[tuple[str, int, str]]:
    return [(finding.what, finding.position, finding.event) for finding in report.findings]


def id_at(position: int) -> str:
    return event(position).id


async def test_an_untouched_log_is_sound(stored: Stored) -> None:
    report = await stored.verify()

    assert report.sound
    assert (report.witnessed, report.unwitnessed, report.checkpoints) == (WITNESSED, OPEN, 3)
    assert report.root == Tree(leaf_of(event(number)) for number in range(97)).root()


async def test_it_is_said_how_many_events_were_read(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "PAGE", 40)
    told: list[int] = []

    await verify(stored.audit, stored.facts, stored.witness, genuine, said=told.append)

    assert told == [40, 80, 97, 97]


async def test_an_empty_log_is_sound() -> None:
    report = await (await Stored().fill(0, 0)).verify()

    assert report.sound
    assert (report.witnessed, report.unwitnessed) == (0, 0)


EDITS = {
    "id": uuid_of("another"),
    "at": 1,
    "by": "nobody",
    "cause": "nothing",
    "kind": "alert@1",
    "timeline": "import/x",
    "body": b"{}",
    "key": "k",
    "salt": b"s",
    "subject": "elsewhere",
}


@pytest.mark.parametrize("field", EDITS)
@pytest.mark.parametrize("position", [0, 45, 89, 93])
async def test_an_edited_field_is_found(stored: Stored, field: str, position: int) -> None:
    stored.change(position, **{field: EDITS[field]})

    assert whats(await stored.verify()) == [("edited", position, id_at(position))]


@pytest.mark.parametrize("field", EDITS)
async def test_an_edit_is_found_though_its_leaf_was_made_to_fit(stored: Stored, field: str) -> None:
    stored.forge(45, **{field: EDITS[field]})

    assert whats(await stored.verify()) == [("edited", 45, id_at(45))]


@pytest.mark.parametrize("position", [0, 45, 89])
async def test_a_changed_leaf_is_found(stored: Stored, position: int) -> None:
    stored.put(position, stored.audit.stored[position], leaf=b"x" * 32)

    assert whats(await stored.verify()) == [("edited", position, id_at(position))]


@pytest.mark.parametrize("position", [0, 45, 89, 93])
async def test_an_event_that_is_gone_is_found_by_its_id(stored: Stored, position: int) -> None:
    stored.put(position, stored.audit.stored[position], event=None)

    assert whats(await stored.verify()) == [("dropped", position, id_at(position))]


@pytest.mark.parametrize("position", [0, 45, 89, 93])
async def test_an_event_that_is_gone_with_its_leaf_is_found(stored: Stored, position: int) -> None:
    del stored.audit.stored[position]

    (finding,) = (await stored.verify()).findings

    assert (finding.what, finding.position) == ("dropped", position)
    assert position in (0, 93) or id_at(position - 1) in finding.says


async def test_an_event_that_is_gone_is_found_though_the_others_closed_ranks(stored: Stored) -> None:
    del stored.audit.stored[45]
    stored.renumber()

    found = whats(await stored.verify())

    assert ("dropped", 45, "") in found
    assert ("reordered", 46, id_at(46)) in found
    assert len(found) == 2


async def test_a_stretch_of_events_that_is_gone_is_found(stored: Stored) -> None:
    del stored.audit.stored[20:50]

    assert whats(await stored.verify()) == [("dropped", position, "") for position in range(20, 50)]


async def test_a_stretch_longer_than_the_look_ahead_is_found(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "AHEAD", 5)
    monkeypatch.setattr(beside, "PAGE", 3)
    del stored.audit.stored[20:50]

    assert whats(await stored.verify()) == [("dropped", position, "") for position in range(20, 50)]


async def test_many_changes_at_once_are_told_with_little_memory(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AHEAD", 5)
    stored.audit.stored = [entry for entry in stored.audit.stored if entry.position % 3]
    for place, entry in enumerate(stored.audit.stored):
        if place % 5 == 0:
            stored.put(place, entry, event=None, leaf=b"%032d" % place)

    report = await stored.verify(most=10)

    assert len(report.findings) == 10
    assert report.more > 10


@pytest.mark.parametrize("left", [0, 1, 60, 89])
async def test_a_log_that_was_cut_short_is_found(stored: Stored, left: int) -> None:
    del stored.audit.stored[left:]

    (finding,) = (await stored.verify()).findings

    assert (finding.what, finding.position, finding.count) == ("truncated", left, 90 - left)


async def test_a_log_that_was_cut_short_far_back_is_found(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "AHEAD", 5)
    del stored.audit.stored[10:]

    (finding,) = (await stored.verify()).findings

    assert (finding.what, finding.position, finding.count) == ("truncated", 10, 80)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (44, 45), (10, 80), (0, 89)])
async def test_two_events_that_changed_places_are_both_found(stored: Stored, one: int, other: int) -> None:
    stored.swap(one, other)

    found = whats(await stored.verify())

    assert sorted(found, key=lambda finding: finding[1]) == [
        ("reordered", one, id_at(one)),
        ("reordered", other, id_at(other)),
    ]


async def test_an_event_that_was_moved_forward_is_found(stored: Stored) -> None:
    moved = stored.audit.stored.pop(10)
    stored.audit.stored.insert(50, moved)
    stored.renumber()

    found = whats(await stored.verify())

    assert ("reordered", 10, id_at(10)) in found
    assert {what for what, _, _ in found} == {"reordered"}


async def test_an_event_that_was_moved_back_is_found(stored: Stored) -> None:
    moved = stored.audit.stored.pop(50)
    stored.audit.stored.insert(10, moved)
    stored.renumber()

    found = whats(await stored.verify())

    assert ("reordered", 50, id_at(50)) in found
    assert {what for what, _, _ in found} == {"reordered"}


async def test_an_event_that_was_moved_behind_the_last_checkpoint_is_found(stored: Stored) -> None:
    stored.audit.stored.append(stored.audit.stored.pop(10))
    stored.renumber()

    found = whats(await stored.verify())

    assert ("reordered", 10, id_at(10)) in found
    assert {what for what, _, _ in found} == {"reordered"}


async def test_the_last_event_moved_to_the_front_is_found(stored: Stored) -> None:
    del stored.audit.stored[90:]
    stored.audit.stored.insert(0, stored.audit.stored.pop())
    stored.renumber()

    assert ("reordered", 89, id_at(89)) in whats(await stored.verify())


async def test_an_event_that_was_slipped_in_is_found(stored: Stored) -> None:
    forged = event(1000)
    stored.audit.stored.insert(45, Entry(position=45, leaf=leaf_of(forged), id=forged.id, event=forged))
    stored.renumber()

    found = whats(await stored.verify())

    assert ("added", 45, forged.id) in found
    assert ("reordered", 45, id_at(45)) in found


async def test_more_events_than_the_look_ahead_that_were_slipped_in_are_found(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AHEAD", 8)
    for place in range(10):
        forged = event(1000 + place)
        stored.audit.stored.insert(10 + 4 * place, Entry(position=0, leaf=leaf_of(forged), id=forged.id, event=forged))
    stored.renumber()

    found = whats(await stored.verify())

    assert [place for what, place, _ in found if what == "added"] == [10 + 4 * place for place in range(10)]


async def test_an_event_that_the_sealer_never_saw_is_found(stored: Stored) -> None:
    stored.audit.hidden.append(event(1000))

    assert whats(await stored.verify()) == [("added", -1, event(1000).id)]


async def test_what_was_erased_with_its_key_is_counted_and_still_compared() -> None:
    stored = Stored()
    await stored.fill(0, 0)
    await stored.facts.append([event(5, key="k", body=b"ciphertext")])
    await stored.facts.round(1, leaf_of, 1)
    stored.audit = MemoryAudit(await stored.facts.sealed(-1, 1))

    lawful = await stored.verify(destroyed={"k"})
    stored.change(0, body=b"")
    emptied = await stored.verify(destroyed={"k"})

    assert (lawful.sound, lawful.erased) == (True, 1)
    assert whats(emptied) == [("edited", 0, id_at(5))]


@pytest.mark.parametrize("field", [*EDITS, "all"])
@pytest.mark.parametrize("position", [0, 45, 89, 93])
async def test_no_destroyed_key_excuses_an_edit(stored: Stored, field: str, position: int) -> None:
    edits = EDITS if field == "all" else {field: EDITS[field]}
    stored.change(position, **{**edits, "key": "k", "body": b""})

    assert whats(await stored.verify(destroyed={"k"})) == [("edited", position, id_at(position))]


async def test_a_forged_history_with_checkpoints_to_fit_is_found(stored: Stored) -> None:
    stored.forge(45, body=b"{}")
    tree = Tree(entry.leaf for entry in stored.audit.stored)
    for (epoch, size), point in stored.facts.store.checkpoints.items():
        stored.facts.store.checkpoints[epoch, size] = msgspec.structs.replace(point, root=tree.root(size))

    found = whats(await stored.verify())

    assert ("edited", 45, id_at(45)) in found
    assert [what for what, _, _ in found].count("checkpoint") == 2


async def rewritten(stored: Stored, number: int, change: Callable[[note.Witnessed], note.Witnessed]) -> None:
    stored.witness.kept[number] = msgspec.json.encode(change(read_witnessed(stored.witness.kept[number])))


async def test_a_witness_line_with_other_leaves_is_not_believed(stored: Stored) -> None:
    await rewritten(stored, 1, lambda line: msgspec.structs.replace(line, leaves=b"x" * len(line.leaves)))

    found = [finding.says for finding in (await stored.verify()).findings]

    assert any("not signed by this log over these leaves" in says for says in found)


async def test_a_witness_line_that_somebody_else_signed_is_not_believed(stored: Stored) -> None:
    report = await verify(stored.audit, stored.facts, stored.witness, lambda _signature, _text: False)

    assert {finding.what for finding in report.findings} == {"checkpoint"}
    assert report.checkpoints == 0


async def test_a_witness_line_that_can_not_be_read_is_told(stored: Stored) -> None:
    stored.witness.kept[0] = b"{"
    stored.forge(10, body=b"{}")
    stored.change(20, body=b"{}")
    stored.put(25, stored.audit.stored[25], event=None)

    found = whats(await stored.verify())

    assert ("checkpoint", 0, "") in found
    assert ("edited", 20, id_at(20)) in found
    assert ("dropped", 25, id_at(25)) in found


async def test_a_gap_in_the_witness_does_not_hide_a_cut(stored: Stored) -> None:
    del stored.witness.kept[1]
    del stored.audit.stored[40:]

    found = whats(await stored.verify())

    assert ("truncated", 40, "") in found


async def test_events_that_are_gone_where_the_witness_has_a_gap_are_told(stored: Stored) -> None:
    del stored.witness.kept[1]
    del stored.audit.stored[40]

    assert ("reordered", 40, id_at(41)) in whats(await stored.verify())


async def test_a_witness_that_was_cut_short_is_found_by_the_databases_checkpoints(stored: Stored) -> None:
    del stored.witness.kept[1:]

    report = await stored.verify()

    assert [finding.position for finding in report.findings] == [60, 90]
    assert all("the witness lacks" in finding.says for finding in report.findings)


async def test_a_database_without_witness_is_still_held_against_its_own_checkpoints(stored: Stored) -> None:
    stored.witness.kept.clear()
    stored.forge(45, body=b"{}")

    says = [finding.says for finding in (await stored.verify()).findings]

    assert sum("is not over the leaves in it" in text for text in says) == 2


async def test_a_checkpoint_over_nothing_is_found(stored: Stored) -> None:
    for size in (31, 500):
        point = Checkpoint(origin="x", epoch=2, size=size, root=b"", at=0, signature=b"")
        await stored.facts.checkpoint(point)

    says = " ".join(finding.says for finding in (await stored.verify()).findings)

    assert "size 31 has no counterpart in the witness" in says
    assert "size 500 has no counterpart in a leaf" in says


async def test_a_log_that_went_back_to_an_older_state_is_told(stored: Stored) -> None:
    stored.witness.kept.append(stored.witness.kept[1])

    report = await stored.verify()

    assert any("goes from size 90 to a checkpoint that starts at 30" in finding.says for finding in report.findings)


async def test_any_random_tampering_is_found(stored: Stored) -> None:
    chance = random.Random(5)
    for _ in range(100):
        stored = await Stored().fill()
        position = chance.randrange(WITNESSED)
        act = chance.choice(["edit", "forge", "drop", "close", "swap", "cut", "gone"])
        if act == "edit":
            stored.change(position, by="x")
        elif act == "forge":
            stored.forge(position, by="x")
        elif act == "drop":
            del stored.audit.stored[position]
        elif act == "close":
            del stored.audit.stored[position]
            stored.renumber()
        elif act == "swap":
            stored.swap(position, (position + chance.randrange(1, 50)) % WITNESSED)
        elif act == "cut":
            del stored.audit.stored[position:]
        else:
            stored.put(position, stored.audit.stored[position], event=None)

        report = await stored.verify()

        assert not report.sound
        assert position in [finding.position for finding in report.findings] or act == "swap"
