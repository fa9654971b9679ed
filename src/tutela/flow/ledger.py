"""What was asked and what was answered: one decision per group, one event per query, one per refusal.

Nothing is shown before the event about it is committed; when it can't be written, the read is refused
(governance G33). A decision holds for everybody alike who asks the same, and for 5 seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import NoReturn, TypeVar

import msgspec

from tutela.errors import Refused, TutelaError
from tutela.maths.ids import digest, uuid_of
from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .audited import AUDITED
from .ports import Clock, Log, Policy

Record = TypeVar("Record")

HOLDS = 5 * SECOND
MOST = 10_000
"""Decisions remembered. Purposes are typed by people, so their number has no other bound."""


class Asker(Noun, frozen=True, kw_only=True):
    """Who asked, and by which right. People by their ids: names are personal data, and the log is for ever.

    `glass` is the break-glass under which they asked.
    """

    agent: str
    role: str
    agency: str
    purpose: str
    legal_basis: str
    case: str | None
    glass: str | None = None


class Query(Noun, frozen=True, kw_only=True):
    """Body of `query@1`: who read what and why; how many records, and the digest of their ids in order.

    `persons` names the records about people one by one. `policies` is the digest of the policies that permitted it.
    """

    asker: Asker
    query: str
    count: int
    ids: str
    persons: tuple[str, ...] = ()
    policies: str = ""


class Denial(Noun, frozen=True, kw_only=True):
    """Body of `refusal@1`: who wanted what and why, which policy said no, of which set (its digest), and in which words.

    `also` are the others that say no to it; `request` is the digest of the question itself (SHA-256): all that the policies looked at.
    """

    asker: Asker
    query: str
    policy: str
    says: str
    policies: str = ""
    also: tuple[str, ...] = ()
    request: str = ""


@dataclass(frozen=True, slots=True)
class _Decided:
    at: int
    refused: Refused | None


class Ledger:
    """Decides and writes down. Every read and act of people goes through one.

    `audited` tells whether the log is looked after (`flow/audited.py`); questions say so to the policies.
    """

    def __init__(self, policy: Policy, log: Log, clock: Clock, audited: Callable[[], bool] = lambda: True) -> None:
        self._policy = policy
        self._audited = audited
        self._log = log
        self._clock = clock
        self._decided: dict[tuple[object, ...], _Decided] = {}
        self._turn = count()

    @property
    def now(self) -> int:
        """The time by which decisions are made, in microseconds."""
        return self._clock()

    @property
    def policies(self) -> str:
        """The digest of the policies that decide."""
        return self._policy.digest

    def may(self, ask: Ask) -> bool:
        """Whether the policies permit it. Writes nothing."""
        return self._decide(ask) is None

    def why_not(self, ask: Ask) -> Refused | None:
        """Why the policies do not permit it, None when they do. Writes nothing: who asks for many records at once tells it with `left_out`."""
        return self._decide(ask)

    async def left_out(self, access: Access, timeline: str, query: str, refused: Refused) -> None:
        """Write `refusal@1` about records that an answer leaves out: one event for all that one policy withholds; `query` says how many."""
        await self._denied(asker_of(access), timeline, query, refused)

    async def must(self, ask: Ask, timeline: str, query: str) -> None:
        """Returns when the policies permit it; else writes `refusal@1` and raises Refused."""
        refused = self._decide(ask)
        if refused is None:
            return
        await self.refuse(ask.access, timeline, query, refused, _request(ask))

    async def refuse(self, access: Access, timeline: str, query: str, refused: Refused, request: str = "") -> NoReturn:
        """Write `refusal@1` and raise Refused: what is refused outright, whoever asks (`policy.refusals`)."""
        await self._denied(asker_of(access), timeline, query, refused, request)
        raise Refused(refused.message, policy=refused.policy)

    async def refuse_here(self, by: str, query: str, refused: Refused) -> None:
        """Write `refusal@1` of what somebody asked for who holds the machine: they have no role, and named no purpose."""
        asker = Asker(agent=by, role="", agency="", purpose="", legal_basis="", case=None)
        await self._denied(asker, LIVE, query, refused)

    async def permitted(
        self, records: Sequence[Record], ask_of: Callable[[Record], Ask], ask: Ask, timeline: str, query: str
    ) -> Sequence[Record]:
        """Those of the records that the policies permit, each by its own question; Refused when none is.

        `ask` is the question about such records in general: it decides when there are none.
        """
        shown = [record for record in records if self.may(ask_of(record))]
        if not shown:
            await self.must(ask_of(records[0]) if records else ask, timeline, query)
        return shown

    async def wrote(
        self, access: Access, timeline: str, query: str, ids: Iterable[str | int], persons: Iterable[str] = ()
    ) -> None:
        """Write `query@1`: these records are about to be shown. Raises Refused when it can't be written."""
        shown = tuple(ids)
        says = Query(
            asker=asker_of(access),
            query=query,
            count=len(shown),
            ids=digest(*shown).hex(),
            persons=tuple(persons),
            policies=self._policy.digest,
        )
        await self._write("query@1", access.agent.id, timeline, says)

    async def _denied(self, asker: Asker, timeline: str, query: str, refused: Refused, request: str = "") -> None:
        all_ = refused.where.get("policies", ())
        says = Denial(
            asker=asker,
            query=query,
            policy=refused.policy,
            says=refused.message,
            policies=self._policy.digest,
            also=tuple(one for one in all_ if one != refused.policy) if isinstance(all_, list) else (),
            request=request,
        )
        await self._write("refusal@1", asker.agent, timeline, says)

    async def handed_out(self, access: Access, timeline: str, subject: str, says: Noun) -> None:
        """Write `export@1`: this is about to leave the house. Raises Refused when it can't be written."""
        await self._write("export@1", access.agent.id, timeline, says, subject)

    def _decide(self, ask: Ask) -> Refused | None:
        if self._audited():
            ask = msgspec.structs.replace(ask, stands=ask.stands | {AUDITED})
        group, now = _group(ask), self._clock()
        known = self._decided.get(group)
        if known is None or not 0 <= now - known.at <= HOLDS:
            if len(self._decided) >= MOST:
                self._decided.clear()
            known = self._decided[group] = _Decided(now, self._asked(ask))
        return known.refused

    def _asked(self, ask: Ask) -> Refused | None:
        try:
            self._policy.check(ask)
        except Refused as refused:
            return refused
        return None

    async def _write(self, kind: str, by: str, timeline: str, says: Noun, subject: str = "") -> None:
        now = self._clock()
        body = encode(says)
        event = Event(
            id=uuid_of(kind, now, next(self._turn), body),
            at=now,
            by=by,
            cause=None,
            kind=kind,
            timeline=timeline,
            body=body,
            subject=subject,
        )
        try:
            await self._log.append([event])
        except TutelaError as failed:
            raise Refused(
                "What is read here is written down first, and that fails now, so nothing is shown. Try again soon.",
                policy="G33-audit",
            ) from failed


def asker_of(access: Access) -> Asker:
    """Who asks, as it is written down."""
    agent = access.agent
    return Asker(
        agent=agent.id,
        role=agent.role,
        agency=agent.agency,
        purpose=access.purpose,
        legal_basis=access.legal_basis,
        case=access.case,
        glass=access.glass,
    )


def _group(ask: Ask) -> tuple[object, ...]:
    """All that the policies look at: whoever asks the same gets the same answer."""
    agent = ask.access.agent
    return (
        (agent.role, agent.agency, agent.suspended, ask.access.purpose, ask.access.legal_basis, ask.access.factor),
        (ask.action, ask.record_class, ask.record_purposes, ask.personal_data, ask.agency, ask.joint, ask.invites),
        tuple(sorted(ask.stands)),
        ask.expires is not None and ask.expires <= ask.now,
    )


def _request(ask: Ask) -> str:
    return sha256(encode(_group(ask))).hexdigest()
