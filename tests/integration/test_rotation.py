"""On real engines: another root key while a city works; what is past its time is gone within the hour, from an old backup too."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.integration.running import Device, Instance, clear_away, now, running, tutela

from tutela.app import keep
from tutela.app.core import core
from tutela.app.settings import settings
from tutela.backends import ring
from tutela.errors import Refused
from tutela.model.when import DAY, HOUR, SECOND, parse

pytestmark = [pytest.mark.integration, pytest.mark.long]

HOURS = 3600.0
NEW, OLD, POST = "she fell on the stairs", "the cellar is full of smoke", "smoke over our street"


def call(door: Device, id_: str, said: str, ago: float, at: str = "") -> str:
    told = door.call(id=id_, at=at or now(-ago), lat=60.17, lon=24.94, category="EMS: fall", said=said)
    assert told.status_code == 201, told.text
    event: str = told.json()["event"]
    return event


async def said(data: Path, event: str) -> str:
    """What is sealed in that event; "" when it can't be read by anybody any more."""
    async with core(settings(data, env={}), "test", connections=2) as inside:
        told = await inside.facts.event(event)
        try:
            return (await inside.keys.open(told.key or "", told.body)).decode()
        except Refused:
            return ""


async def looked(data: Path, at: int) -> None:
    """The keeper looks for what is past its time, when its clock says so."""
    async with core(settings(data, env={}), "test", connections=4) as inside:
        work = replace(keep.retainer(inside), clock=lambda: at)
        assert await work.turn()


@dataclass
class Was:
    """A city whose root key became another one, that erased two things then, and is gone; its backup is from before all that."""

    folder: Path
    new: str
    old: str
    post: str
    before: bytes

    def restore(self, to: str, keys: str) -> tuple[int, str]:
        words = ("--keys", self.folder / keys, "--tombstones", self.folder / "gone")
        done = tutela("restore", self.folder / "backup", "--data", self.folder / to, *words)
        return done.returncode, " ".join((done.stdout + done.stderr).split())


def keys(data: Path, to: Path, *names: str) -> None:
    to.mkdir()
    for path in (one for pattern in names for one in data.glob(pattern)):
        shutil.copyfile(path, to / path.name)
        (to / path.name).chmod(0o600)


def works(city: Instance, folder: Path) -> Was:
    door = city.enter("calls", kind="calls", purposes=["emergency-response", "public-safety"], personal_data=True)
    told = now()
    new, old = call(door, "new", NEW, 0, told), call(door, "old", OLD, 2 * HOURS)
    door.tell("/v1/posts", id="1", at=now(-HOURS), lat=60.17, lon=24.94, subject="Fire", said=POST)
    post = city.asked("select id::text as id from event where kind = 'post@1'")[0]["id"]
    before = (city.data / ring.CURRENT).read_bytes()
    assert city.told("backup", folder / "backup")["keys"] is False

    turned = city.told("keys", "rotate")
    assert (turned["before"], turned["retired"]) == (ring.name_of(before), [ring.name_of(before)])
    assert call(door, "new", NEW, 0, told) == new  # told again it is the same call: ids are made as before
    call(door, "after", NEW, 0)
    operator = city.come_in(city.codes["operator"], "Aino")
    assert operator.get(f"/v1/calls/{new}")["said"] == NEW
    keys(city.data, folder / "keys", "root*.key", "log.key")
    keys(city.data, folder / "newest", "root.key", "log.key")
    return Was(folder, new, old, post, before)


def erases(city: Instance, was: Was) -> None:
    """On a clock that is moved: a moment before its end a call can be read, and a moment after it can't."""
    [row] = city.asked(
        f"select bucket from bucket_key join event on event.key = bucket_key.id where event.id = '{was.old}'"
    )
    over = parse(row["bucket"].rpartition("/")[2] + ":00:00Z") + HOUR + 365 * DAY
    asyncio.run(looked(city.data, over - 1))
    assert OLD in asyncio.run(said(city.data, was.old))
    assert not asyncio.run(said(city.data, was.post))  # it was past its time long before
    asyncio.run(looked(city.data, over + SECOND))
    assert not asyncio.run(said(city.data, was.old))
    assert NEW in asyncio.run(said(city.data, was.new))
    found = {one["name"]: one for one in city.told("retention")["kept"]}
    assert [found[name]["destroyed"] for name in ("call-contents", "post-contents")] == [1, 1]
    city.keeper_again()  # it signs a checkpoint
    told = city.tutela("proof", found["call-contents"]["receipt"])
    assert "erasure@1" in told.stdout, told.stderr


@pytest.fixture(scope="module")
def was(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Was]:
    folder = tmp_path_factory.mktemp("rotated")
    with running(folder / "data", "--empty") as city:
        found = works(city, folder)
        erases(city, found)
        (folder / "gone").write_text(city.tutela("tombstones").stdout)
        city.stop()
    yield found
    for name in ("again", "without"):
        clear_away(folder / name)


def test_a_backup_from_before_is_restored_with_the_root_key_of_then_and_what_was_erased_since_stays_erased(
    was: Was,
) -> None:
    status, says = was.restore("again", "keys")

    assert status == 0, says
    assert "2 keys were destroyed again" in says
    assert (was.folder / "again" / ring.CURRENT).read_bytes() == was.before
    assert [path.name for path in (was.folder / "again").glob("root*")] == [ring.CURRENT]
    with running(was.folder / "again", "--empty") as city:
        assert NEW in asyncio.run(said(city.data, was.new))
        assert not asyncio.run(said(city.data, was.old))
        assert not asyncio.run(said(city.data, was.post))
        destroyed_at_once(city)
        assert NEW in asyncio.run(said(city.data, was.new))


def destroyed_at_once(city: Instance) -> None:
    """Only the new root key is left, and the log tells of both."""
    done = city.told("keys", "rotate", "--destroy-old")
    assert [path.name for path in city.data.glob("root*")] == [ring.CURRENT]
    assert ring.name_of((city.data / ring.CURRENT).read_bytes()) == done["after"]
    kinds = [row["kind"] for row in city.asked("select kind from event where subject = 'root-keys' order by at, kind")]
    assert sorted(kinds) == ["keys-rotated@1", "root-key-destroyed@1"]
    assert city.told("verify")["findings"] == []


def test_without_the_root_key_of_then_it_says_what_is_missing_and_leaves_nothing(was: Was) -> None:
    status, says = was.restore("without", "newest")

    assert (status, "restore the root key of this install" in says) == (1, True), says
    assert not list((was.folder / "without").glob("*"))
