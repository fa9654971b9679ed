"""A disk is judged the same whatever its size, and the ballast is there when it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutela.backends.disk import AGAIN, FRESH, GB, MB, Ballast, DiskState, Level, Reserve, look
from tutela.backends.server_nats import limit
from tutela.backends.subjects import matches
from tutela.errors import StorageFull


def disk(total: int, free: int, inodes: int = 0, inodes_free: int = 0) -> DiskState:
    return DiskState(Path("/"), total, free, inodes, inodes_free)


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (disk(100 * GB, 50 * GB), Level.GOOD),
        (disk(100 * GB, 2 * GB), Level.GOOD),
        (disk(100 * GB, 2 * GB - 1), Level.LOW),
        (disk(100 * GB, 256 * MB), Level.LOW),
        (disk(100 * GB, 255 * MB), Level.FULL),
        (disk(64 * MB, 7 * MB), Level.GOOD),
        (disk(64 * MB, 6 * MB), Level.LOW),
        (disk(64 * MB, 0), Level.FULL),
        (disk(100 * GB, 50 * GB, 1_000_000, 9_000), Level.LOW),
        (disk(100 * GB, 50 * GB, 1_000_000, 1_000), Level.FULL),
        (disk(100 * GB, 50 * GB, 1_000_000, 10_000), Level.GOOD),
    ],
)
def test_a_disk_is_low_before_it_is_full(state: DiskState, level: Level) -> None:
    assert state.level is level


def test_the_log_stops_where_the_reserve_of_the_facts_begins() -> None:
    assert limit(10 * GB, disk(100 * GB, 5 * GB)) == 13 * GB
    assert limit(10 * GB, disk(100 * GB, 1 * GB)) < 10 * GB
    assert limit(0, disk(100 * GB, 0)) == MB


def test_a_directory_that_is_not_made_yet_is_on_the_disk_of_its_parent(tmp_path: Path) -> None:
    assert look(tmp_path / "not" / "yet").total == look(tmp_path).total > 0


def test_the_ballast_takes_its_room_once_and_gives_it_back_once(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "ballast")

    assert ballast.lay()
    assert ballast.lay()
    assert 0 < ballast.path.stat().st_size <= 256 * MB
    assert ballast.release()
    assert not ballast.release()


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.b", "a", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("*.b", "a.b", True),
    ],
)
def test_subjects_match_as_in_nats(pattern: str, subject: str, *, expected: bool) -> None:
    assert matches(pattern, subject) is expected


def test_telemetry_is_refused_as_long_as_a_disk_is_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, free = [0.0], [50 * GB]
    monkeypatch.setattr("tutela.backends.disk.look", lambda path: DiskState(path, 100 * GB, free[0], 0, 0))
    reserve = Reserve((tmp_path,), lambda: now[0])
    reserve.check()

    free[0] = GB
    reserve.check()  # looked at a moment ago
    now[0] += FRESH
    with pytest.raises(StorageFull, match="telemetry is refused so that calls are still taken") as refused:
        reserve.check()
    assert refused.value.retry_after == AGAIN

    free[0] = 3 * GB
    now[0] += FRESH
    reserve.check()
