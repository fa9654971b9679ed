"""The one door for reads: every one names a purpose and a legal basis, is decided, and leaves one event."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import Known
from .history import History
from .ledger import Ledger
from .ports import Facts, Keys
from .prose import Prose
from .read_desk import AlertDetail, DeskReads
from .read_log import LogReads, Page
from .read_observations import ObservationReads, Observed

__all__ = ["AlertDetail", "Observed", "Page", "Reads", "reads"]


@dataclass(frozen=True, slots=True)
class Reads:
    """All reads there are, by what is read."""

    observations: ObservationReads
    desk: DeskReads
    log: LogReads


def reads(ledger: Ledger, facts: Facts, known: Known, history: History, keys: Keys) -> Reads:
    """The reads, on these engines."""
    return Reads(
        observations=ObservationReads(ledger=ledger, known=known, values=facts, history=history),
        desk=DeskReads(ledger=ledger, known=known, desk=facts, keys=keys),
        log=LogReads(ledger=ledger, log=facts, prose=Prose(keys)),
    )
