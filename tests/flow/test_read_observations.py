"""Newest values and series: by the purposes of their sources, within their retention."""

from __future__ import annotations

import time

import numpy as np
import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, City, access, city, datastream, readings, source

from tutela.errors import BadInput, NotFound, Refused
from tutela.flow import read_observations
from tutela.model.people import Role
from tutela.model.rows import Rows
from tutela.model.when import DAY, SECOND

AIR = source("air", "environment")
HOMES = source("homes", "neighbourhood", personal_data=True)


@pytest.fixture
async def here() -> City:
    """Datastreams 1 to 3 are the air's, 4 and 5 are the homes'."""
    here = await city()
    await here.define(
        [AIR, HOMES],
        [
            datastream("air/1", "air"),
            datastream("air/2", "air"),
            datastream("air/people", "air", "counts"),
            datastream("homes/1", "homes"),
            datastream("homes/2", "homes"),
        ],
    )
    here.newest(readings((1, 0, 20.5), (2, -SECOND, 21.5), (4, 0, 3.0)))
    return here


def values(rows: Rows) -> dict[int, float]:
    return dict(zip(rows.datastream.tolist(), rows.result.tolist(), strict=True))


async def test_sources_are_listed_by_name(here: City) -> None:
    found = await here.reads.observations.sources(access())

    assert [one.name for one in found] == ["air", "homes"]
    assert [(query.query, query.count) for query in here.queries()] == [("sources", 2)]


async def test_newest_values_come_with_their_datastreams(here: City) -> None:
    found = await here.reads.observations.newest(access(), "live", "readings", ["air/2", "air/1"])

    assert values(found.rows) == {2: 21.5, 1: 20.5}
    assert [one.name for one in found.datastreams] == ["air/2", "air/1"]
    assert [(query.query, query.count) for query in here.queries()] == [("newest readings of air/2, air/1", 2)]


async def test_of_all_one_sees_what_the_purpose_may_see(here: City) -> None:
    found = await here.reads.observations.newest(access(), "live", "readings")

    assert values(found.rows) == {1: 20.5, 2: 21.5}
    assert [query.query for query in here.queries()] == ["newest readings of all"]


async def test_who_asks_by_name_for_another_purpose_is_refused(here: City) -> None:
    with pytest.raises(Refused):
        await here.reads.observations.newest(access(), "live", "readings", ["air/1", "homes/1"])

    assert [denial.query for denial in here.denials()] == ["newest readings of air/1, homes/1"]
    assert not here.queries()


async def test_a_refusal_does_not_depend_on_whether_there_is_a_value(here: City) -> None:
    with pytest.raises(Refused):
        await here.reads.observations.newest(access(), "live", "readings", ["homes/2"])


async def test_when_nothing_of_all_may_be_seen_it_is_refused(here: City) -> None:
    with pytest.raises(Refused):
        await here.reads.observations.newest(access(Role.IT, "system-operation"), "live", "readings")


async def test_no_values_are_no_error_for_who_may_see_them(here: City) -> None:
    assert len((await here.reads.observations.newest(access(), "import/x", "readings")).rows) == 0
    assert len((await here.reads.observations.newest(access(), "live", "counts", ["air/people"])).rows) == 0
    assert len((await here.reads.observations.newest(access(), "live", "readings", [])).rows) == 0
    with pytest.raises(Refused):
        await here.reads.observations.newest(access(Role.AUDITOR, "oversight"), "import/x", "readings")


async def test_a_name_that_was_defined_a_moment_ago_is_known(here: City) -> None:
    await here.facts.define((), [datastream("air/3", "air")])

    found = await here.reads.observations.newest(access(), "live", "readings", ["air/3", "air/1"])

    assert values(found.rows) == {1: 20.5}


async def test_a_name_that_nobody_knows_is_not_found(here: City) -> None:
    with pytest.raises(NotFound, match="'air/9'"):
        await here.reads.observations.newest(access(), "live", "readings", ["air/9"])


async def test_a_datastream_of_another_kind_is_told(here: City) -> None:
    with pytest.raises(BadInput, match="ask for counts"):
        await here.reads.observations.newest(access(), "live", "readings", ["air/people"])
    with pytest.raises(BadInput, match="no kind called 'herring'"):
        await here.reads.observations.newest(access(), "live", "herring")


async def test_a_long_list_of_names_makes_a_short_query(here: City) -> None:
    await here.reads.observations.newest(access(), "live", "readings", ["air/1", "air/2", "air/1", "air/2"])

    assert [query.query for query in here.queries()] == ["newest readings of air/1, air/2, air/1 and 1 more"]


async def test_nothing_is_shown_past_its_retention(here: City) -> None:
    await here.define([replace(AIR, retention_days=1)], [])
    here.now[0] = NOW + DAY

    found = await here.reads.observations.newest(access(), "live", "readings")

    assert values(found.rows) == {1: 20.5}


async def test_a_source_that_left_the_register_has_no_purpose_left(here: City) -> None:
    del here.facts.store.sources["homes"]
    await here.known.refresh()
    neighbour = access(Role.OPERATOR, "neighbourhood")

    with pytest.raises(Refused, match="another purpose"):
        await here.reads.observations.newest(neighbour, "live", "readings", ["homes/1"])


async def test_a_value_of_a_datastream_that_nobody_knows_is_left_out(here: City) -> None:
    here.newest(readings((1, 0, 20.5), (999, 0, 1.0)))

    assert values((await here.reads.observations.newest(access(), "live", "readings")).rows) == {1: 20.5, 2: 21.5}


async def test_a_series_is_the_lake_and_what_is_not_archived_yet(here: City) -> None:
    here.lake.put("live", "OBS-live", readings((1, -2 * SECOND, 1.0), (1, -SECOND, 2.0)), 0)
    await here.record(readings((1, 0, 3.0), (1, SECOND, 4.0)))

    found = await here.reads.observations.series(access(), "live", "air/1", NOW - SECOND, NOW + SECOND)

    assert found.rows.result.tolist() == [2.0, 3.0]
    assert [one.name for one in found.datastreams] == ["air/1", "air/1"]
    (query,) = here.queries()
    assert query.query == "readings of air/1 from 2026-11-25T07:59:59.000Z to 2026-11-25T08:00:01.000Z"


async def test_a_long_series_comes_in_parts_of_whole_moments(here: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_observations, "MOST", 3)
    here.lake.put("live", "OBS-live", readings(*((1, time, float(n)) for n, time in enumerate((0, 1, 2, 2, 3, 4)))), 0)
    parts, since = list[list[float]](), NOW
    while since:
        found = await here.reads.observations.series(access(), "live", "air/1", since, NOW + SECOND)
        parts.append(found.rows.result.tolist())
        since = found.more or 0

    assert parts == [[0.0, 1.0], [2.0, 3.0, 4.0], [5.0]]


async def test_a_moment_with_more_values_than_a_part_holds_is_told(here: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_observations, "MOST", 3)
    here.lake.put("live", "OBS-live", readings(*((1, 0, float(n)) for n in range(4))), 0)

    with pytest.raises(BadInput, match="more than 3 values"):
        await here.reads.observations.series(access(), "live", "air/1", NOW, NOW + SECOND)


async def test_a_series_of_another_purpose_is_refused(here: City) -> None:
    with pytest.raises(Refused):
        await here.reads.observations.series(access(), "live", "homes/1", NOW - SECOND, NOW)

    assert not here.queries()


@pytest.mark.parametrize(("since", "until"), [(NOW, NOW), (NOW, NOW - 1), (-(2**62), NOW), (NOW, 2**62)])
async def test_a_series_without_a_span_is_told(here: City, since: int, until: int) -> None:
    with pytest.raises(BadInput, match="a start and a later end"):
        await here.reads.observations.series(access(), "live", "air/1", since, until)


async def test_a_series_ends_where_its_retention_does(here: City) -> None:
    await here.define([replace(AIR, retention_days=1)], [])
    here.lake.put("live", "OBS-live", readings((1, -DAY - 1, 1.0), (1, -DAY, 2.0)), 0)

    found = await here.reads.observations.series(access(), "live", "air/1", NOW - 2 * DAY, NOW)
    assert found.rows.result.tolist() == [2.0]

    with pytest.raises(Refused) as refused:
        await here.reads.observations.series(access(), "live", "air/1", NOW - 2 * DAY, NOW - DAY)
    assert refused.value.policy == "F07-retention"


async def test_nothing_is_shown_when_the_log_is_down(here: City) -> None:
    here.facts.down = True

    for read in (
        here.reads.observations.sources(access()),
        here.reads.observations.newest(access(), "live", "readings"),
        here.reads.observations.series(access(), "live", "air/1", NOW - SECOND, NOW),
    ):
        with pytest.raises(Refused) as refused:
            await read
        assert refused.value.policy == "G33-audit"


async def test_ten_thousand_newest_values_take_less_than_200_ms(here: City) -> None:
    names = [f"many/{number}" for number in range(10_000)]
    ids = await here.define([], [datastream(name, "air") for name in names])
    here.newest(Rows("readings", np.array(ids, np.int32), np.full(10_000, NOW), {"result": np.ones(10_000)}))

    begun = time.process_time()
    found = await here.reads.observations.newest(access(), "live", "readings", names)
    spent = time.process_time() - begun

    assert len(found.rows) == len(found.datastreams) == 10_000
    assert spent < 0.2
