"""What records of a case name: by the declared patterns, and by what members tagged; and what two members confirmed.

An entity has an id of its case alone, so that nobody can put two cases side by side and follow one person through both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.maths.ids import digest
from tutela.maths.named import mentions, normal, said
from tutela.model.case import Case
from tutela.model.event import Event
from tutela.model.link import Entity, EntityKind, Graph, Item, Link, LinkState, Tag, Vote

from .case import about
from .ports import Keys, Log
from .prose import Prose

YES, NO = "yes", "no"
REVIEWERS = 2

_tag = msgspec.json.Decoder(Tag).decode
_vote = msgspec.json.Decoder(Vote).decode

Said = tuple[str, str]
"""Who said something of a link, and what, sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Finds the links of a case, as one member sees them."""

    log: Log
    prose: Prose
    keys: Keys

    async def of(self, case: Case, items: Sequence[Item], me: str) -> Graph:
        """What these records name. Of a link that is not decided yet, only what `me` said themselves is in it."""
        told = await self.log.about(about(case.id))
        found, votes = _Found(self.keys, case.id), votes_of(told)
        for item in items:
            for one in mentions(item.says):
                found.add(item, one.kind, one.name, one.quote, one.because)
        records = {item.id: item for item in items}
        for event in told:
            if event.kind == "case-tag@1" and (tag := _tag(event.body)).record in records:
                item, name = records[tag.record], await self.prose.words(tag.name)
                words = said(item.says, tag.kind, name)
                if words is not None:
                    found.add(item, tag.kind, name, words, tagged_by(event.by))
        links = [await self._seen(link, votes.get(link.id, []), me) for link in found.links.values()]
        return Graph(
            items=tuple(items),
            entities=tuple(found.entities.values()),
            links=tuple(sorted(links, key=lambda link: (link.at, link.id))),
        )

    async def _seen(self, link: Link, votes: Sequence[Said], me: str) -> Link:
        """With what two people said of it, and what `me` did."""
        decided = [await self.prose.words(verdict) for _, verdict in votes[:REVIEWERS]] if decides(votes) else []
        mine = next((verdict for by, verdict in votes if by == me), None)
        own = None if mine is None else await self.prose.words(mine)
        state = LinkState.CONFIRMED if decided and set(decided) == {YES} else LinkState.HINT
        return msgspec.structs.replace(link, state=state, mine=None if own is None else own == YES)


@dataclass(slots=True)
class _Found:
    """The entities and links so far."""

    keys: Keys
    case: str
    entities: dict[str, Entity] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    def add(self, item: Item, kind: EntityKind, name: str, words: str, because: str) -> None:
        """A record names something; that it does so twice is one link."""
        entity = self.keys.keyed(f"{self.case}\0{kind}\0{normal(kind, name)}".encode()).hex()[:24]
        self.entities.setdefault(entity, Entity(id=entity, kind=kind, name=name))
        id_ = digest(self.case, entity, item.id).hex()
        self.links.setdefault(id_, Link(id=id_, entity=entity, record=item.id, at=item.at, because=because, says=words))


def tagged_by(agent: str) -> str:
    """Why a link is there that no pattern found."""
    return f"tagged by {agent}"


def votes_of(told: Sequence[Event]) -> Mapping[str, list[Said]]:
    """What was said of each link, in the order in which it was said, by whom."""
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for event in told:
        if event.kind == "case-vote@1":
            vote = _vote(event.body)
            found[vote.link].append((event.by, vote.verdict))
    return found


def decides(votes: Sequence[Said]) -> bool:
    """Whether two people have said what they think of a link."""
    return len(votes) >= REVIEWERS
