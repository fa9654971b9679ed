"""Run the stages of `make test`, print what each took of its budget, and close with one line of counts."""

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
# Pure and quick tests run on both cores; those that start engines run one after another.
STAGES: dict[str, tuple[int, list[list[str]]]] = {
    "check": (180, [["scripts/check"]]),
    "unit": (
        600,
        [[*PYTEST, *COVERED, "-n", "2", "-m", "not integration and not browser and not chaos"], ["scripts/covered"]],
    ),
    "integration": (
        1500,
        [["scripts/mosquitto"], [*PYTEST, "-m", "integration and not browser and not chaos"]],
    ),
    "browser": (360, [["scripts/chromium"], [*PYTEST, "-m", "browser"]]),
    "chaos": (300, [[*PYTEST, "-m", "chaos"]]),
    "bench": (90, [[str(BIN / "python"), "-m", "benchmarks", "--quick", "spine"]]),
}
COUNT = re.compile(rb"(\d+) (passed|failed|errors?|skipped)")


def run(command: list[str], counts: dict[str, int]) -> bool:
    """Run one command, showing its output as it comes; add up pytest's closing line."""
    last = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            last = line if COUNT.search(line) else last
    if "pytest" in command[0]:
        for number, word in COUNT.findall(last):
            counts[word.decode().rstrip("s")] = counts.get(word.decode().rstrip("s"), 0) + int(number)
    return process.returncode == 0


def main(wanted: list[str]) -> int:
    """Run the wanted stages (all, when none is named); exit 1 when one fails or is over its budget."""
    counts: dict[str, int] = {}
    wrong = []
    for name in wanted or list(STAGES):
        budget, commands = STAGES[name]
        print(f"\n── {name} (budget {budget} s) " + "─" * 40, flush=True)
        began = time.monotonic()
        good = all(run(command, counts) for command in commands)
        took = time.monotonic() - began
        print(f"── {name}: {took:.0f} of {budget} s, {'ok' if good else 'FAILED'}", flush=True)
        if not good:
            wrong.append(name)
        elif took > budget:
            wrong.append(f"{name} (over budget)")
    failed = counts.get("failed", 0) + counts.get("error", 0)
    if wrong:
        print(f"\nnot good: {', '.join(wrong)}")
    print(f"{counts.get('passed', 0)} passed, {failed} failed, {counts.get('skipped', 0)} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
