"""People: invited by a one-time code, enrolled by it, known by a session, signed on to a shift.

There is no password and no default account. A role may have an end: after it nobody comes in, and nothing is
permitted any more. Whoever did nothing for half an hour sees what they saw, and signs in again before they act. Of codes and sessions only hashes are kept; the secrets
themselves are shown once. A name is kept sealed, in the log alone, and opened where it is shown. Chance
comes in as an argument.
"""

from __future__ import annotations

from base64 import b32encode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.maths.ids import digest, uuid_of
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.people import Agent, Factor, Role, Session, Shift, SignedIn, Sitting
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR, MINUTE, iso
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .lockout import WRONG, Locked, Lockout
from .ports import Desk, Keys, Log, People

CODE_LASTS = HOUR
SESSION_LASTS = 12 * HOUR
IDLE = 30 * MINUTE
"""After so long without an act or a page that somebody opened, a session is good for reading only."""

CODE = 10
TOKEN = 32
SALT = 16
"""Random bytes of a code, a token and a salt."""

BUDGETS = range(1, 601)
"""Alerts an hour that one person can say they will look at."""

INSTALL = "install"
"""Who invites when nobody is there yet: whoever holds the machine."""

ENTRANCE = "entrance"
"""Who locks somebody out."""

SUSPENDED, RESTORED = "suspended@1", "restored@1"
PUT_OFF = (SUSPENDED, RESTORED)
"""The events that say whether somebody may come in at all (`flow/suspending.py`)."""

Chance = Callable[[int], bytes]
Came = TypeVar("Came")


class Invitation(Noun, frozen=True, kw_only=True):
    """Body of `invitation@1`, whose subject is the code's hash: good until then; `ends` is when the role does.

    `agent` is set when somebody known may come again.
    """

    role: Role
    agency: str
    until: int
    agent: str | None = None
    ends: int | None = None


class Shifts(Protocol):
    """The latest shift of each agent."""

    async def shifts(self) -> Sequence[Shift]:
        """All of them, over or not."""
        ...


_agent = msgspec.json.Decoder(Agent).decode
_invitation = msgspec.json.Decoder(Invitation).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who works here. `chance` gives that many random bytes; times are those of the ledger's clock."""

    ledger: Ledger
    people: People
    desk: Desk
    log: Log
    shifts: Shifts
    keys: Keys
    chance: Chance
    lockout: Lockout = field(default_factory=Lockout)

    async def invite(self, access: Access, role: Role, agency: str, ends: int | None = None) -> str:
        """A code, shown once, with which one person can enrol within an hour: in that role, until it ends."""
        await self._may_invite(access, role, agency, f"invite {role} of {agency}")
        return await self._invite(access.agent.id, role, agency, ends)

    async def invite_again(self, access: Access, agent: str, ends: int | None = None) -> str:
        """A code with which somebody who is enrolled already can sign in again; raises NotFound.

        Their role ends when it did before, if nothing else is said.
        """
        known = await self.may_invite_again(access, agent, f"invite {agent} again")
        return await self._invite(access.agent.id, known.role, known.agency, ends or known.until, known.id)

    async def may_invite_again(self, access: Access, agent: str, query: str) -> Agent:
        """Who that is, when this person may invite them; raises Refused, and NotFound."""
        try:
            known = await self.known(agent)
        except NotFound:  # whoever may invite nobody is not told who is here
            await self._may_invite(access, access.agent.role, access.agent.agency, query)
            raise
        await self._may_invite(access, known.role, known.agency, query)
        return known

    async def invite_here(self, role: Role, agency: str, ends: int | None = None) -> str:
        """As `invite`, for whoever holds the machine: how the first person comes in."""
        return await self._invite(INSTALL, role, agency, ends)

    async def invite_again_here(self, agent: str, ends: int | None = None) -> tuple[Role, str]:
        """As `invite_again`, for whoever holds the machine; with the role that they have."""
        known = await self.known(agent)
        return known.role, await self._invite(INSTALL, known.role, known.agency, ends or known.until, known.id)

    async def enrol(self, code: str, name: str, address: str = "") -> tuple[Agent, str]:
        """Use a code: the person, and the token of a session of 12 hours, shown once. `address`: where they sit.

        Raises NotFound for a code that does not exist, Conflict for a used one, Refused for one that is over, and
        LockedOut when too many were wrong.
        """
        hash_ = _hash(_normal(code))
        made = await self._invitations(hash_)
        return await self.signing_in(partial(self._enrol, hash_, made, name), address, made[0].agent if made else None)

    async def made_for(self, code: str) -> str | None:
        """Who is to come again with that code; None for somebody new, or a code that nobody made."""
        return next((one.agent for one in await self._invitations(_hash(_normal(code)))), None)

    async def signing_in(self, come: Callable[[], Awaitable[Came]], address: str, agent: str | None) -> Came:
        """What comes of a sign-in from that address and of that person, as far as they are known; raises LockedOut."""
        of = [f"from {address}"] * bool(address) + [f"of {agent}"] * bool(agent)
        with self.lockout.attempt(self.ledger.now, *of):
            try:
                return await come()
            except WRONG:
                await self._locked(of, agent)
                raise

    async def who(self, token: str) -> Agent:
        """Whose session this is, without their name; raises Refused when it, or their role, is over or never was."""
        return (await self.signed_in(token)).agent

    async def signed_in(self, token: str) -> SignedIn:
        """As `who`, with how the session was begun."""
        return await self.people.who(_hash(token), self.ledger.now)

    async def active(self, token: str) -> SignedIn:
        """As `signed_in`, for somebody who acts, or opens a page; raises Refused after half an hour without."""
        here, now = await self.signed_in(token), self.ledger.now
        if now - here.active >= IDLE:
            raise Refused(
                f"you did nothing here since {iso(here.active)}, so that somebody else may sit at your place; sign in again "
                "to act, what you see stays",
                policy="idle",
            )
        await self.people.active(_hash(token), now)
        return here

    async def named(self, agent: Agent) -> Agent:
        """An agent with their name, to be shown to themselves; still without one when it was erased."""
        try:
            return msgspec.structs.replace(agent, name=(await self.known(agent.id)).name)
        except Refused:
            return agent

    async def sign_out(self, token: str) -> None:
        """End a session, at once and everywhere, and the shift that no other session goes on with."""
        agent, now, hash_ = await self.who(token), self.ledger.now, _hash(token)
        body = encode(Session(agent=agent.id, until=now))
        await self.people.end(hash_, self._event("session@1", agent.id, agent.id, body, hash_ + body))
        await self.rest(agent.id, agent.id)

    async def sittings(self, agent: Agent, token: str = "") -> Sequence[Sitting]:
        """Somebody's sessions that hold, for themselves; the one with this token is marked."""
        return await self.people.sittings(agent.id, _hash(token), self.ledger.now)

    async def end_others(self, token: str) -> None:
        """End all of one's own sessions but this one, at once; raises Refused."""
        agent, now, hash_ = await self.who(token), self.ledger.now, _hash(token)
        event = self._event(
            "session@1", agent.id, agent.id, encode(Session(agent=agent.id, until=now)), hash_ + b"others"
        )
        await self.people.end_others(hash_, msgspec.structs.replace(event, id=uuid_of(event.id, now)))

    async def leave(self, token: str) -> None:
        """End the session that somebody had in this place, as they come in anew; one that is over is left alone."""
        with suppress(Refused):
            await self.sign_out(token)

    async def rest(self, agent: str, by: str) -> None:
        """A session of theirs was ended: so is the shift that no other session goes on with."""
        shift, lasts = await self._running(agent), max(self.ledger.now, await self.people.lasts(agent))
        if shift is not None and (shift.until is None or lasts < shift.until):
            await self._sign(msgspec.structs.replace(shift, until=lasts), by)

    async def shift(self, access: Access) -> Shift | None:
        """The shift that this person is on, if any."""
        query = "own shift"
        await self.ledger.must(ask(access, Action.READ, "shifts", self.ledger.now), LIVE, query)
        running = await self._running(access.agent.id)
        await self.ledger.wrote(access, LIVE, query, () if running is None else (access.agent.id,))
        return running

    async def sign_on(self, access: Access, budget: int) -> Shift:
        """Begin a shift: so many alerts an hour may be put before this person, as long as their session lasts.

        Raises Conflict when on one.
        """
        if budget not in BUDGETS:
            raise BadInput(f"a budget of {budget} alerts an hour is not possible; choose 1 to {BUDGETS[-1]}")
        await self._may_sign(access, "sign on")
        running = await self._running(access.agent.id)
        if running is not None:
            raise Conflict(f"you are signed on since {iso(running.since)}; sign off first")
        until = await self.people.lasts(access.agent.id)
        return await self._sign(Shift(agent=access.agent.id, since=self.ledger.now, budget=budget, until=until))

    async def sign_off(self, access: Access) -> Shift:
        """End the shift; raises NotFound when there is none."""
        await self._may_sign(access, "sign off")
        running = await self._running(access.agent.id)
        if running is None:
            raise NotFound("you are not signed on; sign on first")
        return await self._sign(msgspec.structs.replace(running, until=self.ledger.now))

    async def _may_invite(self, access: Access, role: Role, agency: str, query: str) -> None:
        asked = ask(access, Action.INVITE, "people", self.ledger.now, agency=agency)
        await self.ledger.must(msgspec.structs.replace(asked, invites=role), LIVE, query)

    async def _may_sign(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.SIGN, "shifts", self.ledger.now), LIVE, query)

    async def _invite(self, by: str, role: Role, agency: str, ends: int | None, agent: str | None = None) -> str:
        if ends is not None and ends <= self.ledger.now:
            raise BadInput(f"this role would have ended at {iso(ends)}; give it an end that is still to come")
        code = b32encode(self.chance(CODE)).decode()
        hash_ = _hash(code)
        invitation = Invitation(role=role, agency=agency, until=self.ledger.now + CODE_LASTS, agent=agent, ends=ends)
        event = self._event("invitation@1", by, hash_.hex(), encode(invitation))
        await self.people.invite(hash_, role, invitation.until, event)
        return "-".join(code[place : place + 4] for place in range(0, len(code), 4))

    async def _invitations(self, hash_: bytes) -> Sequence[Invitation]:
        """What the code was made for, as the log has it; none when nobody made it."""
        told = await self.log.about(hash_.hex())
        return [_invitation(event.body) for event in told if event.kind == "invitation@1"]

    async def _enrol(self, hash_: bytes, made: Sequence[Invitation], name: str) -> tuple[Agent, str]:
        await self.people.invited(hash_)
        for_ = made[0]
        if for_.agent is None:
            agent = Agent(id=uuid_of("agent", hash_), name=_name(name), role=for_.role, agency=for_.agency)
        else:
            agent = await self.known(for_.agent)
        agent = msgspec.structs.replace(agent, until=for_.ends)
        nameless = msgspec.structs.replace(agent, name="")
        await self.people.enrol(hash_, nameless, await self._enrolled(agent, hash_))
        return agent, await self.begin(agent)

    async def _locked(self, of: Sequence[str], agent: str | None) -> None:
        """Say in the log that nothing more is tried, when that is so now."""
        now = self.ledger.now
        until = max((self.lockout.until(one, now) for one in of), default=0)
        if until:
            known = await self._enrolled_as(agent)
            body = encode(Locked(agent=known, until=until))
            await self.log.append([self._event("locked-out@1", ENTRANCE, known or ENTRANCE, body, self.chance(SALT))])

    async def _enrolled_as(self, agent: str | None) -> str | None:
        """The id, if somebody enrolled under it: what a stranger typed is not written down, and names no subject of the log."""
        told = await self.log.about(agent) if agent else ()
        return agent if any(event.kind == "agent@1" for event in told) else None

    async def known(self, agent: str) -> Agent:
        """Somebody who enrolled before, as the log has them; raises NotFound."""
        about = await self.log.about(agent)
        told = [event for event in about if event.kind == "agent@1"]
        if not told or told[-1].key is None:
            raise NotFound(f"nobody with the id {agent!r} has enrolled; invite them as somebody new")
        found = _agent(await self.keys.open(told[-1].key, told[-1].body))
        put_off = [event.kind for event in about if event.kind in PUT_OFF]
        return msgspec.structs.replace(found, suspended=put_off[-1:] == [SUSPENDED])

    async def _enrolled(self, agent: Agent, hash_: bytes) -> Event:
        """A name is personal data: sealed, in a bucket of its own, so that it can be erased."""
        key, body = await self.keys.seal(f"system-operation/people/{agent.id}", encode(agent))
        event = self._event("agent@1", agent.id, agent.id, body, hash_)
        return msgspec.structs.replace(event, key=key, salt=self.chance(SALT))

    async def begin(self, agent: Agent, factor: Factor = Factor.CODE, passkey: str | None = None) -> str:
        """Begin a session of somebody who showed who they are; its token. It lasts no longer than their role."""
        token = urlsafe_b64encode(self.chance(TOKEN)).decode().rstrip("=")
        hash_ = _hash(token)
        now = self.ledger.now
        until = min(now + SESSION_LASTS, agent.until or now + SESSION_LASTS)
        session = Session(agent=agent.id, until=until, factor=factor, passkey=passkey)
        await self.log.append([self._event("session@1", agent.id, agent.id, encode(session), hash_)])
        await self.people.begin(hash_, session, now)
        return token

    async def _running(self, agent: str) -> Shift | None:
        now = self.ledger.now
        latest = next((shift for shift in await self.shifts.shifts() if shift.agent == agent), None)
        over = latest is None or (latest.until is not None and latest.until <= now)
        return None if over else latest

    async def _sign(self, shift: Shift, by: str = "") -> Shift:
        body = encode(shift)
        event = self._event("shift@1", by or shift.agent, shift.agent, body)
        await self.desk.act((event,), (), (), (shift,))
        return shift

    def _event(self, kind: str, by: str, subject: str, body: bytes, about: bytes = b"") -> Event:
        """The event of an act; `about` is what makes it another act than one with the same body."""
        return Event(
            id=uuid_of(kind, subject, about or body),
            at=self.ledger.now,
            by=by,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=body,
            subject=subject,
        )


def _hash(secret: str) -> bytes:
    """What is kept of a secret. It has 80 random bits or more, so that guessing is hopeless without a slow hash."""
    return digest(secret, size=32)


def _normal(code: str) -> str:
    """A code as it was made, however somebody typed it."""
    return code.upper().replace("-", "").replace(" ", "")


def _name(name: str) -> str:
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= 100 or not plain.isprintable():
        raise BadInput("a name has 1 to 100 characters; write yours as colleagues know it")
    return plain
