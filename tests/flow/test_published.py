"""What anybody may have of the log is proved before it is given, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tutela.backends.checkpoints import verifies
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import BadInput, Broken, EngineDown, NotFound, Refused
from tutela.flow import published
from tutela.flow.cosign import judge
from tutela.flow.published import Publishing
from tutela.flow.seal import leaf_of
from tutela.flow.witnesses import end, enter
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import Tree, consistent, included
from tutela.maths.tiles import WIDTH
from tutela.model import cosign, note
from tutela.model.cosign import Watched
from tutela.model.event import Checkpoint, Event
from tutela.model.proof import bundle, tlog_proof

ORIGIN, NAME = "helsinki.example/log", "ombudsman.example/witness"
KEY, WATCH = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC = KEY.public_key().public_bytes_raw()
WITNESS_KEY = cosign.cosigner_key(NAME, WATCH.public_key().public_bytes_raw())


def event(number: int) -> Event:
    return Event(
        id=uuid_of("event", number), at=number, by="x", cause=None, kind="note@1", timeline="live", body=b"%d" % number
    )


@dataclass
class Log:
    """A log in memory that is sealed and signed on demand."""

    facts: MemoryFacts
    publishing: Publishing
    count: int = 0

    async def grow(self, count: int, *, sign: bool = True) -> Checkpoint | None:
        await self.facts.append([event(number) for number in range(self.count, self.count + count)])
        self.count += count
        epoch = await self.facts.lead("sealer") or 0
        while (await self.facts.round(epoch, leaf_of, 1000))[1]:
            pass
        return await self.sign() if sign else None

    async def sign(self) -> Checkpoint:
        leaves = [sealed.leaf for sealed in self.facts.store.sealed]
        point = Checkpoint(
            origin=ORIGIN, epoch=1, size=len(leaves), root=Tree(leaves).root(), at=self.count, signature=b""
        )
        point = msgspec.structs.replace(point, signature=KEY.sign(note.text(point)))
        await self.facts.checkpoint(point)
        return point

    async def enter(self) -> None:
        await enter(self.facts, WITNESS_KEY, "The ombudsman", "install", 1)

    def given(self, point: Checkpoint, key: Ed25519PrivateKey = WATCH, name: str = NAME) -> str:
        """What a witness sends back."""
        signature = key.sign(cosign.cosigned(note.text(point), 7))
        line = cosign.write(cosign.signed_by(name, key.public_key().public_bytes_raw(), 7, signature))
        return note.write(point, PUBLIC) + line


@pytest.fixture
def log() -> Log:
    facts = MemoryFacts(Store(lambda: 0))
    return Log(facts, Publishing(facts, PUBLIC, verifies))


def size_of(told: str) -> int:
    return note.opened(told)[0].size


async def test_the_newest_signed_root_is_published_with_what_its_witnesses_say(log: Log) -> None:
    await log.enter()
    await log.grow(3)
    point = await log.grow(4)
    assert point is not None
    await log.publishing.take(log.given(point))

    told = await log.publishing.checkpoint()

    assert told == log.given(point)
    await log.grow(1)
    assert size_of(await log.publishing.checkpoint()) == point.size + 1
    assert await log.publishing.checkpoint(cosigned=True) == told


async def test_a_log_that_signed_nothing_says_so(log: Log) -> None:
    with pytest.raises(NotFound, match="signed yet"):
        await log.publishing.checkpoint()
    with pytest.raises(NotFound, match="cosigned by a witness yet"):
        await log.publishing.checkpoint(cosigned=True)


@pytest.mark.parametrize("sizes", [(1, 2, 3), (255, 1, 1), (256, 256, 1), (300, 400, 500)])
async def test_a_witness_can_follow_every_growth(log: Log, sizes: Sequence[int]) -> None:
    watched = Watched(key=note.verifier_key(ORIGIN, PUBLIC))
    old = 0
    for count in sizes:
        await log.grow(count)
        wanted = await log.publishing.growth(old)

        found = judge(watched, wanted, verifies)
        assert isinstance(found, Checkpoint)
        watched, old = Watched(key=watched.key, note=wanted.note), found.size
    assert old == log.count


async def test_a_log_that_is_asked_for_more_than_it_has_says_how_much_it_has(log: Log) -> None:
    await log.grow(5)

    wanted = await log.publishing.growth(9)

    assert (wanted.old, wanted.path) == (5, ())


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
async def test_every_event_that_is_signed_is_proved(log: Log, count: int) -> None:
    await log.grow(count)
    leaves = [sealed.leaf for sealed in log.facts.store.sealed]

    for place in {0, count // 2, count - 1}:
        told = await log.publishing.inclusion(log.facts.store.sealed[place].event.id)

        assert (told.position, told.leaf) == (place, leaves[place])
        assert included(told.leaf, place, count, told.path, Tree(leaves).root())
        assert tlog_proof(told).startswith(f"c2sp.org/tlog-proof@v1\nindex {place}\n")


async def test_an_event_that_no_checkpoint_has_yet_is_to_be_asked_for_again(log: Log) -> None:
    await log.grow(3)
    await log.grow(1, sign=False)

    with pytest.raises(NotFound, match="within a minute"):
        await log.publishing.inclusion(event(3).id)
    with pytest.raises(NotFound, match="no sealed event"):
        await log.publishing.inclusion("nothing")


async def test_whoever_does_not_have_the_event_learns_nothing_of_it(log: Log) -> None:
    """Not whether it is there, nor whether a checkpoint has it yet."""
    await log.grow(2)
    await log.grow(1, sign=False)
    sealed = log.facts.store.sealed
    told = await log.publishing.shown(sealed[0].event.id, sealed[0].leaf)
    says = set()
    for id_, leaf in [
        (sealed[0].event.id, sealed[1].leaf),
        (sealed[0].event.id, leaf_of(event(0))),  # guessed, all of it but the salt
        (sealed[0].event.id, b""),
        (sealed[2].event.id, sealed[0].leaf),
        (event(9).id, sealed[0].leaf),
        (event(9).id, b""),
        ("nothing", sealed[0].leaf),
    ]:
        with pytest.raises(NotFound) as wrong:
            await log.publishing.shown(id_, leaf)
        says.add(wrong.value.message)

    assert told == await log.publishing.inclusion(sealed[0].event.id)
    assert len(says) == 1
    assert "no event with this id and this leaf" in says.pop()


async def test_the_proof_is_under_a_checkpoint_that_a_witness_cosigned_if_there_is_one(log: Log) -> None:
    await log.enter()
    point = await log.grow(3)
    assert point is not None
    await log.publishing.take(log.given(point))
    await log.grow(2)

    assert size_of((await log.publishing.inclusion(event(1).id)).note) == point.size
    assert size_of((await log.publishing.inclusion(event(4).id)).note) == point.size + 2


async def test_leaves_that_do_not_lead_to_the_signed_root_prove_nothing(log: Log) -> None:
    await log.grow(300)
    sealed = log.facts.store.sealed
    sealed[200] = msgspec.structs.replace(sealed[200], leaf=b"x" * 32)

    with pytest.raises(Broken, match="tutela verify"):
        await log.publishing.inclusion(event(7).id)
    with pytest.raises(Broken, match="tutela verify"):
        await log.publishing.growth(150)


@pytest.mark.parametrize("left", [100, 256, 290, 550])
async def test_leaves_that_are_gone_prove_nothing(log: Log, left: int) -> None:
    await log.grow(600)
    del log.facts.store.sealed[left:]

    with pytest.raises(Broken, match="lacks leaves"):
        await log.publishing.inclusion(event(7).id)


async def test_roots_of_tiles_are_kept_and_read_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "AT_ONCE", WIDTH)
    await log.grow(3 * WIDTH + 5)
    first = await log.publishing.inclusion(event(0).id)
    assert len(log.facts.store.tiles) == 3
    asked: list[int] = []
    leaves = log.facts.leaves

    async def counted(after: int, most: int) -> Sequence[bytes]:
        asked.append(after)
        return await leaves(after, most)

    monkeypatch.setattr(log.facts, "leaves", counted)
    again = await Publishing(log.facts, PUBLIC, verifies).inclusion(event(0).id)

    assert again == first
    assert asked == [-1, 3 * WIDTH - 1]


async def test_the_tiles_are_known_before_anybody_asks_and_an_engine_that_was_down_is_asked_again(
    log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newest, answers = log.facts.newest_point, [0]

    async def sometimes(least: int, *, cosigned: bool = False) -> Checkpoint | None:
        answers[0] += 1
        if answers[0] == 1:
            raise EngineDown("PostgreSQL does not answer")
        if answers[0] == 2:
            return None
        return await newest(least, cosigned=cosigned)

    await log.grow(2 * WIDTH)
    done, keep = asyncio.Event(), log.facts.keep_roots

    async def kept(first: int, roots: Sequence[bytes]) -> None:
        await keep(first, roots)
        done.set()

    monkeypatch.setattr(log.facts, "newest_point", sometimes)
    monkeypatch.setattr(log.facts, "keep_roots", kept)
    running = asyncio.ensure_future(log.publishing.run(every=0))
    await asyncio.wait_for(done.wait(), 30)
    running.cancel()

    assert "PostgreSQL does not answer" in caplog.text
    assert len(log.facts.store.tiles) == 2


@pytest.mark.parametrize("ask", ["inclusion", "growth"])
async def test_roots_of_tiles_that_were_changed_are_computed_anew(log: Log, ask: str) -> None:
    """They follow from the leaves: damaged ones are no reason to give no proofs for ever."""
    await log.grow(700)
    leaves = [sealed.leaf for sealed in log.facts.store.sealed]
    log.facts.store.tiles = [b"x" * 32, b"y" * 32]

    if ask == "growth":
        wanted = await log.publishing.growth(600)
        assert consistent(600, 700, Tree(leaves[:600]).root(), Tree(leaves).root(), wanted.path)
    else:
        told = await log.publishing.inclusion(event(600).id)
        assert included(told.leaf, 600, 700, told.path, Tree(leaves).root())

    assert log.facts.store.tiles == [Tree(leaves[start : start + WIDTH]).root() for start in (0, WIDTH)]


async def test_two_who_ask_at_once_while_tiles_are_computed_anew_both_get_a_proof(log: Log) -> None:
    await log.grow(700)
    log.facts.store.tiles = [b"x" * 32, b"y" * 32]

    told = await asyncio.gather(*(log.publishing.inclusion(event(place).id) for place in (0, 300, 600)))

    assert [one.position for one in told] == [0, 300, 600]


async def test_tiles_are_computed_anew_again_after_an_engine_was_down(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.grow(700)
    log.facts.store.tiles = [b"x" * 32, b"y" * 32]
    keep = log.facts.keep_roots

    async def down(first: int, roots: Sequence[bytes]) -> None:
        raise EngineDown(f"PostgreSQL does not answer: {first}, {len(roots)}")

    monkeypatch.setattr(log.facts, "keep_roots", down)
    with pytest.raises(EngineDown):
        await log.publishing.inclusion(event(600).id)
    monkeypatch.setattr(log.facts, "keep_roots", keep)

    assert (await log.publishing.inclusion(event(600).id)).position == 600


async def test_leaves_that_were_changed_are_computed_anew_once_however_often_somebody_asks(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else anybody could have all leaves read, again and again."""
    await log.grow(700)
    sealed = log.facts.store.sealed
    sealed[200] = msgspec.structs.replace(sealed[200], leaf=b"x" * 32)
    kept: list[int] = []
    keep = log.facts.keep_roots

    async def counted(first: int, roots: Sequence[bytes]) -> None:
        kept.append(first)
        await keep(first, roots)

    monkeypatch.setattr(log.facts, "keep_roots", counted)
    for _ in range(3):
        with pytest.raises(Broken, match="tutela verify"):
            await log.publishing.inclusion(event(600).id)

    assert kept == [0, 0]


async def test_a_witness_that_nobody_knows_is_not_published(log: Log) -> None:
    point = await log.grow(3)
    assert point is not None

    with pytest.raises(Refused, match="tutela witnesses enter"):
        await log.publishing.take(log.given(point))
    assert "ombudsman" not in await log.publishing.checkpoint()


@pytest.mark.parametrize("changed", ["key", "time", "text"])
async def test_a_cosignature_that_is_not_the_witnesses_own_is_not_published(log: Log, changed: str) -> None:
    await log.enter()
    point = await log.grow(3)
    assert point is not None
    told = log.given(point, KEY if changed == "key" else WATCH)
    if changed == "time":
        line = cosign.read(told.splitlines()[-1])
        told = note.write(point, PUBLIC) + cosign.write(msgspec.structs.replace(line, at=8))
    if changed == "text":
        line_ = log.given(msgspec.structs.replace(point, at=9)).splitlines()[-1]
        told = note.write(point, PUBLIC) + line_ + "\n"

    with pytest.raises(Refused):
        await log.publishing.take(told)


async def test_a_checkpoint_that_is_not_of_this_log_is_not_kept(log: Log) -> None:
    await log.enter()
    point = await log.grow(3)
    assert point is not None

    with pytest.raises(NotFound, match="no such checkpoint of size 9"):
        await log.publishing.take(log.given(msgspec.structs.replace(point, size=9)))
    with pytest.raises(NotFound, match=f"no such checkpoint of size {point.size}"):
        await log.publishing.take(log.given(msgspec.structs.replace(point, root=b"x" * 32)))
    with pytest.raises(BadInput):
        await log.publishing.take("garbage")


async def test_what_a_witness_said_first_stays(log: Log) -> None:
    await log.enter()
    point = await log.grow(3)
    assert point is not None

    assert [await log.publishing.take(log.given(point)) for _ in range(2)] == [1, 1]
    assert len(note.opened(await log.publishing.checkpoint())[1]) == 1


async def test_a_witness_is_entered_with_one_event_and_ended_with_one(log: Log) -> None:
    await log.enter()
    await log.enter()
    await end(log.facts, NAME, "it moved", "install", 2)

    kinds = [one.kind for one in log.facts.store.events.values()]
    assert kinds == ["witness@1", "witness-ended@1"]
    assert await log.facts.cosigners() == []
    with pytest.raises(NotFound):
        await end(log.facts, NAME, "again", "install", 3)


@pytest.mark.parametrize("owner", ["", "  ", "x" * 201, "x\ny", "x\x1b[2K"])
async def test_a_witness_belongs_to_somebody(log: Log, owner: str) -> None:
    with pytest.raises(BadInput, match="who runs the witness"):
        await enter(log.facts, WITNESS_KEY, owner, "install", 1)


async def test_there_are_no_more_witnesses_than_a_note_carries(log: Log) -> None:
    for number in range(15):
        await enter(log.facts, cosign.cosigner_key(f"w{number}", bytes([number]) * 32), "Somebody", "install", 1)

    with pytest.raises(BadInput, match="there are 15 witnesses"):
        await log.enter()
    await enter(log.facts, cosign.cosigner_key("w1", b"x" * 32), "Somebody else", "install", 2)


async def test_what_is_no_key_of_a_witness_is_not_entered(log: Log) -> None:
    with pytest.raises(BadInput, match="can't be shown"):
        await enter(log.facts, cosign.cosigner_key("x\x1b", b"x" * 32), "The ombudsman", "install", 1)
    with pytest.raises(BadInput, match="no public key of a witness"):
        await enter(log.facts, note.verifier_key(ORIGIN, PUBLIC), "The ombudsman", "install", 1)


async def test_a_proof_in_a_file_has_the_cosignatures_of_those_witnesses_whose_key_is_in_it(log: Log) -> None:
    await log.enter()
    point = await log.grow(3)
    assert point is not None
    await log.publishing.take(log.given(point))
    told = await log.publishing.inclusion(event(1).id)
    stored = await log.facts.event(event(1).id)

    known = bundle(stored, told, note.verifier_key(ORIGIN, PUBLIC), await log.facts.cosigners())
    unknown = bundle(stored, told, note.verifier_key(ORIGIN, PUBLIC), [])

    assert (known.count(f"— {NAME} "), known.count(WITNESS_KEY)) == (1, 1)
    assert (unknown.count(f"— {NAME} "), unknown.count(WITNESS_KEY)) == (0, 0)


async def test_leaves_are_salted_so_that_nobody_finds_out_by_guessing(log: Log) -> None:
    await log.grow(2)

    assert {len(sealed.event.salt) for sealed in log.facts.store.sealed} == {16}
    assert log.facts.store.sealed[0].leaf != leaf_of(event(0))
