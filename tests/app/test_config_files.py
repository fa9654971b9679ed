"""Configuration as text reads back as what it was, says nothing twice, and always says it in the same order."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela.app.config_files import entry_text, file_name, people_text
from tutela.app.sources import Entry, Reached, read
from tutela.model.people import Agent, Role
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(-90, 90, allow_nan=False)
PLACES = st.none() | st.builds(Place, lat=NUMBER, lon=NUMBER)
SOURCES = st.builds(
    Source,
    name=st.just("s"),
    owner=TEXT,
    kind=TEXT,
    purposes=st.lists(TEXT, max_size=3).map(tuple),
    legal_basis=TEXT,
    personal_data=st.booleans(),
    place=TEXT,
    retention_days=st.none() | st.integers(0, 10_000),
    dpia=st.none() | TEXT,
    ends=st.none() | st.integers(0, 2**53),
    simulated=st.booleans(),
    agency=TEXT,
)
THINGS = st.builds(
    Thing,
    id=st.just(0),
    name=TEXT,
    kind=TEXT,
    source=st.just("s"),
    place=PLACES,
    properties=st.dictionaries(TEXT, TEXT, max_size=3),
)
STREAMS = st.builds(
    Datastream,
    id=st.just(0),
    name=TEXT,
    source=st.just("s"),
    thing=TEXT,
    kind=TEXT,
    observed_property=TEXT,
    unit=TEXT,
    place=PLACES,
    interval=st.none() | st.floats(0.001, 1e6),
    purpose=TEXT,
)
VALUES = st.recursive(
    TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
TABLES = st.dictionaries(TEXT, VALUES, max_size=3)
REACHED = st.builds(
    Reached,
    part=TEXT,
    standard=TEXT,
    options=TABLES,
    reading=TABLES,
    secret=st.dictionaries(TEXT.filter(bool), st.just("canary-secret"), max_size=2),
)
ENTRIES = st.builds(
    Entry,
    source=SOURCES,
    connection=st.none() | REACHED,
    thing=st.lists(THINGS, max_size=3, unique_by=lambda one: one.name).map(tuple),
    datastream=st.lists(STREAMS, max_size=3, unique_by=lambda one: one.name).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ENTRIES)
def test_what_is_written_reads_back_as_it_was(tmp_path: Path, entry: Entry) -> None:
    file = tmp_path / "entry.toml"
    file.write_text(entry_text(entry), encoding="utf-8", newline="")
    again = read(file)

    assert again.source == entry.source
    assert again.thing == tuple(sorted(entry.thing, key=lambda one: one.name))
    assert again.datastream == tuple(sorted(entry.datastream, key=lambda one: one.name))
    assert entry_text(again) == entry_text(entry)
    if entry.connection is None:
        assert again.connection is None
    else:
        named = tuple(sorted(entry.connection.secret))
        assert again.connection == msgspec.structs.replace(entry.connection, secret={}, sealed=named)
        assert "canary-secret" not in file.read_text(encoding="utf-8")


def test_only_what_is_unusual_is_said() -> None:
    source = Source(
        name="air",
        owner="City",
        kind="sensors",
        purposes=("public-safety",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Kallio",
    )
    thing = Thing(id=7, name="mast", kind="mast", source="air", place=Place(lat=60.17, lon=24.94))

    assert entry_text(Entry(source=source, thing=(thing,))) == (
        '[source]\nname = "air"\nowner = "City"\nkind = "sensors"\npurposes = [\n    "public-safety",\n]\n'
        'legal_basis = "PublicInterest"\npersonal_data = false\nplace = "Kallio"\n\n'
        '[[thing]]\nname = "mast"\nkind = "mast"\nplace = { lat = 60.17, lon = 24.94 }\n'
    )


def test_how_a_source_is_reached_is_sorted_and_says_how_to_give_what_is_sealed() -> None:
    reached = Reached(
        part="broker",
        standard="topics",
        sealed=("user", "password"),
        options={"topics": ["city/#"], "host": "broker.example.org"},
        reading={"datastream": [{"topic": "city/+", "thing": "{topic/1}"}]},
    )
    source = Source(
        name="city air",
        owner="City",
        kind="sensors",
        purposes=(),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Kallio",
    )

    assert entry_text(Entry(source=source, connection=reached)).partition("\n\n")[2] == (
        "# Sealed, and in no file: password and user. `tutela config import DIR --secrets FILE` gives it, where FILE has\n"
        '# ["city air"]\n# password = …\n# user = …\n'
        '[connection]\npart = "broker"\nstandard = "topics"\nsealed = [\n    "password",\n    "user",\n]\n\n'
        '[connection.options]\nhost = "broker.example.org"\ntopics = [\n    "city/#",\n]\n\n'
        '[connection.reading]\ndatastream = [\n    { thing = "{topic/1}", topic = "city/+" },\n]\n'
    )


def test_people_are_told_by_role_and_never_by_name() -> None:
    text = people_text(
        [
            Agent(id="b", name="Aino", role=Role.IT, agency="police"),
            Agent(id="a", name="", role=Role.AUDITOR, agency="city"),
        ]
    )

    assert tomllib.loads(text)["person"] == [
        {"id": "a", "role": "auditor", "agency": "city"},
        {"id": "b", "role": "it", "agency": "police"},
    ]
    assert "Aino" not in text


@pytest.mark.parametrize(("name", "file"), [("air", "air.toml"), ("../x", "..%2Fx.toml"), ("a b", "a b.toml")])
def test_a_file_is_named_like_its_source_and_stays_in_its_folder(name: str, file: str) -> None:
    assert file_name(name) == file


def test_long_names_that_begin_alike_have_files_of_their_own(tmp_path: Path) -> None:
    names = ["ä" * 100 + end for end in ("", "a", "b")]

    for name in names:
        (tmp_path / file_name(name)).write_text(name)

    assert sorted(path.read_text() for path in tmp_path.iterdir()) == sorted(names)
