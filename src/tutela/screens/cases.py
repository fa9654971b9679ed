"""The investigation aid: cases that two people open, what lies in them, what is named there, and what two people confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.case import WORDS
from tutela.flow.case_acts import CaseActs
from tutela.flow.case_export import CaseExports
from tutela.flow.investigate import LONGEST, SHORTEST, Investigations
from tutela.flow.papers import Papers
from tutela.model.case import Case, Member, Scope
from tutela.model.evidence import Handover
from tutela.model.link import EntityKind, Graph, Link
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard
from .problem import READING

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
Words = Annotated[str, msgspec.Meta(min_length=SHORTEST, max_length=LONGEST)]
Why = Annotated[str, msgspec.Meta(max_length=LONGEST)]

# In paths a case is an `inquiry`: `case` is the parameter of every read that names the incident it belongs to.
act = partial(post, status_code=200, tags=["cases"], responses=READING)


@dataclass(frozen=True, slots=True)
class Aid:
    """What the screens of cases stand on."""

    acts: CaseActs
    investigations: Investigations
    papers: Papers

    @property
    def exports(self) -> CaseExports:
        """What leaves a case."""
        return CaseExports(self.investigations, self.papers)


class Opening(Noun, frozen=True, kw_only=True):
    """A case that somebody asks for; `until` within 90 days, in microseconds. Another supervisor has to approve it."""

    offence: Text
    reason: Text
    authority: Text
    reference: Text
    scope: Scope
    members: tuple[Member, ...]
    until: int


class Extending(Noun, frozen=True, kw_only=True):
    """A later end, within 90 days from now, in microseconds."""

    until: int


class Searching(Noun, frozen=True, kw_only=True):
    """What is looked for; `reason` where one is needed: for one's own name, a colleague's, or very many searches."""

    words: Words
    reason: Why = ""


class Tagging(Noun, frozen=True, kw_only=True):
    """What a record names, in words that stand in it."""

    record: Words
    kind: EntityKind
    name: Words


class Voting(Noun, frozen=True, kw_only=True):
    """Whether a link is so."""

    confirms: bool


class Handing(Noun, frozen=True, kw_only=True):
    """To whom something leaves a case, under which agreement or order, and why."""

    recipient: Text
    agreement: Text
    reason: Text


class Opened(Noun, frozen=True, kw_only=True):
    """A case with its records and what they name. Leads, in the order of time; never a verdict about anybody."""

    case: Case
    graph: Graph


def routes(aid: Aid, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [*_steps(aid.acts), *_inside(aid.investigations), _out(aid.exports)]
    return Router("/v1/cases", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _steps(acts: CaseActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readCases", tags=["cases"], responses=READING)
    async def listed(access: By) -> list[Case]:
        """Read the cases that you are a member of; as a supervisor, all of your agency."""
        return list(await acts.listed(access))

    @act(status_code=201, operation_id="openCase")
    async def open_(access: By, data: JSONBody[Opening]) -> Case:
        """Ask for a case. Nothing can be searched in it before another supervisor approves it."""
        told = msgspec.structs.asdict(data)
        return await acts.open(access, Case(id="", agency="", wanted=told.pop("until"), **told))

    @act("/{inquiry:str}/approve", operation_id="approveCase")
    async def approve(access: By, inquiry: FromPath[str]) -> Case:
        """Approve what another supervisor asked for: the case, or its later end."""
        return await acts.approve(access, inquiry)

    @act("/{inquiry:str}/extend", operation_id="extendCase")
    async def extend(access: By, inquiry: FromPath[str], data: JSONBody[Extending]) -> Case:
        """Ask for a later end; another supervisor approves it."""
        return await acts.extend(access, inquiry, data.until)

    @act("/{inquiry:str}/close", operation_id="closeCase")
    async def close(access: By, inquiry: FromPath[str]) -> Case:
        """End a case at once."""
        return await acts.close(access, inquiry)

    return [listed, open_, approve, extend, close]


def _inside(inside: Investigations) -> list[HTTPRouteHandler]:
    @get("/{inquiry:str}", operation_id="readCase", tags=["cases"], responses=READING)
    async def read(access: By, inquiry: FromPath[str]) -> Opened:
        """Read the records of a case that you are a member of, and what they name."""
        of, graph = await inside.read(access, inquiry)
        return Opened(case=of, graph=graph)

    @act("/{inquiry:str}/search", operation_id="searchCase")
    async def search(access: By, inquiry: FromPath[str], data: JSONBody[Searching]) -> Graph:
        """Look for something in the records of a case. Each search is an event, with its words sealed."""
        return await inside.search(access, inquiry, data.words, data.reason)

    @act("/{inquiry:str}/tags", status_code=201, operation_id="tagInCase")
    async def tag(access: By, inquiry: FromPath[str], data: JSONBody[Tagging]) -> None:
        """Say that a record names something."""
        await inside.tag(access, inquiry, data.record, data.kind, data.name)

    @act("/{inquiry:str}/links/{link:str}/answer", operation_id="answerLink")
    async def answer(access: By, inquiry: FromPath[str], link: FromPath[str], data: JSONBody[Voting]) -> Link:
        """Say whether a link is so, once. You don't see what others said before two have."""
        return await inside.vote(access, inquiry, link, confirms=data.confirms)

    return [read, search, tag, answer]


def _out(exports: CaseExports) -> HTTPRouteHandler:
    @act("/{inquiry:str}/export", operation_id="exportCase", media_type="application/json")
    async def export(access: By, inquiry: FromPath[str], data: JSONBody[Handing]) -> Response[bytes]:
        """Hand out the links that two people confirmed. It is an event, with the hash of what left."""
        body = await exports.export(access, inquiry, Handover(**msgspec.structs.asdict(data)))
        headers = {"Content-Disposition": 'attachment; filename="case-links.json"'}
        return Response(body, media_type="application/json", headers=headers)

    return export


part = routes
