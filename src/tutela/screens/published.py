"""What anybody may have of the log, without signing in: signed roots, cosignatures and proofs, as C2SP writes them.

Nothing here is personal, and nobody is asked who they are: roots, sizes and salted hashes. So the policies have nothing to
decide, and no event is left: an event for each question of a witness would make the log grow by being watched. A proof of an event
is given to whoever has the event, which its leaf shows; to others, its id, which can be guessed, tells nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import MediaType, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from tutela.errors import BadInput
from tutela.flow.published import Publishing
from tutela.flow.witnesses import Witnesses
from tutela.model import cosign, note
from tutela.model.cosign import WitnessNow
from tutela.model.noun import Noun
from tutela.model.proof import tlog_proof

from .problem import Asked, problems

LARGEST = 20_000
"""Bytes of a note with all its signatures."""

FURTHEST = 2**53
LEAF = "^[0-9a-f]{64}$"
OPEN: list[dict[str, list[str]]] = [{}]
"""For the description: nobody has to sign in."""

PUBLIC = problems(400, 404, 503)


class Signers(Noun, frozen=True, kw_only=True):
    """The public key of this log as note tools take it, and the witnesses that it knows, each with how far it is."""

    log: str
    witnesses: tuple[WitnessNow, ...]


class Kept(Noun, frozen=True, kw_only=True):
    """How many of the signatures are by witnesses that this log knows, and are kept with its checkpoint."""

    kept: int


def routes(publishing: Publishing, witnesses: Witnesses, origin: str, script: str) -> Router:
    """The router that the app mounts. `script` is the program that checks a proof."""
    handlers = [*_roots(publishing), *_signers(publishing, witnesses, origin), _script(script)]
    return Router("/v1/log", route_handlers=handlers, security=OPEN)


def _roots(publishing: Publishing) -> list[HTTPRouteHandler]:
    @get("/checkpoint", operation_id="readCheckpoint", tags=["log"], media_type=MediaType.TEXT, responses=PUBLIC)
    async def checkpoint(
        by: Annotated[
            Literal["log", "witness"], QueryParameter(description="the newest one that a witness cosigned, or any")
        ] = "log",
    ) -> str:
        """Read the newest signed root: a C2SP tlog-checkpoint, with the signatures of its witnesses."""
        return await publishing.checkpoint(cosigned=by == "witness")

    @get("/growth", operation_id="readGrowth", tags=["log"], media_type=MediaType.TEXT, responses=PUBLIC)
    async def growth(
        old: Annotated[int, QueryParameter(ge=0, le=FURTHEST, description="the size of the tree that you know")] = 0,
    ) -> str:
        """Read the newest checkpoint and the proof that its tree begins with one of an older size.

        It is the body of an `add-checkpoint` of C2SP tlog-witness. A log that is smaller than that says its own size.
        """
        return cosign.submit(await publishing.growth(old))

    @get(
        "/inclusion/{event:str}",
        operation_id="readInclusion",
        tags=["log"],
        media_type=MediaType.TEXT,
        responses=PUBLIC,
    )
    async def inclusion(
        event: FromPath[str],
        leaf: Annotated[str, QueryParameter(pattern=LEAF, description="the hash of its leaf, 64 hex digits")],
    ) -> str:
        """Read the proof that an event is in the log, if you have the event: a C2SP tlog-proof, under a checkpoint that has it.

        Its leaf follows from the event with its salt. Of any other leaf nobody is told whether there is such an event.
        """
        return tlog_proof(await publishing.shown(event, bytes.fromhex(leaf)))

    return [checkpoint, growth, inclusion]


def _signers(publishing: Publishing, witnesses: Witnesses, origin: str) -> list[HTTPRouteHandler]:
    @get("/signers", operation_id="readSigners", tags=["log"], responses=PUBLIC)
    async def signers() -> Signers:
        """Read the public keys of this log and of its witnesses. Before you rely on one, ask its owner for it."""
        key = note.verifier_key(origin, publishing.public)
        return Signers(log=key, witnesses=tuple(await witnesses.watched()))

    @post(
        "/cosignatures",
        status_code=200,
        operation_id="createCosignature",
        tags=["log"],
        responses=problems(400, 403, 404, 503),
        request_max_body_size=LARGEST,
    )
    async def cosignatures(request: Asked) -> Kept:
        """Give a checkpoint of this log, cosigned by a witness that it knows: the signed note, as text."""
        try:
            given = (await request.body()).decode()
        except UnicodeDecodeError as wrong:
            raise BadInput("this is no signed note, which is text in UTF-8") from wrong
        return Kept(kept=await publishing.take(given))

    return [signers, cosignatures]


def _script(script: str) -> HTTPRouteHandler:
    @get("/verify.py", operation_id="readVerifier", tags=["log"], media_type="text/x-python", sync_to_thread=False)
    def verifier() -> str:
        """Read the program that checks a proof of one event, offline: one file, which needs Python and nothing else."""
        return script

    return verifier


part = routes
