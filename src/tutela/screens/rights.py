"""Requests of people about themselves: anybody files one and sees how it stands, without an account; privacy officers answer.

Who files gets a reference and a secret. With both they see the status, and nothing of what they wrote or of what was found. A few a minute
can be filed or asked for from one address, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from tutela.flow.rates import Rate, Rates
from tutela.flow.rights import MOST, OUTCOMES, SHORT, WORDS, Decision, Filed, Rights
from tutela.flow.rights_acts import Opened, RightsActs
from tutela.model.noun import Noun
from tutela.model.rights import Claim, Outcome, Right, RightsRequest, RightsStatus

from .guard import SIGNED_IN, By, Guard, address_of
from .problem import ACTING, READING, Asked, problems
from .yours import packed

OPEN: list[dict[str, list[str]]] = [{}]
"""For the description: nobody has to sign in."""

FILING = Rate(burst=10, each_second=1 / 30)
"""From one address: filed, or asked for with a reference and a secret."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT, pattern=r"\S")]
Lines = Annotated[list[str], msgspec.Meta(max_length=MOST)]

act = partial(post, status_code=200, tags=["requests"], responses=ACTING)


class Filing(Noun, frozen=True, kw_only=True):
    """What somebody asks about themselves: which right, who they are, how to reach them, and what they want.

    `names` and `phones` are what is looked for. `record`: the decision or alert that they contest, or the record that is meant.
    """

    right: Right
    name: Line
    contact: Line
    words: Text
    names: Lines = []
    phones: Lines = []
    record: Annotated[str, msgspec.Meta(max_length=SHORT)] = ""

    @property
    def claim(self) -> Claim:
        """As it is kept."""
        return Claim(
            name=self.name,
            contact=self.contact,
            words=self.words,
            names=tuple(self.names),
            phones=tuple(self.phones),
            record=self.record,
        )


class Identifying(Noun, frozen=True, kw_only=True):
    """How it was checked who they are, such as "passport, at the counter". The document itself is not kept."""

    how: Text


class Extending(Noun, frozen=True, kw_only=True):
    """Why it takes longer: it is told to the person."""

    reason: Text


class Erasing(Noun, frozen=True, kw_only=True):
    """The record that is to be erased, by the id that the answer to the request gives it."""

    record: Line


class Objecting(Noun, frozen=True, kw_only=True):
    """The record that somebody objects to. `overruled`: it is shown again all the same, and why."""

    record: Line
    overruled: Text | None = None


class Deciding(Noun, frozen=True, kw_only=True):
    """How a request ends, and why, in words for the person; with a refusal, in whole or in part, the exemption and where to complain."""

    outcome: RightsStatus
    reasons: Text
    exemption: Annotated[str, msgspec.Meta(max_length=SHORT)] = ""
    complain: Annotated[str, msgspec.Meta(max_length=SHORT * 5)] = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes stand on; `rates` counts those who need no account, by address."""

    rights: Rights
    acts: RightsActs
    guard: Guard
    city: str
    rates: Rates

    def counted(self, request: Asked) -> None:
        """Count one request of a stranger; raises TooOften."""
        self.rates.take(address_of(request), "act")


def desk(rights: Rights, acts: RightsActs, guard: Guard, city: str) -> Desk:
    """The desk of an instance."""
    return Desk(rights, acts, guard, city, Rates(rights.clock, acts=FILING))


def routes(here: Desk) -> Router:
    """The router that the app mounts."""
    staff = Router("", route_handlers=_handlers(here.acts), dependencies=here.guard.dependencies, security=SIGNED_IN)
    anybody = Router("", route_handlers=[_file(here)], security=OPEN)
    return Router("/v1/requests", route_handlers=[anybody, staff])


def _file(here: Desk) -> HTTPRouteHandler:
    @post(status_code=201, operation_id="fileRequest", tags=["requests"], responses=problems(400, 429, 503))
    async def file(request: Asked, data: JSONBody[Filing]) -> Filed:
        """Ask what is kept of you, have it erased or put right, object, or contest a decision. Nobody has to sign in.

        Keep the reference and the secret: with both you see at /requests/new how it stands.
        """
        here.counted(request)
        return await here.rights.file(data.right, data.claim)

    return file


def _handlers(acts: RightsActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readRequests", tags=["requests"], responses=READING)
    async def listed(access: By) -> list[RightsRequest]:
        """Read all requests, those that press first, and nothing of what people wrote."""
        return list(await acts.listed(access))

    @get("/{reference:str}", operation_id="readRequest", tags=["requests"], responses=READING)
    async def opened(access: By, reference: FromPath[str]) -> Opened:
        """Read a request with what its filer wrote."""
        return await acts.opened(access, reference)

    @act("/{reference:str}/identity", operation_id="identifyRequest")
    async def identify(access: By, reference: FromPath[str], data: JSONBody[Identifying]) -> RightsRequest:
        """Say that it was checked who asks, and how."""
        return await acts.identify(access, reference, data.how)

    @act("/{reference:str}/extension", operation_id="extendRequest")
    async def extend(access: By, reference: FromPath[str], data: JSONBody[Extending]) -> RightsRequest:
        """Put the answer off by two months, once; the reason is told to the person."""
        return await acts.extend(access, reference, data.reason)

    @act("/{reference:str}/decision", operation_id="decideRequest")
    async def decide(access: By, reference: FromPath[str], data: JSONBody[Deciding]) -> RightsRequest:
        """End a request: granted, granted in part, or refused, with reasons."""
        return await acts.decide(access, reference, Decision(**msgspec.structs.asdict(data)))

    @act("/{reference:str}/erasure", operation_id="eraseForRequest")
    async def erase(access: By, reference: FromPath[str], data: JSONBody[Erasing]) -> Outcome:
        """Erase one record about whoever filed a request of erasure; or hear why it stays, and until when."""
        return await acts.erase(access, reference, data.record)

    @act("/{reference:str}/objection", status_code=204, operation_id="objectForRequest")
    async def object_(access: By, reference: FromPath[str], data: JSONBody[Objecting]) -> None:
        """Let one record about whoever filed a request of objection not be shown any more, but where the law demands it; or let it be again."""
        await acts.object(access, reference, data.record, data.overruled)

    return [listed, opened, identify, extend, decide, erase, object_, *_answers(acts)]


def _answers(acts: RightsActs) -> list[HTTPRouteHandler]:
    @get("/{reference:str}/withheld", operation_id="withheldFromRequest", tags=["requests"], responses=ACTING)
    async def withheld(access: By, reference: FromPath[str]) -> dict[str, int]:
        """Read how many records name the person and may not be shown, by policy: for you, to decide on an exemption, and not for them."""
        return await acts.withheld(access, reference)

    @get(
        "/{reference:str}/answer",
        operation_id="answerRequest",
        tags=["requests"],
        media_type="application/zip",
        responses=ACTING,
    )
    async def answer(
        access: By,
        reference: FromPath[str],
        own: Annotated[
            list[str] | None, QueryParameter(description="ids of records that are the person's own, shown whole")
        ] = None,
    ) -> Response[bytes]:
        """Read what is kept of the person, as a file for them: JSON, and the same to read. Each record in it is an event's own line."""
        body = packed(await acts.answer(access, reference, tuple(own or ())))
        headers = {"Content-Disposition": f'attachment; filename="what-is-kept-{reference[:9]}.zip"'}
        return Response(body, media_type="application/zip", headers=headers)

    return [withheld, answer]


part = routes

__all__ = ["OUTCOMES", "Desk", "Filing", "desk", "routes"]
