"""Places are found by the words that people call them by, on the map that ships."""

from __future__ import annotations

import pytest

from tutela.app.addresses import MOST, find


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("kaivokatu 1", "Kaivokatu 1"),
        ("1, Kaivokatu", "Kaivokatu 1"),
        ("Brunnsgatan", "Brunnsgatan"),
        ("KLUUVI", "Kluuvi"),
        ("narinkkat", "Narinkkatori"),
    ],
)
async def test_a_place_is_found_by_its_words(words: str, first: str) -> None:
    assert (await find(words))[0].name == first


async def test_a_house_number_is_meant_whole_and_so_much_is_offered() -> None:
    assert "Kaivokatu 10" not in [one.name for one in await find("kaivokatu 1")]
    assert len(await find("a")) == MOST


@pytest.mark.parametrize("words", ["", "  ,", "nowhere street"])
async def test_words_that_name_nothing_find_nothing(words: str) -> None:
    assert await find(words) == []


async def test_a_city_without_a_map_knows_no_address(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from pathlib import Path  # noqa: PLC0415  for one test

    from tutela.app import addresses  # noqa: PLC0415  as above

    monkeypatch.setattr(addresses, "extract", lambda: Path(f"{tmp_path}/none"))
    addresses._known.cache_clear()

    assert await find("kaivokatu 1") == []

    addresses._known.cache_clear()
