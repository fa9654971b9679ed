"""A witness as a process of its own watches a city that runs: it cosigns its growth, and finds what nobody inside can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.integration.running import WHY, Instance, running, tutela, until

from tutela.backends.witness_folder import WitnessFolder
from tutela.flow.seal import read_witnessed
from tutela.model import note

pytestmark = pytest.mark.integration

NAME = "ombudsman.example/witness"

CUT = (
    "alter table event disable trigger all; alter table sealed disable trigger all; alter table checkpoint disable trigger all;"
    "alter table cosignature disable trigger all;"
    "delete from cosignature where size > {0}; delete from checkpoint where size > {0};"
    "delete from event where id in (select event from sealed where position >= {0}) or not exists"
    " (select from sealed where sealed.event = event.id);"
    "delete from sealed where position >= {0}; delete from tile; update sealer set position = {0}, upto = null"
)
"""What somebody does who holds the database."""


class Watching:
    """A witness of that instance, in a directory of its own."""

    def __init__(self, town: Instance, folder: Path) -> None:
        self.town, self.folder = town, folder

    def look(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One look of it, as a process."""
        return tutela("witness", self.town.base, "--data", self.folder, "--once", *words)

    @property
    def size(self) -> int:
        """Of the newest checkpoint that it cosigned."""
        known = WitnessFolder(self.folder).watched(note.origin_of((self.folder / "log.pub").read_text().strip()))
        return note.opened(known.note)[0].size if known else 0

    def knows(self, size: int) -> bool:
        """Whether it has come so far. The keeper signs by itself too, once a minute, so it may be further."""
        return self.size >= size

    def told(self) -> list[dict[str, object]]:
        """Its own log."""
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("witnessed") / "data", "--empty") as instance:
        instance.come_in(instance.codes["operator"], "Aino")
        yield instance


@pytest.fixture(scope="module")
def watching(town: Instance, tmp_path_factory: pytest.TempPathFactory) -> Watching:
    """A witness that is entered, and has cosigned once."""
    made = Watching(town, tmp_path_factory.mktemp("elsewhere") / "witness")
    grown(town)
    first = made.look("--name", NAME, "--log", town.data / "log.pub")
    assert "let the city enter its public key" in first.stderr
    assert "tutela witnesses enter" in first.stderr  # nobody there knows it yet
    town.told("witnesses", "enter", made.folder / "witness.pub", "--owner", "The ombudsman")
    assert made.look().returncode == 0
    return made


def grown(town: Instance) -> int:
    """The log gets longer by an event, and a checkpoint has it; the size of the newest one."""
    before = signed(town)
    reader = town.clients[1]
    assert reader.get("/v1/sources", params=WHY).is_success  # a read is an event
    town.keeper_again()
    # What was not sealed when the keeper went is signed by the next one, as its minute comes.
    return int(until(lambda: (now := signed(town)) > before and now, "a checkpoint is signed", within=150))


def signed(town: Instance) -> int:
    answer = town.client().get("/v1/log/checkpoint")
    return note.opened(answer.text)[0].size if answer.is_success else 0


def published(town: Instance) -> int:
    """The size of the newest checkpoint that is published as cosigned."""
    (one,) = town.client().get("/v1/log/signers").json()["witnesses"]
    return int(one["size"])


def event_of(town: Instance) -> str:
    return str(town.asked("select event::text from sealed where position = 0")[0]["event"])


def test_what_it_cosigned_is_published_and_proves_an_event_offline(
    watching: Watching, town: Instance, tmp_path: Path
) -> None:
    size = grown(town)
    assert watching.look().returncode == 0
    (one,) = town.told("witnesses", "list")
    assert one["cosigner"]["owner"] == "The ombudsman"
    assert one["size"] == published(town) >= size

    proof = town.tutela("proof", event_of(town))
    (tmp_path / "proof.json").write_text(proof.stdout)
    script = town.client().get("/v1/log/verify.py").text
    (tmp_path / "verify.py").write_text(script)
    keys = ["--log", str(town.data / "log.pub"), "--witness", str(watching.folder / "witness.pub")]
    alone = [sys.executable, "-I", "-S", "verify.py", "proof.json"]
    done = subprocess.run([*alone, *keys], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert f"the witness {NAME} (The ombudsman) had seen no other log" in done.stdout
    same = tutela("verify", tmp_path / "proof.json", "--key", keys[1], "--witness", keys[3])
    assert (same.returncode, same.stdout) == (0, done.stdout)
    assert "proof@1" in {row["kind"] for row in town.asked("select kind from event")}
    (tmp_path / "proof.json").write_text(proof.stdout.replace('"by": "', '"by": "x'))
    assert "a field of the event" in tutela("verify", tmp_path / "proof.json").stdout


@pytest.mark.long
def test_it_remembers_whatever_moment_it_is_killed_at(watching: Watching, town: Instance) -> None:
    command = [sys.executable, "-m", "tutela", "witness", town.base, "--data", str(watching.folder), "--every", "1"]
    for _ in range(2):
        size = grown(town)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            until(partial(watching.knows, size), "the witness knows the newest size")
            process.kill()
        assert published(town) <= watching.size
    assert watching.look().returncode == 0
    assert published(town) == watching.size >= size


def test_it_stops_when_it_is_told_to(watching: Watching, town: Instance) -> None:
    command = [sys.executable, "-m", "tutela", "witness", town.base, "--data", str(watching.folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "cosigned size" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_it_does_not_watch_another_log_with_the_same_memory(watching: Watching) -> None:
    other = note.verifier_key("espoo.example/log", b"x" * 32)

    done = watching.look("--log", other)

    assert (done.returncode, "watches another log" in done.stderr) == (1, True)


def test_the_doctor_says_that_a_witness_cosigns(watching: Watching, town: Instance) -> None:
    del watching
    assert f"the witness {NAME} cosigns this log" in {
        one["what"] for one in json.loads(town.tutela("doctor", "--json").stdout)
    }


def test_a_whole_tail_that_was_rolled_back_is_found_by_the_witness_and_by_nobody_inside(
    watching: Watching, town: Instance
) -> None:
    small = signed(town)
    grown(town)
    assert watching.look().returncode == 0
    large = watching.size
    os.kill(town.run_file("keep")["pid"], signal.SIGSTOP)
    file = town.data / "checkpoints.jsonl"
    kept = [line for line in file.read_bytes().splitlines() if note.read(read_witnessed(line).note).size <= small]
    for statement in CUT.format(small).split(";"):
        town.asked(statement)
    file.write_bytes(b"".join(line + b"\n" for line in kept))

    assert "The log is sound." in town.tutela("verify").stdout
    done = watching.look()

    assert done.returncode == 3
    assert f"ALARM, rollback: the log shows {small} events in epoch 1; it had signed {large} in epoch 1" in done.stderr
    assert watching.told()[-1]["what"] == "rollback"
    assert f"\n{small}\n" in str(watching.told()[-1]["evidence"])
    assert f"\n{large}\n" in str(watching.told()[-1]["evidence"])
    assert watching.size == large
    again = watching.look()
    assert (again.returncode, "an alarm stands" in again.stderr) == (1, True)


def test_only_a_person_ends_an_alarm_and_a_rollback_stays_one(watching: Watching) -> None:
    assert tutela("witness-settled", "a test", "--data", watching.folder).returncode == 0
    assert watching.told()[-1]["what"] == "settled"
    assert watching.look().returncode == 3
    done = tutela("witness-settled", "restored from the backup of Monday", "--data", watching.folder, "--epoch", "1")
    assert (done.returncode, "in epoch 1 already" in done.stderr) == (1, True)
    done = tutela("witness-settled", "restored from the backup of Monday", "--data", watching.folder, "--epoch", "2")
    assert done.returncode == 0
    assert [one["what"] for one in watching.told()[-2:]] == ["accepted", "settled"]
    assert "restored from the backup" in str(watching.told()[-2]["says"])
