"""Webhooks: bodies that another system posts in its own words, read by the connection's standard. The app mounts the router.

    POST /v1/hooks          one body, by the token of a source whose connection is `webhook`

An answer comes only when what was taken is durable. Nothing is read of a body that comes without a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import ClassVar

from litestar import Request, Router, post
from litestar.datastructures import State

from tutela.model.card import Card
from tutela.model.flow import Receipt
from tutela.model.noun import Noun

MOST = 4_000_000
"""Bytes of one body."""
TOLD = 100

Posted = Request[object, object, State]
Identify = Callable[[str], Awaitable[str]]
"""The source whose token that is; raises Quarantined when there is none."""
Hook = Callable[[str, bytes], Awaitable[Receipt]]
"""Takes a body of a source by its connection's standard; raises NotFound when the source has no such connection."""


class Webhook(Noun, frozen=True, kw_only=True):
    """Has no options: the address is the same for all, the token tells whose body it is."""

    sealed: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        finds="What another system posts in its own words.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Check a signature of the body, or ask again for what was never posted.",
    )


class Unread(Noun, frozen=True, kw_only=True):
    """What was not taken, with the reason and a sentence that says what to do."""

    reason: str
    says: str
    count: int


class Heeded(Noun, frozen=True, kw_only=True):
    """What became of a body: observations that are durable now, and what was not taken."""

    accepted: int
    refused: tuple[Unread, ...] = ()


def _heeded(receipt: Receipt) -> Heeded:
    """So many refusals are told by themselves, the others together."""
    counts: Counter[tuple[str, str]] = Counter()
    for refusal in receipt.refused:
        key = refusal.reason, refusal.says
        counts[key if key in counts or len(counts) < TOLD else (refusal.reason, "more of these")] += refusal.count
    refused = tuple(Unread(reason=reason, says=says, count=count) for (reason, says), count in counts.items())
    return Heeded(accepted=receipt.accepted, refused=refused)


def routes(identify: Identify, hook: Hook) -> Router:
    """The router that the app mounts."""

    @post("/hooks", status_code=200, operation_id="createHook", tags=["sources"], request_max_body_size=MOST)
    async def hooks(request: Posted) -> Heeded:
        """Take one body, in the words of the standard that the source's connection names; answered when durable."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        source = await identify(token if scheme.lower() == "bearer" else "")
        return _heeded(await hook(source, await request.body()))

    return Router("/v1", route_handlers=[hooks])


part = Webhook
