"""The template of an outside package, built as wheels and installed as an installer does it: into a folder, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .record import record

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "plugin-template"
PROMISES = ROOT / "promises"
OFFLINE = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")

LONGEST = 300.0
"""Seconds; a package that hangs is a failure."""


@dataclass(frozen=True)
class Package:
    """A folder with what was installed into it."""

    site: Path

    @property
    def env(self) -> Mapping[str, str]:
        """The environment in which Python finds it, beside all that tutela needs."""
        return {**os.environ, "PYTHONPATH": str(self.site)}

    def changed(self, site: Path, **changes: str) -> Package:
        """The same in another folder, with these words of its files changed: each stands somewhere."""
        shutil.copytree(self.site, site)
        left = dict(changes)
        for path in [*site.glob("tutela_gauges/*"), *site.glob("tutela_gauges-*/entry_points.txt")]:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            for old in [old for old in left if old in text]:
                path.write_text(text := text.replace(old, left.pop(old)), encoding="utf-8")
        assert not left, f"nothing says {left}"
        for info in site.glob("tutela_gauges-*.dist-info"):
            record(site, info)
        return Package(site)

    def trusted(self, data: Path) -> Path:
        """An instance's directory in which somebody trusted it."""
        done = self.tutela("parts", "trust", "tutela-gauges", "--data", data)
        assert done.returncode == 0, done.stderr
        return data

    def python(self, *words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(
            command, cwd=cwd or self.site, env=self.env, capture_output=True, text=True, check=False, timeout=LONGEST
        )

    def tutela(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "tutela", *words)


def installed(site: Path) -> Package:
    """The wheels of the template and of the promises, installed there."""
    wheels = site.with_name(f"{site.name}-wheels")
    pip = (sys.executable, "-m", "pip")
    subprocess.run([*pip, "wheel", *OFFLINE, "--no-build-isolation", "-w", wheels, TEMPLATE, PROMISES], check=True)
    subprocess.run([*pip, "install", *OFFLINE, "--target", site, *wheels.glob("*.whl")], check=True)
    return Package(site)
