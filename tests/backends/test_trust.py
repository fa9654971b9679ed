"""A package from outside brings parts only when somebody trusted it, as it was then; what runs is what was looked at."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import py_compile
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.plugin_support.record import record

from tutela import parts
from tutela.backends import trust
from tutela.backends.doctor import _packages
from tutela.backends.finding import Health
from tutela.backends.trust import FILE, Trust
from tutela.errors import BadInput, NotFound, PartMissing

NUMBER = count()
PART = """
import pathlib
(pathlib.Path({site!r}) / "was-run").touch()
from .other import says
part = says
"""
GROUP = "tutela.detectors"


class Kit:
    """A package with one part, in a folder that Python looks into."""

    def __init__(self, site: Path) -> None:
        self.site, self.module = site, f"kit_{next(NUMBER)}"
        self.name = self.module.replace("_", "-")
        self.folder = site / self.module
        self.folder.mkdir()
        (self.folder / "__init__.py").write_text("")
        (self.folder / "part.py").write_text(PART.format(site=str(site)))
        (self.folder / "other.py").write_text("says = 'as it was'\n")
        self.info = site / f"{self.module}-1.0.dist-info"
        self.info.mkdir()
        (self.info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {self.name}\nVersion: 1.0\n")
        (self.info / "entry_points.txt").write_text(f"[{GROUP}]\n{self.name} = {self.module}.part\n")
        record(site, self.info)

    @property
    def ran(self) -> bool:
        return (self.site / "was-run").exists()

    def loaded(self) -> object:
        importlib.invalidate_caches()
        return importlib.import_module(f"{self.module}.part").part


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(trust, "HERE", Trust())
    monkeypatch.setattr(parts, "HERE", trust.HERE)
    one = Kit(site)
    yield one
    for name in [name for name in sys.modules if name.partition(".")[0] == one.module]:
        del sys.modules[name]


def allowed(data: Path) -> Trust:
    """A process that starts now."""
    made = Trust()
    made.allow(trust.read(data))
    return made


def brings(who: Trust, kit: Kit) -> bool:
    return any(point.name == kit.name for point in who.points(GROUP))


def test_a_package_that_nobody_trusted_is_not_imported_and_told_of(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.backends.doctor.HERE", trust.HERE)

    assert kit.name not in parts.names("detectors")
    with pytest.raises(PartMissing, match=f"of the package {kit.name}, which is not trusted here as it is"):
        parts.load("detectors", kit.name)
    (finding,) = _packages()
    assert (finding.health, "it is not trusted" in finding.what) == (Health.WARNING, True)
    assert not kit.ran


def test_a_package_that_is_trusted_brings_its_parts(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.backends.doctor.HERE", trust.HERE)
    made = trust.trust(tmp_path / "data", kit.name.upper())
    trust.HERE.allow(trust.read(tmp_path / "data"))

    assert (made.name, made.version, len(made.sha256)) == (kit.name, "1.0", 64)
    assert parts.load("detectors", kit.name) == "as it was"
    assert kit.ran
    assert [finding.health for finding in _packages()] == [Health.GOOD]
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "file", ["part.py", "other.py", "__init__.py", "../{info}/entry_points.txt", "../{info}/METADATA"]
)
def test_a_byte_that_changes_after_it_was_trusted_keeps_all_of_it_out(kit: Kit, tmp_path: Path, file: str) -> None:
    trust.trust(tmp_path, kit.name)
    assert brings(allowed(tmp_path), kit)
    path = kit.folder / file.format(info=kit.info.name)
    path.write_bytes(path.read_bytes() + b"\n")

    now = allowed(tmp_path)
    assert not brings(now, kit)
    ((_, state),) = now.states()
    assert state == "changed since version 1.0 was trusted, so not loaded"
    record(kit.site, kit.info)  # and it does not help to list the new bytes
    assert not brings(allowed(tmp_path), kit)


def test_what_changes_after_it_was_looked_at_is_not_run(kit: Kit, tmp_path: Path) -> None:
    trust.trust(tmp_path, kit.name)
    assert brings(allowed(tmp_path), kit)
    (kit.folder / "other.py").write_text("says = 'as somebody else wants it'\n")

    with pytest.raises(ImportError, match="changed since its package was trusted"):
        kit.loaded()


def test_what_is_cached_beside_a_module_is_not_run(kit: Kit, tmp_path: Path) -> None:
    """Python itself would take it: its time and size are those of the source."""
    other, evil = kit.folder / "other.py", tmp_path / "evil.py"
    evil.write_text("says = 'is evil'\n"[: other.stat().st_size].ljust(other.stat().st_size, "\n"))
    os.utime(evil, ns=(other.stat().st_atime_ns, other.stat().st_mtime_ns))
    cached = Path(importlib.util.cache_from_source(str(other)))
    py_compile.compile(str(evil), cfile=str(cached), dfile=str(other), doraise=True)
    trust.trust(tmp_path / "data", kit.name)
    assert brings(allowed(tmp_path / "data"), kit)

    assert kit.loaded() == "as it was"


def test_a_file_that_came_since_is_no_module_of_it(kit: Kit, tmp_path: Path) -> None:
    trust.trust(tmp_path, kit.name)
    assert brings(allowed(tmp_path), kit)
    (kit.folder / "new.py").write_text("says = 'new'\n")
    importlib.invalidate_caches()

    with pytest.raises(ImportError, match="no file of the package that was trusted"):
        importlib.import_module(f"{kit.module}.new")


def test_a_library_of_machine_code_runs_only_as_it_was(kit: Kit, tmp_path: Path) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    library = kit.folder / f"fast{suffix}"
    library.write_bytes(b"machine code")
    record(kit.site, kit.info)
    trust.trust(tmp_path, kit.name)
    assert brings(allowed(tmp_path), kit)
    importlib.invalidate_caches()

    assert importlib.util.find_spec(f"{kit.module}.fast") is not None
    library.write_bytes(b"other machine code")
    with pytest.raises(ImportError, match="changed since its package was trusted"):
        importlib.util.find_spec(f"{kit.module}.fast")


def test_what_is_not_as_its_installer_left_it_can_not_be_trusted(kit: Kit, tmp_path: Path) -> None:
    (kit.folder / "other.py").write_text("says = 'changed'\n")

    with pytest.raises(BadInput, match="not those that it was installed with; install it again"):
        trust.trust(tmp_path, kit.name)
    (kit.folder / "other.py").unlink()
    with pytest.raises(BadInput, match=r"other\.py is gone; install it again"):
        trust.trust(tmp_path, kit.name)
    (kit.info / "RECORD").write_text(f"{kit.info.name}/METADATA,,\n")
    with pytest.raises(BadInput, match="install it as a wheel, and not for editing"):
        trust.trust(tmp_path, kit.name)
    ((_, state),) = Trust().states()
    assert state == "not trusted: it does not list its files: install it as a wheel, and not for editing"
    assert not (tmp_path / FILE).exists()


def test_trust_ends_when_somebody_says_so(kit: Kit, tmp_path: Path) -> None:
    trust.trust(tmp_path, kit.name)
    trust.trust(tmp_path, kit.name)
    assert len(json.loads((tmp_path / FILE).read_text())) == 1
    running = allowed(tmp_path)
    assert brings(running, kit)

    trust.distrust(tmp_path, kit.name)
    running.allow(trust.read(tmp_path))

    assert not brings(running, kit)
    with pytest.raises(NotFound, match="is trusted here"):
        trust.distrust(tmp_path, kit.name)


def test_what_can_not_be_is_said_in_words(kit: Kit, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"no installed package called 'nothing' brings parts; there are: .*{kit.name}"):
        trust.trust(tmp_path, "nothing")
    (tmp_path / FILE).write_text("[{]")
    with pytest.raises(BadInput, match="`tutela parts trust` writes it"):
        trust.read(tmp_path)
