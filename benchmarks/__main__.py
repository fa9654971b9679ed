"""`python -m benchmarks [--quick] [NAME …]`: run benches, each in a process of its own; keep and draw their figures.

Exit 1 when a bench could not run or a promise was broken; never for a missed bar.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import msgspec
from benchmarks import report
from benchmarks.report import ROOT, Figure
from rich.console import Console

SECONDS = {
    "detectors": 300,
    "change": 180,
    "scan": 180,
    "nab": 300,
    "onset": 300,
    "demand": 120,
    "flow_detect": 180,
    "flow_gateway": 180,
    "traces": 180,
    "standards": 180,
    "facts": 180,
    "lake": 300,
    "seal": 180,
    "append": 180,
    "proofs": 300,
    "decide": 120,
    "spine": 900,
    "loaded": 900,
    "accounted": 1200,
    "intake": 300,
    "mqtt": 300,
    "reads": 600,
    "units": 400,
    "maps": 180,
    "starts": 600,
    "restore": 600,
    "kills": 900,
    "replaying": 600,
    "storm": 300,
    "peers": 600,
    "growth": 1800,
}
"""Every bench, in order, with the seconds after which it counts as stuck."""

REAL = ("nab", "onset", "demand")
"""Those that want recorded data: part of everything only where TUTELA_BENCH_DATA names their folder."""

QUICK = ("detectors", "spine")
"""What a quick run of everything takes: each other one has a quick slice too, when it is named."""


def run(name: str) -> tuple[list[Figure], bool]:
    """One bench: its figures, kept in `results/` when it is whole, and whether it ran to its end."""
    kept = ROOT / "benchmarks" / "results" / f"{name}.jsonl"
    figures: list[Figure] = []
    command = (sys.executable, "-m", f"benchmarks.{name}")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as process:
        stuck = threading.Timer(SECONDS[name], os.killpg, (process.pid, signal.SIGTERM))
        stuck.start()
        for line in process.stdout or ():
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            figures.append(msgspec.json.decode(line, type=Figure))
            if not figures[-1].quick:
                with kept.open("ab") as file:
                    file.write(line)
        ran = process.wait() == 0
        stuck.cancel()
    return figures, ran


def everything() -> list[str]:
    """Every bench whose data are at hand."""
    return [name for name in SECONDS if name not in REAL or "TUTELA_BENCH_DATA" in os.environ]


def main(words: list[str]) -> int:
    """Run what is named, or everything."""
    if "--quick" in words:
        os.environ["QUICK"] = "1"
    names = [word for word in words if not word.startswith("-")] or (QUICK if report.quick() else everything())
    if unknown := [name for name in names if name not in SECONDS]:
        sys.exit(f"there is no bench called {', '.join(unknown)}; there are: {', '.join(SECONDS)}")
    report.fsync()
    (ROOT / "benchmarks" / "results").mkdir(exist_ok=True)
    console = Console(stderr=True, width=140)
    figures, failed = [], []
    for name in names:
        begun = time.monotonic()
        console.print(f"── {name}")
        found, ran = run(name)
        figures += found
        failed += [] if ran else [name]
        console.print(f"── {name}: {time.monotonic() - begun:.0f} s{'' if ran else ', DID NOT RUN TO ITS END'}")
    report.draw(figures, console)
    broken = [one.name for one in figures if one.promise and not one.ok]
    if failed or broken:
        console.print(f"not good: {', '.join([*failed, *broken])}")
    return 1 if failed or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
