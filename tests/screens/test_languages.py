"""Public pages speak the reader's language: nothing lacks in any, and what a browser asks for is understood."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.model.when import DAY, HOUR, parse
from tutela.screens.languages import FIRST, NAMES, chosen, speech

ROOT = Path(__file__).parents[2]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("languages", ROOT / "scripts" / "languages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LANGUAGES = _script()


@pytest.mark.parametrize("code", NAMES)
def test_every_message_is_translated_and_names_what_its_english_words_name(code: str) -> None:
    messages = LANGUAGES.wanted()

    assert len(messages) > 5
    assert LANGUAGES.lacks(LANGUAGES.catalogue(code), messages) == []
    assert (ROOT / f"src/tutela/screens/languages/{code}.po").read_bytes() == LANGUAGES.brought_up(code, messages)


def test_a_translation_that_lacks_or_names_something_else_is_told() -> None:
    messages = {"Wait %(count)s days": {"x"}, "Gone": {"x"}}
    of = LANGUAGES.catalogue("fi")
    of.add("Wait %(count)s days", "Odota")
    of.add("Unsaid", "Sanomatta")

    told = " ".join(LANGUAGES.lacks(of, messages))

    assert "names other things than 'Wait %(count)s days'" in told
    assert "not translated: 'Gone'" in told
    assert "nobody says 'Unsaid' any more" in told


@pytest.mark.parametrize(
    ("wanted", "before", "accepts", "code"),
    [
        ("fi", "fr", "en", "fi"),
        ("xx", "fr", "fi", "fr"),
        ("", "", "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("", "", "sv,FI;q=0.3,en;q=0.2", "fi"),
        ("", "", "fi;q=0,de", FIRST),
        ("", "", "fr;q=0.5,fi;q=0.5", "fr"),
        ("../../x", "'", "", FIRST),
    ],
)
def test_the_language_is_what_is_wanted_then_what_was_then_what_the_browser_likes_best(
    wanted: str, before: str, accepts: str, code: str
) -> None:
    assert chosen(wanted, before, accepts) == code


@given(st.text(), st.text(), st.text(max_size=500))
def test_whatever_is_asked_for_there_is_a_language(wanted: str, before: str, accepts: str) -> None:
    assert chosen(wanted, before, accepts) in NAMES


def test_times_are_the_citys_and_written_as_people_there_write_them() -> None:
    at = parse("2026-11-28T22:30:00Z")  # the 29th in Helsinki

    assert [speech(code).day(at, "Europe/Helsinki") for code in NAMES] == [
        "29 November 2026",
        "29. marraskuuta 2026",
        "29 novembre 2026",
    ]
    assert "0.30" in speech("fi").time(at, "Europe/Helsinki")
    assert "2026" in speech("fr").moment(at, "Europe/Helsinki")
    assert speech("fr").ago(at, at + 3 * HOUR) == "il y a 3 heures"
    assert speech("en").ago(at + DAY, at) == "1 second ago"
    assert speech("fi").number(1234.5) == "1\N{NO-BREAK SPACE}234"
    assert speech("fr").number(8.25) == "8,2"
    assert {speech(code).direction for code in NAMES} == {"ltr"}


def test_a_message_that_nobody_translated_is_told_in_its_own_words() -> None:
    assert speech("fi").say("Nobody says this to %(name)s.", name="Aino") == "Nobody says this to Aino."
