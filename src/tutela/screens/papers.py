"""Papers: assessments, authorisations, agreements and consents, as data and as a page."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from tutela.flow.paper_acts import PaperActs, Told
from tutela.flow.papers import WORDS
from tutela.model.access import Access
from tutela.model.install import Install
from tutela.model.noun import Noun
from tutela.model.paper import About, Hash, Paper, Sealable, Word
from tutela.model.people import Role
from tutela.model.when import iso

from . import glass, paper
from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING, Asked

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
PURPOSES = {Role.PRIVACY_OFFICER: "oversight", Role.AUDITOR: "oversight", Role.SUPERVISOR: "public-safety"}
"""Why somebody of a role reads the page."""

BASIS = "LegalObligation"

act = partial(post, status_code=200, tags=["papers"], responses=ACTING)


class Entering(Noun, frozen=True, kw_only=True):
    """A paper that is to be entered. Times in microseconds; `sha256` of the document, which a consent need not have."""

    number: Word
    authority: Word
    signed: Sealable
    about: About
    since: int
    until: int
    sha256: Hash = ""
    replaces: str | None = None


class Granting(Noun, frozen=True, kw_only=True):
    """The grant of a paper that waits for one: the hash of the order or decision."""

    sha256: Hash = ""


class Ending(Noun, frozen=True, kw_only=True):
    """Why a paper stands no more: withdrawn, refused, revoked."""

    reason: Text


def routes(acts: PaperActs, guard: Guard, install: Install) -> Router:
    """The router that the app mounts."""
    data = Router("/v1/papers", route_handlers=_data(acts), dependencies=guard.dependencies, security=SIGNED_IN)
    people = Router(
        "/papers",
        route_handlers=[_page(acts, guard, install)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
    )
    return Router("/", route_handlers=[data, people])


def _data(acts: PaperActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readPapers", tags=["papers"], responses=READING)
    async def listed(
        access: By, *, consents: Annotated[bool, QueryParameter(description="consents instead of all others")] = False
    ) -> list[Told]:
        """Read the papers, the newest first, and which of them stand."""
        return list(await acts.listed(access, consents=consents))

    @act(status_code=201, operation_id="enterPaper")
    async def enter(access: By, data: JSONBody[Entering]) -> Told:
        """Enter a paper. Of a consent, the answer is the person's receipt: it names them by a pseudonym."""
        return await acts.enter(access, Paper(**{name: getattr(data, name) for name in Entering.__struct_fields__}))

    @act("/{paper_id:str}/grant", operation_id="grantPaper")
    async def grant(access: By, paper_id: FromPath[str], data: JSONBody[Granting]) -> Told:
        """Grant an urgent start, or decide as a second person that two purposes go together."""
        return await acts.grant(access, paper_id, data.sha256)

    @act("/{paper_id:str}/end", operation_id="endPaper")
    async def end(access: By, paper_id: FromPath[str], data: JSONBody[Ending]) -> Told:
        """End a paper, at once."""
        return await acts.end(access, paper_id, data.reason)

    return [listed, enter, grant, end]


def _page(acts: PaperActs, guard: Guard, install: Install) -> HTTPRouteHandler:
    @get("/")
    async def shown(request: Asked) -> Response[str]:
        """The same for people."""
        here = await guard.person(request, opens=True)
        purpose = PURPOSES.get(here.agent.role, "oversight")
        access = Access(agent=here.agent, purpose=purpose, legal_basis=BASIS, factor=here.factor, glass=here.glass)
        found = await acts.listed(access)
        seen = await glass.noticed(guard.glass, access, install.zone)
        about = {"city": install.city, "glass": seen, "purpose": purpose, "basis": BASIS, "me": here.agent, "iso": iso}
        return paper.page("papers.html", found=found, **about)

    return shown


part = routes
