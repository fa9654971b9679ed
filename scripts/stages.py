"""Run the stages of `make test`, print what each took of its budget, and close with one line of counts.

A test of real engines that fails is tried once more, and named as shaky when it passes then (ADR 23).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
PYTEST = [str(BIN / "pytest"), "-q", "--durations=5"]
COVERED = ["--cov", "--cov-report="]
# What takes minutes is left to `make long`. On both cores; the tests of one file, which share their engines, one after another. Those that look at times and kill run alone.
STAGES: dict[str, tuple[int, list[list[str]]]] = {
    "check": (180, [["scripts/check"]]),
    "unit": (
        900,
        [
            [*PYTEST, *COVERED, "-n", "2", "-m", "not integration and not browser and not chaos and not long"],
            ["scripts/covered"],
        ],
    ),
    "integration": (
        1200,
        [
            ["scripts/mosquitto"],
            [*PYTEST, "-n", "2", "--dist", "loadfile", "-m", "integration and not browser and not chaos and not long"],
        ],
    ),
    "browser": (420, [["scripts/chromium"], [*PYTEST, "-n", "2", "--dist", "loadfile", "-m", "browser and not long"]]),
    "chaos": (300, [[*PYTEST, "-m", "chaos and not long"]]),
    "bench": (90, [[str(BIN / "python"), "-m", "benchmarks", "--quick", "spine"]]),
}
COUNT = re.compile(rb"(\d+) (passed|failed|errors?|skipped)")
WRONG = re.compile(rb"(?:FAILED|ERROR) (tests/.+?)(?: - .*)?\n")
AGAIN = {"integration": 3, "browser": 3, "chaos": 1}
"""How many failed tests of a stage may be chance: those are tried once more. More than that are no chance."""


def run(command: list[str], counts: dict[str, int], wrong: list[str]) -> bool:
    """Run one command, showing its output as it comes; add up pytest's closing line, and add what it names as failed to `wrong`."""
    last = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            last = line if COUNT.search(line) else last
            if named := WRONG.fullmatch(line):
                wrong.append(named[1].decode())
    if "pytest" in command[0]:
        for number, word in COUNT.findall(last):
            counts[word.decode().rstrip("s")] = counts.get(word.decode().rstrip("s"), 0) + int(number)
    return process.returncode == 0


def stage(name: str, counts: dict[str, int], shaky: list[str]) -> bool:
    """Run a stage; what it has of tests that failed once and passed then is added to `shaky`."""
    for command in STAGES[name][1]:
        wrong: list[str] = []
        if run(command, counts, wrong):
            continue
        if not 0 < len(wrong) <= AGAIN.get(name, 0):
            return False
        print(f"\n── {name}: once more, {', '.join(wrong)}", flush=True)
        if not run([*PYTEST, *wrong], {}, []):
            return False
        shaky += wrong
        counts["failed"] = counts.get("failed", 0) - len(wrong)
        counts["passed"] = counts.get("passed", 0) + len(wrong)
    return True


def main(wanted: list[str]) -> int:
    """Run the wanted stages (all, when none is named); exit 1 when one fails or is over its budget."""
    counts: dict[str, int] = {}
    wrong: list[str] = []
    shaky: list[str] = []
    for name in wanted or list(STAGES):
        budget, _ = STAGES[name]
        print(f"\n── {name} (budget {budget} s) " + "─" * 40, flush=True)
        began = time.monotonic()
        good = stage(name, counts, shaky)
        took = time.monotonic() - began
        print(f"── {name}: {took:.0f} of {budget} s, {'ok' if good else 'FAILED'}", flush=True)
        if not good:
            wrong.append(name)
        elif took > budget:
            wrong.append(f"{name} (over budget)")
    failed = counts.get("failed", 0) + counts.get("error", 0)
    if wrong:
        print(f"\nnot good: {', '.join(wrong)}")
    if shaky:
        print(f"\nSHAKY, to be mended: passed at the second try only: {', '.join(shaky)}")
    print(f"{counts.get('passed', 0)} passed, {failed} failed, {counts.get('skipped', 0)} skipped, {len(shaky)} shaky")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
