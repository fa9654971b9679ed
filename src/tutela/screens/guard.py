"""Who asks, and why: from a session and the parameters `purpose` and `basis`, which every read and act names."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, QueryParameter

from tutela.errors import BadInput, Refused
from tutela.flow.glass import GlassActs
from tutela.flow.people import Staff
from tutela.flow.rates import Rates
from tutela.model.access import Access
from tutela.model.people import Agent, SignedIn

from .problem import Asked

COOKIE = "tutela_session"
OWN = ("same-origin", "none")
"""What browsers say in Sec-Fetch-Site of our own pages, and of an address that a person typed."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Purpose = Annotated[str, QueryParameter(description="why: a purpose of the register, such as public-safety")]
Basis = Annotated[str, QueryParameter(description="by which right: a DPV legal basis, such as PublicInterest")]
Case = Annotated[
    str | None, QueryParameter(description="the case: the incident that it belongs to, where there is one")
]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="made up by you for this act: sent twice with the same key, it is done once",
    ),
]
By = NamedDependency[Access]
"""In a handler's arguments, as `access`: who does it, and why."""

Once = NamedDependency[str]
"""As `key`: the key of an act, made up by its caller."""

SIGNED_IN: list[dict[str, list[str]]] = [{"session": []}, {"bearer": []}]
"""For the description of routes: a cookie of our pages, or the token of a session."""


class Guard:
    """Turns requests into accesses. There is no way to read or act without one."""

    def __init__(self, staff: Staff, rates: Rates, glass: GlassActs) -> None:
        self.staff, self.rates, self.glass = staff, rates, glass

    async def agent(self, request: Asked) -> Agent:
        """The person whose session this is; raises Refused (401) when there is none, TooOften when it is too often."""
        who = await self.whose(request)
        self._counted(request, who)
        return who

    async def whose(self, request: Asked) -> Agent:
        """As `agent`, and not counted: for what goes on to ask `person`."""
        return await self.staff.who(token_of(request))

    async def person(self, request: Asked, *, opens: bool = False) -> SignedIn:
        """As `agent`, with how they came in, and their break-glass that stands. Who was idle for long may read, and not act; raises Refused.

        `opens`: they open a page, which is a sign of life, though it may be read by who was idle.
        """
        here = await self._person(request, opens=opens)
        return msgspec.structs.replace(here, glass=await self.glass.glasses.standing(here.agent.id))

    async def _person(self, request: Asked, *, opens: bool) -> SignedIn:
        token = token_of(request)
        here = await self.staff.signed_in(token)
        self._counted(request, here.agent)
        if request.method not in SAFE:
            return await self.staff.active(token)
        if opens:
            with suppress(Refused):
                return await self.staff.active(token)
        return here

    def _counted(self, request: Asked, who: Agent) -> None:
        self.rates.take(who.id, "read" if request.method in SAFE else "act")

    async def access(self, request: Asked, purpose: Purpose, basis: Basis, case: Case = None) -> Access:
        """The arguments of a read or act."""
        here = await self.person(request)
        return Access(
            agent=here.agent, purpose=purpose, legal_basis=basis, case=case, factor=here.factor, glass=here.glass
        )

    @property
    def dependencies(self) -> dict[str, Provide]:
        """For routers: `access` in a handler's arguments is the access of its request, `key` the key of its act."""
        own = self.access

        async def access(request: Asked, purpose: Purpose, basis: Basis, case: Case = None) -> Access:
            # A function of its own: the framework copies what it is given, and policies can't be copied.
            return await own(request, purpose, basis, case)

        return {"access": Provide(access), "key": Provide(once, sync_to_thread=False)}


def once(key_: Key = None) -> str:
    """The key of an act: the caller's, or one that nobody has used."""
    return key_ or uuid4().hex


def token_of(request: Asked) -> str:
    """The token of a session that a request shows, as a header or as a cookie of our pages; raises Refused."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token
    same_site(request)
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        raise Refused("sign in first: enrol with your code, or send `Authorization: Bearer …`", policy="session")
    return cookie


async def come_anew(request: Asked, staff: Staff) -> None:
    """Whoever came in from this browser ends the session that it had before."""
    before = request.cookies.get(COOKIE)
    if before:
        await staff.leave(before)


def address_of(request: Asked) -> str:
    """Where a request comes from, as far as sign-ins that failed are counted: an address, or a whole IPv6 /64.

    A proxy on this machine says for whom it asks.
    """
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))


def origin_of(request: Asked, site: str) -> str:
    """The origin that a passkey is for: the site that was set, or this machine's own; raises BadInput.

    It is never believed from a header: a passkey that is good for whatever host a request names is good for a thief's.
    """
    if site:
        return site
    if request.url.hostname != "localhost":
        raise BadInput(
            "passkeys are for one address, and nobody has said yet which: whoever runs this sets TUTELA_SITE, "
            "such as https://city.example; on the machine itself, use http://localhost"
        )
    return f"{request.url.scheme}://{request.url.netloc}"


def same_site(request: Asked) -> None:
    """A change by cookie must come from our own pages: another site can't act in a signed-in person's name."""
    if request.method in SAFE:
        return
    origin, came = request.headers.get("origin"), request.headers.get("sec-fetch-site", OWN[0])
    if came not in OWN or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise Refused(f"this came from {origin or came}, another site; act from our own pages", policy="same-site")
