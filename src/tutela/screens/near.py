"""What watches near a place, as a list and on the map: for everybody, and where somebody asked for is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from tutela.errors import BadInput, NotFound
from tutela.flow.watching import FOUND, FURTHEST, MOST, OF_THE_STREET, Spot
from tutela.model.area import Circle
from tutela.model.mapped import MapRing
from tutela.model.place import Address, Place

from . import public
from .guard import same_site
from .problem import Asked
from .window import Window

REACH = 300.0
"""Metres around a place that are looked at when nobody says otherwise."""

DRAWN = 60
"""Things that are drawn on the map: the nearest; the list has them all."""

SIZE = 6.0
"""Metres of the ring that stands for a Thing."""

Degrees = Annotated[float | None, QueryParameter(description="of WGS 84")]
Reach = Annotated[float, QueryParameter(ge=10, le=FURTHEST, description="metres around it")]
Called = Annotated[str, QueryParameter(max_length=100, description="words of a name")]


def handlers(here: Window) -> list[HTTPRouteHandler]:
    """The routes; the portal mounts them."""

    @get("/near")
    async def around(
        request: Asked, lat: Degrees = None, lon: Degrees = None, reach: Reach = REACH, words: Called = ""
    ) -> Response[str]:
        """What stands near a place of the city, or has a name with these words; and the form to ask."""
        place = None if lat is None or lon is None else _place(lat, lon)
        return await _shown(here, request, place, round(reach), words.strip())

    @post("/near", status_code=200)
    async def near(request: Asked) -> Response[str]:
        """The same near a person, who asks in a form: so their place stands in no address and no list of pages."""
        same_site(request)
        said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        words, place = said.get("where", "").strip()[:200], None
        if said.get("lat") or said.get("lon"):
            place = _place(said.get("lat", ""), said.get("lon", ""))
        elif words and (found := await here.find(words)):
            return await _shown(here, request, found[0].place, round(REACH), "", found)
        return await _shown(here, request, place, round(REACH), words)

    return [around, near]


async def _shown(
    here: Window, request: Asked, place: Place | None, reach: int, words: str, called: Sequence[Address] = ()
) -> Response[str]:
    found = await (here.watching.near(place, reach) if place else here.watching.called(words))
    return public.page(
        request,
        "transparency/near.html",
        city=here.install.city,
        spots=found,
        place=place,
        reach=reach,
        words=words,
        called=called,
        most=MOST if place else FOUND,
        picture=await asyncio.to_thread(_picture, here, place, reach, found) if place else "",
        **here.about(here.watching.clock()),
    )


def _picture(here: Window, place: Place, reach: int, found: Sequence[Spot]) -> str:
    """The same on the map, what watches a public place first; "" where this city has none."""
    first = sorted(found, key=lambda one: one.thing.kind not in OF_THE_STREET)[:DRAWN]
    rings = [MapRing(place=place, metres=reach, label="all that is listed")]
    rings += [MapRing(place=one.place, metres=SIZE, label=one.thing.kind.replace("-", " ")) for one in first]
    try:
        return here.map.svg(Circle(centre=place, radius=reach), (), rings, name="near")
    except NotFound:
        return ""


def _place(lat: float | str, lon: float | str) -> Place:
    try:
        return msgspec.convert({"lat": lat, "lon": lon}, Place, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadInput("a place is given in degrees: -90 to 90 north, and -180 to 180 east") from wrong


part = handlers
