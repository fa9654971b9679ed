"""How a capability comes to run: drafted, published with open comments, armed; disarmed, or lapsed with its papers (governance G04)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from tutela.errors import WrongStep

from .event import Event
from .noun import Noun
from .when import DAY, EVER

SUBJECT = "capabilities"
"""What all events of how capabilities come to run are about, but for what residents say of them."""

COMMENTS = "capability-comments"
"""What comments and answers are about: there may be very many, and whether something runs is asked each second."""

OPEN_FOR = 14 * DAY
"""How long residents can comment on a capability before it is armed, when nobody says otherwise."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000, pattern=r"\S")]


class State(StrEnum):
    """Where a capability is. One that lapsed is armed, and its papers do not stand: it is off, and on again with them."""

    DRAFTED = "drafted"
    PUBLISHED = "published"
    ARMED = "armed"
    DISARMED = "disarmed"


STEPS: Mapping[State, frozenset[State]] = {
    State.DRAFTED: frozenset({State.PUBLISHED}),
    State.PUBLISHED: frozenset({State.PUBLISHED, State.ARMED}),
    State.ARMED: frozenset({State.PUBLISHED, State.ARMED, State.DISARMED}),
    State.DISARMED: frozenset({State.PUBLISHED, State.ARMED}),
}
"""To publish anew does not disarm; arming again is by what was published last."""


class Extent(Noun, frozen=True, kw_only=True):
    """How far a capability reaches: in which areas (by name), for which purposes, over which classes of data, kept for how many days."""

    areas: tuple[str, ...]
    purposes: tuple[str, ...]
    classes: tuple[str, ...]
    days: Annotated[int, msgspec.Meta(ge=0, le=36_500)]

    def wider(self, before: Extent) -> tuple[str, ...]:
        """What is more in it than there was before, in words."""
        more = [
            f"{name} {', '.join(new)}"
            for name in ("areas", "purposes", "classes")
            if (new := sorted(set(getattr(self, name)) - set(getattr(before, name))))
        ]
        return (*more, *([f"kept for {self.days} days instead of {before.days}"] if self.days > before.days else []))


class CapabilityPublished(Noun, frozen=True, kw_only=True):
    """Body of `capability-published@1`: what residents are told of it, how far it reaches, and until when they can comment.

    `needs`: kinds of papers that have to stand while it is armed; `system`: of which it is a part.
    """

    name: str
    system: str
    text: Text
    extent: Extent
    needs: tuple[str, ...]
    until: int
    simulated: bool = False


class CapabilityWidening(Noun, frozen=True, kw_only=True):
    """What people vote on: what is published now, by which a capability would reach further than by what it was armed by before."""

    widens: tuple[str, ...]
    after: CapabilityPublished
    before: CapabilityPublished


class CapabilityArmed(Noun, frozen=True, kw_only=True):
    """Body of `capability-armed@1`: it runs from then on, as long as its papers stand."""

    name: str


class CapabilityDisarmed(Noun, frozen=True, kw_only=True):
    """Body of `capability-disarmed@1`: it runs no more, at once. `reason` is sealed; `needs` and `system` as when it was published."""

    name: str
    system: str
    needs: tuple[str, ...]
    reason: str


class Comment(Noun, frozen=True, kw_only=True):
    """Body of `capability-comment@1`: what a resident says of it. `text` is sealed, since it may be about somebody."""

    id: str
    name: str
    text: str
    at: int = 0


class CommentAnswered(Noun, frozen=True, kw_only=True):
    """Body of `capability-answer@1`: what a named person answers, for everybody to read."""

    comment: str
    name: str
    text: Text
    signed: str


class Standing(Noun, frozen=True, kw_only=True):
    """Where a capability is, for everybody: `off` says why it is off, "" when it is at work.

    `open_until`: until when residents can comment, or could (None: it was not published); `comments` that nobody answered yet.
    """

    name: str
    state: str
    off: str
    needs: tuple[str, ...]
    text: str = ""
    extent: Extent | None = None
    open_until: int | None = None
    comments: int = 0
    answers: tuple[CommentAnswered, ...] = ()
    simulated: bool = False


class CapabilityOff(Noun, frozen=True, kw_only=True):
    """Body of `capability-off@1` and `capability-on@1`: it switched itself off or on, since when and why."""

    name: str
    since: int
    why: str


class Life(Noun, frozen=True, kw_only=True):
    """What became of a capability. `armed`: from when until when (None: still), as people decided; its papers are another matter.

    `comments` that nobody answered yet, `answers` that were given. `before`: what was published when it was last armed, or
    first, of what needs no paper.
    """

    name: str
    system: str
    needs: tuple[str, ...]
    state: State
    published: CapabilityPublished | None = None
    before: CapabilityPublished | None = None
    armed: tuple[tuple[int, int | None], ...] = ()
    comments: tuple[Comment, ...] = ()
    answers: tuple[CommentAnswered, ...] = ()

    @property
    def widening(self) -> CapabilityWidening | None:
        """What arming it by what is published now would widen; None: nothing."""
        if self.published is None or self.before is None:
            return None
        wider = self.published.extent.wider(self.before.extent)
        return CapabilityWidening(widens=wider, after=self.published, before=self.before) if wider else None

    def must(self, step: State) -> None:
        """Returns when that is a step from where it is; raises WrongStep."""
        if step not in STEPS[self.state]:
            raise WrongStep(f"the capability {self.name} is {self.state}, and can't become {step}")


_published = msgspec.json.Decoder(CapabilityPublished).decode
_armed = msgspec.json.Decoder(CapabilityArmed).decode
_disarmed = msgspec.json.Decoder(CapabilityDisarmed).decode
_comment = msgspec.json.Decoder(Comment).decode
_answer = msgspec.json.Decoder(CommentAnswered).decode


def lives(told: Iterable[Event]) -> dict[str, Life]:
    """What became of each capability that anybody decided about, by these events."""
    found: dict[str, Life] = {}
    for event in told:
        step = _STEPS.get(event.kind)
        if step is not None:
            life = step(found, event)
            found[life.name] = life
    return found


def _publish(found: Mapping[str, Life], event: Event) -> Life:
    said = _published(event.body)
    before = found.get(said.name)
    if before is None:
        # What needs no paper runs since it came with this version, and goes on.
        state, armed = (State.PUBLISHED, ()) if said.needs else (State.ARMED, ((EVER, None),))
        before = Life(name=said.name, system=said.system, needs=said.needs, state=state, armed=armed)
    state = State.ARMED if before.state is State.ARMED else State.PUBLISHED
    reached = before.before or (None if said.needs else said)
    return msgspec.structs.replace(
        before, state=state, system=said.system, needs=said.needs, published=said, before=reached
    )


def _arm(found: Mapping[str, Life], event: Event) -> Life:
    before = found[_armed(event.body).name]
    spans = before.armed if before.state is State.ARMED else (*before.armed, (event.at, None))
    return msgspec.structs.replace(before, state=State.ARMED, armed=spans, before=before.published)


def _disarm(found: Mapping[str, Life], event: Event) -> Life:
    said = _disarmed(event.body)
    life = Life(name=said.name, system=said.system, needs=said.needs, state=State.ARMED, armed=((EVER, None),))
    before = found.get(said.name, life)
    *earlier, (since, until) = before.armed
    # Of two people who disarm it at once the first has.
    until = event.at if until is None else min(until, event.at)
    return msgspec.structs.replace(before, state=State.DISARMED, armed=(*earlier, (since, until)))


def _commented(found: Mapping[str, Life], event: Event) -> Life:
    said = _comment(event.body)
    before = found[said.name]
    return msgspec.structs.replace(before, comments=(*before.comments, said))


def _answered(found: Mapping[str, Life], event: Event) -> Life:
    said = _answer(event.body)
    before = found[said.name]
    left = tuple(one for one in before.comments if one.id != said.comment)
    return msgspec.structs.replace(before, comments=left, answers=(*before.answers, said))


_STEPS = {
    "capability-published@1": _publish,
    "capability-armed@1": _arm,
    "capability-disarmed@1": _disarm,
    "capability-comment@1": _commented,
    "capability-answer@1": _answered,
}
