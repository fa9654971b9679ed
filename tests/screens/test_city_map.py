"""The map's file, for everybody: all of it or a range, never a mixture of two maps; and what its stylesheet writes can be read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_colours import DARK as THEIR_DARK
from tests.screens.test_colours import LIGHT as THEIR_LIGHT
from tests.screens.test_colours import contrast
from tests.screens.town import CITY_MAP

from tutela.app.city_map import CityMap
from tutela.app.settings import Settings
from tutela.screens import city_map
from tutela.screens.headers import harden
from tutela.screens.problem import HANDLERS

Client = AsyncTestClient[Litestar]
AT = city_map.AT
CSS = (Path(city_map.__file__).parent / "static" / "map.css").read_text()


def colours_of(css: str) -> list[dict[str, str]]:
    """Those of light pages, and those of dark ones."""
    blocks = re.findall(r":root \{([^}]*)\}", css)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


LIGHT, DARK = colours_of(CSS)
EVERY = [ours | theirs for ours, theirs in zip((LIGHT, DARK), (THEIR_LIGHT, THEIR_DARK), strict=True)]
GROUNDS = [f"map-{one}" for one in ("none", "land", "green", "sea", "building", "road")]
BODY = bytes(range(256)) * 3000


@pytest.fixture
async def mine(tmp_path: Path) -> AsyncIterator[Client]:
    """Somebody who asks for the map of an instance that has one of its own."""
    (tmp_path / "map").mkdir()
    (tmp_path / "map" / "city.pmtiles").write_bytes(BODY)
    app = Litestar(
        [city_map.routes(CityMap(Settings(tmp_path, {}), "Town"))],
        exception_handlers=HANDLERS,
        before_send=[harden],
        openapi_config=None,
        logging_config=None,
    )
    async with AsyncTestClient(app) as client:
        yield client


async def test_nobody_signs_in_to_see_the_map(stranger: Client) -> None:
    answer = await stranger.get(AT)

    assert answer.status_code == 200
    assert answer.content == CITY_MAP.file().read_bytes()
    assert answer.headers["content-type"] == "application/vnd.pmtiles"
    assert answer.headers["cache-control"].startswith("public")
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-126", 0, 127),
        ("bytes=300000-700000", 300_000, 700_001),
        ("bytes=767990-", 767_990, 768_000),
        ("bytes=-5", 767_995, 768_000),
        ("bytes=-9999999", 0, 768_000),
        ("bytes=767999-9999999", 767_999, 768_000),
    ],
)
async def test_a_range_is_those_bytes(mine: Client, asked: str, first: int, end: int) -> None:
    answer = await mine.get(AT, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, BODY[first:end])
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(BODY)}"
    assert answer.headers["content-length"] == str(end - first)


@pytest.mark.parametrize("asked", ["bytes=768000-", "bytes=9-3", "bytes=-0"])
async def test_a_range_that_is_not_there_says_how_much_there_is(mine: Client, asked: str) -> None:
    answer = await mine.get(AT, headers={"Range": asked})

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */768000")
    assert "768000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["lines=0-3", "bytes=-", "bytes=0-1,5-9", "bytes=a-b", "bytes=" + "9" * 99 + "-"])
async def test_what_is_no_range_gets_all(mine: Client, asked: str) -> None:
    answer = await mine.get(AT, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, BODY)


async def test_who_has_the_map_is_not_sent_it_again(mine: Client) -> None:
    tag = (await mine.get(AT)).headers["etag"]

    answer = await mine.get(AT, headers={"If-None-Match": f'"other", {tag}'})

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)


async def test_who_is_in_the_middle_of_a_map_that_was_built_anew_gets_all_of_the_new_one(
    mine: Client, tmp_path: Path
) -> None:
    tag = (await mine.get(AT)).headers["etag"]
    asked = {"Range": "bytes=0-9", "If-Range": tag}
    assert (await mine.get(AT, headers=asked)).status_code == 206

    (tmp_path / "map" / "city.pmtiles").write_bytes(BODY[:-1])

    answer = await mine.get(AT, headers=asked)
    assert (answer.status_code, answer.content) == (200, BODY[:-1])
    assert answer.headers["etag"] != tag


async def test_a_city_without_a_map_says_how_to_make_one(mine: Client, tmp_path: Path) -> None:
    (tmp_path / "map" / "city.pmtiles").unlink()

    answer = await mine.get(AT)

    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert "tutela map build" in answer.json()["detail"]


@pytest.mark.parametrize("colours", EVERY, ids=["light", "dark"])
def test_names_and_numbers_on_a_picture_stand_out(colours: dict[str, str]) -> None:
    pairs = [("text", ground) for ground in GROUNDS] + [("sheet", f"p{one}") for one in (1, 2, 3, 4)]
    low = {pair: round(contrast(*(colours[one] for one in pair)), 2) for pair in pairs}

    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("colours", EVERY, ids=["light", "dark"])
def test_marks_and_rings_stand_out_from_the_ground(colours: dict[str, str]) -> None:
    pairs = [(mark, ground) for mark in ("p1", "p2", "p3", "p4") for ground in GROUNDS]
    low = {pair: round(contrast(*(colours[one] for one in pair)), 2) for pair in pairs}

    assert {pair: ratio for pair, ratio in low.items() if ratio < 3} == {}


def test_both_schemes_have_every_colour_and_nothing_has_another() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert not re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r":root \{[^}]*\}", "", CSS))
