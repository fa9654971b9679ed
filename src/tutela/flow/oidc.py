"""Sign-in at the city's own identity provider (OpenID Connect Core 1.0, by code, with PKCE).

The provider says who somebody is, and nothing else: nobody is made by it, and their role, agency, end and suspension are ours. Whoever was invited
links their account there by signing in at it together with their code; from then on it lets them in, until somebody removes it or another one takes
its place. What a browser keeps on its way there and back is one secret, of which all that is asked is made: an answer that another browser began, or
that was given before, lets nobody in (RFC 9700, sections 2.1 and 4.7). Of the provider's answer nothing is kept but a keyed digest of who it is about.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from typing import Protocol

import msgspec

from tutela.errors import Conflict, NotFound, Refused
from tutela.maths.ids import digest, uuid_of
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.people import Agent
from tutela.model.timeline import LIVE
from tutela.model.when import MINUTE, SECOND

from .id_token import FRESH, POLICY, Expected, Shown, shown
from .passkeys import Store
from .people import SALT, Staff

SECRET = 32
"""Random bytes that a browser keeps on its way."""

LASTS = 10 * MINUTE
"""How long somebody may take at the provider."""

WORD = 40
"""Characters of an error's name (RFC 6749, section 4.1.2.1)."""

LINKED, REMOVED = "provider@1", "provider-removed@1"


class Question(Noun, frozen=True, kw_only=True):
    """What one sign-in asks the provider: where its answer goes, and what nobody else knows of it."""

    redirect: str
    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (RFC 7636, S256)."""
        return _text(sha256(self.verifier.encode()).digest())


class Journey(Noun, frozen=True, kw_only=True):
    """What a browser keeps on its way: the secret, the session that it has, and, of whoever was invited, what they typed."""

    secret: str
    before: str = ""
    code: str = ""
    name: str = ""


class Back(Noun, frozen=True, kw_only=True):
    """What a browser brings back from the provider (RFC 6749, section 4.1.2; RFC 9207)."""

    state: str = ""
    code: str = ""
    iss: str = ""
    error: str = ""


class Linked(Noun, frozen=True, kw_only=True):
    """Body of `provider@1`: this account at that provider lets its subject in. `link`: a keyed digest of the account; `by`: what makes it one of two at once."""

    issuer: str
    link: str
    by: bytes


class Unlinked(Noun, frozen=True, kw_only=True):
    """Body of `provider-removed@1`: the event of the account that lets its subject in no more."""

    provider: str


class Provider(Protocol):
    """The city's identity provider. What it can't answer now raises EngineDown."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        ...

    @property
    def client(self) -> str:
        """What it calls us."""
        ...

    async def ask(self, question: Question, max_age: int) -> str:
        """Where a browser goes to be asked; whoever signed in there longer ago (seconds) is asked again."""
        ...

    async def names_itself(self) -> bool:
        """Whether it says in each answer who it is (RFC 9207)."""
        ...

    async def told(self, question: Question, code: str) -> Mapping[str, object]:
        """What the ID token says that it gives for this code; the signature is its own. Raises Refused."""
        ...


_journey = msgspec.json.Decoder(Journey).decode
_linked = msgspec.json.Decoder(Linked).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """Whom the provider lets in. Without one, nobody; what it let in before can still be removed."""

    staff: Staff
    store: Store
    provider: Provider | None = None

    @property
    def name(self) -> str:
        """What people call the provider; empty without one."""
        return self.provider.name if self.provider else ""

    async def begin(self, redirect: str, before: str = "", code: str = "", name: str = "") -> tuple[str, str]:
        """Where the browser goes, and what it keeps. `code` and `name`: of whoever was invited. Raises NotFound without a provider."""
        at, now = self._at, self._now
        secret = self.staff.chance(SECRET)
        address = await at.ask(_question(secret, redirect), FRESH)
        await self.store.challenge(_hash(secret), None, now + LASTS, now)
        kept = Journey(secret=_text(secret), before=before, code=code.strip(), name=name.strip())
        return address, _text(encode(kept))

    async def come(self, redirect: str, journey: Journey, back: Back, address: str = "") -> tuple[Agent, str]:
        """Come in with what was brought back: the person, and the token of a session. Raises Refused, and LockedOut as for other ways."""
        return await self.staff.signing_in(partial(self._come, self._at, redirect, journey, back), address, None)

    async def has(self, agent: str) -> bool:
        """Whether an account at a provider lets them in."""
        return await self._good(agent) is not None

    async def remove(self, agent: Agent) -> None:
        """One's own account lets nobody in any more. Raises NotFound when none does now."""
        await self._remove(agent.id, agent.id)

    async def remove_of(self, access: Access, agent: str) -> None:
        """The same of somebody whom this person may invite; raises Refused, and NotFound."""
        await self.staff.may_invite_again(access, agent, f"remove {agent}'s account at the provider")
        await self._remove(access.agent.id, agent)

    # ── there and back ──────────────────────────────────────────────────────────────────────────
    @property
    def _now(self) -> int:
        return self.staff.ledger.now

    @property
    def _at(self) -> Provider:
        if self.provider is None:
            raise NotFound("no identity provider is set up here; come in with a passkey or a code")
        return self.provider

    async def _come(self, at: Provider, redirect: str, journey: Journey, back: Back) -> tuple[Agent, str]:
        found = await self._shown(at, redirect, journey, back)
        link = self.staff.keys.keyed(encode([at.issuer, found.subject])).hex()
        owner = await self._owner(link)
        if journey.code:
            return await self._enrol(at.issuer, link, owner, journey)
        if owner is None:
            raise Refused(
                f"nobody here comes in with this account of {at.name}; if you were invited, give your code and your name and "
                "go there from them, else ask your supervisor for a code",
                policy=POLICY,
            )
        return await self.staff.signing_in(partial(self._let_in, owner, found), "", owner)

    async def _shown(self, at: Provider, redirect: str, journey: Journey, back: Back) -> Shown:
        secret = _bytes(journey.secret)
        question = _question(secret, redirect)
        if not compare_digest(back.state.encode("utf-8", "replace"), question.state.encode()):
            raise Refused("this answer belongs to another browser, or to another try; begin again", policy=POLICY)
        if back.iss != at.issuer and (back.iss or await at.names_itself()):
            raise Refused(f"this answer is not {at.name}'s; begin again, at the entrance", policy=POLICY)
        await self.store.answered(_hash(secret), None, self._now)
        if back.error or not back.code:
            raise Refused(
                f"{at.name} let nobody in ({_plain(back.error)}); begin again, or come in another way", policy=POLICY
            )
        claims = await at.told(question, back.code)
        now = self._now // SECOND
        return shown(claims, Expected(issuer=at.issuer, client=at.client, nonce=question.nonce, now=now))

    async def _let_in(self, agent: str, found: Shown) -> tuple[Agent, str]:
        known = await self.staff.known(agent)
        if known.suspended or (known.until is not None and known.until <= self._now):
            raise Refused("you are suspended here, or your role has ended; speak to your supervisor", policy=POLICY)
        return known, await self.staff.begin(known, found.factor)

    async def _enrol(self, issuer: str, link: str, owner: str | None, journey: Journey) -> tuple[Agent, str]:
        if owner is not None and owner != await self.staff.made_for(journey.code):
            raise Conflict("this account lets somebody in here already; come in with it, without a code")
        agent, token = await self.staff.enrol(journey.code, journey.name)
        await self._link(agent.id, issuer, link)
        return agent, token

    # ── what the log says ───────────────────────────────────────────────────────────────────────
    async def _link(self, agent: str, issuer: str, link: str) -> None:
        """Of two who link one account at once, the log has one."""
        id_, _ = await self._next(link)
        said = encode(Linked(issuer=issuer, link=link, by=self.staff.chance(SALT)))
        await self._tell(id_, LINKED, agent, agent, said)
        if (await self.staff.log.event(id_)).body != said:
            raise Conflict("somebody linked this account just now; ask your supervisor for another code")

    async def _next(self, link: str) -> tuple[str, Event | None]:
        """The id of what is said next about an account, and what was said last."""
        number, last = 0, None
        while True:
            id_ = uuid_of(LINKED, link, number)
            try:
                last = await self.staff.log.event(id_)
            except NotFound:
                return id_, last
            number += 1

    async def _owner(self, link: str) -> str | None:
        """Whom an account lets in."""
        _, last = await self._next(link)
        if last is None or last.subject is None:
            return None
        good = await self._good(last.subject)
        return last.subject if good is not None and good.id == last.id else None

    async def _good(self, agent: str) -> Event | None:
        """What lets them in: the newest one, if it was not removed."""
        told = [event for event in await self.staff.log.about(agent) if event.kind in (LINKED, REMOVED)]
        return told[-1] if told and told[-1].kind == LINKED else None

    async def _remove(self, by: str, agent: str) -> None:
        good = await self._good(agent)
        if good is None:
            raise NotFound("no account at a provider lets them in here")
        id_, _ = await self._next(_linked(good.body).link)
        await self._tell(id_, REMOVED, by, agent, encode(Unlinked(provider=good.id)))

    async def _tell(self, id_: str, kind: str, by: str, agent: str, body: bytes) -> None:
        event = Event(
            id=id_,
            at=self._now,
            by=by,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=body,
            subject=agent,
            salt=self.staff.chance(SALT),
        )
        await self.staff.log.append([event])


def journey_of(kept: str) -> Journey:
    """What a browser kept; raises Refused when it is nothing of ours."""
    try:
        journey = _journey(_bytes(kept))
        _bytes(journey.secret)
    except (msgspec.DecodeError, ValueError) as wrong:
        raise Refused(
            "this browser did not begin this sign-in, or too long ago; begin again, in this browser", policy=POLICY
        ) from wrong
    return journey


def _question(secret: bytes, redirect: str) -> Question:
    """All of it is made of the secret that the browser keeps: none of it can be known, or exchanged, without that."""
    state, nonce, verifier = (_text(digest(f"oidc {what}", secret, size=32)) for what in ("state", "nonce", "verifier"))
    return Question(redirect=redirect, state=state, nonce=nonce, verifier=verifier)


def _hash(secret: bytes) -> bytes:
    return digest("oidc", secret, size=32)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(error: str) -> str:
    """A word of the provider's that may be shown: nobody else's sentences are."""
    return error if error.isascii() and error.replace("_", "").isalpha() and len(error) <= WORD else "it says no more"
