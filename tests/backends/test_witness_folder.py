"""A witness never forgets what it cosigned, wherever it was stopped, and never works twice in one directory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tutela.backends import witness_folder
from tutela.backends.witness_folder import WitnessFolder
from tutela.errors import Broken, Conflict, EngineDown, NotFound
from tutela.model import cosign, note
from tutela.model.cosign import Statement, Watched
from tutela.model.event import Checkpoint

NAME, ORIGIN = "ombudsman.example/witness", "helsinki.example/log"
KEY = note.verifier_key(ORIGIN, b"p" * 32)
POINT = Checkpoint(origin=ORIGIN, epoch=1, size=7, root=b"r" * 32, at=1, signature=b"s" * 64)
KNOWN = Watched(key=KEY, note=note.write(POINT, b"p" * 32), epoch=1)


@pytest.fixture
def folder(tmp_path: Path) -> WitnessFolder:
    made = WitnessFolder(tmp_path / "witness")
    made.settle(NAME)
    return made


def test_its_key_is_made_once_and_is_its_own(folder: WitnessFolder) -> None:
    key = folder.path / "witness.key"

    assert folder.settle(NAME) == (folder.path / "witness.pub").read_text().strip()
    assert cosign.read_cosigner_key(folder.settle(NAME)) == (NAME, folder.key.public)
    assert folder.name == NAME
    assert [path.stat().st_mode & 0o777 for path in (folder.path, key)] == [0o700, 0o600]


def test_a_lost_key_is_not_replaced(folder: WitnessFolder) -> None:
    (folder.path / "witness.key").unlink()

    with pytest.raises(Broken, match="restore it from its backup"):
        folder.settle(NAME)


def test_it_keeps_its_name(folder: WitnessFolder) -> None:
    with pytest.raises(Conflict, match=r"not called other\.example"):
        folder.settle("other.example")


def test_where_no_witness_is_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="tutela witness --name"):
        _ = WitnessFolder(tmp_path).name


def test_what_it_knows_of_a_log_is_there_again(folder: WitnessFolder) -> None:
    assert folder.watched(ORIGIN) is None
    folder.remember(KNOWN)

    assert WitnessFolder(folder.path).watched(ORIGIN) == KNOWN
    assert folder.watched("espoo.example/log") is None


@pytest.mark.parametrize("left", [b"", b"{", b'{"key":"x"'])
def test_a_write_that_a_crash_cut_off_was_never_there(folder: WitnessFolder, left: bytes) -> None:
    folder.remember(KNOWN)
    (next((folder.path / "logs").glob("*.json"))).with_suffix(".new").write_bytes(left)

    assert folder.watched(ORIGIN) == KNOWN
    folder.remember(KNOWN)
    assert list((folder.path / "logs").glob("*.new")) == []


@pytest.mark.parametrize("left", [b"", b"{}", b'{"key":"x","note":"garbage"}'])
def test_what_can_not_be_read_is_not_taken_for_nothing(folder: WitnessFolder, left: bytes) -> None:
    """Else a damaged file would let a log begin anew."""
    folder.remember(KNOWN)
    next((folder.path / "logs").glob("*.json")).write_bytes(left)

    with pytest.raises(Broken, match=r"can't be read .* begin a new witness in another one, under a new key"):
        folder.watched(ORIGIN)


@pytest.mark.parametrize("what", ["cosigned", "accepted"])
@pytest.mark.parametrize("fresh", [True, False])
def test_a_witness_that_lost_what_it_knew_does_not_begin_again(
    folder: WitnessFolder, what: str, *, fresh: bool
) -> None:
    """Else whoever deletes a file gets two cosignatures under two pasts."""
    assert folder.watched(ORIGIN) is None
    folder.remember(KNOWN)
    folder.tell(Statement(at=1, what=what, says="size 7"))  # as a version before wrote it, without its size
    assert folder.watched(ORIGIN) == KNOWN
    shutil.rmtree(folder.path / "logs")

    with pytest.raises(Broken, match=r"is gone .* begin a new witness in another one, under a new key"):
        (WitnessFolder(folder.path) if fresh else folder).watched(ORIGIN)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(("epoch", "size"), [(1, 8), (2, 7)])
def test_a_witness_that_knows_less_than_it_cosigned_does_not_go_on(
    folder: WitnessFolder, epoch: int, size: int, *, fresh: bool
) -> None:
    """A backup that was restored, say."""
    folder.remember(KNOWN)
    folder.tell(Statement(at=1, what="cosigned", says="", epoch=1, size=7))
    assert folder.watched(ORIGIN) == KNOWN
    folder.tell(Statement(at=2, what="cosigned", says="", epoch=epoch, size=size))
    folder.tell(Statement(at=3, what="settled", says=""))

    with pytest.raises(Broken, match=r"is of size 7 in epoch 1 .* cosigned more than that"):
        (WitnessFolder(folder.path) if fresh else folder).watched(ORIGIN)


@pytest.mark.parametrize("fresh", [True, False])
def test_what_a_person_accepted_may_be_smaller(folder: WitnessFolder, *, fresh: bool) -> None:
    """Also between the line that says so and the state that has it, where a crash may be."""
    folder.remember(KNOWN)
    folder.tell(Statement(at=1, what="cosigned", says="", epoch=1, size=7))
    assert folder.watched(ORIGIN) == KNOWN
    folder.tell(Statement(at=2, what="accepted", says="", epoch=2))
    here = WitnessFolder(folder.path) if fresh else folder

    assert here.watched(ORIGIN) == KNOWN
    here.remember(Watched(key=KEY, epoch=2))
    assert here.watched(ORIGIN) == Watched(key=KEY, epoch=2)
    here.tell(Statement(at=3, what="cosigned", says="", epoch=2, size=3))
    with pytest.raises(Broken, match="is of size 0 in epoch 2"):
        here.watched(ORIGIN)


def test_a_line_that_a_crash_cut_off_is_no_reason_to_stop(folder: WitnessFolder) -> None:
    folder.remember(KNOWN)
    (folder.path / "events.jsonl").write_bytes(b'{"at":1,"what":"cosigned","says":"","epoch":1,"size":7}\n{"at":2,"wh')

    assert folder.watched(ORIGIN) == KNOWN


def test_what_it_remembers_is_on_the_disk_with_the_names_that_lead_there(
    folder: WitnessFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(witness_folder, "sync_folder", synced.append)

    folder.remember(KNOWN)

    assert synced == [folder.path, folder.path / "logs"]


def test_its_own_log_only_grows(folder: WitnessFolder) -> None:
    for number in range(3):
        folder.tell(Statement(at=number, what="cosigned", says=f"size {number}"))

    lines = (folder.path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["at"] for line in lines] == [0, 1, 2]


def test_a_line_that_a_crash_cut_off_does_not_take_the_next_one_with_it(folder: WitnessFolder) -> None:
    path = folder.path / "events.jsonl"
    path.write_bytes(b"")
    folder.tell(Statement(at=1, what="cosigned", says="whole"))
    path.write_bytes(path.read_bytes() + b'{"at":2,"wh')

    folder.tell(Statement(at=3, what="cosigned", says="whole"))

    assert [line.endswith(b"}") for line in path.read_bytes().splitlines()] == [True, False, True]


def test_the_first_alarm_stands_until_somebody_looked(folder: WitnessFolder) -> None:
    assert folder.alarm == ""
    folder.raise_alarm("a fork")
    folder.raise_alarm("another")

    assert folder.alarm == "a fork"
    folder.end_alarm()
    assert folder.alarm == ""


def test_a_disk_that_can_not_be_written_stops_it(folder: WitnessFolder) -> None:
    (folder.path / "events.jsonl").mkdir()

    with pytest.raises(EngineDown, match="nothing is cosigned"):
        folder.tell(Statement(at=1, what="x", says="x"))


def test_two_can_not_work_in_one_directory(folder: WitnessFolder) -> None:
    again = (
        "import sys; from pathlib import Path; from tutela.backends.witness_folder import WitnessFolder\n"
        "with WitnessFolder(Path(sys.argv[1])).held(): pass"
    )
    with folder.held():
        other = subprocess.run([sys.executable, "-c", again, folder.path], capture_output=True, text=True, check=False)
        assert "another witness is at work" in other.stderr
    with folder.held():
        pass
