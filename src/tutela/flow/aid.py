"""The investigation aid, put together: cases, their material, what it names, and what needs a reason."""

from __future__ import annotations

from .case import Cases
from .investigate import Investigations
from .linked import Links
from .lookups import Colleagues, Lookups
from .material import Material, Within
from .ports import Clock, Log
from .read_desk import DeskReads


def investigations(reads: DeskReads, within: Within, log: Log, colleagues: Colleagues, clock: Clock) -> Investigations:
    """The aid, on these engines."""
    prose, keys = reads.prose, reads.keys
    cases = Cases(log=log, prose=prose, clock=clock)
    return Investigations(
        ledger=reads.ledger,
        cases=cases,
        material=Material(reads=reads, within=within, about=log.about),
        links=Links(log=log, prose=prose, keys=keys),
        lookups=Lookups(cases=cases, colleagues=colleagues, log=log, keys=keys),
    )
