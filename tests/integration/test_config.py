"""The register goes into files and comes back: told first, then done, and the same bytes again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.running import Instance, datastream, entry, running, until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("configured") / "data", "--empty") as instance:
        instance.enter("air", datastream("air/a", "pm25", unit="ug/m3"), datastream("air/b"), retention_days=30)
        instance.enter("buses", datastream("buses/1", kind="positions"), personal_data=True, owner='The "Line" Ltd')
        instance.enrol("operator", "Aino Canary")
        yield instance


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("other") / "data", "--empty") as instance:
        yield instance


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.toml")}


def test_an_import_into_another_city_exports_the_same_bytes(town: Instance, other: Instance, tmp_path: Path) -> None:
    town.told("config", "export", tmp_path / "a")
    told = [
        (one["how"], one["what"], one["name"]) for one in other.told("config", "import", tmp_path / "a", "--dry-run")
    ]
    [(person, _)] = [(name, how) for how, what, name in told if what == "person"]
    expected = [
        ("stays", "person", person),
        ("new", "source", "air"),
        ("new", "thing", "air mast"),
        ("new", "datastream", "air/a"),
        ("new", "datastream", "air/b"),
        ("new", "source", "buses"),
        ("new", "thing", "buses mast"),
        ("new", "datastream", "buses/1"),
    ]
    assert told == expected
    assert other.asked("select name from source") == []

    other.told("config", "import", tmp_path / "a")
    other.told("config", "export", tmp_path / "b")
    again = other.told("config", "import", tmp_path / "a", "--dry-run")

    first, second = written(tmp_path / "a"), written(tmp_path / "b")
    assert {name: text for name, text in first.items() if name != "people.toml"} == {
        name: text for name, text in second.items() if name != "people.toml"
    }
    assert [one["how"] for one in again] == ["stays"]
    assert len(other.asked("select 1 from event where kind in ('source@1', 'datastreams@1')")) == 4


def test_an_export_is_always_the_same_and_holds_no_secret(town: Instance, tmp_path: Path) -> None:
    for name in ("a", "b"):
        town.told("config", "export", tmp_path / name)
    token = town.told("sources", "enter", source_file(tmp_path, "air", town))["token"]
    town.told("config", "export", tmp_path / "a")

    assert written(tmp_path / "a") == written(tmp_path / "b")
    everything = b"".join(written(tmp_path / "a").values())
    assert token.encode() not in everything
    assert b"Canary" not in everything
    assert b'role = "operator"' in everything


def source_file(folder: Path, name: str, town: Instance) -> Path:
    folder.mkdir(exist_ok=True)
    town.told("config", "export", folder / "one")
    return folder / "one" / "sources" / f"{name}.toml"


def test_a_change_in_a_file_is_told_with_both_sides_and_then_made(town: Instance, tmp_path: Path) -> None:
    town.told("config", "export", tmp_path)
    file = tmp_path / "sources" / "air.toml"
    file.write_text(file.read_text().replace("retention_days = 30", "retention_days = 7").replace('"pm25"', '"pm10"'))

    told = town.tutela("config", "import", tmp_path, "--dry-run").stdout
    assert "~ source air: retention_days 30 -> 7" in told
    assert '~ datastream air/a: observed_property "pm25" -> "pm10"' in told
    assert "Nothing was changed yet" in told

    assert "All of it is done." in town.tutela("config", "import", tmp_path).stdout
    assert "Nothing differs." in town.tutela("config", "import", tmp_path).stdout
    events = town.asked("select kind from event where subject = 'air' order by at")
    assert [row["kind"] for row in events][-2:] == ["source@1", "datastreams@1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (entry("air2", datastream("air/a")), "belongs to the source 'air'"),
        (entry("new", datastream("new/a"), purposes=["curiosity"]), "curiosity"),
        ("[source]\nname = 5", "can't be read"),
    ],
    ids=["a name that is taken", "no such purpose", "no entry"],
)
def test_a_file_that_can_not_be_is_refused_before_anything_is_changed(
    town: Instance, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.toml").write_text(entry("fine", datastream("fine/a")))
    (tmp_path / "sources" / "b.toml").write_text(text.replace("air2 mast", "mast of air2"))
    done = town.tutela("config", "import", tmp_path)

    assert (done.returncode, says in " ".join(done.stderr.split())) == (1, True), done.stderr
    assert town.asked("select name from source where name = 'fine'") == []


def test_names_that_are_there_twice_and_folders_of_others_are_refused(town: Instance, tmp_path: Path) -> None:
    assert "there are no files in" in town.tutela("config", "import", tmp_path).stderr
    (tmp_path / "sources").mkdir()
    for name in ("a", "b"):
        (tmp_path / "sources" / f"{name}.toml").write_text(entry("fine", datastream("fine/a")))

    assert "the source 'fine' is there twice" in town.tutela("config", "import", tmp_path).stderr
    assert "is of no source of this instance" in " ".join(town.tutela("config", "export", tmp_path).stderr.split())


SECRET = "canary-secret-5d0e"
REACHED = f"""[connection]
part = "poll"
standard = "wzdx"
options = {{ url = "https://feed.invalid/roads", every = 3600 }}
secret = {{ headers = {{ X-Key = "{SECRET}" }} }}
"""


def changes(town: Instance, *words: str | Path) -> list[tuple[str, str, str]]:
    return [
        (one["how"], one["name"], one["says"])
        for one in town.told("config", "import", *words)
        if one["what"] == "connection"
    ]


def test_how_a_source_is_reached_goes_into_another_city_and_its_secret_only_by_a_file_of_its_own(
    town: Instance, other: Instance, tmp_path: Path
) -> None:
    (tmp_path / "roads.toml").write_text(entry("roads", REACHED))
    town.told("sources", "enter", tmp_path / "roads.toml")
    text = source_file(tmp_path, "roads", town).read_text()
    assert SECRET not in text
    assert 'sealed = [\n    "headers",\n]' in text
    folder = tmp_path / "only"
    (folder / "sources").mkdir(parents=True)
    (folder / "sources" / "roads.toml").write_text(text)
    lacking = "not connected: its headers is in no file; give it with --secrets FILE"
    assert changes(other, folder) == [("stays", "roads", lacking)]
    assert other.asked("select 1 from connection") == []

    given = tmp_path / "secrets.toml"
    given.write_text(f'[roads]\nheaders = {{ X-Key = "{SECRET}" }}\n')
    assert changes(other, folder, "--secrets", given, "--dry-run") == [("new", "roads", "")]
    assert changes(other, folder, "--secrets", given) == [("new", "roads", "")]
    assert changes(other, folder, "--secrets", given) == []
    assert changes(other, folder) == []  # what is sealed there stays
    spoken = "select 1 from thing where name = 'roads/connection'"
    until(lambda: town.asked(spoken) and other.asked(spoken), "both connections tell of themselves")
    for instance in (town, other):
        assert source_file(tmp_path / instance.data.parent.name, "roads", instance).read_text() == text

    (folder / "sources" / "roads.toml").write_text(text.replace("feed.invalid", "thief.invalid"))
    [(how, _, says)] = changes(other, folder)
    assert (how, says.rpartition("): ")[2]) == (
        "stays",
        "its headers was for the old options; give it again with --secrets FILE",
    )
    entered = other.tutela("sources", "enter", folder / "sources" / "roads.toml")
    assert entered.returncode == 1
    assert "only names headers, and what is kept was for the old options" in " ".join(entered.stderr.split())
    assert "thief" not in str(other.asked("select entry::text from connection"))

    (folder / "sources" / "roads.toml").write_text(text.replace("every = 3600", "every = 60"))
    given.write_text('[roads]\nheaders = { X-Key = "another-7731" }\n')
    says = "options.every 3600 -> 60, the secret headers"
    assert changes(other, folder, "--secrets", given) == [("changed", "roads", says)]
    assert changes(other, folder, "--secrets", given) == []
    for instance in (town, other):
        assert instance.holding(SECRET.encode()) == instance.holding(b"another-7731") == []


def test_a_connection_that_could_never_run_stops_the_import_before_anything_is_changed(
    town: Instance, tmp_path: Path
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.toml").write_text(entry("unheard", REACHED.replace("every = 3600", 'every = "often"')))
    (tmp_path / "secrets.toml").write_text("[nobody]\nheaders = {}\n")
    wrong = town.tutela("config", "import", tmp_path)
    others = town.tutela("config", "import", tmp_path, "--secrets", tmp_path / "secrets.toml")

    assert "the connection of unheard: poll in sources: Expected `float`" in " ".join(wrong.stderr.split())
    assert "has secrets of 'nobody', which no file enters" in " ".join(others.stderr.split())
    assert town.asked("select name from source where name = 'unheard'") == []
