"""How a queue is doing, by EEMUA 191. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tutela.model.alert import Alert, AlertStatus
from tutela.model.noun import Noun

from .alert import PACE

FLOOD = 10


class Measures(Noun, frozen=True, kw_only=True):
    """How a queue is doing, by EEMUA 191: alerts shown in the last ten minutes, and how many stand in each state.

    More than ten shown in ten minutes are a flood. `standing` were acknowledged and are not closed yet.
    """

    lately: int
    flood: bool
    waiting: int
    standing: int
    shelved: int
    held: int


def measures(alerts: Iterable[Alert], now: int) -> Measures:
    """The measures of these alerts, for the head of a screen."""
    alerts = tuple(alerts)
    stand_ = Counter(alert.status for alert in alerts)
    lately = sum(alert.shown_at is not None and alert.shown_at > now - PACE for alert in alerts)
    return Measures(
        lately=lately,
        flood=lately > FLOOD,
        waiting=stand_[AlertStatus.NEW],
        standing=stand_[AlertStatus.ACKNOWLEDGED],
        shelved=stand_[AlertStatus.SHELVED],
        held=stand_[AlertStatus.HELD],
    )
