"""Bodies that are posted: what can't be read is told to whoever sent it, and counted at its source."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from tutela.app.core import Core
from tutela.app.hooks import Hooks
from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, NotFound
from tutela.flow.catalogue import Known
from tutela.flow.entering import connect, enter
from tutela.flow.gateway import Gateway
from tutela.model.flow import Offer, Receipt
from tutela.model.register import Connection, Source
from tutela.model.when import parse

NOW = int(parse("2026-11-25T12:00:00Z"))
LOGS = Source(
    name="logs",
    owner="City",
    kind="hook",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="everywhere",
)


class Gate:
    """Takes all, and keeps it."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []

    async def give(self, offer: Offer) -> Receipt:
        self.offers.append(offer)
        return Receipt(0 if offer.rows is None else len(offer.rows), offer.refused)


async def hooks(gate: Gate) -> Hooks:
    facts, keys = MemoryFacts(), MemoryKeys()
    known = Known(facts, 4)
    await enter(facts, LOGS, "install", NOW)
    await connect(facts, keys, Connection(source="logs", part="webhook", standard="syslog"), {}, "install", NOW)
    await known.refresh()
    core = SimpleNamespace(facts=facts, known=known, keys=keys)
    return Hooks(cast("Core", core), cast("Gateway", gate))


async def test_a_body_that_cannot_be_read_is_an_error_for_its_sender_and_is_counted() -> None:
    gate = Gate()
    with pytest.raises(BadInput, match="no syslog message"):
        await (await hooks(gate)).take("logs", b"")

    assert [(no.reason, no.count) for offer in gate.offers for no in offer.refused] == [("unreadable", 1)]


async def test_a_body_that_can_be_read_is_taken() -> None:
    gate = Gate()
    receipt = await (await hooks(gate)).take("logs", b"<11>1 2026-11-25T08:00:00Z a x - - - y")

    assert (receipt.accepted, receipt.refused) == (1, ())


async def test_a_source_without_a_webhook_is_told_so() -> None:
    with pytest.raises(NotFound, match="has no webhook"):
        await (await hooks(Gate())).take("others", b"")
