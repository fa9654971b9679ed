"""What is named in the records of a case, and where: leads that people look at, never a verdict about anybody.

Nothing here has a weight, and everything is in the order of time: who is named often is not "more suspicious".
"""

from __future__ import annotations

from enum import StrEnum

from .noun import Noun
from .place import Place


class EntityKind(StrEnum):
    """What can be named."""

    PHONE = "phone-number"
    PLATE = "number-plate"
    ADDRESS = "address"
    PLACE = "place"
    NAME = "name"


class Entity(Noun, frozen=True, kw_only=True):
    """Something that records of one case name. Its id is of that case alone: in another one the same name has another."""

    id: str
    kind: EntityKind
    name: str


class Item(Noun, frozen=True, kw_only=True):
    """A record in the scope of a case, with the words in which something can be named. `whole`: with what is about people."""

    word: str
    id: str
    at: int
    place: Place | None
    says: str
    whole: bool = False


class LinkState(StrEnum):
    """`hint`: nobody, or not two people alike, said that it is so. It stays in the case."""

    HINT = "hint"
    CONFIRMED = "confirmed"


class Link(Noun, frozen=True, kw_only=True):
    """An entity is named in a record: `says` are the record's own words, `because` is the pattern or the person that found it.

    `mine` is what whoever reads this said of it, if they did: what others said nobody sees before two have.
    """

    id: str
    entity: str
    record: str
    at: int
    because: str
    says: str
    state: LinkState = LinkState.HINT
    mine: bool | None = None


class Graph(Noun, frozen=True, kw_only=True):
    """What is named in a case's records, and in which: items and links in the order of time, entities as they come up."""

    items: tuple[Item, ...]
    entities: tuple[Entity, ...]
    links: tuple[Link, ...]


class Tag(Noun, frozen=True, kw_only=True):
    """Body of `case-tag@1`: a member says that this record names something. `name` is sealed."""

    record: str
    kind: EntityKind
    name: str


class Vote(Noun, frozen=True, kw_only=True):
    """Body of `case-vote@1`: a member says whether a link is so. `verdict` is sealed, so that the next one judges for themselves."""

    link: str
    verdict: str


class Searched(Noun, frozen=True, kw_only=True):
    """Body of `case-search@1`: the words, sealed, and their keyed digest, by which the same search is known again; the records shown."""

    case: str
    digest: str
    words: str
    shown: tuple[str, ...]
    reason: str = ""


class Flag(Noun, frozen=True, kw_only=True):
    """Body of `lookup-flag@1`, for oversight: somebody searched for what needs a reason (governance G28). `reason` is sealed.

    `why` is `own-name`, `colleague` or `rate`; `search` the keyed digest of the words.
    """

    case: str
    agent: str
    why: str
    search: str
    reason: str
