"""A town and its app, for tests of the screens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import Town, application, town

from tutela.model.people import Role


@pytest.fixture
async def here() -> Town:
    return await town()


@pytest.fixture
async def stranger(here: Town) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """Somebody without a session."""
    async with here.living(), AsyncTestClient(application(here)) as client:
        yield client


@pytest.fixture
async def operator(here: Town) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """An operator, by the token of a session."""
    async with here.living(), AsyncTestClient(application(here)) as client:
        client.headers["Authorization"] = f"Bearer {await here.token(Role.OPERATOR)}"
        yield client
