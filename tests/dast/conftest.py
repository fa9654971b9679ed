"""The town of the screens, and a browser in it, for tests that come from outside and mean harm."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import Town, application, town


@pytest.fixture
async def here() -> Town:
    return await town()


@pytest.fixture
async def stranger(here: Town) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Somebody without a session, over TLS, as through the proxy that stands before it."""
    async with here.living(), AsyncTestClient(application(here), base_url="https://tutela.example") as client:
        yield client


@pytest.fixture
async def operator(here: Town) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """An operator, by the token of a session."""
    async with here.living(), AsyncTestClient(application(here), base_url="https://tutela.example") as client:
        client.headers["Authorization"] = f"Bearer {await here.token()}"
        yield client
