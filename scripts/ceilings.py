"""The ceilings of design.md §3: file 400 lines, function 40 (p90 20), inheritance 2 (errors 4), fan-out 12 (app excepted).

And the calls that thinking rooms and the flow never make, which an import contract can't see: `open`, `hash` (it
differs from process to process), `datetime.now` and its like, `numpy.random`.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

SRC = Path("src/tutela")
PURE = ("model", "maths", "policy", "detectors", "forecasts", "flow")
ACTS = {"open", "hash", "exec", "eval"}
CLOCKS = {"now", "utcnow", "today"}
FILE, FUNCTION, P90, DEPTH, ERRORS_DEPTH, FANOUT = 400, 40, 20, 2, 4, 12


def functions(tree: ast.Module) -> list[tuple[str, int, int]]:
    """Each function: its name, first line, and length in lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def fan_out(tree: ast.Module) -> set[str]:
    """The modules of tutela that a file imports, less `errors`, which everyone may."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("tutela")):
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("tutela")}
    return found - {"tutela.errors"}


def bases(tree: ast.Module) -> dict[str, list[str]]:
    """Each class with the names of its bases."""
    return {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


def depth(name: str, known: dict[str, list[str]]) -> int:
    """How many of our classes stand above that one, itself included."""
    return 1 + max((depth(base, known) for base in known[name] if base in known), default=0) if name in known else 0


def acts(tree: ast.Module) -> list[tuple[str, int]]:
    """Each call of a file that reaches for the disk, the clock or chance: what, and its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name):
            found.append((f"{node.value.id}.random", node.lineno))
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ACTS:
            found.append((node.func.id, node.lineno))
        elif isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            found.append((f"….{node.func.attr}()", node.lineno))
    return found


def lengths(trees: dict[Path, ast.Module]) -> list[str]:
    """Functions over the ceiling, and the 90th percentile when it is."""
    every = [(length, path, name, line) for path, tree in trees.items() for name, line, length in functions(tree)]
    wrong = [
        f"{path}:{line} {name}: {length} lines (ceiling {FUNCTION})"
        for length, path, name, line in every
        if length > FUNCTION
    ]
    ranked = sorted(length for length, *_ in every)
    p90 = ranked[len(ranked) * 9 // 10] if ranked else 0
    return [*wrong, *([f"p90 of function length is {p90} (ceiling {P90})"] if p90 > P90 else [])]


def main() -> int:
    """Print each breach; exit 1 when there is one."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(SRC.rglob("*.py"))}
    wrong = lengths(trees)
    known = {name: above for tree in trees.values() for name, above in bases(tree).items()}
    for path, tree in trees.items():
        lines = path.read_text().count("\n")
        if lines > FILE:
            wrong.append(f"{path}: {lines} lines (ceiling {FILE})")
        if path.relative_to(SRC).parts[0] in PURE:
            wrong += [f"{path}:{line} calls {name}: it comes in as an argument here" for name, line in acts(tree)]
        out = fan_out(tree)
        if len(out) > FANOUT and not path.is_relative_to(SRC / "app"):
            wrong.append(f"{path}: imports {len(out)} of our modules (ceiling {FANOUT})")
        most = ERRORS_DEPTH if path.name == "errors.py" else DEPTH
        wrong += [
            f"{path}: {name} stands {depth(name, known)} deep (ceiling {most})"
            for name in bases(tree)
            if depth(name, known) > most
        ]
    for line in wrong:
        print(line)
    print(f"ceilings: {len(trees)} files, {len(wrong)} breaches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
