"""Evidence leaves the house: a person asks for a bundle about an incident, says to whom it goes and why, and it becomes an event.

Export is an act of its own in the policies, and each thing in the bundle is decided by itself: what whoever asks may not hand out is
left out, and the manifest says so. The event is committed before the bundle is given away, with its hash: what is not written down
does not leave (governance G20, G33). Time is read once: the same ask at the same moment of the log gives the same bytes.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from tutela.errors import BadInput, Refused
from tutela.model.access import Access
from tutela.model.evidence import ABOUT, FORMAT, Handover, Proved
from tutela.model.incident import Incident
from tutela.model.noun import Noun
from tutela.policy.purposes import Action, ask_about

from .gathering import Found, gathered
from .ledger import Asker, asker_of
from .packing import Signs, Stamps, opened, packed
from .papers import Papers, Under
from .published import Publishing
from .read import Reads
from .redact import covered, redacted

AGREEMENT = "G20-agreement"
"""The policy that lets nothing leave without one."""

MINUTES = 10
"""Of telemetry, before and after what was detected."""


class Export(Noun, frozen=True, kw_only=True):
    """Body of `export@1`: what left, by its hash; who asked, to whom it goes, and why. `parent`: what it was derived from.

    `paper` is the id of the agreement, or of the order. `persons` names the records about people that are in it in the clear, one by one. `reason` is sealed.
    """

    asker: Asker
    recipient: str
    agreement: str
    reason: str
    sha256: str
    bytes: int
    files: int
    left_out: int
    persons: tuple[str, ...] = ()
    parent: str | None = None
    paper: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Makes bundles. `key` is the log's public key as note tools take it, `signs` signs with it; `version`: of the platform.

    `stamps` asks somebody else for a time stamp of each.
    """

    reads: Reads
    papers: Papers
    publishing: Publishing
    key: str
    signs: Signs
    version: str
    stamps: Stamps | None = None

    async def bundle(self, access: Access, id_: str, handed: Handover, minutes: int = MINUTES) -> bytes:
        """Everything about an incident that whoever asks may hand out, as one file; raises Refused or NotFound."""
        incident, under = await self._may(access, id_, handed.proper())
        found = await gathered(self.reads, self.publishing, self.key, access, under.asked, incident, minutes=minutes)
        said = self._said(access, incident, handed, found.left_out, found.proved)
        made = await packed(said, found.parts, self.key, self.signs, self.stamps)
        await self._wrote(access, incident, handed, under, made, found)
        return made

    async def redacted(self, access: Access, id_: str, handed: Handover, parent: bytes) -> bytes:
        """A bundle derived from that one, without what is about people; it names its parent by hash. Raises BadInput."""
        incident, under = await self._may(access, id_, handed.proper())
        before, bodies = await to_thread(opened, parent, self.key, self.publishing.verifies)
        if before["incident"] != incident.id or before["parent"] is not None:
            raise BadInput("a redacted bundle is derived from the original about the same incident; give that one")
        found = covered(redacted(before, bodies), under.covers)
        digest = sha256(parent).hexdigest()
        named = {one["path"]: one["sha256"] for one in before["files"]}
        said = self._said(access, incident, handed, found.left_out, found.proved)
        said["parent"] = {"files": named, "sha256": digest}
        made = await packed(said, found.parts, self.key, self.signs, self.stamps)
        await self._wrote(access, incident, handed, under, made, found, parent=digest)
        return made

    async def _may(self, access: Access, id_: str, handed: Handover) -> tuple[Incident, Under]:
        incident, by = await self.reads.desk.desk.incident(id_), access.agent.id
        under = await self.papers.under(handed, access.purpose, by)
        ledger = self.reads.desk.ledger
        query = f"evidence of incident {id_} for {handed.recipient}"
        asked = under.asked(ask_about(access, Action.EXPORT, incident, ledger.now))
        try:
            await ledger.must(asked, incident.timeline, query)
        except Refused as refused:
            if refused.policy != AGREEMENT:
                raise
            missing = await self.papers.missing(handed, access.purpose, by)
            raise Refused(f"{missing} {refused.message}", policy=refused.policy) from refused
        return incident, under

    def _said(
        self,
        access: Access,
        incident: Incident,
        handed: Handover,
        left_out: Sequence[str],
        proved: Sequence[Proved],
    ) -> dict[str, object]:
        """The manifest without its files."""
        asker = asker_of(access)
        return {
            "about": ABOUT,
            "agreement": handed.agreement,
            "asked": {name: getattr(asker, name) for name in Asker.__struct_fields__},
            "at": self.reads.desk.ledger.now,
            "format": FORMAT,
            "incident": incident.id,
            "leaves": [{name: getattr(one, name) for name in Proved.__struct_fields__} for one in proved],
            "left_out": list(left_out),
            "parent": None,
            "reason": handed.reason,
            "recipient": handed.recipient,
            "timeline": incident.timeline,
            "version": self.version,
        }

    async def _wrote(
        self,
        access: Access,
        incident: Incident,
        handed: Handover,
        under: Under,
        made: bytes,
        found: Found,
        *,
        parent: str | None = None,
    ) -> None:
        """The event, before anything leaves."""
        says = Export(
            asker=asker_of(access),
            recipient=handed.recipient,
            agreement=handed.agreement,
            reason=await self.reads.desk.prose.sealed(incident, handed.reason),
            sha256=sha256(made).hexdigest(),
            bytes=len(made),
            files=len(found.parts),
            left_out=len(found.left_out),
            persons=tuple(found.persons),
            parent=parent,
            paper="" if under.paper is None else under.paper.paper.id,
        )
        await self.reads.desk.ledger.handed_out(access, incident.timeline, incident.id, says)
