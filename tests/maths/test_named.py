"""What a text names is found by declared patterns, and what is no name is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tutela.maths.named import AROUND, PATTERNS, mentions, normal, plain, said, says
from tutela.model.link import EntityKind


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("Ring me: +358 40 123 4567 or 09-123 456.", EntityKind.PHONE, ["+358 40 123 4567", "09-123 456"]),
        ("At 2026-11-25 08:00, 12345 people, 60.171819 north.", EntityKind.PHONE, []),
        ("The van ABC-123 hit AB-1; form XYZ-1234 did not.", EntityKind.PLATE, ["ABC-123", "AB-1"]),
        (
            "From Kalevankatu 5 to Mannerheimintie, by Hämeentie 12b.",
            EntityKind.ADDRESS,
            ["Kalevankatu 5", "Mannerheimintie", "Hämeentie 12b"],
        ),
        ("He lives at 12 Baker Street, I think.", EntityKind.ADDRESS, ["12 Baker Street"]),
        (
            "My name is Matti Meikäläinen. Mrs Korhonen saw it, and a man named Onni.",
            EntityKind.NAME,
            ["Matti Meikäläinen", "Korhonen", "Onni"],
        ),
        ("Helsinki is cold. The Station is full. mrs nobody.", EntityKind.NAME, []),
    ],
)
def test_the_patterns_find_what_they_say(text: str, kind: EntityKind, names: list[str]) -> None:
    assert sorted(one.name for one in mentions(text) if one.kind is kind) == sorted(names)


def test_a_mention_quotes_the_words_around_it() -> None:
    text = "x" * 100 + " ABC-123 " + "y" * 100

    (one,) = mentions(text)

    assert one.quote == f"…{'x' * (AROUND - 1)} ABC-123 {'y' * (AROUND - 1)}…"
    assert one.because == "plate"


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (EntityKind.PHONE, "+358 40 123-4567", "00358401234567"),
        (EntityKind.PLATE, "abc 123", "ABC-123"),
        (EntityKind.ADDRESS, "kalevankatu  5", "Kalevankatu 5"),
    ],
)
def test_one_thing_has_one_way_to_be_written(kind: EntityKind, one: str, other: str) -> None:
    assert normal(kind, one) == normal(kind, other)
    assert said(f"It says {other}!", kind, one) is not None


def test_what_a_text_does_not_say_it_does_not_say() -> None:
    assert said("A man in a van", EntityKind.PLACE, "A man  in") == "A man in a van"
    assert said("A man in a van", EntityKind.PLACE, "an in") is None
    assert said("A man in a van", EntityKind.NAME, "a.van") is None


@pytest.mark.parametrize(
    ("text", "words", "does"),
    [
        ("The van XYZ 901 is back", "xyz-901", True),
        ("Ring 040 123 4567", "0401234567", True),
        ("A blue  van", "blue van", True),
        ("a b c", "abc", False),
        ("The bus 1 2", "12", False),
        ("Ring 040 123 4567.", "(040) 1234567", True),
        ("Ring 040 123 4567", "040 123", True),
        ("Ring 040 123 4567", "40 123 4567", False),
        ("The van XYZ901", "xyz 901", True),
        ("Cai Carlsson was there", "carlsson", True),
        ("Cai Carlsson was there", "Carlsson.", True),
        ("Cai Carlsson was there", "carlsso", False),
        ("Cai Carlsson was there", "arlsson", False),
        ("Cai Carlsson, 7", "carlsso n7", False),
        ("Cai Carlsson, 7", "carl sson 7", False),
        ("Cai Carls\u00f6n", "carlso\u0308n", True),
        ("Cai Carlsson", ",", False),
        ("", ".", False),
    ],
)
def test_words_are_found_and_numbers_however_they_are_spaced(text: str, words: str, *, does: bool) -> None:
    assert says(text, words) is does


@given(some.text())
def test_any_text_is_read_to_its_end_and_each_mention_stands_in_it(text: str) -> None:
    for one in mentions(text):
        assert one.name in text
        assert said(text, one.kind, one.name) is not None
    assert plain(plain(text)) == plain(text)


def test_every_pattern_says_what_it_finds() -> None:
    assert len({one.name for one in PATTERNS}) == len(PATTERNS)
    assert all(one.says for one in PATTERNS)
