"""A city that lost everything comes back from its backup: all that was acknowledged, and nothing that was erased."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec
import pytest
from tests.integration.running import WHY, Device, Instance, clear_away, datastream, line, now, running, tutela, until

from tutela.app import backing_up
from tutela.app.core import core
from tutela.app.settings import settings
from tutela.backends import copies
from tutela.backends.postgres.copying import LOCK
from tutela.errors import EngineDown, Refused
from tutela.flow.record import told_id
from tutela.model.call import Call
from tutela.model.event import Event
from tutela.model.place import Place

pytestmark = pytest.mark.integration

CANARY = "the canary fell from its perch"
HELD, NOT_HELD = "emergency-response/calls/2000-01", "emergency-response/calls/2000-02"
NO_KEYS = "name the folder where you keep them with --keys"


@dataclass
class Load:
    """Somebody who sends without a pause, and keeps what was acknowledged."""

    device: Device
    taken: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._send)
        self._thread.start()
        until(lambda: len(self.taken) > 20, "the load flows")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        value = 1.0
        while not self._over.is_set():
            value += 1.0
            self.device.take(line("load/a", value))
            self.taken.append(value)


@dataclass
class Lost:
    """What is left of a city that is gone: its backup, its keys, its list of what was erased, and what it had promised.

    The key `before` was destroyed before the backup, the one of the call after it.
    """

    folder: Path
    taken: list[float]
    before: str
    call: Event
    session: str
    code: str
    held: tuple[str, bytes]

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    def restore(self, to: Path, *words: str | Path) -> tuple[int, str]:
        done = tutela("restore", self.backup, "--data", to, *words)
        return done.returncode, done.stdout + done.stderr


async def told_call(data: Path) -> Event:
    """The sealed event of the one call."""
    async with core(settings(data, env={}), "test", connections=1) as inside:
        [(call, _)] = await inside.facts.calls("live", 2)
        return await inside.facts.call(call.id)


async def opened(data: Path, event: Event) -> bytes:
    async with core(settings(data, env={}), "test", connections=1) as inside:
        return await inside.keys.open(event.key or "", event.body)


async def named(data: Path, id_: str) -> str:
    """The id that this call of the source would get there."""
    call = Call(id=id_, timeline="live", source="load", at=0, place=Place(lat=0, lon=0), cell=0, category="")
    async with core(settings(data, env={}), "test", connections=1) as inside:
        return told_id(inside.keys, call)


async def destroy(data: Path, key: str = "") -> str:
    """Destroy that key, or one that is made for it."""
    async with core(settings(data, env={}), "test", connections=1) as inside:
        gone = key or (await inside.keys.seal("traffic/positions/2000-01-01", b"where they were"))[0]
        await inside.keys.destroy(gone)
        return gone


async def sealed(data: Path, bucket: str) -> tuple[str, bytes]:
    """Something in that bucket, under its key."""
    async with core(settings(data, env={}), "test", connections=1) as inside:
        return await inside.keys.seal(bucket, b"what a court asked for")


async def opens(data: Path, key: str, body: bytes) -> bool:
    """Whether it can still be read."""
    async with core(settings(data, env={}), "test", connections=1) as inside:
        try:
            return bool(await inside.keys.open(key, body))
        except Refused:
            return False


def hold(city: Instance) -> list[str]:
    """Hold the bucket HELD, whose time was over long ago; the holds that stand."""
    review = now(30 * 86_400.0)
    words = ("--authority", "District court", "--because", "asked for", "--review", review, "--bucket", HELD)
    city.told("holds", "place", "R 26/1234", *words)
    return [one["bucket"] for one in city.told("holds", "list")]


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    """A city that worked, was backed up under load, erased something afterwards, and burnt down."""
    folder = tmp_path_factory.mktemp("lost")
    with running(folder / "data", "--empty") as city:
        device = city.enter(
            "load", datastream("load/a"), purposes=["emergency-response", "public-safety"], personal_data=True
        )
        device.known("load/a")
        told = device.call(id="c1", at=now(), lat=60.17, lon=24.94, category="EMS: FALL", said=CANARY)
        assert told.status_code == 201, told.text
        call = asyncio.run(told_call(city.data))
        assert CANARY.encode() in asyncio.run(opened(city.data, call))
        session = city.come_in(city.codes["operator"], "Aino").http.headers["Authorization"]
        early = asyncio.run(destroy(city.data))
        assert hold(city) == [HELD]
        held = asyncio.run(sealed(city.data, HELD))
        city.keeper_again()  # it signs a checkpoint, and archives what there is
        with Load(device) as load:
            before = len(load.taken)
            made = city.told("backup", folder / "backup")
        assert made["keys"] is False
        shutil.copytree(
            city.data, folder / "keys", ignore=lambda _, names: [name for name in names if not name.endswith(".key")]
        )
        asyncio.run(destroy(city.data, call.key or ""))
        gone = city.tutela("tombstones").stdout
        for name, text in {
            "gone": gone,
            "cut": gone.rstrip(),
            "empty": "",
            "older": '{"key":"another","at":1}\n',
        }.items():
            (folder / name).write_text(text)
        city.stop()
        clear_away(city.data)
        shutil.rmtree(city.data)
        yield Lost(folder, load.taken[:before], early, call, session, city.codes["supervisor"], held)


@pytest.fixture(scope="module")
def again(lost: Lost) -> Iterator[Instance]:
    """The same city, from its backup."""
    to = lost.folder / "again"
    status, says = lost.restore(to, "--keys", lost.folder / "keys", "--tombstones", lost.folder / "gone")
    assert status == 0, says
    assert "The log is sound." in says
    with running(to, "--empty") as city:
        yield city


def test_all_that_was_acknowledged_before_the_backup_is_there_after_a_restore(lost: Lost, again: Instance) -> None:
    analyst = again.enrol("operator", "Aino")

    def series() -> set[float]:
        return {value for _, value in analyst.series("load/a", now(-3600), now(3600))}

    assert len(lost.taken) > 20
    until(lambda: set(lost.taken) <= series(), "everything is there")


def test_what_was_erased_after_the_backup_stays_erased(lost: Lost, again: Instance) -> None:
    with pytest.raises(Refused, match="was erased"):
        asyncio.run(opened(again.data, lost.call))

    # and were it told again it would be the same call still, not one that is kept anew
    assert asyncio.run(named(again.data, "c1")) == lost.call.id
    key = lost.call.key
    assert again.asked(f"select wrapped from bucket_key where id = '{key}'") == [{"wrapped": None}]
    listed = [json.loads(line)["key"] for line in again.tutela("tombstones").stdout.splitlines()]
    assert listed == [lost.before, key]


def test_a_legal_hold_is_restored_and_keeps_what_it_kept(lost: Lost, again: Instance) -> None:
    """The restored keeper lets go what is past its time, and not what is held."""
    over = asyncio.run(sealed(again.data, NOT_HELD))
    again.keeper_again()  # it looks for what is past when it starts

    until(lambda: not asyncio.run(opens(again.data, *over)), "what is past its time is erased")
    assert asyncio.run(opens(again.data, *lost.held))
    assert [one["bucket"] for one in again.told("holds", "list")] == [HELD]


def test_the_restored_log_goes_on_from_the_published_root_in_a_new_epoch(lost: Lost, again: Instance) -> None:
    manifest = json.loads((lost.backup / "manifest.json").read_text())
    notes = [json.loads(line)["note"] for line in (again.data / "checkpoints.jsonl").read_text().splitlines()]
    report = again.told("verify")

    assert report["findings"] == []
    assert manifest["checkpoint"] in notes
    assert "\nepoch 2\n" in notes[-1]
    kinds = {row["kind"] for row in again.asked("select kind from event")}
    assert {"backup@1", "restore@1"} <= kinds


def test_who_was_let_in_before_comes_in_anew(lost: Lost, again: Instance) -> None:
    token = lost.session.removeprefix("Bearer ")

    assert again.client(token).get("/v1/alerts", params=WHY).status_code == 401
    assert again.client().post("/v1/enrol", json={"code": lost.code, "name": "Eve"}).status_code == 404


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say what was erased since"),
        (("--nothing-erased", "--tombstones", "gone"), "say what was erased since"),
        (("--nothing-erased",), NO_KEYS),
        (("--nothing-erased", "--keys", "backup"), NO_KEYS),
        (("--tombstones", "nowhere"), "there is no list of destroyed keys at"),
        (("--tombstones", "backup/log.pub"), "this is no list of destroyed keys"),
        (("--tombstones", "empty"), "names no destroyed key"),
        (("--tombstones", "cut"), "does not end with a line feed"),
    ],
)
def test_a_restore_that_lacks_something_says_what_and_leaves_nothing(
    lost: Lost, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    named = [word if word.startswith("--") else lost.folder / word for word in words]
    status, told = lost.restore(tmp_path / "new", *named)

    assert (status, says in " ".join(told.split())) == (1, True), told
    assert not (tmp_path / "new").exists()


def test_a_backup_that_was_changed_is_not_restored(lost: Lost, tmp_path: Path) -> None:
    whole = lost.backup / "checkpoints.jsonl"
    before = whole.read_bytes()
    whole.write_bytes(before + b"\n")
    try:
        status, told = lost.restore(tmp_path / "new", "--nothing-erased", "--keys", lost.folder / "keys")
    finally:
        whole.write_bytes(before)

    assert (status, "checkpoints.jsonl is not as the manifest says" in " ".join(told.split())) == (1, True), told
    assert not (tmp_path / "new").exists()


def test_the_wrong_keys_are_noticed_and_nothing_is_left_behind(lost: Lost, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(lost.folder / "keys", wrong)
    (wrong / "root.key").write_bytes(bytes(32))
    status, told = lost.restore(tmp_path / "new", "--nothing-erased", "--keys", wrong)

    assert (status, "restore the root key of this install" in " ".join(told.split())) == (1, True), told
    assert list((tmp_path / "new").iterdir()) == []


def test_a_list_that_is_older_than_the_backup_is_refused_and_nothing_is_left(lost: Lost, tmp_path: Path) -> None:
    status, told = lost.restore(tmp_path / "new", "--keys", lost.folder / "keys", "--tombstones", lost.folder / "older")

    assert (status, "is older than the backup: it lacks 1 keys" in " ".join(told.split())) == (1, True), told
    assert lost.before in told
    assert list((tmp_path / "new").iterdir()) == []


def test_a_log_that_was_changed_is_not_gone_on_with_and_nothing_is_left(lost: Lost, tmp_path: Path) -> None:
    """Whoever changes a backup can write its manifest anew, too."""
    forged = tmp_path / "backup"
    shutil.copytree(lost.backup, forged)
    witness = (forged / "checkpoints.jsonl").read_bytes()
    (forged / "checkpoints.jsonl").write_bytes(witness + witness)
    (forged / "manifest.json").unlink()
    manifest = msgspec.structs.replace(copies.read(lost.backup), files=copies.listed(forged))
    copies.write(forged, manifest)

    new = tmp_path / "new"
    done = tutela("restore", forged, "--data", new, "--nothing-erased", "--keys", lost.folder / "keys")

    assert (done.returncode, "the log in this backup was changed" in " ".join(done.stderr.split())) == (1, True), done
    assert list(new.iterdir()) == []


def test_a_backup_whose_lock_is_gone_by_the_end_is_none(again: Instance, tmp_path: Path) -> None:
    def said(words: str) -> None:
        if words.startswith("computing"):
            ends = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid::bigint = "
            with ThreadPoolExecutor() as beside:
                assert beside.submit(again.asked, f"{ends}{LOCK & 0xFFFFFFFF}").result()

    with pytest.raises(EngineDown):
        asyncio.run(backing_up.run(settings(again.data, env={}), tmp_path / "b", keys=False, said=said))

    assert (tmp_path / "b" / "postgres").exists()
    assert not (tmp_path / "b" / "manifest.json").exists()


def test_nothing_is_restored_over_something(lost: Lost, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    status, told = lost.restore(tmp_path, "--nothing-erased", "--keys", lost.folder / "keys")

    assert (status, "is not empty" in told) == (1, True), told
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "env", [{"TUTELA_PG_DSN": "postgresql://elsewhere/x"}, {"TUTELA_NATS_URL": "nats://elsewhere"}]
)
def test_an_engine_of_somebody_else_is_left_to_its_own_tools(tmp_path: Path, env: dict[str, str]) -> None:
    done = tutela("backup", tmp_path / "b", "--data", tmp_path, env=env)

    assert (done.returncode, "with its own tools" in " ".join(done.stderr.split())) == (1, True), done.stderr
    assert not (tmp_path / "b").exists()
