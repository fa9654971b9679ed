"""What people ask about themselves: filed by anybody, timed, and ended by a named person's decision and by nothing else.

What stands is what the log says, as with legal holds. What people write is sealed under a key of its own for each request. The clock is
that of the law: calendar months of the city, to the end of their last day. Nothing happens when it runs out, but that everybody
sees it: a request that nobody answers is never refused by silence.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, WrongStep
from tutela.maths.ids import digest, uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.rights import (
    EXEMPTIONS,
    FURTHER,
    KIND,
    MONTHS,
    SUBJECT,
    Claim,
    Exemption,
    Right,
    RightsRequest,
    RightsStatus,
    months_on,
    standing,
)
from tutela.model.timeline import LIVE
from tutela.model.when import iso, micros, moment

from .ports import Clock, Log
from .prose import Prose

ANYBODY = "anybody"
"""Who files: nobody is asked to sign in."""

WORDS, SHORT, MOST = 5000, 200, 10
REFERENCE, SECRET = 5, 20
"""Random bytes of a reference, and of the secret that goes with it."""

OUTCOMES = (RightsStatus.GRANTED, RightsStatus.PARTLY, RightsStatus.REFUSED)

_claim = msgspec.json.Decoder(Claim).decode


class Filed(Noun, frozen=True, kw_only=True):
    """What its filer keeps: with both they see how it stands. The secret is shown this once. `due` in microseconds."""

    reference: str
    secret: str
    due: int


class Decision(Noun, frozen=True, kw_only=True):
    """How a request ends: the outcome and why; when it is not granted whole, by which exemption, and where to complain."""

    outcome: RightsStatus
    reasons: str
    exemption: str = ""
    complain: str = ""


class Stands(Noun, frozen=True, kw_only=True):
    """How a request stands, for whoever filed it: nothing of what they wrote, and nothing of what was found."""

    reference: str
    right: Right
    at: int
    due: int
    days_left: int
    status: RightsStatus
    extended: str
    reasons: str
    exemption: Exemption | None
    complain: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The requests of an instance. `zone`: the city's; `chance` gives random bytes, fit for secrets."""

    log: Log
    prose: Prose
    clock: Clock
    chance: Callable[[int], bytes]
    zone: str

    async def standing(self) -> Sequence[RightsRequest]:
        """All, those that are open first and of them the one that is due first; what people wrote stays sealed."""
        return tuple(standing(await self.log.about(SUBJECT)).values())

    async def one(self, id_: str) -> RightsRequest:
        """One of them; raises NotFound."""
        found = standing(await self.log.about(SUBJECT)).get(id_)
        if found is None:
            raise NotFound(f"there is no request {id_[:40]!r}; the list at /requests has all that there are")
        return found

    async def claim(self, request: RightsRequest) -> Claim | None:
        """What its filer wrote; None when it was erased."""
        words = await self.prose.words(request.claim)
        return _claim(words.encode()) if words.startswith("{") else None

    async def shown(self, request: RightsRequest) -> RightsRequest:
        """With what was written about it as people read it, but for its claim and its secret."""
        said = {name: await self.prose.words(getattr(request, name)) for name in ("checked", "extended", "reasons")}
        return msgspec.structs.replace(request, **said, claim="", secret="")

    async def file(self, right: Right, claim: Claim, *, simulated: bool = False, came: int | None = None) -> Filed:
        """Take a request of anybody; raises BadInput. `came`: when it came in, if that was before now; its time began then."""
        claim = _proper(claim)
        now, secret = self.clock() if came is None else came, b32encode(self.chance(SECRET)).decode()
        code = b32encode(self.chance(REFERENCE)).decode()
        request = RightsRequest(
            id=f"{code[:4]}-{code[4:]}",
            right=right,
            at=now,
            due=self._due(now, MONTHS),
            status=RightsStatus.RECEIVED,
            secret=_hash(secret),
            claim="",
            simulated=simulated,
        )
        request = msgspec.structs.replace(request, claim=await self._sealed(request, encode(claim).decode()))
        await self._tell(request, ANYBODY)
        return Filed(reference=request.id, secret=secret, due=request.due)

    async def status(self, reference: str, secret: str) -> Stands:
        """How it stands. A reference that there is not and a secret that is wrong are one answer, NotFound."""
        found = standing(await self.log.about(SUBJECT)).get(reference.strip().upper())
        if found is None or not hmac.compare_digest(found.secret, _hash(secret)):
            raise NotFound("no request has this reference and this secret; both were shown when it was filed")
        shown = await self.shown(found)
        return Stands(
            reference=found.id,
            right=found.right,
            at=found.at,
            due=found.due,
            days_left=found.days_left(self.clock()),
            status=found.status,
            extended=shown.extended,
            reasons=shown.reasons,
            exemption=EXEMPTIONS.get(found.exemption),
            complain=found.complain,
            simulated=found.simulated,
        )

    async def identify(self, id_: str, how: str, by: str) -> RightsRequest:
        """Somebody checked who asks, and says how; the document itself is not kept."""
        request = await self.one(id_)
        sealed = await self._sealed(request, _said("how it was checked who they are", how))
        return await self._step(request.to(RightsStatus.IDENTIFIED, checked=sealed, checked_by=by), by)

    async def extend(self, id_: str, reason: str, by: str) -> RightsRequest:
        """Put the answer off, once, by two months; the reason is told to the person, within the first month."""
        request, now = await self.one(id_), self.clock()
        if not request.open or request.extended:
            raise WrongStep("a request is put off once, while it is open; answer this one", request=id_)
        if now >= request.due:
            raise WrongStep(
                f"its time was over at {iso(request.due)}, and putting off is told within it; answer it now",
                request=id_,
            )
        sealed = await self._sealed(request, _said("reason", reason))
        later = self._due(request.at, MONTHS + FURTHER)
        return await self._step(request.changed(extended=sealed, extended_by=by, due=later), by)

    async def decide(self, id_: str, decision: Decision, by: str) -> RightsRequest:
        """End it. Raises BadInput for an exemption that the law does not have for such a request."""
        request = await self.one(id_)
        _lawful(request, decision)
        ended = request.to(
            decision.outcome,
            reasons=await self._sealed(request, _said("reason", decision.reasons)),
            exemption=decision.exemption,
            complain="" if decision.outcome is RightsStatus.GRANTED else decision.complain.strip(),
            decided_by=by,
            decided_at=self.clock(),
        )
        return await self._step(ended, by)

    async def _step(self, request: RightsRequest, by: str) -> RightsRequest:
        await self._tell(request, by)
        if await self.one(request.id) != request:  # of two who were at it at once, the log has the first
            raise Conflict("somebody else has just changed this request; read it again", request=request.id)
        return await self.shown(request)

    async def _tell(self, request: RightsRequest, by: str) -> None:
        event = Event(
            id=uuid_of(KIND, request.id, request.revision),
            at=self.clock(),
            by=by,
            cause=None,
            kind=KIND,
            timeline=LIVE,
            body=encode(request),
            subject=SUBJECT,
        )
        await self.log.append([event])

    async def _sealed(self, request: RightsRequest, words: str) -> str:
        return await self.prose.kept_in(f"rights-request/requests/{request.id}", words)

    def _due(self, at: int, months: int) -> int:
        """The end of the last day, in the city."""
        zone = ZoneInfo(self.zone)
        last = months_on(moment(at).astimezone(zone).date(), months)
        return micros(datetime.combine(last + timedelta(days=1), datetime.min.time(), zone))


def _hash(secret: str) -> str:
    """What is kept of a secret: it has 160 random bits, so that no slow hash is needed."""
    return digest(secret.strip().upper().replace("-", ""), size=32).hex()


def _proper(claim: Claim) -> Claim:
    """Itself, without spaces around; raises BadInput."""
    for name in ("name", "contact"):
        _said(name, getattr(claim, name), SHORT)
    _said("what you ask for", claim.words)
    for one in (*claim.names, *claim.phones, claim.record):
        if len(one) > SHORT:
            raise BadInput(f"{one[:40]!r}… is too long to be looked for; use at most {SHORT} letters")
    names, phones = ([one.strip() for one in found if one.strip()] for found in (claim.names, claim.phones))
    if len(names) > MOST or len(phones) > MOST:
        raise BadInput(f"name at most {MOST} names and {MOST} phone numbers; file the rest as another request")
    return msgspec.structs.replace(claim, names=tuple(names), phones=tuple(phones))


def _said(name: str, words: str, most: int = WORDS) -> str:
    plain = words.strip()
    if not plain or len(plain) > most:
        raise BadInput(f"a request needs {name!r}, in up to {most} letters: it is empty or too long")
    return plain


def _lawful(request: RightsRequest, decision: Decision) -> None:
    if len(decision.complain) > SHORT * 5:
        raise BadInput(f"say where to complain in up to {SHORT * 5} letters; this has {len(decision.complain)}")
    if decision.outcome not in OUTCOMES:
        raise BadInput(f"a request ends as one of: {', '.join(OUTCOMES)}")
    if decision.outcome is RightsStatus.GRANTED:
        if decision.exemption:
            raise BadInput("what is granted needs no exemption; choose partly-granted when something is held back")
        return
    found = EXEMPTIONS.get(decision.exemption)
    if found is None or request.right not in found.of:
        known = ", ".join(one.name for one in EXEMPTIONS.values() if request.right in one.of)
        raise BadInput(f"say by which exemption; for a request of {request.right} there are: {known}")
    if request.status is RightsStatus.RECEIVED and decision.exemption != "identity-not-shown":
        raise BadInput("first check who asks: before that, the only reason to refuse is identity-not-shown")
    _said("where to complain", decision.complain, SHORT * 5)
