"""Places are found by the words that people call them by, on the map that ships."""

from __future__ import annotations

import pytest

from tutela.app.addresses import MOST, Addresses
from tutela.model.place import Place

HERE = Addresses("Helsinki")
find, named = HERE.find, HERE.named


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
    assert [one.name for one in await find("kaivokatu 1")] == ["Kaivokatu 1"]
    assert "Kaivokatu 10" not in [one.name for one in await find("kaivo 1")]
    assert len(await find("a")) == MOST


@pytest.mark.parametrize("words", ["", "  ,", "nowhere street"])
async def test_words_that_name_nothing_find_nothing(words: str) -> None:
    assert await find(words) == []


async def test_a_point_goes_by_the_name_of_the_nearest_house() -> None:
    (house, *_) = await find("kaivokatu 1")
    beside = Place(lat=house.place.lat + 0.00003, lon=house.place.lon)

    assert await named(house.place) == await named(beside) == "Kaivokatu 1"


async def test_a_name_in_another_language_is_found_and_the_maps_own_is_told() -> None:
    (street, *_) = await find("brunnsgatan")

    assert await named(street.place) == "Mikonkatu"


async def test_a_point_that_nothing_with_a_name_is_near_has_none() -> None:
    assert await named(Place(lat=59.0, lon=24.0)) == ""


async def test_a_city_that_brings_no_extract_knows_no_address() -> None:
    assert await Addresses("Elsewhere").find("kaivokatu 1") == []
    assert await Addresses("Elsewhere").named(Place(lat=60.17, lon=24.94)) == ""
