"""How all of an instance is doing, as its door tells."""

from __future__ import annotations

from functools import partial

from tutela.app.arming import arming
from tutela.app.core import Core
from tutela.backends.postgres.progress import PostgresProgress
from tutela.flow import hop
from tutela.flow.health import Health
from tutela.flow.read_health import HealthReads
from tutela.flow.register_public import Registering
from tutela.model.timeline import LIVE
from tutela.screens.health import Probes


def vitals(inside: Core, health: Health, register: Registering) -> HealthReads:
    """How all of it is doing."""
    facts = inside.facts
    return HealthReads(
        ledger=inside.ledger,
        known=inside.known,
        progress=PostgresProgress(facts.db),
        report=health.report,
        witnesses=facts.watched,
        off=arming(inside, register).off,
    )


def probes(inside: Core) -> Probes:
    """What only a working engine answers."""
    return {"NATS": partial(inside.streams.last, hop.observations(LIVE)), "PostgreSQL": inside.facts.timelines}
