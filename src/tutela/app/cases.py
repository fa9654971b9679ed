"""The investigation aid of an instance, on its engines."""

from __future__ import annotations

from tutela.app.core import Core, clock
from tutela.app.papers import papers
from tutela.flow.aid import investigations
from tutela.flow.case_acts import CaseActs
from tutela.flow.read import Reads
from tutela.screens.cases import Aid


def aid(inside: Core, shown: Reads) -> Aid:
    """Cases, and what their members do in them."""
    here = investigations(shown.desk, inside.facts, inside.facts, inside.facts, clock)
    return Aid(CaseActs(ledger=inside.ledger, cases=here.cases, colleagues=inside.facts), here, papers(inside))
