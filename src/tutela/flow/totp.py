"""Codes of an app as the weaker way in, for whoever has no device that keeps a passkey (TOTP, RFC 6238).

The secret is kept sealed in the log, with its owner's name, and is good only once a code of it was shown. Each code lets
somebody in once. Who came in so may not hand anything out: the policies ask for the factor.
"""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

import msgspec

from tutela.errors import NotFound, Refused
from tutela.maths.ids import uuid_of
from tutela.maths.totp import DIGITS, STEP, step_of
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.people import Agent, Factor
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .oidc import Oidc
from .passkeys import Passkeys
from .people import SALT, Staff

SECRET = 20
"""Random bytes of a secret, as many as SHA-1 has (RFC 4226, section 4, R6)."""

WRONG = "no such code lets you in here; wait for the next one, or ask for a code that was made for you"


class Shared(Noun, frozen=True, kw_only=True):
    """Body of `totp@1`, sealed: what the app of its subject and this install share. The newest one counts."""

    secret: bytes


class TotpId(Noun, frozen=True, kw_only=True):
    """Body of `totp-shown@1` and `totp-removed@1`: the event of the secret that is good from now on, or no more."""

    totp: str


class TotpUsed(Noun, frozen=True, kw_only=True):
    """Body of `totp-used@1`: a code of this step let its subject in. `by` is what makes it one of two at once."""

    step: int
    by: bytes


class ToShare(Noun, frozen=True, kw_only=True):
    """What an app takes over: the secret (base32) and the same as an address (otpauth). Shown once."""

    secret: str
    address: str


_shared = msgspec.json.Decoder(Shared).decode
_id = msgspec.json.Decoder(TotpId).decode


@dataclass(frozen=True, slots=True)
class Ways:
    """How people who were here before come in, besides a code that was made for them."""

    passkeys: Passkeys
    totp: Totp
    oidc: Oidc


@dataclass(frozen=True, slots=True, kw_only=True)
class Totp:
    """Who has an app's codes, and who comes in with one. `issuer`: the city, as the app shows it."""

    staff: Staff
    issuer: str

    async def to_share(self, agent: Agent) -> ToShare:
        """A new secret for an app of somebody who is signed in; it counts as soon as a code of it was shown."""
        secret = self.staff.chance(SECRET)
        key, sealed = await self.staff.keys.seal(f"system-operation/people/{agent.id}", encode(Shared(secret=secret)))
        event = self._event("totp@1", agent.id, agent.id, sealed)
        await self.staff.log.append([msgspec.structs.replace(event, key=key)])
        text = b32encode(secret).decode()
        query = urlencode({"secret": text, "issuer": self.issuer, "digits": DIGITS, "period": STEP})
        return ToShare(secret=text, address=f"otpauth://totp/{quote(f'{self.issuer}:{agent.id}')}?{query}")

    async def show(self, agent: Agent, code: str) -> None:
        """The app makes the codes of the newest secret: from now on they let in. Raises Refused for a wrong one, NotFound without one."""
        newest = await self._newest(agent.id)
        if newest is None:
            raise NotFound("there is no secret that an app could know; begin with a new one")
        if step_of(await self._secret(newest), code, self._now // SECOND) is None:
            raise Refused("that is not the code that this secret makes now; look at the app's clock", policy="totp")
        await self._tell("totp-shown@1", agent.id, agent.id, TotpId(totp=newest.id))

    async def has(self, agent: str) -> bool:
        """Whether codes let them in."""
        return await self._good(agent) is not None

    async def come(self, agent: str, code: str, address: str = "") -> tuple[Agent, str]:
        """Come in with a code: the person, and the token of a session. Raises Refused, and LockedOut as for other ways."""
        return await self.staff.signing_in(partial(self._come, agent, code), address, agent)

    async def remove(self, agent: Agent) -> None:
        """One's own codes let nobody in any more. Raises NotFound when they don't now."""
        await self._remove(agent.id, agent.id)

    async def remove_of(self, access: Access, agent: str) -> None:
        """The same of somebody whom this person may invite; raises Refused, and NotFound."""
        await self.staff.may_invite_again(access, agent, f"remove the codes of {agent}'s app")
        await self._remove(access.agent.id, agent)

    # ── what the log says ───────────────────────────────────────────────────────────────────────
    @property
    def _now(self) -> int:
        return self.staff.ledger.now

    async def _come(self, agent: str, code: str) -> tuple[Agent, str]:
        # Whether there is such a person is told to nobody: all that is wrong is refused alike.
        good = await self._good(agent)
        step = None if good is None else step_of(await self._secret(good), code, self._now // SECOND)
        known = None if step is None else await self.staff.known(agent)
        if step is None or known is None or known.suspended or (known.until is not None and known.until <= self._now):
            raise Refused(WRONG, policy="totp")
        await self._once(agent, step)
        return known, await self.staff.begin(known, Factor.TOTP)

    async def _once(self, agent: str, step: int) -> None:
        """Raise Refused when a code of that step let them in already: of two at once the log has one."""
        said = encode(TotpUsed(step=step, by=self.staff.chance(SALT)))
        event = self._event("totp-used@1", agent, agent, said)
        event = msgspec.structs.replace(event, id=uuid_of("totp-used@1", agent, step))
        await self.staff.log.append([event])
        if (await self.staff.log.event(event.id)).body != said:
            raise Refused(WRONG, policy="totp")

    async def _newest(self, agent: str) -> Event | None:
        told = [event for event in await self.staff.log.about(agent) if event.kind == "totp@1"]
        return told[-1] if told else None

    async def _good(self, agent: str) -> Event | None:
        """The secret whose codes let them in: shown, not removed since, and no other one shown after it."""
        good, made = "", {}
        for event in await self.staff.log.about(agent):
            if event.kind == "totp@1":
                made[event.id] = event
            elif event.kind == "totp-shown@1":
                good = _id(event.body).totp
            elif event.kind == "totp-removed@1":
                good = ""
        return made.get(good)

    async def _secret(self, event: Event) -> bytes:
        return _shared(await self.staff.keys.open(event.key or "", event.body)).secret

    async def _remove(self, by: str, agent: str) -> None:
        good = await self._good(agent)
        if good is None:
            raise NotFound("no codes of an app let them in here")
        await self._tell("totp-removed@1", by, agent, TotpId(totp=good.id))

    async def _tell(self, kind: str, by: str, agent: str, says: Noun) -> None:
        await self.staff.log.append([self._event(kind, by, agent, encode(says))])

    def _event(self, kind: str, by: str, subject: str, body: bytes) -> Event:
        return Event(
            id=uuid_of(kind, subject, self._now, body),
            at=self._now,
            by=by,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=body,
            subject=subject,
            salt=self.staff.chance(SALT),
        )
