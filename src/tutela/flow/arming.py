"""Capabilities are published, commented on, armed and disarmed, each with an event; and when one switches itself off, an event says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.arming import (
    COMMENTS,
    OPEN_FOR,
    SUBJECT,
    CapabilityArmed,
    CapabilityDisarmed,
    CapabilityOff,
    CapabilityPublished,
    CapabilityWidening,
    Comment,
    CommentAnswered,
    Extent,
    Life,
    State,
    lives,
)
from tutela.model.capability import Capability
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import iso
from tutela.policy.purposes import known_purpose

from .at_work import SOONER, Now, lacking, now_of
from .papers import Papers
from .prose import Prose

WORDS = 2000
MOST = 1000
"""Comments on one capability that wait for an answer; then nobody can add one before some are answered."""

BY = "capabilities"
"""By whom a capability switches itself off and on."""

OFF, ON = "capability-off@1", "capability-on@1"

Needed = Callable[[], Awaitable[Sequence[tuple[Capability, tuple[str, ...]]]]]
"""The capabilities that there are, each with the kinds of papers that it needs."""

_off = msgspec.json.Decoder(CapabilityOff).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """How the capabilities of an instance come to run. Residents can comment for `open_for` microseconds before one is armed."""

    papers: Papers
    needed: Needed
    open_for: int = OPEN_FOR

    @property
    def now(self) -> int:
        """The time, in microseconds."""
        return self.papers.clock()

    async def all(self) -> Sequence[Now]:
        """Where each capability is now, in the order in which they are found."""
        return await self._where(await self._lives())

    async def off(self) -> dict[str, str]:
        """Which capabilities are off now, and why."""
        return {one.name: one.why for one in await self._where(lives(await self.papers.log.about(SUBJECT))) if one.why}

    # ── what people do ──────────────────────────────────────────────────────────────────────────
    async def publish(self, name: str, text: str, extent: Extent, by: str, *, simulated: bool = False) -> None:
        """Tell residents of it, and how far it reaches; they can comment from now on. Raises NotFound or BadInput."""
        of, now = await self._one(name)
        _said("text", text, 5000)
        _proper(of, extent)
        if now.life is not None:
            now.life.must(State.PUBLISHED)
        said = CapabilityPublished(
            name=name,
            system=of.system,
            text=text,
            extent=extent,
            needs=now.needs,
            until=self.now + self.open_for,
            simulated=simulated,
        )
        await self._tell("capability-published@1", said, by)

    async def ready(self, name: str) -> CapabilityWidening | None:
        """Returns when it can be armed, with what that widens. Raises NotFound, WrongStep, or Conflict with all that is missing."""
        of, now = await self._one(name)
        life = now.life or Life(name=name, system=of.system, needs=now.needs, state=State.DRAFTED)
        life.must(State.ARMED)
        missing = lacking(of, now.needs, await self.papers.all(), self.now)
        said = life.published
        if said is not None and self.now < said.until:
            missing.append(f"residents can comment on it until {iso(said.until)}")
        # What comes later is answered as well, and keeps nothing from running: else anybody could keep it off for ever.
        if in_time := [one for one in life.comments if said is None or one.at < said.until]:
            missing.append(f"{len(in_time)} comments wait for an answer")
        if missing:
            raise Conflict(f"{name} can't be armed yet: {'; '.join(missing)}")
        return life.widening

    async def widening(self, name: str) -> CapabilityWidening:
        """What arming it would widen, whether it can be armed yet or not. Raises NotFound, or BadInput when that is nothing."""
        _, now = await self._one(name)
        change = None if now.life is None else now.life.widening
        if change is None:
            raise BadInput(f"to arm {name} widens nothing: arm it at once, when it can be armed")
        return change

    async def arm(self, name: str, by: str) -> None:
        """Let it run, from a few seconds on, by what is published now; what that widens is the caller's to have approved. Raises as `ready`."""
        await self.ready(name)
        await self._tell("capability-armed@1", CapabilityArmed(name=name), by)

    async def disarm(self, name: str, reason: str, by: str) -> None:
        """Let it run no more, from a few seconds on. Raises NotFound, or WrongStep for one that is not armed."""
        of, now = await self._one(name)
        _said("reason", reason)
        unsaid = Life(name=name, system=of.system, needs=now.needs, state=State.DRAFTED if now.needs else State.ARMED)
        (now.life or unsaid).must(State.DISARMED)
        sealed = await self._sealed(f"disarmed/{name}", reason)
        said = CapabilityDisarmed(name=name, system=of.system, needs=now.needs, reason=sealed)
        await self._tell("capability-disarmed@1", said, by)

    async def comment(self, name: str, text: str) -> Comment:
        """A resident says something of it. Raises NotFound for one that is not published, BadInput, or Conflict when too many wait."""
        life = (await self._lives()).get(name)
        if life is None or life.published is None:
            raise NotFound(f"no capability called {name[:60]!r} is published; /register names those that are")
        _said("comment", text)
        if len(life.comments) >= MOST:
            raise Conflict(f"{MOST} comments on {name} wait for an answer; come again when some are answered")
        now = self.now
        id_ = uuid_of("capability-comment", name, now, len(life.comments) + len(life.answers))
        said = Comment(id=id_, name=name, text=await self._sealed(f"comments/{id_}", text), at=now)
        await self._tell("capability-comment@1", said, "resident", COMMENTS)
        return msgspec.structs.replace(said, text=text)

    async def comments(self) -> Sequence[Comment]:
        """Those that wait for an answer, as whoever answers reads them."""
        waiting = [one for life in (await self._lives()).values() for one in life.comments]
        prose = Prose(self.papers.keys)
        return [msgspec.structs.replace(one, text=await prose.words(one.text)) for one in waiting]

    async def answer(self, id_: str, text: str, signed: str, by: str) -> CommentAnswered:
        """Answer a comment, for everybody to read, with a name to it. Raises NotFound for none that waits."""
        for one in await self.comments():
            if one.id == id_:
                _said("answer", text)
                _said("name to it", signed, 200)
                said = CommentAnswered(comment=id_, name=one.name, text=text, signed=signed)
                await self._tell("capability-answer@1", said, by, COMMENTS)
                return said
        raise NotFound(
            f"no comment {id_[:60]!r} waits for an answer; `tutela capabilities comments` lists those that do"
        )

    # ── what it says by itself ──────────────────────────────────────────────────────────────────
    async def tell(self) -> Sequence[CapabilityOff]:
        """Write an event for each capability that has switched itself off or on since that was last told; these."""
        events = await self.papers.log.about(SUBJECT)
        told = {_off(event.body).name: event for event in events if event.kind in (OFF, ON)}
        said = []
        for one in await self._where(lives(events)):
            last = told.get(one.name)
            was = "" if last is None or last.kind == ON else _off(last.body).why
            if one.why not in (was, SOONER):
                said.append(CapabilityOff(name=one.name, since=self.now, why=one.why))
                await self._tell(OFF if one.why else ON, said[-1], BY)
        return said

    async def _lives(self) -> Mapping[str, Life]:
        """What became of each, with what residents say of it."""
        return lives([*await self.papers.log.about(SUBJECT), *await self.papers.log.about(COMMENTS)])

    async def _where(self, found: Mapping[str, Life]) -> Sequence[Now]:
        papers, pairs = await self.papers.all(), await self.needed()
        return [now_of(of, needs, found.get(of.name), papers, self.now) for of, needs in pairs]

    async def _one(self, name: str) -> tuple[Capability, Now]:
        pairs, found = await self.needed(), await self._lives()
        for of, needs in pairs:
            if of.name == name:
                return of, now_of(of, needs, found.get(name), await self.papers.all(), self.now)
        raise NotFound(
            f"there is no capability called {name[:60]!r}; `tutela capabilities list` names those that there are"
        )

    async def _sealed(self, where: str, words: str) -> str:
        return await Prose(self.papers.keys).kept_in(f"oversight/capabilities/{where}", words)

    async def _tell(self, kind: str, says: Noun, by: str, subject: str = SUBJECT) -> None:
        body, now = encode(says), self.now
        id_ = uuid_of(kind, now, body)
        event = Event(id=id_, at=now, by=by, cause=None, kind=kind, timeline=LIVE, body=body, subject=subject)
        await self.papers.log.append([event])


def _proper(of: Capability, extent: Extent) -> None:
    """Raise BadInput for an extent that can't be, or that says less than what runs."""
    for purpose in extent.purposes:
        known_purpose(purpose, of.name)
    if left_out := sorted(set(of.purposes) - set(extent.purposes)):
        raise BadInput(f"{of.name} is for {', '.join(of.purposes)}: name {left_out[0]} as well")
    if not extent.areas or (of.personal_data and not extent.classes):
        raise BadInput(f"say in which areas {of.name} is at work, and over which classes of data about people")


def _said(name: str, words: str, most: int = WORDS) -> None:
    if not words.strip() or len(words) > most:
        raise BadInput(f"the {name} is missing, or has more than {most} letters")
