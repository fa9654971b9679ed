"""`python -m benchmarks.lean`: a worker that runs the spine's five detectors alone, for comparison with one that runs all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from tutela.app import detecting
from tutela.cli import main as tutela
from tutela.model.system import Use

FIVE = frozenset({"threshold", "silence", "unusual", "burst", "correlation"})


def lean(uses: Iterable[Use]) -> Iterator[Use]:
    """Those that the spine began with."""
    return (use for use in uses if use.part in FIVE)


def main() -> None:
    """`tutela work`, but for what it names."""
    named = detecting.named
    detecting.named = lambda: lean(named())
    sys.argv = ["tutela", "work"]
    tutela()


if __name__ == "__main__":
    main()
