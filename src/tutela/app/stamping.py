"""Asks a time stamping authority over HTTP, at an address that was looked at: none inside of the house, if nobody said so."""

from __future__ import annotations

import asyncio
import secrets

import httpx

from tutela import __version__
from tutela.app.settings import TSA_INSIDE, Settings
from tutela.errors import BadInput, EngineDown
from tutela.flow.stamp import Stamps, answered, request
from tutela.sources.poll import Away, address_of

LONGEST = 1 << 20
"""Bytes of an answer."""

PATIENCE = 15.0
ASKS, ANSWERS = "application/timestamp-query", "application/timestamp-reply"


def stamps(settings: Settings) -> Stamps | None:
    """Asks whom the settings name; None: nobody."""
    chosen = settings.tsa
    if not chosen:
        return None

    async def stamp(digest: bytes) -> bytes:
        nonce = secrets.randbits(63)
        reply = await _asked(chosen, request(digest, nonce), inside=settings.tsa_inside)
        return answered(reply, digest, nonce)

    return stamp


async def _asked(text: str, body: bytes, *, inside: bool) -> bytes:
    """What it answers; raises BadInput for an address that may not be asked, EngineDown when nobody answers."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as wrong:
        raise BadInput(f"{text!r} is no address of a time stamping authority: {wrong}") from wrong
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise BadInput(f"{text!r} is no address of a time stamping authority; write it like https://tsa.example/stamp")
    try:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            address = await address_of(url, allow_private=inside)
            headers = {
                "Host": url.netloc.decode(),
                "Content-Type": ASKS,
                "Accept": ANSWERS,
                "User-Agent": f"tutela/{__version__}",
            }
            asked = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},
            )
            return await _read(await client.send(asked, stream=True), text)
    except Away as refused:
        raise BadInput(f"{text} is not asked: {refused} (of this authority: {TSA_INSIDE}=yes)") from refused
    except (httpx.HTTPError, TimeoutError, OSError, UnicodeError) as wrong:
        raise EngineDown(f"{text} can't be asked: {wrong or type(wrong).__name__}") from wrong


async def _read(answer: httpx.Response, url: str) -> bytes:
    found = b""
    try:
        if answer.status_code != httpx.codes.OK:
            raise BadInput(f"{url} answers {answer.status_code} {answer.reason_phrase}")
        async for some in answer.aiter_bytes():
            found += some
            if len(found) > LONGEST:
                raise BadInput(f"{url} answers more than {LONGEST:,} bytes, which is no time stamp")
    finally:
        await answer.aclose()
    return found
