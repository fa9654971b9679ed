"""What people call places: found by words, and the name of the nearest to a point. It is the map's, and about nobody.

That somebody looked is written down; the words are not: who types an address may mean a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from tutela.flow.ledger import Ledger
from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.place import Address, Place
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .guard import SIGNED_IN, By, Guard
from .problem import READING

LONGEST = 100

Find = Callable[[str], Awaitable[Sequence[Address]]]
"""Places by words, the best first."""

Named = Callable[[Place], Awaitable[str]]
"""What people call the nearest place; "" when nothing near has a name."""


class Called(Noun, frozen=True, kw_only=True):
    """What people call a place; "" when nothing near has a name."""

    name: str


def routes(ledger: Ledger, find: Find, named: Named, guard: Guard) -> Router:
    """The router that the app mounts."""

    async def must(access: Access, query: str) -> None:
        await ledger.must(ask(access, Action.READ, "register", ledger.now), LIVE, query)
        await ledger.wrote(access, LIVE, query, ())

    @get("/", operation_id="findPlaces", tags=["places"], responses=READING)
    async def places(
        access: By, words: Annotated[str, QueryParameter(min_length=1, max_length=LONGEST)]
    ) -> list[Address]:
        """Find places by the words that people call them by: houses, streets, squares, parts of the city."""
        await must(access, "places by name")
        return list(await find(words))

    @get("/near", operation_id="nameOfPlace", tags=["places"], responses=READING)
    async def near(
        access: By,
        lat: Annotated[float, QueryParameter(ge=-90, le=90)],
        lon: Annotated[float, QueryParameter(ge=-180, le=180)],
    ) -> Called:
        """Read what people call the place that is nearest to a point."""
        await must(access, "the name of a place")
        return Called(name=await named(Place(lat=lat, lon=lon)))

    return Router("/v1/places", route_handlers=[places, near], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
