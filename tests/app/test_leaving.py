"""A server that stops tells whoever still waits to come again; what has begun to be answered is broken off."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn, cast

import msgspec
import pytest
from litestar.types import Message, Receive, Scope, Send

from tutela.app.leaving import Leaving

HTTP = cast("Scope", {"type": "http"})


async def nothing() -> NoReturn:
    raise AssertionError("nobody reads the body")


class Answers:
    """What was sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def __call__(self, message: Message) -> None:
        self.sent.append(cast("dict[str, Any]", message))


async def cancelled(application: Leaving, scope: Scope, answers: Answers) -> None:
    request = asyncio.ensure_future(application(scope, nothing, answers))
    await asyncio.sleep(0)
    request.cancel()
    await request


async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


async def test_who_waits_is_told_to_come_again() -> None:
    answers = Answers()
    await cancelled(Leaving(waits), HTTP, answers)

    start, body = answers.sent
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert msgspec.json.decode(body["body"])["status"] == 503


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    async def streams(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await waits(scope, receive, send)

    answers = Answers()
    with pytest.raises(asyncio.CancelledError):
        await cancelled(Leaving(streams), HTTP, answers)
    assert [message["status"] for message in answers.sent] == [200]


async def test_what_is_no_request_is_left_alone() -> None:
    answers = Answers()
    with pytest.raises(asyncio.CancelledError):
        await cancelled(Leaving(waits), cast("Scope", {"type": "lifespan"}), answers)
    assert answers.sent == []
