"""How a detector words what it found: the same id, place and sources for the same input, everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tutela.errors import BadInput
from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.scales import Scale
from tutela.model.seen import Catalogue
from tutela.model.why import Why

from . import ids


class Part(Protocol):
    """A detector, as far as its findings tell of it: a Struct whose fields are its options."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def word(self) -> str:
        """The part's own name, that of its file, by which its card is found."""
        ...

    @property
    def name(self) -> str:
        """What a system calls this use of the part: the type of what it finds."""
        ...

    @property
    def version(self) -> int:
        """Counts up whenever the same input may give other detections."""
        ...

    @property
    def scale(self) -> Scale:
        """How pressing its findings are."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, in the detector's own terms: from when, noticed when, how sure, and why.

    `key` tells apart what can be found at the same `since`; `since` and `at` in microseconds.
    """

    key: str
    since: int
    at: int
    confidence: float
    why: Why
    revision: int = 0


def options(part: object) -> str:
    """The digest of the part's options, which are its fields; raises BadInput for a part that has none to read."""
    of = type(part)
    names = getattr(of, "__struct_fields__", None) or getattr(of, "__dataclass_fields__", None)
    if names is None:
        raise BadInput(
            f"the options of {of.__name__} can't be read: make them fields of a msgspec Struct or a dataclass"
        )
    return ids.options_digest((name, getattr(part, name)) for name in names)


def id_of(part: Part, timeline: str, key: str, since: int) -> str:
    """The id of a detection (design §5): timeline, detector, version, options, key, start."""
    return ids.uuid_of("detection", timeline, part.word, part.version, options(part), key, since)


@dataclass(frozen=True, slots=True)
class Rests:
    """What a finding rests on, and where that is."""

    place: Place | None
    cell: int
    purpose: str
    datastreams: tuple[int, ...] = ()
    facts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def detection(part: Part, timeline: str, found: Found, rests: Rests) -> Detection:
    """What a part found on that timeline, as a noun."""
    return Detection(
        id=id_of(part, timeline, found.key, found.since),
        revision=found.revision,
        timeline=timeline,
        detector=part.word,
        version=part.version,
        options=options(part),
        type=part.name,
        key=found.key,
        since=found.since,
        at=found.at,
        place=rests.place,
        cell=rests.cell,
        scale=part.scale,
        confidence=found.confidence,
        purpose=rests.purpose,
        why=found.why,
        datastreams=rests.datastreams,
        facts=rests.facts,
        sources=rests.sources,
    )


def on(catalogue: Catalogue, datastreams: Sequence[int]) -> Rests:
    """Resting on datastreams: it is where they are, if there is only one."""
    known = [catalogue.by_id[datastream] for datastream in datastreams]
    one = known[0] if len(known) == 1 else None
    return Rests(
        place=one.place if one else None,
        cell=one.cell if one else 0,
        purpose=known[0].purpose,
        datastreams=tuple(datastreams),
        sources=tuple(sorted({each.source for each in known})),
    )
