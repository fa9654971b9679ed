"""A watched folder: each file once, whole, in order; nothing half-written, nothing from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela import parts
from tutela.errors import BadInput
from tutela.sources.directory import Directory
from tutela_promises.intake import FakeIntake, Kept, run


def put(folder: Path, name: str, body: bytes, at: int = 1000) -> None:
    (folder / name).write_bytes(body)
    os.utime(folder / name, (at, at))


def watch(folder: Path, **options: object) -> Directory:
    made: Directory = parts.make("sources", "directory", {"path": str(folder), "every": 5, "settle": 2, **options})
    return made


async def test_files_are_taken_in_the_order_of_their_time_and_then_their_name(tmp_path: Path) -> None:
    for name, at in (("b", 20), ("c", 10), ("a", 20)):
        put(tmp_path, name, name.encode(), at)
    intake = await run(watch(tmp_path), FakeIntake(waits=2))

    assert intake.kept.bodies == [b"c", b"a", b"b"]


async def test_a_file_is_taken_once(tmp_path: Path) -> None:
    put(tmp_path, "a", b"1")
    intake = await run(watch(tmp_path), FakeIntake(waits=5))

    assert intake.kept.bodies == [b"1"]


async def test_a_file_that_grows_is_left_alone_until_it_rests(tmp_path: Path) -> None:
    put(tmp_path, "a", b"half", 1)

    def write(looks: int) -> None:
        if looks < 3:
            put(tmp_path, "a", b"half" + b"+" * looks, 1 + looks)

    early = await run(watch(tmp_path), FakeIntake(waits=3, between=write))
    later = await run(watch(tmp_path), FakeIntake(waits=5, between=write))

    assert early.kept.bodies == []
    assert later.kept.bodies == [b"half++"]


async def test_a_file_that_changes_after_it_was_taken_is_read_again_whole(tmp_path: Path) -> None:
    put(tmp_path, "a", b"1")

    def change(looks: int) -> None:
        if looks == 2:
            put(tmp_path, "a", b"1\n2", 2000)

    intake = await run(watch(tmp_path), FakeIntake(waits=5, between=change))

    assert intake.kept.bodies == [b"1", b"1\n2"]


async def test_after_a_restart_what_was_taken_is_not_taken_again(tmp_path: Path) -> None:
    kept = Kept()
    put(tmp_path, "a", b"1")
    await run(watch(tmp_path), FakeIntake(waits=2, kept=kept))
    put(tmp_path, "b", b"2")
    await run(watch(tmp_path), FakeIntake(waits=2, kept=kept))

    assert kept.bodies == [b"1", b"2"]


@pytest.mark.parametrize("done", ["", "done"])
async def test_killed_before_it_was_durable_it_takes_the_file_again_and_the_rest(tmp_path: Path, done: str) -> None:
    kept = Kept()
    for name in "abc":
        put(tmp_path, name, name.encode())
    await run(watch(tmp_path, done=done), FakeIntake(waits=2, kept=kept, dies=2))
    await run(watch(tmp_path, done=done), FakeIntake(waits=2, kept=kept))

    assert kept.bodies == [b"a", b"b", b"b", b"c"]


async def test_what_was_taken_is_moved_and_never_overwrites_another(tmp_path: Path) -> None:
    put(tmp_path, "a", b"1")

    def again(looks: int) -> None:
        if looks == 2:
            put(tmp_path, "a", b"2", 2000)

    intake = await run(watch(tmp_path, done="done"), FakeIntake(waits=5, between=again))

    assert intake.kept.bodies == [b"1", b"2"]
    assert not (tmp_path / "a").exists()
    assert sorted(path.read_bytes() for path in (tmp_path / "done").iterdir()) == [b"1", b"2"]


async def test_links_pipes_folders_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    put(tmp_path, "secret", b"outside")
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    (folder / "below").mkdir()
    put(folder, ".hidden", b"hidden")
    put(folder, "plain", b"plain")
    intake = await run(watch(folder), FakeIntake(waits=3))

    assert intake.kept.bodies == [b"plain"]


async def test_a_file_that_becomes_a_link_before_it_is_opened_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    put(tmp_path, "secret", b"outside")
    put(folder, "a", b"plain")
    source = watch(folder)
    (seen,) = source._files()
    (folder / "a").unlink()
    (folder / "a").symlink_to(tmp_path / "secret")

    with pytest.raises(OSError, match="symbolic"):
        source._body(seen)


async def test_a_file_that_may_not_be_read_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a", b"locked", 1)
    put(tmp_path, "b", b"open", 2)
    really = os.open

    def guarded(path: Path, flags: int) -> int:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return really(path, flags)

    monkeypatch.setattr(os, "open", guarded)  # root may read everything
    intake = await run(watch(tmp_path), FakeIntake(waits=2))

    assert intake.kept.bodies == [b"open"]
    assert intake.troubles == ["a can't be read: Permission denied"]


async def test_a_file_that_cannot_be_moved_is_told_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "a", b"1")
    put(tmp_path, "done", b"a file, and no folder")
    intake = await run(watch(tmp_path, done="done", pattern="a"), FakeIntake(waits=2))

    assert "a was taken, and can't be moved into done: File exists" in intake.troubles[0]


async def test_a_file_that_cannot_be_moved_is_taken_once_and_those_after_it_too(tmp_path: Path) -> None:
    kept = Kept()
    for time, name in enumerate("abc"):
        put(tmp_path, name, name.encode(), 1000 + time)
    put(tmp_path, "done", b"a file, and no folder")
    await run(watch(tmp_path, done="done", pattern="[abc]"), FakeIntake(waits=4, kept=kept))
    (tmp_path / "done").unlink()
    await run(watch(tmp_path, done="done", pattern="[abc]"), FakeIntake(waits=3, kept=kept))

    assert kept.bodies == [b"a", b"b", b"c"]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a", "b", "c"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("done", ["", "done"])
async def test_a_name_that_is_no_utf_8_is_read_like_others_and_told_in_plain_text(tmp_path: Path, done: str) -> None:
    name = os.fsdecode(b"caf\xe9")
    put(tmp_path, name, b"1")
    put(tmp_path, "long", b"x" * 11)
    put(tmp_path, name + "-long", b"x" * 11)
    intake = await run(watch(tmp_path, done=done, most=10), FakeIntake(waits=4))

    assert intake.kept.bodies == [b"1"]
    assert "caf\\xe9-long has 11 bytes" in " ".join(intake.troubles)
    assert all(says.isprintable() for says in intake.troubles)


async def test_only_names_that_fit_the_pattern_are_read(tmp_path: Path) -> None:
    for name in ("a.json", "a.json.part", "b.JSON"):
        put(tmp_path, name, name.encode())
    intake = await run(watch(tmp_path, pattern="*.json"), FakeIntake(waits=2))

    assert intake.kept.bodies == [b"a.json"]


async def test_a_file_that_is_too_long_is_refused_with_its_name_and_the_others_are_taken(tmp_path: Path) -> None:
    put(tmp_path, "long", b"x" * 11)
    put(tmp_path, "short", b"x" * 10)
    intake = await run(watch(tmp_path, most=10), FakeIntake(waits=3))

    assert intake.kept.bodies == [b"x" * 10]
    assert len(intake.troubles) == 1
    assert "long has 11 bytes" in intake.troubles[0]
    assert [refusal.reason for heard in intake.kept.heard for refusal in heard.refused] == ["too-long"]


async def test_a_folder_that_is_not_there_is_a_trouble_until_it_comes(tmp_path: Path) -> None:
    folder = tmp_path / "later"

    def come(looks: int) -> None:
        if looks == 2:
            folder.mkdir()
            put(folder, "a", b"1")

    intake = await run(watch(folder), FakeIntake(waits=4, between=come))

    assert intake.waited == [10, 20, 5, 5]
    assert intake.troubles == [f"{folder} can't be read: No such file or directory"] * 2
    assert intake.kept.bodies == [b"1"]


@pytest.mark.parametrize(
    "wrong", [{"path": "data/in"}, {"done": "../out"}, {"done": "a/b"}, {"done": ".."}, {"most": 0}]
)
def test_a_folder_that_depends_or_leads_elsewhere_is_not_made(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        parts.make("sources", "directory", {"path": str(tmp_path), **wrong})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mark=st.binary(max_size=60))
async def test_a_mark_of_any_kind_is_lived_with(tmp_path: Path, mark: bytes) -> None:
    put(tmp_path, "a", b"1")
    intake = await run(watch(tmp_path), FakeIntake(waits=2, kept=Kept(remembered=mark)))

    assert intake.kept.bodies == [b"1"]
