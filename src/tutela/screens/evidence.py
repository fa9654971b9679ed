"""Evidence of an incident, as a file for somebody outside of the house: who gets it, under which agreement and why is part of the ask."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from litestar import Response, Router, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from tutela.flow.evidence import MINUTES, Evidence
from tutela.model.evidence import LONGEST, Handover

from .guard import SIGNED_IN, By, Guard
from .problem import READING, Asked

LARGEST = 500_000_000
"""Bytes of a bundle."""

MOST = 24 * 60
ZIP = "application/zip"

hand_out = partial(post, status_code=200, tags=["evidence"], responses=READING, media_type=ZIP)

Recipient = Annotated[str, QueryParameter(min_length=1, max_length=LONGEST, description="to whom it goes")]
Agreement = Annotated[
    str, QueryParameter(min_length=1, max_length=LONGEST, description="under which agreement or order: its number")
]
Reason = Annotated[str, QueryParameter(min_length=1, max_length=LONGEST, description="why it is handed out")]


def routes(evidence: Evidence, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [_whole(evidence), _redacted(evidence)]
    return Router("/v1/incidents", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _whole(evidence: Evidence) -> HTTPRouteHandler:
    @hand_out("/{incident:str}/evidence", operation_id="exportEvidence")
    async def whole(
        access: By,
        incident: FromPath[str],
        recipient: Recipient,
        agreement: Agreement,
        reason: Reason,
        minutes: Annotated[
            int, QueryParameter(ge=0, le=MOST, description="of telemetry, before and after what was detected")
        ] = MINUTES,
    ) -> Response[bytes]:
        """Hand out the evidence of an incident: a zip that `verify.py` checks offline. It is an event, with the zip's hash."""
        handed = Handover(recipient=recipient, agreement=agreement, reason=reason)
        return _file(await evidence.bundle(access, incident, handed, minutes), "evidence.zip")

    return whole


def _redacted(evidence: Evidence) -> HTTPRouteHandler:
    @hand_out("/{incident:str}/evidence/redacted", operation_id="redactEvidence", request_max_body_size=LARGEST)
    async def redacted(
        request: Asked,
        access: By,
        incident: FromPath[str],
        recipient: Recipient,
        agreement: Agreement,
        reason: Reason,
    ) -> Response[bytes]:
        """Hand out what is left of a bundle, given as the body, without what is about people. It names its parent by hash."""
        handed = Handover(recipient=recipient, agreement=agreement, reason=reason)
        made = await evidence.redacted(access, incident, handed, await request.body())
        return _file(made, "evidence-redacted.zip")

    return redacted


def _file(body: bytes, name: str) -> Response[bytes]:
    return Response(body, media_type=ZIP, headers={"Content-Disposition": f'attachment; filename="{name}"'})


part = routes
