"""The investigation aid: look for something in the records of one case, and see what they name. A lead, and never a verdict.

Nothing is weighed, scored or ranked: what is found is shown in the order of time, with the record's own words. Each search is an event
before anything is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, Refused, WrongStep
from tutela.maths.ids import uuid_of
from tutela.maths.named import normal, plain, said, says, spoken
from tutela.model.access import Access
from tutela.model.case import Case, Member, MemberRole
from tutela.model.link import Entity, EntityKind, Flag, Graph, Item, Link, Searched, Tag, Vote
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .case import Cases, about, bucket_of
from .ledger import Ledger
from .linked import NO, YES, Links, decides, tagged_by, votes_of
from .lookups import FLAGS, Lookups, refusal
from .material import STANDS, Material

SHORTEST, LONGEST = 2, 200
"""Letters and digits of what is searched."""

NO_CASE = Refused("Only a member of a case that stands looks into it.", policy="G28-case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigations:
    """What the members of a case do in it. Each method raises Refused to everybody else, and for a case that does not stand."""

    ledger: Ledger
    cases: Cases
    material: Material
    links: Links
    lookups: Lookups

    async def read(self, access: Access, id_: str) -> tuple[Case, Graph]:
        """The case, its records in the order of time, and what they name."""
        case = await self.entered(access, id_, "")
        graph = await self.graph(access, case)
        await self._wrote(access, case, "records", graph.items)
        return await self.cases.shown(case), graph

    async def search(self, access: Access, id_: str, words: str, reason: str = "") -> Graph:
        """The records that say this, with all that they name. `reason`: needed for some searches (governance G28)."""
        case = await self.entered(access, id_, "search in ")
        if len("".join(spoken(words))) < SHORTEST or len(words) > LONGEST or len(reason) > LONGEST:
            raise BadInput(f"search for {SHORTEST} to {LONGEST} letters; a reason has no more than that either")
        await self._flagged(access, case, words, reason.strip())
        found = _matching(await self.graph(access, case), words)
        bucket, shown = bucket_of(case.id), tuple(item.id for item in found.items)
        searched = Searched(
            case=case.id,
            digest=self._digest(case, words),
            words=await self.cases.prose.kept_in(bucket, words),
            shown=shown,
            reason=await self.cases.prose.kept_in(bucket, reason) if reason else "",
        )
        await self.cases.write("case-search@1", access.agent.id, about(case.id), searched)
        await self._wrote(access, case, f"search {searched.digest[:16]}", found.items)
        return found

    async def tag(self, access: Access, id_: str, record: str, kind: EntityKind, name: str) -> None:
        """An investigator says that a record names something; its own words have to. Raises NotFound, and BadInput."""
        case = await self.entered(access, id_, "tag in ")
        if Member(agent=access.agent.id, role=MemberRole.INVESTIGATOR) not in case.members:
            raise WrongStep("reviewers confirm what investigators tag; ask one of them", case=case.id)
        item = next((one for one in (await self.graph(access, case)).items if one.id == record), None)
        if item is None:
            raise NotFound(f"no record {record!r} is in the scope of this case; its list names those that are")
        if not SHORTEST <= len(plain(name)) <= LONGEST or said(item.says, kind, name) is None:
            raise BadInput(f"that record does not say so; tag {SHORTEST} to {LONGEST} letters that stand in it")
        sealed = await self.cases.prose.kept_in(bucket_of(case.id), name.strip())
        tag = Tag(record=record, kind=kind, name=sealed)
        await self.cases.write("case-tag@1", access.agent.id, about(case.id), tag)

    async def vote(self, access: Access, id_: str, link_id: str, *, confirms: bool) -> Link:
        """Say whether a link is so, once, and without knowing what anybody else said. Raises NotFound, Conflict, and WrongStep."""
        case, me = await self.entered(access, id_, "vote in "), access.agent.id
        link = await self._link(access, case, link_id)
        if link.because == tagged_by(me):
            raise WrongStep("you tagged it; two others say whether it is so", case=case.id)
        said_so = votes_of(await self.cases.log.about(about(case.id))).get(link_id, [])
        if link.mine is not None or decides(said_so):
            raise Conflict("this is answered: once by each, and by two people in all", case=case.id)
        verdict = await self.cases.prose.kept_in(bucket_of(case.id), YES if confirms else NO)
        once, vote = uuid_of("case-vote", link_id, me), Vote(link=link_id, verdict=verdict)
        await self.cases.write("case-vote@1", me, about(case.id), vote, once)
        return await self._link(access, case, link_id)

    # ── what all of these do ────────────────────────────────────────────────────────────────────
    async def entered(self, access: Access, id_: str, what: str) -> Case:
        """The case, when it stands and this person is a member; raises Refused, also when there is none of that id."""
        now, found = self.ledger.now, await self.cases.find(id_)
        mine = found if found is not None and found.stands(now) and found.member(access.agent.id) else None
        asked = ask(access, Action.SEARCH, "cases", now, agency=None if mine is None else mine.agency)
        stands = frozenset[str]() if mine is None else STANDS
        await self.ledger.must(msgspec.structs.replace(asked, stands=stands), LIVE, f"{what}case {id_}")
        if mine is None:
            raise NO_CASE
        return mine

    async def graph(self, access: Access, case: Case) -> Graph:
        """All of it, as this member sees it."""
        return await self.links.of(case, await self.material.of(access, case), access.agent.id)

    async def _link(self, access: Access, case: Case, id_: str) -> Link:
        found = next((one for one in (await self.graph(access, case)).links if one.id == id_), None)
        if found is None:
            raise NotFound(f"no link {id_!r} is in this case; its graph names those that are")
        return found

    async def _flagged(self, access: Access, case: Case, words: str, reason: str) -> None:
        why = await self.lookups.why(access.agent.id, words)
        if why is None:
            return
        if not reason:
            await self.ledger.refuse(access, LIVE, f"search in case {case.id}: {why}", refusal(why))
        sealed = await self.cases.prose.kept_in(bucket_of(case.id), reason)
        flag = Flag(case=case.id, agent=access.agent.id, why=why, search=self._digest(case, words), reason=sealed)
        await self.cases.write("lookup-flag@1", access.agent.id, FLAGS, flag)

    def _digest(self, case: Case, words: str) -> str:
        return self.links.keys.keyed(f"{case.id}\0{plain(words)}".encode()).hex()

    async def _wrote(self, access: Access, case: Case, what: str, items: Sequence[Item]) -> None:
        of_case = msgspec.structs.replace(access, case=case.id)
        ids, persons = [item.id for item in items], [item.id for item in items if item.whole]
        await self.ledger.wrote(of_case, LIVE, f"{what} of case {case.id}", ids, persons)


def _matching(graph: Graph, words: str) -> Graph:
    """The records that say it, or name the same number or plate however it is written; with what they name."""
    named = {one.id for one in graph.entities if _same(one, words)}
    by_link = {link.record for link in graph.links if link.entity in named}
    items = tuple(item for item in graph.items if item.id in by_link or says(item.says, words))
    ids = {item.id for item in items}
    links = tuple(link for link in graph.links if link.record in ids)
    entities = {link.entity for link in links}
    return Graph(items=items, entities=tuple(one for one in graph.entities if one.id in entities), links=links)


def _same(entity: Entity, words: str) -> bool:
    return normal(entity.kind, entity.name) == normal(entity.kind, words) != ""
