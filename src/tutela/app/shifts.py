"""What a shift's pages stand on."""

from __future__ import annotations

from tutela.app.addresses import Addresses
from tutela.app.core import Core
from tutela.flow.changes import Changes
from tutela.flow.handover import HandoverActs
from tutela.flow.handover_write import Writing
from tutela.flow.kpis import KpiReads
from tutela.flow.prose import Prose
from tutela.flow.read import Reads
from tutela.flow.read_health import HealthReads
from tutela.screens.handovers import ShiftDesk


def shift_desk(inside: Core, shown: Reads, health: HealthReads) -> ShiftDesk:
    """Handovers and response times of an instance."""
    changes = Changes(desk=shown.desk, log=shown.log, kept=inside.facts)
    writing = Writing(reads=shown, health=health, changes=changes)
    acts = HandoverActs(ledger=inside.ledger, log=inside.facts, prose=Prose(inside.keys), writing=writing)
    named = Addresses(inside.install.city).named
    return ShiftDesk(acts=acts, kpis=KpiReads(changes=changes), install=inside.install, named=named)
