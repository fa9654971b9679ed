"""Reads of reports and public posts: whole for whom a duty needs it, bare for others, and no longer than their time."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, City, access, city, source

from tutela.errors import Refused
from tutela.maths.cells import cell_of
from tutela.model.flow import encode
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.report import ServiceRequest
from tutela.model.telling import Telling, word_of
from tutela.model.when import DAY, MINUTE

HERE = Place(lat=60.17, lon=24.94)
REPORT = ServiceRequest(
    id="638344",
    timeline="live",
    source="portal",
    at=NOW - 3 * DAY,
    place=HERE,
    cell=cell_of(HERE),
    category="Trees: fallen tree",
    said="in front of my door",
)
POST = Post(
    id="p-1",
    timeline="live",
    source="feed",
    at=NOW - MINUTE,
    place=HERE,
    cell=cell_of(HERE),
    category="Fire",
    said="smoke over my street",
)


@pytest.fixture
async def here() -> City:
    here = await city()
    await here.define([source("portal", "city-operations", personal_data=True)], [])
    await here.define([source("feed", "public-safety", personal_data=True)], [])
    return here


async def told(here: City, one: Telling, id_: str) -> str:
    """Record it as flow/record.py does; the key of its bucket."""
    key, body = await here.keys.seal(f"x/{word_of(one)}s/{id_}", encode(one))
    event = here.event(f"{word_of(one)}@1", id_, body, id=id_, key=key)
    await here.facts.tell(replace(one, id=id_), event, ())
    return key


async def test_an_operator_reads_what_was_written_and_each_is_named(here: City) -> None:
    await told(here, REPORT, "r1")
    await told(here, POST, "p1")

    assert await here.reads.told.newest(access(), "report", "live") == [replace(REPORT, id="r1")]
    assert await here.reads.told.newest(access(), "post", "live", 5) == [replace(POST, id="p1")]

    assert [(one.query, one.count, one.persons) for one in here.queries()] == [
        ("the newest 50 reports", 1, ("r1",)),
        ("the newest 5 posts", 1, ("p1",)),
    ]


async def test_an_analyst_reads_that_there_were_some_and_no_words(here: City) -> None:
    await told(here, REPORT, "r1")
    await told(here, POST, "p1")

    reports = await here.reads.told.newest(access(Role.ANALYST, "statistics"), "report", "live")
    posts = await here.reads.told.newest(access(Role.ANALYST, "statistics"), "post", "live")

    assert (reports, posts) == ([replace(REPORT.bare(), id="r1")], [replace(POST.bare(), id="p1")])
    assert [one.persons for one in here.queries()] == [(), ()]


async def test_an_auditor_is_refused(here: City) -> None:
    await told(here, REPORT, "r1")

    with pytest.raises(Refused):
        await here.reads.told.newest(access(Role.AUDITOR, "oversight"), "report", "live")


async def test_of_what_was_erased_the_bare_rest_is_read(here: City) -> None:
    await here.keys.destroy(await told(here, POST, "p1"))

    assert await here.reads.told.newest(access(), "post", "live") == [replace(POST.bare(), id="p1")]


async def test_a_post_of_yesterday_is_not_there_and_does_not_hide_those_of_today(here: City) -> None:
    await told(here, replace(POST, at=NOW - DAY), "old")
    assert await here.reads.told.newest(access(), "post", "live") == []

    await told(here, POST, "new")
    assert [one.id for one in await here.reads.told.newest(access(), "post", "live")] == ["new"]


async def test_what_was_told_in_the_clear_is_read_too(here: City) -> None:
    event = here.event("report@1", "r1", encode(REPORT), id="r1")
    await here.facts.tell(replace(REPORT, id="r1"), event, ())

    assert await here.reads.told.newest(access(), "report", "live") == [replace(REPORT, id="r1")]


async def test_what_a_source_tells_that_is_no_longer_in_the_register_is_the_citys_own(here: City) -> None:
    await told(here, replace(REPORT, source="gone"), "r1")

    assert len(await here.reads.told.newest(access(), "report", "live")) == 1
