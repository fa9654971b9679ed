"""Webhooks: nothing without a token, an answer only when it is durable, and what was refused is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tutela import parts
from tutela.errors import BadInput, NotFound, Quarantined
from tutela.model.flow import Receipt, Refusal
from tutela.screens.problem import HANDLERS
from tutela.sources.webhook import MOST, TOLD, routes

TOKEN = {"authorization": "Bearer secret"}


async def identify(token: str) -> str:
    if token != "secret":
        raise Quarantined("no source has this token")
    return "forms"


class Hooks:
    """Takes each line of a body; a line `bad` is refused."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []

    async def take(self, source: str, body: bytes) -> Receipt:
        self.bodies.append((source, body))
        if body == b"no webhook":
            raise NotFound("forms has no webhook")
        if not body:
            raise BadInput("the body is empty; send a message")
        lines = body.split(b"\n")
        bad = [Refusal("unreadable", f"line {n} is bad", 1) for n, line in enumerate(lines) if line == b"bad"]
        return Receipt(len(lines) - len(bad), tuple(bad))


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
def client(hooks: Hooks) -> Iterator[TestClient[Litestar]]:
    with TestClient(Litestar([routes(identify, hooks.take)], exception_handlers=HANDLERS)) as client:
        yield client


def test_a_body_is_taken_for_the_source_whose_token_it_is(client: TestClient[Litestar], hooks: Hooks) -> None:
    answer = client.post("/v1/hooks", content=b"one\nbad", headers=TOKEN)

    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "refused": [{"reason": "unreadable", "says": "line 1 is bad", "count": 1}]}
    assert hooks.bodies == [("forms", b"one\nbad")]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer guess"}, {"authorization": "Basic secret"}])
def test_nothing_is_read_of_a_body_without_a_token(
    client: TestClient[Litestar], hooks: Hooks, headers: dict[str, str]
) -> None:
    answer = client.post("/v1/hooks", content=b"one", headers=headers)

    assert answer.status_code == 403
    assert hooks.bodies == []


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"no webhook", 404), (b"x" * (MOST + 1), 413)])
def test_what_cannot_be_taken_is_told(client: TestClient[Litestar], body: bytes, status: int) -> None:
    assert client.post("/v1/hooks", content=body, headers=TOKEN).status_code == status


def test_very_many_refusals_make_a_short_answer(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/hooks", content=b"\n".join([b"bad"] * 1000), headers=TOKEN)

    assert len(answer.json()["refused"]) == TOLD + 1
    assert sum(one["count"] for one in answer.json()["refused"]) == 1000


def test_it_has_no_options() -> None:
    with pytest.raises(BadInput):
        parts.make("sources", "webhook", {"path": "/mine"})
