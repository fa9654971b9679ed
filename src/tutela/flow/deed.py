"""How a person's act is done: asked of the policies, decided on what stands, committed once with its events.

An act carries a key that its caller made. Its events have ids made from that key, so that the same act sent
twice is done once, and the second time gives the answer of the first. When the desk changed an alert in the
same moment, the act is decided anew; when another person did, they win, and this one is told who and when.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tutela.errors import Conflict, NotFound, WrongStep
from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.alert import Alert
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.incident import Incident
from tutela.model.when import iso
from tutela.policy.purposes import Action, ask_about

from .desk import DESK
from .ledger import Ledger
from .ports import Desk, Log
from .prose import Prose

TRIES = 5
KINDS = {Alert: "alert@1", Incident: "incident@1"}

Work = TypeVar("Work", Alert, Incident)
Step = tuple[Alert | Incident | None, Alert | Incident]
"""Before (None: it is new) and after, one revision later."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One act: who does it and by which right, what it is, on what, and the caller's key."""

    access: Access
    verb: str
    subject: str
    key: str

    @property
    def by(self) -> str:
        """The person."""
        return self.access.agent.id

    def event(self, subject: str) -> str:
        """The id of its event about something."""
        return uuid_of("act", self.by, self.verb, self.subject, self.key, subject)

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"


@dataclass(frozen=True, slots=True)
class Deeds:
    """Does what people decide. Raises Refused, NotFound, WrongStep, BadInput or Conflict, and has then done nothing."""

    ledger: Ledger
    desk: Desk
    log: Log
    prose: Prose

    async def do(self, deed: Deed, of: type[Work], decide: Callable[[], Awaitable[Sequence[Step]]]) -> Work:
        """Do it once. `decide` asks the policies and gives the steps, that of the subject (`of` its type) first."""
        tries = 0
        while True:
            done = await self._done(deed, of)
            if done is not None:
                return done
            try:
                await self._commit(deed, await decide())
            except WrongStep as wrong:
                if await self._done(deed, of) is None:
                    raise await self._blamed(deed, wrong) from wrong
            except Conflict as conflict:
                tries += 1
                if tries == TRIES or conflict.where.get("by") not in {DESK, deed.by}:
                    raise

    async def must(self, access: Access, work: Alert | Incident, query: object) -> None:
        """Returns when the policies let this person act on it; raises Refused, and writes it down, when not."""
        asked = ask_about(access, Action.ACT, work, self.ledger.now)
        await self.ledger.must(asked, work.timeline, str(query))

    async def _done(self, deed: Deed, of: type[Work]) -> Work | None:
        try:
            event = await self.log.event(deed.event(deed.subject))
        except NotFound:
            return None
        return await self.prose.shown(msgspec.json.decode(event.body, type=of))

    async def _commit(self, deed: Deed, steps: Sequence[Step]) -> None:
        done = [(before, await self._kept(deed, before, after)) for before, after in steps]
        await self.desk.act(
            [self._event(deed, before, after) for before, after in done],
            [after for _, after in done if isinstance(after, Alert)],
            [after for _, after in done if isinstance(after, Incident)],
            (),
        )

    async def _kept(self, deed: Deed, before: Alert | Incident | None, after: Alert | Incident) -> Alert | Incident:
        """A step as it is stored: it names its event, and what somebody wrote is sealed."""
        named = msgspec.structs.replace(after, event=deed.event(after.id))
        return await self.prose.kept(before, named)

    def _event(self, deed: Deed, before: Alert | Incident | None, after: Alert | Incident) -> Event:
        """Its cause is what the person saw: the revision before."""
        return Event(
            id=after.event,
            at=self.ledger.now,
            by=deed.by,
            cause=before.event if before else None,
            kind=KINDS[type(after)],
            timeline=after.timeline,
            body=encode(after),
            subject=after.id,
        )

    async def _blamed(self, deed: Deed, wrong: WrongStep) -> WrongStep | Conflict:
        """When somebody else left it in the state that does not allow this step, say who and when."""
        about = await self.log.about(str(wrong.where.get("alert") or wrong.where.get("incident")))
        others = [event for event in about if event.by not in {DESK, deed.by}]
        if not others:
            return wrong
        by, at = others[-1].by, others[-1].at
        return Conflict(f"{wrong.message}; {by} changed it at {iso(at)}", **wrong.where, by=by, at=at)
