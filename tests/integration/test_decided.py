"""The application that runs has the routes that the walk of tests/screens takes, and asks the policies at each."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.running import Instance, Person
from tests.screens.test_routes import DEVICES, OPEN, OWN, UNNOTICED, There, api, routes
from tests.screens.town import application as of_the_town
from tests.screens.town import town

from tutela.app.core import core
from tutela.app.serve import application, doors
from tutela.app.settings import settings

pytestmark = pytest.mark.integration

HOOKS = "POST /v1/hooks"
"""Who sends here shows a token of a source; see tests/sources/test_webhook.py."""


async def walked() -> set[str]:
    """The routes of the tests' application."""
    return set(routes(of_the_town(await town())))


async def served(city: Instance) -> tuple[set[str], list[str]]:
    """The routes of the application as `tutela serve` makes it for this instance, and those that the API has to decide."""
    async with core(settings(city.data, env={}), "tests", connections=2) as inside:
        app = application(await doors(inside))
        return set(routes(app)), api(app)


def test_the_running_application_has_no_route_that_the_walk_does_not_take(city: Instance) -> None:
    found, _ = asyncio.run(served(city))

    assert found - asyncio.run(walked()) == {HOOKS}
    assert found >= OPEN | DEVICES | OWN


def test_the_running_application_decides_at_every_route_of_its_api(city: Instance, operator: Person) -> None:
    """Asked for a purpose that is not its own, each names the policy that refuses, and nobody signed in is let in."""
    _, decided = asyncio.run(served(city))
    silent, open_ = [], []
    for route in decided:
        if route in OWN | {HOOKS}:
            continue
        method, path = route.split(" ")
        address = There().address(path, "?purpose=neighbourhood&basis=PublicInterest")
        body = None if method == "GET" else There().body(path)
        told = operator.http.request(method, address, json=body)
        # Of what does not exist there is nothing to decide: its id is looked up first.
        if route != UNNOTICED:
            silent += [] if told.status_code == 404 or told.json().get("policy") else [(route, told.text)]
        stranger = city.client().request(method, address, json=body)
        open_ += [] if stranger.status_code == 401 else [(route, stranger.text)]

    assert silent == []
    assert open_ == []
