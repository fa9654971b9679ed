"""What one decision of the shipped policies costs, without any cache: CPU time, one by one. JSON lines.

The questions are the rows of the golden table, in turn, so that all roles, all policies and all kinds of refusal are in it; each
is put into Cedar's words and judged against the whole set, as a read does it. `decide.cpu` is of all of them, `decide.refused`
of those alone that are refused, with the words of the refusal. Any answer that is not the table's breaks the promise.
"""

from __future__ import annotations

import gc
import sys
import time
from importlib.resources import files

from benchmarks.report import promise, quick, tell

from tutela.app.core import policies as shipped
from tutela.errors import Refused
from tutela.model.access import Ask
from tutela.policy.decide import Policies
from tutela.policy.golden import table

ROUNDS = 2 if quick() else 60
BAR = 1.0
"""Milliseconds of CPU (p99)."""


def answer(policies: Policies, ask: Ask) -> tuple[str, float]:
    """The id of the policy that refuses, or "allow", and the milliseconds of CPU that it took."""
    began = time.process_time_ns()
    try:
        policies.check(ask)
    except Refused as refused:
        return refused.policy, (time.process_time_ns() - began) / 1e6
    return "allow", (time.process_time_ns() - began) / 1e6


def main() -> int:
    """Ask all of it, so many times."""
    rows = [(row.ask, row.answer) for row in table((files("tutela.policy") / "policies" / "golden.csv").read_text())]
    policies, took, refused, wrong = shipped(), [], [], 0
    for ask, _ in rows:  # once to warm up
        answer(policies, ask)
    gc.freeze()
    for _ in range(ROUNDS):
        for ask, expected in rows:
            told, cost = answer(policies, ask)
            wrong += told != expected
            took.append(cost)
            refused += [cost] if told != "allow" else []
    for name, costs in (("decide.cpu", sorted(took)), ("decide.refused", sorted(refused))):
        p99 = costs[len(costs) * 99 // 100]
        tell(
            name,
            p99,
            "ms p99",
            most=BAR,
            p50=costs[len(costs) // 2],
            worst=costs[-1],
            decisions=len(costs),
            rows=len(rows),
        )
    return 0 if promise("decide.golden", not wrong, wrong=wrong) else 1


if __name__ == "__main__":
    sys.exit(main())
