"""A city that lost everything comes back from its backup: all that was acknowledged, and nothing that was erased."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from tests.integration.running import WHY, Device, Instance, clear_away, datastream, line, now, running, tutela, until

from tutela.app.core import core
from tutela.app.settings import settings
from tutela.errors import Refused
from tutela.model.event import Event

pytestmark = pytest.mark.integration

CANARY = "the canary fell from its perch"
EARLIER, LATER = now(-3600), now(3600)


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
    """What is left of a city that is gone: its backup, its keys, its list of what was erased, and what it had promised."""

    folder: Path
    taken: list[float]
    call: Event
    session: str
    code: str

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


async def destroy(data: Path, key: str) -> None:
    async with core(settings(data, env={}), "test", connections=1) as inside:
        await inside.keys.destroy(key)


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
        city.keeper_again()  # it signs a checkpoint, and archives what there is
        with Load(device) as load:
            before = len(load.taken)
            made = city.told("backup", folder / "backup")
        assert made["keys"] is False
        shutil.copytree(
            city.data, folder / "keys", ignore=lambda _, names: [name for name in names if not name.endswith(".key")]
        )
        asyncio.run(destroy(city.data, call.key or ""))
        (folder / "gone").write_text(city.tutela("tombstones").stdout)
        city.stop()
        clear_away(city.data)
        shutil.rmtree(city.data)
        yield Lost(folder, load.taken[:before], call, session, city.codes["supervisor"])


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
        return {value for _, value in analyst.series("load/a", EARLIER, LATER)}

    assert len(lost.taken) > 20
    until(lambda: set(lost.taken) <= series(), "everything is there")


def test_what_was_erased_after_the_backup_stays_erased(lost: Lost, again: Instance) -> None:
    with pytest.raises(Refused, match="was erased"):
        asyncio.run(opened(again.data, lost.call))

    key = lost.call.key
    assert again.asked(f"select wrapped from bucket_key where id = '{key}'") == [{"wrapped": None}]
    assert json.loads(again.tutela("tombstones").stdout)["key"] == key


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
        (("--nothing-erased",), "name the folder where you keep them with --keys"),
        (("--nothing-erased", "--keys", "backup"), "name the folder where you keep them with --keys"),
        (("--tombstones", "nowhere"), "there is no list of destroyed keys at"),
        (("--tombstones", "backup/manifest.json"), "this is no list of destroyed keys"),
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


def test_nothing_is_restored_over_something(lost: Lost, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    status, told = lost.restore(tmp_path, "--nothing-erased", "--keys", lost.folder / "keys")

    assert (status, "is not empty" in told) == (1, True), told
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_postgresql_of_somebody_else_is_left_to_its_own_tools(tmp_path: Path) -> None:
    done = tutela("backup", tmp_path / "b", "--data", tmp_path, env={"TUTELA_PG_DSN": "postgresql://elsewhere/x"})

    assert (done.returncode, "copy it with its own tools" in " ".join(done.stderr.split())) == (1, True), done.stderr
    assert not (tmp_path / "b").exists()
