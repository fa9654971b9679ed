"""Ask an advisory service about every package of the locks: `make audit`.

Three answers, each with a status of its own: nothing known (0), something known (1), NOT CHECKED (3). What could not be asked, in whole or in
part, is never called clean: pip-audit itself ends with the same status whether it found something or nobody answered.

usage: scripts/audit.py [--osv-url ADDRESS] [LOCK ...]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements/dev.txt", "requirements/bench.txt")
"""Between them they have what the others have."""

CLEAN, KNOWN, NOT_CHECKED = 0, 1, 3
PATIENCE = 900
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)([^\\\n]*)", re.MULTILINE)


def locked(path: Path) -> dict[str, str]:
    """The packages of a lock, with their versions."""
    return {_plain(name): version for name, version, _ in PINNED.findall(path.read_text(encoding="utf-8"))}


def elsewhere(path: Path) -> set[str]:
    """Those that are for other machines or other Pythons, by a marker: pip-audit may leave them out."""
    return {_plain(name) for name, _, marker in PINNED.findall(path.read_text(encoding="utf-8")) if ";" in marker}


def audited(path: Path, service: Sequence[str]) -> tuple[list[Any] | None, str]:
    """What pip-audit tells of each package; None, and why, when it told nothing whole."""
    asked = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "--format", "json"]
    asked += ["--progress-spinner", "off", *service, "--requirement", str(path)]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {PATIENCE} s"
    try:
        return list(json.loads(said.stdout)["dependencies"]), ""
    except (ValueError, KeyError, TypeError):
        lines = said.stderr.strip().splitlines() or ["pip-audit said nothing"]
        return None, lines[-1]


def told(path: Path, found: Sequence[Any], left: set[str]) -> Iterator[str]:
    """What is known against the packages of a lock, and what was not asked, a line each."""
    for one in found:
        for known in one.get("vulns", ()):
            fixed = ", ".join(known.get("fix_versions", ())) or "no release yet"
            yield f"KNOWN: {path.name}: {one['name']} {one['version']}: {known['id']}; mended in {fixed}"
    if left:
        yield f"NOT CHECKED: {path.name}: {', '.join(sorted(left))}: left out by pip-audit"


def audit(path: Path, service: Sequence[str]) -> int:
    """Audit one lock, and say what came of it."""
    wanted = locked(path)
    if not wanted:
        print(f"NOT CHECKED: {path.name}: it names no package")
        return NOT_CHECKED
    found, why = audited(path, service)
    if found is None:
        print(f"NOT CHECKED: {path.name}: none of its {len(wanted)} packages; {why}")
        return NOT_CHECKED
    asked = {_plain(one["name"]) for one in found if "skip_reason" not in one}
    left = set(wanted) - asked
    for line in told(path, found, left - elsewhere(path)):
        print(line)
    aside = sorted(left & elsewhere(path))
    print(
        f"{path.name}: {len(asked)} packages asked about"
        + (f"; for other machines: {', '.join(aside)}" if aside else "")
    )
    if any(one.get("vulns") for one in found):
        return KNOWN
    return NOT_CHECKED if left - elsewhere(path) else CLEAN


def main(arguments: Sequence[str]) -> int:
    """Audit the locks; the gravest answer is the status: something known before NOT CHECKED before nothing known."""
    parser = argparse.ArgumentParser(description="Ask an advisory service about every package of the locks.")
    parser.add_argument("locks", nargs="*", type=Path, default=[ROOT / lock for lock in LOCKS])
    parser.add_argument("--osv-url", default="", help="ask this service, which speaks as api.osv.dev does")
    given = parser.parse_args(arguments)
    service = ["--vulnerability-service", "osv", "--osv-url", given.osv_url] if given.osv_url else []
    answers = {audit(lock.resolve(), service) for lock in given.locks}
    status = next(one for one in (KNOWN, NOT_CHECKED, CLEAN) if one in answers)
    says = {CLEAN: "nothing is known against them", KNOWN: "something is known: see above"}
    print(says.get(status, "NOT CHECKED, at least in part: nothing is said about whether they are clean"))
    return status


def _plain(name: str) -> str:
    """A name as the index knows it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
