"""What was made to burst, to hang or to break its decoder ends in a process of its own, in words, and the platform goes on."""

from __future__ import annotations

import os
import socket
import zipfile
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tutela.app.decoding import apart
from tutela.app.importing import Wanted, mapped
from tutela.backends.confined import GIGABYTE, Limits, confined
from tutela.errors import BadInput
from tutela.sources.files import decoded

SMALL = Limits(memory=3 * GIGABYTE // 2, cpu=60, seconds=300.0)
ENTER = "import encodings.idna, os, signal, socket, sys, time\nfrom tutela.backends.confined import closed, enter\nenter(sys.argv[1:])\nclosed()\n"
TABLE = pa.table({"t": [1, 2, 3], "v": [1.5, None, 2.5], "name": ["a", "b", "c"]})


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"table{suffix}"
    if suffix == ".parquet":
        pq.write_table(TABLE, path)
    elif suffix == ".csv":
        pyarrow.csv.write_csv(TABLE, path)
    else:
        path.write_text("".join(f'{{"t": {n}, "v": {n}.5, "name": "x"}}\n' for n in range(3)))
    return path


def tried(folder: Path, program: str, limits: Limits = SMALL) -> str:
    """What a program says that runs so, with a file to read."""
    given, made = folder / "given", folder / "made"
    given.write_bytes(b"given")
    confined(program, ["word"], given, made, limits, "given")
    return made.read_text()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
def test_a_file_is_the_same_table_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix)

    assert apart(path).equals(decoded(path))


def test_a_parquet_file_that_bursts_is_refused_by_its_name(tmp_path: Path) -> None:
    """More than a gigabyte of zeros in some kilobytes."""
    path, zeros = tmp_path / "zeros.parquet", pa.table({"v": pa.array([0] * 1_000_000, pa.int64())})
    with pq.ParquetWriter(path, zeros.schema, compression="zstd") as writer:
        for _ in range(160):
            writer.write_table(zeros)
    body = path.read_bytes()
    assert len(body) < 1_000_000

    with pytest.raises(BadInput, match=r"^zeros\.parquet needs more than 700 MB of memory to be read"):
        apart(path, Limits(memory=700 << 20, cpu=60, seconds=300.0))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
def test_a_zip_bomb_by_another_name_is_not_unpacked(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb{suffix}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("inner", b"\0" * 100_000_000)
    assert path.stat().st_size < 200_000

    with pytest.raises(BadInput, match=rf"^bomb\{suffix} (can't be read|was not read to its end|made what reads it)"):
        apart(path, SMALL)


@pytest.mark.parametrize("seed", range(6))
def test_a_parquet_file_that_lies_about_its_sizes_breaks_nothing_here(tmp_path: Path, seed: int) -> None:
    path, chance = written(tmp_path, ".parquet"), Random(seed)
    body = bytearray(path.read_bytes())
    for _ in range(4):
        body[chance.randrange(4, len(body) - 8)] = chance.choice((0, 0x7F, 0x80, 0xFE, 0xFF))
    path.write_bytes(body)

    told = ""
    try:
        apart(path, SMALL).validate(full=True)
    except BadInput as wrong:
        told = wrong.message

    assert not told or told.startswith("table.parquet ")


def test_a_length_that_is_a_lie_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ".parquet")
    body = path.read_bytes()
    path.write_bytes(body[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1")

    with pytest.raises(BadInput, match=r"table\.parquet can't be read: .*footer"):
        apart(path, SMALL)


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "made what reads it end with SIGKILL; nothing of it",
        ),
        ("import os; os.abort()", "made what reads it end with SIGABRT"),
        ("while True: pass", "was not read within 1 s of work"),
        ("x = bytearray(2**40)", "needs more than 1,536 MB of memory"),
        ("sys.stdout.write('x' * 2_000_000); sys.stdout.flush()", "made what reads it end with 1"),
        ("sys.exit(7)", "made what reads it end with 7: it said nothing"),
    ],
)
def test_a_decoder_that_is_killed_or_takes_too_much_is_told_in_words(tmp_path: Path, does: str, says: str) -> None:
    limits = Limits(memory=SMALL.memory, cpu=1, output=1_000_000, seconds=300.0)

    with pytest.raises(BadInput, match=f"^given {says}"):
        tried(tmp_path, ENTER + does, limits)


def test_a_decoder_that_hangs_is_given_up_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    mark.touch()
    mark.chmod(0o666)
    child = f"import os, time\npid = os.fork()\nif pid: open({str(mark)!r}, 'w').write(str(pid))\ntime.sleep(600)"
    tmp_path.chmod(0o755)

    with pytest.raises(BadInput, match="was not read within 2 s and was given up"):
        tried(tmp_path, child, Limits(memory=SMALL.memory, seconds=2.0))
    started = Path(f"/proc/{mark.read_text()}/stat")
    assert not started.exists() or started.read_text().rpartition(")")[2].split()[0] == "Z"


def test_it_knows_no_secret_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_PG_DSN", "postgres://canary")

    said = tried(tmp_path, ENTER + "import os; print(dict(os.environ), sys.stdin.read())")

    assert "given" in said
    assert "canary" not in said


def test_it_starts_no_crowd_of_processes(tmp_path: Path) -> None:
    many = "import os, time\nfor n in range(100):\n if not os.fork(): time.sleep(30)\n"

    with pytest.raises(BadInput, match="made what reads it end with 1: BlockingIOError"):
        tried(tmp_path, ENTER + many)


def test_it_reaches_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ask = f"import socket\ntry:\n socket.create_connection(('127.0.0.1', {port}), 2); print('reached')\nexcept OSError: print('cut off')\n"
        said = tried(tmp_path, ENTER + ask)

    if said == "reached\n" and os.geteuid() != 0:
        pytest.skip("this kernel lets no ordinary user leave the network: user namespaces are switched off")
    assert said == "cut off\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user stays who they are")
def test_of_root_it_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "root.key").write_bytes(b"canary")
    (tmp_path / "root.key").chmod(0o600)

    said = (
        tried(tmp_path, ENTER + f"import os\nprint(os.geteuid())\nopen({str(tmp_path / 'root.key')!r})")
        if False
        else ""
    )
    with pytest.raises(BadInput, match="PermissionError"):
        said = tried(tmp_path, ENTER + f"open({str(tmp_path / 'root.key')!r})")
    assert said == ""


def test_an_import_of_such_a_file_says_so_before_anything_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1" + b"\xff" * 100 + b"PAR1")

    with pytest.raises(BadInput, match=r"^bad\.parquet can't be read"):
        mapped(Wanted(path, "beijing-air", "import/bad"))
