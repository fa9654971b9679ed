"""What the pages of administration stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from litestar import Router

from tutela import parts
from tutela.app.apart import Apart
from tutela.app.approving import acts as deciding
from tutela.app.connections import SOURCES, STANDARDS, made, speaks
from tutela.app.core import Core
from tutela.app.lake import lake
from tutela.app.retention import retained
from tutela.errors import BadInput, PartMissing
from tutela.flow.entry_acts import EntryActs
from tutela.flow.read_rules import RuleReads
from tutela.flow.retention import RetentionReads
from tutela.flow.source_acts import SourceActs
from tutela.model.register import Connection
from tutela.screens import admin, retention, rules
from tutela.screens.admin import AdminDesk
from tutela.screens.guard import Guard


def admin_desk(inside: Core, kept: RetentionReads, tries: RuleReads) -> AdminDesk:
    """Sources, rules and retention of an instance."""
    entries = EntryActs(ledger=inside.ledger, register=inside.facts, approvals=deciding(inside))
    sources = SourceActs(entries=entries, kept=inside.facts, keys=inside.keys, ready=sends, issue=inside.tokens.issue)
    connecting, reading = choices()
    return AdminDesk(
        sources=sources,
        retention=kept,
        rules=tries,
        install=inside.install,
        parts=connecting,
        standards=reading,
    )


def system(inside: Core, guard: Guard) -> Sequence[Router]:
    """What is kept how long, rules, and the pages of administration."""
    kept = RetentionReads(ledger=inside.ledger, retained=retained(inside, lake(inside)))
    tries = RuleReads(ledger=inside.ledger, rules=inside.facts, ticks=inside.facts, try_=Apart(inside.settings).run)
    desk = admin_desk(inside, kept, tries)
    return [retention.routes(kept, guard), rules.routes(tries, guard), admin.routes(desk, guard)]


def sends(connection: Connection, secret: Mapping[str, object]) -> bool:
    """Whether a source with that connection sends by itself; raises BadInput for one that could never run."""
    try:
        return made(connection, secret).part is None
    except PartMissing as wrong:  # by the name that a person wrote, and not by our own
        raise BadInput(wrong.message) from wrong


@cache
def choices() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts that connect to something, and the standards that say what their messages define: as they are when it is asked first."""
    connecting = (name for name in parts.names(SOURCES) if hasattr(parts.load(SOURCES, name), "sealed"))
    return tuple(connecting), tuple(name for name in parts.names(STANDARDS) if speaks(parts.load(STANDARDS, name)))
