"""The one door for reads: every one names a purpose and a legal basis, is decided, and leaves one event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .catalogue import Known
from .history import History
from .ledger import Ledger
from .objections import Objections
from .ports import Facts, Keys
from .read_desk import AlertDetail, DeskReads
from .read_log import LogReads, Page
from .read_observations import ObservationReads, Observed
from .read_told import ToldReads
from .read_units import Located, UnitReads
from .units import Units
from .whereabouts import Whereabouts

__all__ = ["AlertDetail", "Located", "Observed", "Page", "Reads", "reads"]


@dataclass(frozen=True, slots=True)
class Reads:
    """All reads there are, by what is read."""

    observations: ObservationReads
    desk: DeskReads
    told: ToldReads
    log: LogReads
    units: UnitReads
    objections: Objections


class Kept(Facts, Units, Protocol):
    """What is read: facts and units."""


def reads(ledger: Ledger, facts: Kept, known: Known, history: History, keys: Keys) -> Reads:
    """The reads, on these engines."""
    observations = ObservationReads(ledger=ledger, known=known, values=facts, history=history)
    objections = Objections(ledger=ledger, log=facts, keys=keys)
    whereabouts = Whereabouts(history, known.partitions)
    fresh, marked = objections.fresh, objections.marked
    desk = DeskReads(ledger=ledger, known=known, desk=facts, keys=keys, fresh=fresh, marked=marked)
    told = ToldReads(ledger=ledger, known=known, desk=facts, keys=keys, fresh=fresh, marked=marked)
    return Reads(
        observations=observations,
        desk=desk,
        told=told,
        objections=objections,
        log=LogReads(ledger=ledger, log=facts, prose=desk.prose),
        units=UnitReads(ledger=ledger, kept=facts, observations=observations, whereabouts=whereabouts),
    )
