"""`python -m benchmarks.table`: writes the newest figure of each name from `results/` into the README, as its table."""

from __future__ import annotations

import re

import msgspec
from benchmarks.report import ROOT, WORDS, Figure

README = ROOT / "benchmarks" / "README.md"
MARKS = "<!-- figures -->", "<!-- /figures -->"
COLUMNS = "| figure | value | unit | bar | | peers | load | commit |\n|---|---:|---|---:|---|---|---:|---|"


def newest() -> list[Figure]:
    """The last figure of each name, bench by bench, in the order in which they were told."""
    figures: dict[str, Figure] = {}
    for file in sorted((ROOT / "benchmarks" / "results").glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            figure = msgspec.json.decode(line, type=Figure)
            figures.pop(figure.name, None)
            figures[figure.name] = figure
    return list(figures.values())


def row(one: Figure) -> str:
    """One line of the table."""
    bar = "" if one.bar is None or one.promise else f"{WORDS[one.wants]} {one.bar:,.10g}"
    mark = "" if one.bar is None else ("kept" if one.promise else "ok") if one.ok else "**missed**"
    value = "" if one.promise else f"{one.value:,.10g}"
    peers = ", ".join(f"{name} {other:,.10g}" for name, other in one.peers.items())
    return f"| {one.name} | {value} | {one.unit} | {bar} | {mark} | {peers} | {one.load} | {one.commit} |"


def main() -> None:
    """Write it."""
    figures = newest()
    last = max(figures, key=lambda one: one.at)
    head = f"{last.machine}; fsync p50 {last.fsync_ms} ms; {last.at[:10]}"
    table = "\n".join([head, "", COLUMNS, *map(row, figures)])
    begin, end = MARKS
    text = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{table}\n{end}", README.read_text(), flags=re.DOTALL)
    README.write_text(text)


if __name__ == "__main__":
    main()
