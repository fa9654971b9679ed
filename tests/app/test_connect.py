"""What is fetched and listened to leaves the disk's last room to the facts, as what is sent does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import numpy as np
import pytest
from tests.flow.trace_support import keeping

from tutela.app import importing
from tutela.app.connect import connecting, door
from tutela.app.core import Core, clock
from tutela.app.settings import settings
from tutela.backends import disk
from tutela.backends.disk import DiskState
from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import StorageFull
from tutela.flow.catalogue import Known
from tutela.flow.entering import define, enter
from tutela.flow.health import Health
from tutela.flow.trace import UNTRACED
from tutela.model.flow import Offer
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.timeline import LIVE

SOURCE = Source(
    name="feed",
    owner="City",
    kind="feed",
    purposes=("traffic",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="everywhere",
)
STREAM = Datastream(id=0, name="feed/a", source="feed", thing="t", kind="readings", observed_property="x", unit="1")


async def offered(data: Path) -> None:
    """One row to the gateway behind the connections."""
    facts = MemoryFacts(Store(lambda: 0))
    await enter(facts, SOURCE, "test", clock())
    await define(facts, (), [STREAM], "test", clock())
    known = Known(facts, 4)
    await known.refresh()
    inside = cast(
        "Core",
        SimpleNamespace(
            settings=settings(data, env={}), streams=MemoryStreams(), keys=MemoryKeys(), known=known, traces=UNTRACED
        ),
    )
    rows = Rows("readings", np.array([1], np.int32), np.array([clock()], np.int64), {"result": np.array([1.0])})

    await door(inside, Health()).give(Offer(source="feed", timeline=LIVE, rows=rows))


def test_a_connection_stores_no_telemetry_on_a_disk_that_is_low(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "look", lambda path: DiskState(path, 1 << 40, 1 << 20, 0, 0))

    with pytest.raises(StorageFull, match="the disk is low, 1 MB are free"):
        asyncio.run(offered(tmp_path))


async def test_whatever_people_tell_is_followed_by_one_name_however_it_comes(tmp_path: Path) -> None:
    """A post that is fetched or imported is no call."""
    facts = MemoryFacts(Store(clock))
    feed = msgspec.structs.replace(SOURCE, purposes=("public-safety",), personal_data=True)
    await enter(facts, feed, "test", clock())
    known = Known(facts, 4)
    await known.refresh()
    post = Post(id="1", timeline=LIVE, source="feed", at=clock(), place=Place(lat=60, lon=25), cell=0, category="Fire")
    mapping = importing.mapping("beijing-air")
    with keeping() as traces:
        inside = cast(
            "Core",
            SimpleNamespace(
                settings=settings(tmp_path, env={}),
                streams=MemoryStreams(),
                keys=MemoryKeys(),
                known=known,
                facts=facts,
                install=SimpleNamespace(ways=4),
                traces=traces,
            ),
        )
        await connecting(inside, "test", door(inside, Health()), Health())._line("feed", 1).speak(post)
        wanted = importing.Wanted(tmp_path, "beijing-air", "import/air")
        _, importer = importing._doors(inside, wanted, mapping, lambda *_: None)
        await importer.tell(post)

        assert [span.name for span in traces.spans()] == ["tell", "tell"]
