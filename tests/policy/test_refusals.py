"""The table of refused uses is governance.md's (b), word for word, and refuses what is declared and nobody's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from tests.policy.test_decide import SHIPPED, TEXT
from tests.policy.test_purposes import ENTRY

from tutela import parts
from tutela.errors import Refused
from tutela.flow.rules import checked
from tutela.model.kinds import KINDS
from tutela.model.register import Datastream, Source, Thing
from tutela.model.rule import Rule, Term
from tutela.policy import refusals
from tutela.policy.purposes import PURPOSES, proper
from tutela.policy.refusals import NEVER, OFF, Never, declared, defined, plain, switched_off

MESSAGES = (
    "tutela does not score people. You can report an incident or open a case.",
    "Forecasts here are about places and times, never about a person or household.",
    "Faces can't be collected in bulk. A watch-list entry needs a lawful image and a reason.",
    "Reading feelings or intent from faces, gait or voice is not offered: it isn't reliable and is largely prohibited.",
    "Search by protected trait is not available. Try clothing colour, vehicle, direction or time.",
    "Live face search needs an authorisation naming target, place and time. None is valid now.",
    "Following a person across cameras needs an open case and a time limit.",
    "This source may not be used for this purpose (purpose limitation).",
    "The record of actions can't be turned off.",
    "Street audio is used only to recognise sounds such as glass or gunfire.",
    "A person must decide this. The system can only suggest.",
    "Not a public-safety purpose.",
)
"""Governance.md (b), in its order."""

ALL = tuple(NEVER.values())
NAMED = [(one, word) for one in ALL for word in one.names]
FOR = [(one, word) for one in ALL for word in one.purposes]
LAMP = Thing(id=0, name="lamp", kind="street-lamp", source="air")
STREAM = Datastream(
    id=0,
    name="lamp/power",
    source="air",
    thing="lamp",
    kind="readings",
    observed_property="power",
    unit="W",
)
WHEN: dict[str, object] = {"when": {"fact": "loud"}}
RULE = Rule(
    name="loud-street",
    says="It is loud.",
    purpose="public-safety",
    terms=(Term(part="threshold", name="loud", options={"observed_property": "noise", "high": 90.0, "low": 80.0}),),
    rule=WHEN,
)


def refused(one: Never, error: Refused) -> None:
    """It is that row's refusal: its id and its message, and where to look."""
    assert error.policy == one.id
    assert error.message.startswith(f"{one.says} ")
    assert error.message.endswith(": leave that out.")


def test_the_table_is_that_of_governance() -> None:
    assert tuple(one.says for one in ALL) == MESSAGES
    assert [one.id[:4] for one in ALL] == [f"R{number:02}-" for number in range(1, 13)]
    assert list(NEVER) == [one.id for one in ALL]
    assert all(one.what.endswith(".") and one.names for one in ALL)


def test_every_word_is_of_one_row_and_written_plainly() -> None:
    words = [word for one in ALL for word in (*one.names, *one.purposes, *one.switches)]

    assert len(words) == len(set(words))
    assert [word for word in words if plain(word) != word] == []


def test_the_policies_say_the_same_of_what_is_asked_of_records() -> None:
    told = {rule.id: f"{rule.msg} {rule.do}" for rule in SHIPPED.rules if rule.id in NEVER}
    advertising = TEXT[TEXT.index("R12-advertising") :].partition("]")[0].partition("[")[2]

    assert set(told) == {"R01-person-scores", "R12-advertising"}
    assert all(says.startswith(NEVER[id_].says) for id_, says in told.items())
    assert tuple(re.findall('"([^"]+)"', advertising)) == NEVER["R12-advertising"].purposes


@pytest.mark.parametrize(("one", "word"), NAMED, ids=[word for _, word in NAMED])
def test_a_refused_property_is_refused_in_a_source_a_thing_a_datastream_a_rule_and_a_part(
    one: Never, word: str
) -> None:
    term = replace(RULE.terms[0], options={"observed_property": word, "high": 1.0, "low": 0.0})
    for asks in (
        lambda: proper(replace(ENTRY, kind=word)),
        lambda: defined([replace(LAMP, kind=word)], []),
        lambda: defined([LAMP], [replace(STREAM, observed_property=word)]),
        lambda: checked(replace(RULE, terms=(term,))),
        lambda: checked(replace(RULE, rule={"when": {"all": [{"fact": ["loud", word]}]}})),
        lambda: parts.make("detectors", "threshold", {"name": "t", "observed_property": word, "high": 1.0, "low": 0.0}),
    ):
        with pytest.raises(Refused) as error:
            asks()
        refused(one, error.value)


@pytest.mark.parametrize(("one", "word"), FOR, ids=[word for _, word in FOR])
def test_a_refused_purpose_is_refused_in_a_source_and_a_rule(one: Never, word: str) -> None:
    term = "".join(part.capitalize() for part in word.split("-"))
    for name in (word, word.replace("-", " ").capitalize(), f"https://w3id.org/dpv#{term}", f"dpv:{term}"):
        with pytest.raises(Refused) as of_source:
            proper(replace(ENTRY, purposes=("environment", name)))
        refused(one, of_source.value)
        with pytest.raises(Refused) as of_rule:
            checked(replace(RULE, purpose=name))
        refused(one, of_rule.value)


@pytest.mark.parametrize("off", OFF)
@pytest.mark.parametrize("word", NEVER["R09-audit"].switches)
def test_the_record_can_not_be_switched_off_in_a_file(word: str, off: object) -> None:
    with pytest.raises(Refused) as error:
        switched_off({"source": {"name": "air"}, "thing": [{"settings": {word.replace("-", "_"): off}}]}, "air.toml")

    refused(NEVER["R09-audit"], error.value)


def test_a_record_that_stays_on_is_fine() -> None:
    switched_off({"audit": True, "log-reads": "on", "says": "off"}, "air.toml")


@pytest.mark.parametrize("word", ["skinColour", "Skin colour", "SKIN_COLOUR", "skin-colour", " skin__colour "])
def test_a_word_is_the_same_however_it_is_written(word: str) -> None:
    with pytest.raises(Refused, match="protected trait"):
        defined([], [replace(STREAM, observed_property=word)])


def ours() -> Iterator[str]:
    """All that is declared by what ships: parts, their needs and options, systems, kinds."""
    yield from KINDS
    for room in parts.ROOMS:
        for name in parts.names(room):
            part = parts.load(room, name)
            card = getattr(part, "card", None)
            yield from (name, *getattr(part, "__struct_fields__", ()))
            yield from (*card.needs, *declared(card.options)) if card and hasattr(card, "needs") else ()
    for name in parts.names(parts.SYSTEMS):
        yield from (
            word for use in parts.load(parts.SYSTEMS, name, "system").detectors for word in declared(use.options)
        )


def test_nothing_that_ships_is_refused() -> None:
    words = set(ours())

    assert {"threshold", "pm25", "call", "readings"} <= words
    refusals.names(words, "what ships")
    for purpose in PURPOSES:
        refusals.purpose(purpose, "what ships")


def test_nobody_is_refused_for_a_name_or_for_what_they_write() -> None:
    """Only what is declared counts: the Faith street, a rule about the marathon, a source of Speech & Sons."""
    source = Source(
        name="speech",
        owner="Race & Emotion Ltd",
        kind="sensors",
        purposes=("public-safety",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Intent Square",
        subjects=("Religion", "School exclusions"),
    )
    proper(source)
    defined(
        [replace(LAMP, name="religion", properties={"street": "faith", "religion": "christian"})],
        [replace(STREAM, name="speech", thing="race")],
    )
    checked(
        replace(
            RULE,
            name="religion",
            says="Speech, race and emotion at the advertising column.",
            rule={"when": {"any": [{"fact": "post:Religion"}, {"fact": ["call:Face match", "loud"]}]}},
        )
    )


def test_options_are_looked_at_where_they_declare_something() -> None:
    options = {
        "when": {"all": [{"fact": ["a", "b"]}, {"fact": "c"}]},
        "only": ["d"],
        "ranges": {"e": [0, 1]},
        "says": "f",
    }

    assert set(declared(options)) == {"a", "b", "c", "d", "e"}
    assert list(declared("speech")) == []
