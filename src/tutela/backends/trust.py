"""Packages from outside that may bring parts: those that somebody trusted, and only as they were then.

What runs is what was looked at: a module of such a package is compiled from the bytes whose hash is known, never from a cached file
beside them, and a file that came since is no module. A package that nobody trusted, or that changed, is not imported at all. This
is no fence around a trusted package: it runs with all that its process may do.
"""

from __future__ import annotations

import os
import re
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from types import CodeType, ModuleType

import msgspec

from tutela.errors import BadInput, NotFound
from tutela.model.trusted import Trusted

FILE = "trusted-parts.json"
TRUSTED = "trusted"
OURS = frozenset({"tutela"})
"""Its parts are the rooms' own files, and are found there."""

MADE = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""What an installer writes beside a package, other than its files."""

_list = msgspec.json.Decoder(tuple[Trusted, ...]).decode


@dataclass(frozen=True, slots=True)
class Brought:
    """A distribution that brings parts: its files with their hashes, or why they can't be told."""

    name: str
    version: str
    files: Mapping[Path, str] = field(default_factory=dict)
    wrong: str = ""
    changed: bool = False

    @property
    def now(self) -> Trusted:
        """As it is."""
        lines = sorted(f"{path.as_posix()} {digest}\n" for path, digest in self.files.items())
        return Trusted(name=self.name, version=self.version, sha256=sha256("".join(lines).encode()).hexdigest())


class Trust:
    """Who may bring parts in this process. Nobody, until somebody says so."""

    def __init__(self) -> None:
        self.known: tuple[Trusted, ...] = ()
        self._everybody = False
        self._looked: dict[str, bool] = {}

    def allow(self, known: Sequence[Trusted]) -> None:
        """These packages, as they were then, and no others."""
        if tuple(known) != self.known:
            self.known = tuple(known)
            self._looked.clear()

    def allow_everybody(self) -> None:
        """Whatever is installed: for tests of parts, in which nothing of a city is at work."""
        self._everybody = True

    def points(self, group: str) -> Sequence[EntryPoint]:
        """The entry points of a group, of those who are trusted, by name."""
        found = [point for dist in _bringing() if self.trusts(dist) for point in dist.entry_points.select(group=group)]
        return sorted(found, key=lambda point: (point.name, point.value))

    def of(self, group: str, name: str) -> str | None:
        """The package that would bring that, and is not trusted."""
        for dist in _bringing():
            if not self.trusts(dist) and dist.entry_points.select(group=group, name=name):
                return dist.name
        return None

    def trusts(self, dist: Distribution) -> bool:
        """Whether it may bring parts. From then on, its modules come from the bytes that were looked at."""
        if self._everybody:
            return True
        name = canonical(dist.name)
        if name not in self._looked:
            brought = looked(dist)
            self._looked[name] = not brought.wrong and brought.now in self.known
            if self._looked[name]:
                _verified.add(brought.files)
        return self._looked[name]

    def states(self) -> Sequence[tuple[Brought, str]]:
        """Every distribution that brings parts, and in words whether it may."""
        return [(one, self._says(one)) for one in map(looked, _bringing())]

    def _says(self, one: Brought) -> str:
        if one.wrong:
            return f"not trusted: {one.wrong}"
        if one.now in self.known:
            return TRUSTED
        before = next((known for known in self.known if known.name == one.name), None)
        return "not trusted" if before is None else f"changed since version {before.version} was trusted, so not loaded"


def canonical(name: str) -> str:
    """The name of a distribution, as all write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _bringing() -> list[Distribution]:
    """The distributions that bring anything of tutela's, the first of each name, as Python itself takes them."""
    found: dict[str, Distribution] = {}
    for dist in distributions():
        brings = any(point.group.startswith("tutela.") for point in dist.entry_points)
        if brings and canonical(dist.name) not in OURS:
            found.setdefault(canonical(dist.name), dist)
    return [found[name] for name in sorted(found)]


def looked(dist: Distribution) -> Brought:
    """A distribution with the hash of each of its files, as they are on the disk now."""
    name, version = canonical(dist.name), dist.version
    listed = [one for one in dist.files or () if one.suffix != ".pyc" and one.name not in MADE]
    if not any(one.suffix == ".py" for one in listed):
        wrong = "it does not list its files: install it as a wheel, and not for editing"
        return Brought(name, version, wrong=wrong)
    files: dict[Path, str] = {}
    changed = False
    for one in listed:
        path = Path(os.path.realpath(str(dist.locate_file(one))))
        try:
            body = path.read_bytes()
        except OSError:
            return Brought(name, version, wrong=f"its file {one} is gone; install it again")
        if one.hash is not None and urlsafe_b64decode(f"{one.hash.value}==") != sha256(body).digest():
            changed = True
        files[path] = sha256(body).hexdigest()
    return Brought(name, version, files, changed=changed)


# ── the list ────────────────────────────────────────────────────────────────────────────────────
def read(data: Path) -> tuple[Trusted, ...]:
    """What an instance trusts; raises BadInput for a list that can't be read."""
    try:
        return _list((data / FILE).read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{data / FILE} can't be read: {wrong}; `tutela parts trust` writes it") from wrong


def trust(data: Path, name: str) -> Trusted:
    """Trust a package as it is now; raises NotFound, and BadInput for one that is not as its installer left it."""
    one = _one(name)
    if one.wrong or one.changed:
        says = one.wrong or "its files are not those that it was installed with; install it again"
        raise BadInput(f"{one.name} can't be trusted: {says}")
    _write(data, [*(known for known in read(data) if known.name != one.name), one.now])
    return one.now


def distrust(data: Path, name: str) -> None:
    """Trust it no more; raises NotFound."""
    known = read(data)
    left = [one for one in known if one.name != canonical(name)]
    if len(left) == len(known):
        raise NotFound(f"no package called {name!r} is trusted here; `tutela parts list` names those that are")
    _write(data, left)


def _one(name: str) -> Brought:
    found = {canonical(dist.name): dist for dist in _bringing()}
    if canonical(name) not in found:
        raise NotFound(f"no installed package called {name!r} brings parts; there are: {', '.join(found) or 'none'}")
    return looked(found[canonical(name)])


def _write(data: Path, trusted: Iterable[Trusted]) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = data / f"{FILE}.new"
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.format(msgspec.json.encode(sorted(trusted, key=lambda one: one.name))) + b"\n")
    new.replace(data / FILE)


# ── what runs is what was looked at ─────────────────────────────────────────────────────────────
class _Verified:
    """Finds modules of trusted packages, and hands them over only when they are the bytes that were looked at."""

    def __init__(self) -> None:
        self._files: dict[Path, str] = {}

    def add(self, files: Mapping[Path, str]) -> None:
        """These files, too."""
        self._files.update(files)
        if self not in sys.meta_path:
            by_path = next(place for place, finder in enumerate(sys.meta_path) if finder is PathFinder)
            sys.meta_path.insert(by_path, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, to be compiled from bytes that are known; ImportError for one that is not among them."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None:
            return spec
        file = Path(os.path.realpath(spec.origin))
        if not self._ours(file):
            return spec
        if file not in self._files:
            raise ImportError(f"{file} is no file of the package that was trusted")
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Compiled(name, str(file), self._files[file])
        elif not isinstance(spec.loader, ExtensionFileLoader) or _hash(file.read_bytes()) != self._files[file]:
            raise ImportError(f"{file} changed since its package was trusted")
        return spec

    def _ours(self, file: Path) -> bool:
        """Whether it lies in a package that was looked at."""
        return file in self._files or any(parent / "__init__.py" in self._files for parent in file.parents)


class _Compiled(SourceFileLoader):
    """Compiles a module from its source, which has to have that hash; what is cached beside it is never read."""

    def __init__(self, name: str, path: str, digest: str) -> None:
        super().__init__(name, path)
        self._digest = digest

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        body = self.get_data(path)
        if _hash(body) != self._digest:
            raise ImportError(f"{path} changed since its package was trusted")
        code: CodeType = self.source_to_code(body, path)
        return code


def _hash(body: bytes) -> str:
    return sha256(body).hexdigest()


_verified = _Verified()
HERE = Trust()
"""Who may bring parts in this process."""
