"""A figure is one JSON line on standard output, with its bar, the machine, its load, and the commit.

A bench calls `tell` for each figure. A missed bar is told, never an error: machines differ. `promise` is for
what must hold on any machine, such as exactly once; when it does not, the run has failed.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
FSYNC = "TUTELA_BENCH_FSYNC_MS"
WORDS = {"at least": "≥", "at most": "≤", "": ""}


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One measured figure. `wants` tells how to read the bar; `peers` are others' values in the same run and unit."""

    name: str
    value: float
    unit: str
    bar: float | None
    wants: str
    ok: bool
    promise: bool = False
    peers: dict[str, float]
    quick: bool
    fsync_ms: float
    machine: str
    load: float
    commit: str
    at: str
    more: dict[str, Any] = {}


def quick() -> bool:
    """Whether only a short slice is wanted."""
    return os.environ.get("QUICK") == "1"


def tell(
    name: str,
    value: float,
    unit: str,
    *,
    least: float | None = None,
    most: float | None = None,
    peers: Mapping[str, float] | None = None,
    **more: object,
) -> bool:
    """Print a figure; gives whether it reached its bar (without a bar: always)."""
    bar, wants = (least, "at least") if least is not None else (most, "at most" if most is not None else "")
    ok = (least is None or value >= least) and (most is None or value <= most)
    _print(name=name, value=value, unit=unit, bar=bar, wants=wants, ok=ok, peers=peers, more=more)
    return ok


def promise(name: str, kept: bool, **more: object) -> bool:  # noqa: FBT001  it is the whole of what is told
    """Print whether something held that must hold on any machine."""
    _print(name=name, value=float(kept), unit="kept", bar=1.0, wants="at least", ok=kept, promise=True, more=more)
    return kept


def draw(figures: Iterable[Figure], to: Console) -> None:
    """Draw figures as a table."""
    table = Table(title=f"{machine()} · fsync p50 {fsync()} ms · {commit()}", title_justify="left")
    for column, justify in (("figure", "left"), ("value", "right"), ("unit", "left"), ("bar", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # rich wants a literal
    table.add_column("peers")
    for one in figures:
        bar = "" if one.bar is None or one.promise else f"{WORDS[one.wants]} {one.bar:,.10g}"
        peers = ", ".join(f"{name} {value:,.10g}" for name, value in one.peers.items())
        table.add_row(one.name, f"{one.value:,.10g}", one.unit, bar, _mark(one), peers)
    to.print(table)


@cache
def machine() -> str:
    """What this runs on, in a line."""
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} × {cpu}, {memory:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}"
    )


@cache
def commit() -> str:
    """The commit that is measured; "+" when files of the program differ from it."""
    name = _git("rev-parse", "--short", "HEAD")
    return name + ("+" if _git("status", "--porcelain", "--", "src", "benchmarks/*.py") else "") if name else "none"


@cache
def fsync() -> float:
    """The median time of an fsync of 4 kB in milliseconds, on the disk that the benches use."""
    if FSYNC not in os.environ:
        took = []
        with TemporaryFile() as file:
            for _ in range(100):
                file.write(bytes(4096))
                file.flush()
                begun = time.perf_counter()
                os.fsync(file.fileno())
                took.append(time.perf_counter() - begun)
        os.environ[FSYNC] = str(round(statistics.median(took) * 1e3, 2))
    return float(os.environ[FSYNC])


def _print(*, value: float, peers: Mapping[str, float] | None = None, **told: Any) -> None:  # noqa: ANN401  fields of a figure
    figure = Figure(
        value=_short(value),
        peers={other: _short(number) for other, number in (peers or {}).items()},
        quick=quick(),
        fsync_ms=fsync(),
        machine=machine(),
        load=round(os.getloadavg()[0], 2),
        commit=commit(),
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **told,
    )
    sys.stdout.write(msgspec.json.encode(figure).decode() + "\n")
    sys.stdout.flush()


def _short(value: float) -> float:
    """Four digits are as many as a bench can stand for."""
    return float(f"{value:.4g}") if abs(value) < 1e4 else round(value)


def _mark(one: Figure) -> str:
    if one.bar is None:
        return ""
    return ("kept" if one.ok else "BROKEN") if one.promise else ("ok" if one.ok else "missed")


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _git(*words: str) -> str:
    found = subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip()
