"""What leaves a case: links that two members confirmed, each with the record that says it. Hints stay, and are counted.

The event about it, with the hash of the bytes, is committed before they are given away (governance G20, G33).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from tutela.model.access import Access
from tutela.model.case import Case
from tutela.model.evidence import Handover, canonical
from tutela.model.link import Graph, LinkState
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .case import about, bucket_of
from .evidence import Export
from .investigate import Investigations
from .ledger import asker_of
from .material import STANDS
from .papers import Papers

FORMAT = "tutela-case-links@1"
CONFIRMED = STANDS | {"confirmed"}
SAYS = "Leads that two people confirmed separately. A link says that a record names something, and nothing about anybody's conduct."


@dataclass(frozen=True, slots=True)
class CaseExports:
    """Hands out what was confirmed."""

    investigations: Investigations
    papers: Papers

    async def export(self, access: Access, id_: str, handed: Handover) -> bytes:
        """The confirmed links of a case, as canonical JSON; raises Refused when there are none, or when it may not leave."""
        here = self.investigations
        case = await here.entered(access, id_, "export of ")
        told = handed.proper()
        graph = await here.graph(access, case)
        left = [link for link in graph.links if link.state is LinkState.CONFIRMED]
        asked = ask(access, Action.EXPORT, "cases", here.ledger.now, agency=case.agency)
        stands = CONFIRMED if left else STANDS
        query = f"export of case {case.id} for {told.recipient}"
        under = await self.papers.under(told, access.purpose, access.agent.id)
        await here.ledger.must(under.asked(msgspec.structs.replace(asked, stands=stands)), LIVE, query)
        body = canonical(_said(case, msgspec.structs.replace(graph, links=tuple(left)), told, here.ledger.now))
        says = Export(
            asker=asker_of(msgspec.structs.replace(access, case=case.id)),
            recipient=told.recipient,
            agreement=told.agreement,
            reason=await here.cases.prose.kept_in(bucket_of(case.id), told.reason),
            sha256=sha256(body).hexdigest(),
            bytes=len(body),
            files=1,
            left_out=len(graph.links) - len(left),
            persons=tuple(dict.fromkeys(link.record for link in left)),
            paper="" if under.paper is None else under.paper.paper.id,
        )
        await here.ledger.handed_out(access, LIVE, about(case.id), says)
        return body


def _said(case: Case, graph: Graph, handed: Handover, at: int) -> dict[str, object]:
    """What is in it: the links, and of entities and records only those that the links are about; of a record its words around the name."""
    entities, records = {link.entity for link in graph.links}, {link.record for link in graph.links}
    return {
        "about": SAYS,
        "agreement": handed.agreement,
        "at": at,
        "authority": case.authority,
        "case": case.id,
        "entities": [
            {"id": one.id, "kind": one.kind, "name": one.name} for one in graph.entities if one.id in entities
        ],
        "format": FORMAT,
        "links": [
            {"because": one.because, "entity": one.entity, "id": one.id, "record": one.record, "says": one.says}
            for one in graph.links
        ],
        "recipient": handed.recipient,
        "records": [{"at": one.at, "id": one.id, "word": one.word} for one in graph.items if one.id in records],
        "reference": case.reference,
        "simulated": case.simulated,
    }
