"""The command line, as a person and as a program use it: every verb, its help, its errors, its exit codes."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.integration.running import (
    Instance,
    Person,
    clear_away,
    datastream,
    entry,
    free_port,
    running,
    tutela,
    until,
)

from tutela.cli import main

pytestmark = pytest.mark.integration

VERBS = ["up", "work", "serve", "keep", "connect", "city", "invite", "import", "replay", "verify", "parts", "doctor"]
VERBS += ["sources list", "sources enter", "sources device", "letters list", "letters revive", "proof", "witness"]
VERBS += ["witness-settled", "witnesses enter", "witnesses list", "witnesses end"]
PYTHON = [sys.executable]
AGAIN = "import subprocess, sys, tutela; sys.exit(subprocess.call([sys.executable, '-c', 'import tutela']))"
"""A program that starts python again, as `tutela up` does."""

MAPPING = """
about = "Three days of a well"
tick = "1h"
[source]
name = "well"
owner = "Tests"
kind = "files"
purposes = ["environment"]
legal_basis = "PublicInterest"
personal_data = false
place = "A garden"
[time]
column = "when"
zone = "Europe/Helsinki"
[[datastream]]
name = "well/{station}"
thing = "well/{station}"
place = "{station}"
result = "level"
observed_property = "level"
unit = "m"
interval = 3600
[places]
north = [60.2, 24.9]
south = [60.1, 24.9]
"""
GOOD = 144
BAD = ["2026-03-03 00:00,north,high", "2026-03-03 00:00,,1.0", ",north,1.0"]


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nowhere") / "data"


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small recorded table, with rows that can't be understood, and its mapping."""
    folder = tmp_path_factory.mktemp("well")
    rows = [
        f"2026-03-0{hour // 24 + 1} {hour % 24:02}:00,{station},{1 + hour / 100}"
        for hour in range(72)
        for station in ("north", "south")
    ]
    (folder / "well.csv").write_text("\n".join(["when,station,level", *rows, *BAD]) + "\n")
    (folder / "well.toml").write_text(MAPPING)
    return folder / "well.csv", folder / "well.toml"


# ── help and errors, without an instance ────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does_and_what_it_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert "Usage:" in told
    assert "--data" in told or verb == "parts"


def test_without_a_verb_it_lists_the_verbs() -> None:
    done = tutela()
    assert done.returncode == 2
    for verb in ("up", "work", "import", "replay", "verify", "parts", "sources", "letters", "doctor", "invite"):
        assert f"\n  {verb} " in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [("verify",), ("replay",), ("invite",), ("sources", "list"), ("letters", "list"), ("work",), ("verify", "--json")],
)
def test_where_nothing_was_started_each_verb_says_what_to_do(words: tuple[str, ...], nowhere: Path) -> None:
    done = tutela(*words, "--data", nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"tutela: nothing was ever started in {nowhere}; run `tutela up` there")
    assert not nowhere.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nonsense",), "nonsense"),
        (("invite", "boss"), "'operator', 'supervisor'"),
        (("up", "--port", "99999"), "65535"),
        (("up", "--workers", "0"), "--workers"),
        (("import", "/no/such/file.csv", "--mapping", "beijing-air"), "/no/such/file.csv"),
    ],
)
def test_what_can_not_be_meant_is_told_before_anything_happens(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("name", ["TUTELA_PORT", "TUTELA_MQTT_PORT"])
def test_a_wrong_port_in_the_environment_is_a_clear_error(name: str, nowhere: Path) -> None:
    done = tutela("verify", "--data", nowhere, env={name: "many"})
    assert (done.returncode, f"{name} is 'many'" in done.stderr) == (1, True)


def test_parts_are_listed_by_room() -> None:
    done = tutela("parts", "--json")
    found = json.loads(done.stdout)
    assert {"burst", "correlation", "silence", "threshold", "unusual"} <= found["detectors"].keys()
    assert all(line for room in found.values() for line in room.values())
    assert "threshold" in tutela("parts").stdout


def test_the_doctor_works_with_nothing_there(nowhere: Path) -> None:
    done = tutela("doctor", "--data", nowhere, "--json")
    assert done.returncode == 1
    wrong = [one for one in json.loads(done.stdout) if one["health"] == "bad"]
    assert [one["what"] for one in wrong] == ["nothing was ever started here"]
    assert "tutela up" in wrong[0]["do"]


# ── importing ───────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_shows_what_would_be_mapped_and_refused(well: tuple[Path, Path], nowhere: Path) -> None:
    table, mapping = well
    done = tutela("import", table, "--mapping", mapping, "--dry-run", "--json", "--data", nowhere)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["things"] == 2
    assert sum(told["rows"].values()) == GOOD
    assert sum(told["refused"].values()) == len(BAD)
    words = tutela("import", table, "--mapping", mapping, "--dry-run", "--data", nowhere).stdout
    assert "Nothing was stored." in words
    assert not nowhere.exists()


def test_a_mapping_that_there_is_not_is_told_with_those_that_there_are(well: tuple[Path, Path], nowhere: Path) -> None:
    done = tutela("import", well[0], "--mapping", "nonsense", "--data", nowhere)
    assert done.returncode == 1
    assert "beijing-air, houston, ilinet, london-air, los-loop, montgomery911, nab, stlouis" in done.stderr


def test_an_import_is_durable_once_on_its_own_timeline(
    city: Instance, well: tuple[Path, Path], operator: Person
) -> None:
    words = ("import", well[0], "--mapping", well[1], "--timeline", "import/cli")
    done = city.told(*words)
    assert done["observations"] == GOOD
    assert sum(done["refused"].values()) == len(BAD)
    again = city.told(*words)
    assert again["observations"] in (0, GOOD)
    series = operator.series("well/north", "2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z", timeline="import/cli")
    assert [result for _, result in series][:3] == [1.02, 1.03, 1.04]  # two hours before midnight UTC are another day's
    assert len(series) == GOOD // 2 - 2


# ── a running instance ──────────────────────────────────────────────────────────────────────────


def test_sources_are_entered_and_listed(city: Instance, tmp_path: Path) -> None:
    file = tmp_path / "entered.toml"
    file.write_text(entry("entered", datastream("entered/a"), datastream("entered/b")))
    told = city.told("sources", "enter", file)
    assert told["source"] == "entered"
    assert len(told["token"]) > 40
    assert "entered" in {one["name"] for one in city.told("sources", "list")}
    assert "\n entered " in city.tutela("sources", "list").stdout


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('"public-safety"', '"curiosity"', "curiosity"),
        ('"PublicInterest"', '"Because"', "VitalInterest"),
        ('kind = "readings"', 'kind = "wishes"', "readings"),
        ("personal_data = false", "", "personal_data"),
        ("[source]", "[source", "can't be read"),
    ],
)
def test_a_source_that_can_not_be_entered_is_told_why(
    city: Instance, tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(entry("wrong", datastream("wrong/a")).replace(was, becomes, 1))
    done = city.tutela("sources", "enter", file)
    assert done.returncode == 1
    assert done.stderr.startswith("tutela: ")
    assert says in done.stderr


def test_a_code_works_once(city: Instance) -> None:
    told = city.told("invite", "analyst")
    person = city.come_in(told["code"].lower(), "Ada")
    assert person.http.get("/v1/me").json()["role"] == "analyst"
    again = city.client().post("/v1/enrol", json={"code": told["code"], "name": "Eve"})
    assert again.status_code == 409


def test_an_invitation_says_until_when_the_role_lasts(city: Instance) -> None:
    person = city.come_in(city.told("invite", "analyst", "--until", "2099-01-01T00:00:00+02:00")["code"], "Mary")
    done = city.tutela("invite", "--until", "tomorrow")

    assert person.http.get("/v1/me").json()["until"] == 4_070_901_600_000_000
    assert (done.returncode, "is not a time; write it like" in done.stderr) == (1, True)


def test_somebody_comes_again_as_the_same_person(city: Instance) -> None:
    person = city.come_in(city.told("invite", "analyst", "--agency", "fire")["code"], "Ada")
    me = person.http.get("/v1/me").json()

    told = city.told("invite", "--again", me["id"])

    assert told["role"] == "analyst"
    assert city.come_in(told["code"], "whoever").http.get("/v1/me").json() == me
    assert (me["name"], me["agency"]) == ("Ada", "fire")
    done = city.tutela("invite", "operator", "--again", me["id"])
    assert done.returncode == 1
    assert "keeps their role" in done.stderr


def test_the_doctor_is_content_with_a_city_that_runs(city: Instance) -> None:
    found = until(
        lambda: (told := city.tutela("doctor", "--json")).returncode == 0 and json.loads(told.stdout),
        "nothing is bad",
    )
    says = " ".join(one["what"] for one in found)
    for good in ("PostgreSQL answers", "NATS answers", "of detect have a worker", "a supervisor is at work"):
        assert good in says


def test_verify_and_replay_say_it_in_words_too(city: Instance) -> None:
    verified = city.tutela("verify", "--key", city.data / "log.pub")
    assert "The log is sound." in verified.stdout
    assert verified.stderr == ""
    wrong = city.tutela("replay", "live", "--stage", "guess")
    assert (wrong.returncode, "detect, correlate" in wrong.stderr) == (1, True)
    unknown = city.tutela("replay", "import/none")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("tutela: ")


def on_a_terminal(*words: str | Path) -> str:
    """What somebody sees beside the answer who types this into a terminal."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "tutela", *map(str, words)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, timeout=120, check=True)
    os.close(theirs)
    said = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return said


def test_verify_and_replay_say_how_far_they_are(city: Instance) -> None:
    assert re.search(r"\d of [\d,]+ events read", on_a_terminal("verify", "--data", city.data))
    assert re.search(r"\d messages replayed, \d+ partitions", on_a_terminal("replay", "--data", city.data))


def test_a_second_start_on_the_same_data_is_refused(city: Instance) -> None:
    done = tutela("up", "--empty", "--data", city.data, "--port", str(free_port()))
    assert done.returncode == 1
    assert f"(pid {city.process.pid}) already runs on {city.data}" in done.stderr
    assert city.client().get("/ready").status_code == 200


def test_letters_that_there_are_not_can_not_be_taken_up(city: Instance) -> None:
    for id_ in ("nothing", "4c8a0f5e-6d0e-4a51-9d43-0e3c0c1f8a11"):
        done = city.tutela("letters", "revive", id_)
        assert done.returncode == 1
        assert done.stderr.startswith("tutela: ")


# ── instances of their own ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that any user can reach."""
    made = Path(tempfile.mkdtemp(prefix="tutela-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def as_nobody(folder: Path) -> list[str]:
    """Makes a command an ordinary user's; skips where that can't be. They may read all, where python is root's alone."""
    if os.geteuid() != 0:
        pytest.skip("this whole run is an ordinary user's")
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    drop = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    for reads in ([], ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]):
        with suppress(FileNotFoundError):
            tried = subprocess.run([*drop, *reads, *PYTHON, "-c", AGAIN], capture_output=True, check=False)
            if tried.returncode == 0:
                return [*drop, *reads]
    pytest.skip("there is no setpriv, or this checkout is for root alone")


def mqtt_elsewhere() -> dict[str, str]:
    """The environment, with a port for MQTT that no other test uses."""
    return {**os.environ, "TUTELA_MQTT_PORT": str(free_port())}


def test_an_ordinary_user_can_do_it_too_and_again_and_the_doctor_sees_it_down(folder: Path) -> None:
    tutela_ = [*as_nobody(folder), *PYTHON, "-m", "tutela"]
    where = ["--data", str(folder / "data"), "--json"]
    for _ in range(2):
        command = [*tutela_, "up", "--empty", "--port", str(free_port()), *where]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=mqtt_elsewhere()) as process:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["address"].startswith("http://localhost:")
            process.terminate()
            try:
                assert process.wait(40) == 0
            finally:
                process.kill()
    owners = {path.stat().st_uid for path in (folder / "data").rglob("*")}
    assert owners == {pwd.getpwnam("nobody").pw_uid}

    done = subprocess.run([*tutela_, "doctor", *where], capture_output=True, check=False)
    assert done.returncode == 1
    bad = {one["what"] for one in json.loads(done.stdout) if one["health"] == "bad"}
    assert bad == {"NATS does not answer", "PostgreSQL does not answer"}


def test_a_stop_may_come_at_any_moment_of_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    try:
        for moment in ("nats", "keep", "serve", "told"):
            command = [*PYTHON, "-m", "tutela", "up", "--empty", "--data", str(data), "--json"]
            command += ["--port", str(free_port())]
            with subprocess.Popen(command, stdout=subprocess.PIPE, env=mqtt_elsewhere()) as process:
                assert process.stdout is not None
                if moment == "told":
                    assert process.stdout.readline()
                else:
                    until((data / "run" / f"{moment}.json").exists, f"{moment} runs")
                process.terminate()
                try:
                    assert process.wait(30) == 0
                finally:
                    process.kill()
            assert list((data / "run").glob("*.json")) == []
    finally:
        clear_away(data)


def test_a_taken_port_is_a_clear_error_and_nothing_stays_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=f"the port {port} is taken"), running(data, "--empty", port=port):
            pass
    assert list((data / "run").glob("*.json")) == []


def test_a_lost_key_of_the_log_is_not_replaced_by_whoever_asks_for_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    try:
        instance = Instance.start(data, "--empty")
        until(lambda: instance.asked("select position from sealed limit 1"), "something is sealed")
        (data / "log.key").unlink()
        verified = instance.tutela("verify")
        instance.close()  # what is left is signed, with the key that the keeper still has
        (data / "log.pub").unlink()

        with pytest.raises(AssertionError, match=r"the log's key .* is gone; restore it from its backup"):
            Instance.start(data, "--empty")
    finally:
        clear_away(data)
    assert "The log is sound." in verified.stdout
    assert not (data / "log.key").exists()
