"""`tutela evidence`: a bundle about an incident, for the person whose session it is; and what makes bundles in an instance."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tutela import __version__
from tutela.app.core import Core, chance, core
from tutela.app.lake import lake
from tutela.app.papers import papers
from tutela.app.settings import Settings
from tutela.app.staff import staff
from tutela.app.stamping import stamps
from tutela.app.verifying import log_key, origin, publishing
from tutela.errors import BadInput, Refused
from tutela.flow.evidence import Evidence
from tutela.flow.history import History
from tutela.flow.published import Publishing
from tutela.flow.read import Reads, reads
from tutela.model import note
from tutela.model.access import Access
from tutela.model.evidence import Handover
from tutela.model.noun import Noun

SESSION = "TUTELA_SESSION"


class Wanted(Noun, frozen=True, kw_only=True):
    """What was asked for: about which incident, for what, by which right, and to whom it goes."""

    incident: str
    purpose: str
    basis: str
    handed: Handover


def evidence(inside: Core, shown: Reads, public: Publishing) -> Evidence:
    """Makes bundles, stamped by whom the settings name. The log's key is read when a bundle is signed, and not kept."""

    async def signs(text: bytes) -> bytes:
        return await asyncio.to_thread(lambda: log_key(inside.settings).sign(text))

    key = note.verifier_key(origin(inside.install), public.public)
    return Evidence(
        reads=shown,
        papers=papers(inside),
        publishing=public,
        key=key,
        signs=signs,
        version=__version__,
        stamps=stamps(inside.settings),
    )


async def run(settings: Settings, wanted: Wanted, parent: Path | None) -> bytes:
    """The bundle; of `parent`, what is left of that one without what is about people. The session in the environment asks."""
    session = settings.env.get(SESSION)
    if not session:
        raise Refused(
            f"evidence is handed out by a person: give the token of your session in {SESSION}, as /v1/enrol answers it",
            policy="session",
        )
    before = None if parent is None else await asyncio.to_thread(_read, parent)
    async with core(settings, "evidence", connections=4) as inside:
        here = await staff(inside, chance).signed_in(session)
        await inside.known.refresh()
        await inside.audited.look(since=0)
        history = History(lake(inside), inside.streams, inside.keys, inside.install.partitions)
        shown = reads(inside.ledger, inside.facts, inside.known, history, inside.keys)
        makes = evidence(inside, shown, await publishing(inside))
        access = Access(agent=here.agent, purpose=wanted.purpose, legal_basis=wanted.basis, factor=here.factor)
        if before is not None:
            return await makes.redacted(access, wanted.incident, wanted.handed, before)
        return await makes.bundle(access, wanted.incident, wanted.handed)


def _read(parent: Path) -> bytes:
    try:
        return parent.read_bytes()
    except OSError as wrong:
        raise BadInput(
            f"{parent} can't be read: {wrong.strerror}; name the bundle that `tutela evidence` wrote"
        ) from wrong
