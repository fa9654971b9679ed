"""What leaves a case: links that two members confirmed, each with the record that says it. What else there is stays, and is counted.

What stays are hints, and links whose record's own class the agreement does not cover, or the policies let nobody hand out. The event about it, with the hash of the bytes, is committed before they are given away (governance G20, G33).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from tutela.errors import Refused
from tutela.model.access import Access, Ask
from tutela.model.case import Case
from tutela.model.evidence import Handover, canonical
from tutela.model.link import Graph, LinkState
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .case import about, bucket_of
from .evidence import AGREEMENT, Export
from .investigate import Investigations
from .ledger import asker_of
from .material import STANDS
from .papers import Papers

FORMAT = "tutela-case-links@1"
CONFIRMED = STANDS | {"confirmed"}
SAYS = "Leads that two people confirmed separately. A link says that a record names something, and nothing about anybody's conduct."
NOTHING = Refused(
    "Nothing of this case may leave: the agreement covers none of the records that confirmed links are about, or the policies let "
    "nobody hand them out. Enter one that names their classes, such as call-contents.",
    policy=AGREEMENT,
)


@dataclass(frozen=True, slots=True)
class CaseExports:
    """Hands out what was confirmed."""

    investigations: Investigations
    papers: Papers

    async def export(self, access: Access, id_: str, handed: Handover) -> bytes:
        """The confirmed links of a case that may leave, as canonical JSON; raises Refused when there are none, or when the case may not."""
        here = self.investigations
        case = await here.entered(access, id_, "export of ")
        told = handed.proper()
        graph = await here.graph(access, case)
        confirmed = [link for link in graph.links if link.state is LinkState.CONFIRMED]
        under = await self.papers.under(told, access.purpose, access.agent.id)
        query = f"export of case {case.id} for {told.recipient}"
        asked = ask(access, Action.EXPORT, "cases", here.ledger.now, agency=case.agency)
        stands = CONFIRMED if confirmed else STANDS
        await self._must(under.asked(msgspec.structs.replace(asked, stands=stands)), told, query)
        # Word by word: a call that may leave bare takes no link with it that quotes what was said.
        may = {(item.id, item.says) for item in await here.material.leaving(access, case, under.asked)}
        records = {item.id for item in graph.items if (item.id, item.says) in may}
        left = [link for link in confirmed if link.record in records]
        if not left:
            await here.ledger.refuse(access, LIVE, query, NOTHING)
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

    async def _must(self, asked: Ask, handed: Handover, query: str) -> None:
        """Returns when it may leave; else raises Refused, which says what is wrong with the agreement, if that is it."""
        try:
            await self.investigations.ledger.must(asked, LIVE, query)
        except Refused as refused:
            if refused.policy != AGREEMENT:
                raise
            by = asked.access.agent.id
            missing = await self.papers.missing(handed, asked.access.purpose, by, asked.record_class)
            raise Refused(f"{missing} {refused.message}", policy=refused.policy) from refused


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
