"""Papers: what has to stand before something may be done, each with whose authority, about what, and until when (governance G03–G08, G15, G20, G37)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from .event import Event
from .noun import Noun
from .when import DAY, iso

SUBJECT = "papers"
"""What all events of papers are about, but for consents."""

CONSENTS = "papers/consents"
"""Of those there may be very many."""

COUNTDOWN = DAY
"""So long an urgent start goes on without a grant (governance G07)."""

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=r"\S")]
Sealable = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000, pattern=r"\S")]
"""Of at most 2000 letters, and longer where it is sealed."""

Hash = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]


class Dpia(Noun, frozen=True, kw_only=True, tag_field="kind", tag="dpia"):
    """What capabilities do to people's data was weighed (GDPR art. 35). `covers`: capabilities by name, or whole systems."""

    covers: tuple[str, ...]


class Fria(Noun, frozen=True, kw_only=True, tag_field="kind", tag="fria"):
    """What high-risk capabilities do to people's rights was weighed (AI Act art. 27)."""

    covers: tuple[str, ...]


class ForecastCard(Noun, frozen=True, kw_only=True, tag_field="kind", tag="forecast-card"):
    """How good and how fair a forecast is was measured, and all of it was within its limits (governance (e), G15)."""

    covers: tuple[str, ...]


class Authorisation(Noun, frozen=True, kw_only=True, tag_field="kind", tag="authorisation"):
    """A court or an independent body lets something be done: for what, in which area, about whom (opaque references), in which case.

    `urgent`: it began before it was granted; without a grant it ends after `COUNTDOWN`. `targets` are sealed where they are stored.
    """

    objective: Text
    area: Text
    targets: tuple[str, ...] = ()
    case: str = ""
    urgent: bool = False


class Agreement(Noun, frozen=True, kw_only=True, tag_field="kind", tag="agreement"):
    """Records of these classes go to that recipient for these purposes. `watermark`: each copy has to tell whose it is."""

    recipient: Word
    classes: tuple[str, ...]
    purposes: tuple[str, ...]
    watermark: bool = False


class Consent(Noun, frozen=True, kw_only=True, tag_field="kind", tag="consent"):
    """A person agreed to a purpose, and can take it back. `person`: a pseudonym; what it was made of is not stored."""

    person: Word
    purpose: Word


class Compatibility(Noun, frozen=True, kw_only=True, tag_field="kind", tag="compatibility"):
    """What was collected for one purpose may be used for another, since the two go together: a second person decides (GDPR art. 6(4))."""

    collected_for: Word
    used_for: Word
    reason: Sealable


About = Dpia | Fria | ForecastCard | Authorisation | Agreement | Consent | Compatibility

LONGEST: Mapping[str, int] = MappingProxyType(
    {
        "dpia": 366 * DAY,
        "fria": 366 * DAY,
        "forecast-card": 90 * DAY,
        "authorisation": 90 * DAY,
        "agreement": 5 * 366 * DAY,
        "consent": 5 * 366 * DAY,
        "compatibility": 366 * DAY,
    }
)
"""How long a paper of each kind may stand: then it is looked at again, or it lapses."""


class Paper(Noun, frozen=True, kw_only=True):
    """Body of `paper@1`. `number` is the authority's own; `signed`: who put their name to it, sealed where it is stored.

    It stands from `since` until `until`; `sha256` is the hash of the document, which may stay where it is. `replaces`: the id of
    the one that ends when this begins. `simulated`: nobody signed it, it belongs to a demonstration. Times are microseconds.
    """

    id: str = ""
    number: Word
    authority: Word
    signed: Sealable
    about: About
    since: int
    until: int
    sha256: Hash = ""
    replaces: str | None = None
    simulated: bool = False
    at: int = 0
    by: str = ""

    @property
    def kind(self) -> str:
        """One of those of `LONGEST`."""
        return str(type(self.about).__struct_config__.tag)


class PaperGranted(Noun, frozen=True, kw_only=True):
    """Body of `paper-granted@1`: an urgent start was granted afterwards, or a second person decided that two purposes go together."""

    id: str
    sha256: Hash = ""


class PaperEnded(Noun, frozen=True, kw_only=True):
    """Body of `paper-ended@1`: it stands no more, at once: withdrawn, refused, revoked. `reason` is sealed."""

    id: str
    reason: str


class Filed(Noun, frozen=True, kw_only=True):
    """A paper with what became of it: when and by whom it was granted, and when it ended before its time."""

    paper: Paper
    granted: int | None = None
    granted_by: str = ""
    ended: int | None = None

    @property
    def begins(self) -> int | None:
        """From when it stands; None: it waits for a second person."""
        begins = max(self.paper.since, self.paper.at)
        if not isinstance(self.paper.about, Compatibility):
            return begins
        return None if self.granted is None else max(begins, self.granted)

    @property
    def ends(self) -> int:
        """Until when it stands, as far as is known."""
        ends = self.paper.until if self.ended is None else min(self.paper.until, self.ended)
        return ends if self.counted_down is None else min(ends, self.counted_down)

    @property
    def counted_down(self) -> int | None:
        """When an urgent start ends that nobody has granted."""
        about = self.paper.about
        urgent = isinstance(about, Authorisation) and about.urgent and self.granted is None
        return max(self.paper.since, self.paper.at) + COUNTDOWN if urgent else None

    def stands(self, now: int) -> bool:
        """Whether it stands then."""
        return self.begins is not None and self.begins <= now < self.ends

    def state(self, now: int) -> str:
        """In words."""
        if self.ended is not None and self.ended <= now:
            return f"ended {iso(self.ended)}"
        if self.begins is None:
            return "waits for a second person"
        if now < self.begins:
            return f"begins {iso(self.begins)}"
        if now >= self.ends:
            return f"lapsed {iso(self.ends)}"
        if self.counted_down is not None:
            return f"urgent: ends {iso(self.ends)} unless it is granted"
        return f"stands until {iso(self.ends)}"


_paper = msgspec.json.Decoder(Paper).decode
_granted = msgspec.json.Decoder(PaperGranted).decode
_ended = msgspec.json.Decoder(PaperEnded).decode


def filed(told: Iterable[Event]) -> tuple[Filed, ...]:
    """All papers by these events, in the order in which they were entered, with what became of each."""
    found: dict[str, Filed] = {}
    for event in told:
        if event.kind == "paper@1":
            paper = _paper(event.body)
            found[paper.id] = Filed(paper=paper)
            if paper.replaces in found:
                _end(found, paper.replaces, max(paper.since, paper.at))
        elif event.kind == "paper-granted@1":
            id_ = _granted(event.body).id
            found[id_] = msgspec.structs.replace(found[id_], granted=event.at, granted_by=event.by)
        elif event.kind == "paper-ended@1":
            _end(found, _ended(event.body).id, event.at)
    return tuple(found.values())


def standing(told: Iterable[Event], now: int) -> tuple[Filed, ...]:
    """Those that stand at that moment."""
    return tuple(one for one in filed(told) if one.stands(now))


def _end(found: dict[str, Filed], id_: str, at: int) -> None:
    """It ends then, or before, when it was to end earlier."""
    before = found[id_].ended
    found[id_] = msgspec.structs.replace(found[id_], ended=at if before is None else min(at, before))
