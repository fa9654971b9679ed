"""Register entries: proposed, and entered as they were approved."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, post
from litestar.params import JSONBody

from tutela.flow.approve import WORDS
from tutela.flow.entry_acts import EntryActs
from tutela.model.approval import Proposal
from tutela.model.noun import Noun
from tutela.model.register import Source

from .guard import SIGNED_IN, By, Guard
from .problem import ACTING

act = partial(post, status_code=201, tags=["register"], responses=ACTING)


class Entering(Noun, frozen=True, kw_only=True):
    """An entry; and, when it permits more than the one that stands, the id of the proposal by which that was approved."""

    source: Source
    approval: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class ProposingEntry(Noun, frozen=True, kw_only=True):
    """An entry that permits more than the one that stands, and why it is needed."""

    source: Source
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]


def routes(acts: EntryActs, guard: Guard) -> Router:
    """The router that the app mounts."""

    @act("/", operation_id="enterSource")
    async def enter(access: By, data: JSONBody[Entering]) -> Source:
        """Enter a source, or change its entry. What narrows it is done at once; what widens it, as it was approved."""
        return await acts.enter(access, data.source, data.approval)

    @act("/propose", operation_id="proposeEntry")
    async def propose(access: By, data: JSONBody[ProposingEntry]) -> Proposal:
        """Propose an entry that permits more: another person has to say yes, and a day has to pass."""
        return await acts.propose(access, data.source, data.reason)

    return Router("/v1/entries", route_handlers=[enter, propose], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
