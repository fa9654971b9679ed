"""The witness as a program: it remembers before it gives, keeps evidence, and a person ends an alarm."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from tests.screens.town import LOG_KEY, NOW, ORIGIN, Town, application, town

from tutela.app import witnessing
from tutela.app.witnessing import LARGEST, SILENT, Wanted, Witness, decided, once, run, witness
from tutela.backends.witness_folder import WitnessFolder
from tutela.errors import BadInput, Broken, Conflict, EngineDown, NotFound
from tutela.flow.cosign import Wrong
from tutela.flow.witnesses import enter
from tutela.model import note
from tutela.model.event import Checkpoint
from tutela.model.when import DAY

NAME = "ombudsman.example/witness"
KEY = note.verifier_key(ORIGIN, LOG_KEY.public_key().public_bytes_raw())


class Here:
    """A town over HTTP, and its witness."""

    def __init__(self, town_: Town, folder: Path) -> None:
        self.town, self.folder = town_, WitnessFolder(folder)
        self.said: list[str] = []
        self.witness: Witness = witness(self.folder, NAME, KEY, self.said.append)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", application(town_))), base_url="http://town.example"
        )

    async def enter(self) -> None:
        key = (self.folder.path / "witness.pub").read_text().strip()
        await enter(self.town.facts, key, "The ombudsman", "install", 1)

    async def grow(self) -> Checkpoint:
        await self.town.call()
        return await self.town.signed()

    async def look(self) -> Wrong | None:
        doubt = await self.witness.round(self.http)
        return doubt.why if doubt else None

    @property
    def size(self) -> int:
        known = self.folder.watched(ORIGIN)
        return note.opened(known.note)[0].size if known and known.note else 0

    def events(self) -> list[str]:
        path = self.folder.path / "events.jsonl"
        return [json.loads(line)["what"] for line in path.read_text().splitlines()] if path.exists() else []

    async def published(self) -> bool:
        return NAME in (await self.http.get("/v1/log/checkpoint")).text

    def go_back(self, size: int) -> None:
        """The town's log is set back."""
        store = self.town.facts.store
        del store.sealed[size:]
        kept = {sealed.event.id for sealed in store.sealed}
        for id_ in [id_ for id_ in store.events if id_ not in kept]:
            del store.events[id_]
        for key in [key for key in store.checkpoints if key[1] > size]:
            del store.checkpoints[key]
        store.cosignatures.clear()
        store.tiles.clear()


@asynccontextmanager
async def made(folder: Path) -> AsyncIterator[Here]:
    one = Here(await town(), folder)
    async with one.http:
        yield one


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    async with made(tmp_path / "witness") as one:
        yield one


async def test_each_growth_is_cosigned_once_and_published(here: Here) -> None:
    await here.enter()
    for _ in range(3):
        point = await here.grow()
        assert [await here.look(), await here.look()] == [None, None]
        assert here.size == point.size
        assert await here.published()

    assert here.events() == ["cosigned"] * 3
    assert sum("cosigned size" in words for words in here.said) == 3


async def test_what_was_cosigned_is_on_the_disk_before_anybody_gets_it(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.enter()
    point = await here.grow()
    sizes: list[int] = []
    given = witnessing._given

    async def seen(http: httpx.AsyncClient, told: str) -> None:
        sizes.append(here.size)
        await given(http, told)

    monkeypatch.setattr(witnessing, "_given", seen)
    await here.look()

    assert sizes == [point.size]


async def test_a_cosignature_that_did_not_arrive_is_given_again(here: Here) -> None:
    """Nobody knows the witness yet: it has remembered, and gives the same again when it is known."""
    point = await here.grow()
    with pytest.raises(EngineDown, match="tutela witnesses enter"):
        await here.look()
    assert (here.size, await here.published()) == (point.size, False)

    await here.enter()
    assert await here.look() is None
    assert await here.published()


async def test_a_log_that_was_set_back_raises_the_alarm_and_the_evidence_is_kept(here: Here) -> None:
    await here.enter()
    old = await here.grow()
    new = await here.grow()
    await here.look()
    here.go_back(old.size)

    assert await here.look() == Wrong.ROLLBACK
    assert here.folder.alarm.endswith(f"shows {old.size} events in epoch 1; it had signed {new.size} in epoch 1")
    assert here.events()[-1] == "rollback"
    evidence = json.loads((here.folder.path / "events.jsonl").read_text().splitlines()[-1])["evidence"]
    assert f"\n{old.size}\n" in evidence
    assert f"\n{new.size}\n" in evidence
    assert here.size == new.size


async def test_a_log_that_has_another_past_raises_the_alarm(here: Here) -> None:
    await here.enter()
    await here.grow()
    await here.look()
    here.go_back(3)
    for _ in range(8):
        await here.grow()

    assert await here.look() == Wrong.FORK
    assert here.events()[-1] == "fork"


async def test_a_log_under_another_key_raises_the_alarm(tmp_path: Path) -> None:
    async with made(tmp_path / "witness") as here:
        other = note.verifier_key(ORIGIN, b"x" * 32)
        here.witness = witness(WitnessFolder(tmp_path / "other"), NAME, other, here.said.append)
        await here.grow()
        assert await here.look() == Wrong.FORGED

        foreign = note.verifier_key("espoo.example/log", LOG_KEY.public_key().public_bytes_raw())
        here.witness = witness(WitnessFolder(tmp_path / "third"), NAME, foreign, here.said.append)
        assert await here.look() == Wrong.FOREIGN


async def test_a_restored_log_begins_anew_when_a_person_says_so(here: Here) -> None:
    await here.enter()
    old = await here.grow()
    await here.grow()
    await here.look()
    here.go_back(old.size)
    await here.look()

    with pytest.raises(BadInput, match="in epoch 1 already"):
        here.witness.accept(1, "restored")
    here.witness.accept(2, "restored from Monday's backup")
    here.witness.settle_alarm("they told me")

    assert here.folder.alarm == ""
    assert here.events()[-2:] == ["accepted", "settled"]
    assert await here.look() == Wrong.ROLLBACK  # still in epoch 1


async def test_what_was_cosigned_is_in_its_own_log_and_a_witness_without_its_memory_cosigns_nothing(here: Here) -> None:
    await here.enter()
    point = await here.grow()
    await here.look()
    told = json.loads((here.folder.path / "events.jsonl").read_text())
    assert (told["what"], told["epoch"], told["size"]) == ("cosigned", point.epoch, point.size)
    shutil.rmtree(here.folder.path / "logs")
    await here.grow()

    with pytest.raises(Broken, match="begin a new witness"):
        await here.look()
    with pytest.raises(Broken, match="begin a new witness"):
        here.witness.accept(2, "it began to work again")


async def test_an_alarm_is_ended_by_a_person_and_only_when_there_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    witness(WitnessFolder(folder), NAME, KEY, print)

    with pytest.raises(NotFound, match="no alarm stands"):
        decided(folder, print, "nothing")
    WitnessFolder(folder).raise_alarm("a fork")
    decided(folder, print, "a test")
    WitnessFolder(folder).raise_alarm("a rollback")
    decided(folder, print, "restored", 2)

    assert WitnessFolder(folder).alarm == ""


async def test_while_an_alarm_stands_nothing_is_looked_at(tmp_path: Path) -> None:
    witness(WitnessFolder(tmp_path), NAME, KEY, print)
    WitnessFolder(tmp_path).raise_alarm("a fork")

    with pytest.raises(Broken, match="an alarm stands: a fork"):
        await once(Wanted(tmp_path, "http://localhost:1"), print)


@pytest.mark.parametrize(("status", "body"), [(500, b"no"), (200, b"garbage"), (200, b"x" * 200_000)])
async def test_what_is_no_answer_of_a_log_is_no_alarm(here: Here, status: int, body: bytes) -> None:
    """Proxies say many things; nothing is signed in them."""
    answer = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    async with httpx.AsyncClient(transport=answer, base_url="http://town.example") as http:
        with pytest.raises(EngineDown):
            await here.witness.round(http)

    assert here.folder.alarm == ""


async def test_a_log_that_proves_from_another_size_gets_nothing(here: Here) -> None:
    await here.enter()
    await here.grow()
    await here.look()
    await here.grow()
    body = (await here.http.get("/v1/log/growth?old=1")).content
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=answer, base_url="http://town.example") as http:
        with pytest.raises(EngineDown, match="nothing that can be cosigned"):
            await here.witness.round(http)


async def test_a_log_that_is_not_there_is_asked_again(tmp_path: Path) -> None:
    with pytest.raises(EngineDown, match="does not answer"):
        await once(Wanted(tmp_path, "http://127.0.0.1:1", NAME, KEY), print)
    with pytest.raises(BadInput, match="no address of a log"):
        await once(Wanted(tmp_path, "town.example"), print)


# ── a log that shows nothing new ────────────────────────────────────────────────────────────────
class Clocks:
    """The log's time, and the witness's, as they are set."""

    def __init__(self) -> None:
        self.log = self.own = NOW

    def go(self, micros: int) -> None:
        self.log += micros
        self.own += micros


@asynccontextmanager
async def timed(folder: Path) -> AsyncIterator[tuple[Here, Clocks]]:
    clocks = Clocks()
    here = Here(await town(lambda: clocks.log), folder)
    here.witness = Witness(here.folder, NAME, KEY, here.said.append, lambda: clocks.own)
    async with here.http:
        await here.enter()
        yield here, clocks


async def test_a_frozen_log_does_not_satisfy_the_witness_for_ever(tmp_path: Path) -> None:
    async with timed(tmp_path) as (here, clocks):
        point = await here.grow()
        await here.look()
        clocks.go(SILENT)
        await here.look()
        assert here.witness.silence() == ""

        clocks.go(1)
        await here.look()
        assert f"no new checkpoint for 10 minutes; the newest one has size {point.size}" in here.witness.silence()
        assert here.folder.alarm == ""  # a quiet log looks the same, and nothing signed contradicts itself

        again = Witness(WitnessFolder(tmp_path), NAME, KEY, print, lambda: clocks.own)
        assert "no new checkpoint" in again.silence()  # also when the witness began anew just now
        await here.grow()
        await here.look()
        assert here.witness.silence() == ""


async def test_a_log_that_goes_on_is_not_called_silent(tmp_path: Path) -> None:
    async with timed(tmp_path) as (here, clocks):
        for _ in range(4):
            clocks.go(SILENT)
            await here.grow()
            await here.look()
            assert here.witness.silence() == ""


async def test_a_log_that_signs_times_to_come_is_held_to_the_witnesss_own_clock(tmp_path: Path) -> None:
    async with timed(tmp_path) as (here, clocks):
        clocks.log += DAY
        await here.grow()
        await here.look()
        clocks.own += SILENT + 1
        assert "no new checkpoint for 10 minutes" in here.witness.silence()


async def test_a_log_that_shows_old_checkpoints_one_by_one_is_held_to_the_time_that_it_signed(tmp_path: Path) -> None:
    async with timed(tmp_path) as (here, clocks):
        for _ in range(3):
            clocks.own += SILENT // 2
            await here.grow()
            await here.look()
        assert "no new checkpoint for 15 minutes" in here.witness.silence()


async def test_a_log_that_never_showed_a_checkpoint_is_silent_after_a_while(tmp_path: Path) -> None:
    async with timed(tmp_path) as (here, clocks):
        assert here.witness.silence() == ""
        clocks.go(SILENT + 1)
        assert "no new checkpoint for 10 minutes. The city's log has stopped" in here.witness.silence()


async def test_a_look_that_finds_nothing_new_says_so_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Here(await town(lambda: DAY), tmp_path)  # its newest checkpoint is of 1970
    async with here.http:
        await here.enter()
        await here.grow()
        monkeypatch.setattr(witnessing, "_client", lambda _: nullcontext(here.http))

        assert await once(Wanted(tmp_path, "http://town.example"), here.said.append) is None

    assert "ALARM: the log has shown no new checkpoint" in caplog.text
    assert "is of 1970-01-02" in caplog.text


# ── a log that does not let go ──────────────────────────────────────────────────────────────────
def answering(here: Here, stream: Callable[[], AsyncIterator[bytes]], method: str) -> httpx.AsyncClient:
    """A town that answers one method with that, and the others as it does."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method == method:
            return httpx.Response(200, content=stream())
        return httpx.Response(200, content=(await here.http.get(request.url.raw_path.decode())).content)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://town.example")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_without_end_is_not_read_to_its_end(here: Here, method: str) -> None:
    await here.enter()
    await here.grow()
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            yield b"x" * 1000

    async with answering(here, endless, method) as http:
        with pytest.raises(EngineDown, match="more than a log has to say"):
            await here.witness.round(http)
    assert given <= 3 * LARGEST


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_trickles_is_given_up(here: Here, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Each piece comes in time, and the whole never does."""
    monkeypatch.setattr(witnessing, "PATIENCE", 0.2)
    await here.enter()
    await here.grow()

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b""
            await asyncio.sleep(0)

    async with answering(here, trickle, method) as http:
        with pytest.raises(EngineDown, match="not within"):
            await here.witness.round(http)


async def test_it_stops_when_it_is_told_to_while_a_log_keeps_it_waiting(tmp_path: Path) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await never.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        wanted = Wanted(tmp_path, f"http://127.0.0.1:{port}", NAME, KEY)
        running = asyncio.ensure_future(run(wanted, 60, print, stay=False))
        await asyncio.wait_for(asked.wait(), 20)
        os.kill(os.getpid(), signal.SIGTERM)
        found = await asyncio.wait_for(running, witnessing.PATIENCE / 2)
        never.set()

    assert found is None
    with WitnessFolder(tmp_path).held():
        pass


def test_a_witness_has_to_be_told_whose_log_it_watches(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="say whose log"):
        witness(WitnessFolder(tmp_path), NAME, None, print)
    witness(WitnessFolder(tmp_path), NAME, KEY, print)
    assert witness(WitnessFolder(tmp_path), None, None, print).key == KEY
    with pytest.raises(Conflict, match="watches another log"):
        witness(WitnessFolder(tmp_path), None, note.verifier_key("espoo.example/log", b"x" * 32), print)
