"""The resident portal: what to do now, and what is near. For anybody, on a phone, without a script.

Where somebody looks is used for the answer and kept nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler

from tutela.errors import BadInput, NotFound
from tutela.flow.nearby import Nearby
from tutela.flow.rates import Rate, Rates
from tutela.flow.reporting import Reporting
from tutela.model.area import Circle
from tutela.model.install import Install
from tutela.model.mapped import MapRing
from tutela.model.place import Address, Place

from . import public
from .city_map import CityMap
from .guard import address_of, same_site
from .languages import N_
from .problem import Asked

Find = Callable[[str], Awaitable[Sequence[Address]]]
"""Places by the words that people call them by, the best first."""

LOOKING = Rate(burst=40, each_second=1.0)
"""From one address."""

FORM = 20_000
"""Bytes of a form without a picture."""

NAMES = {
    "pm25": N_("Fine dust (PM2.5)"),
    "pm10": N_("Dust (PM10)"),
    "no2": N_("Nitrogen dioxide (NO₂)"),
    "o3": N_("Ozone (O₃)"),
    "noise": N_("Noise"),
    "vehicles": N_("Vehicles a minute"),
    "road-closed": N_("Road closed"),
    "road-works": N_("Road works"),
    "detour": N_("Detour"),
    "incident": N_("Something happened on the road"),
}
BANDS = (N_("good"), N_("fair"), N_("moderate"), N_("poor"), N_("very poor"), N_("extremely poor"))
UNITS = {"ug/m3": "µg/m³", "1": "", "1/min": ""}

MAP = N_("Map")
AROUND, RING, SIZE = 160.0, 20.0, (360, 280)
"""Metres around a place that its picture shows, and of the ring on it; pixels of the picture."""

WIDE = 2 * AROUND / 0.92 * SIZE[0] / SIZE[1]
"""Metres from one side of the picture to the other: all of the circle is seen, with a little around it (`maths/drawing.view`)."""

NOWHERE = N_("We found no such place. Write a street, a square or a part of the city, such as “Kaivokatu 1”.")
NO_PLACE = N_("Say where: a street or square, or your position.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """What the pages stand on. `site`: the address by which others reach it; `rates` counts by address, in memory and for minutes only."""

    reporting: Reporting
    nearby: Nearby
    find: Find
    map: CityMap
    install: Install
    site: str
    simulated: Callable[[], bool]
    rates: Rates

    @property
    def now(self) -> int:
        """The time."""
        return self.reporting.handlings.clock()

    def page(self, request: Asked, template: str, status: int = 200, /, **context: object) -> Response[str]:
        """A page of the portal."""
        about = {"city": self.install.city, "zone": self.install.zone, "now": self.now, "simulated": self.simulated()}
        return public.page(request, template, status, **(about | context))  # type: ignore[arg-type]  # the city is among them

    async def picture(self, request: Asked, where: Address) -> str:
        """The map around a place, as an `<svg>` for a page; nothing where the city has no map."""
        title, label = public.spoken(request).say(MAP), where.name or f"{where.place.lat:.4f}, {where.place.lon:.4f}"
        ring = MapRing(place=where.place, metres=RING, label=label)
        try:
            return await asyncio.to_thread(
                self.map.svg, Circle(centre=where.place, radius=AROUND), (), (ring,), title=title, size=SIZE
            )
        except NotFound:
            return ""

    async def place(self, said: dict[str, str]) -> Sequence[Address]:
        """The places that a form may mean: the position that it gives, or what its words find; raises BadInput for none."""
        lat, lon, words = said.get("lat", "").strip(), said.get("lon", "").strip(), said.get("where", "").strip()
        if lat or lon:
            return [Address(name="", place=_position(lat, lon))]
        if not words:
            raise BadInput(NO_PLACE)
        found = await self.find(words[:200])
        if not found:
            raise BadInput(NOWHERE)
        return found


def looking(clock: Callable[[], int]) -> Rates:
    """How often somebody may look."""
    return Rates(clock, acts=LOOKING)


def routes(here: Portal) -> Router:
    """The router that the app mounts."""
    return Router(
        "/resident",
        route_handlers=_handlers(here),
        include_in_schema=False,
        exception_handlers=public.handlers(here.install.city),
        request_max_body_size=FORM,
    )


def _handlers(here: Portal) -> list[HTTPRouteHandler]:
    @get("/")
    async def shown(request: Asked) -> Response[str]:
        """What to do now."""
        return _page(here, request)

    @post("/", status_code=200)
    async def near(request: Asked) -> Response[str]:
        """The same, with what is near a place. It is asked for in a form, so that the place stands in no address and no list of pages."""
        same_site(request)
        here.rates.take(address_of(request), "act")
        said = await fields(request)
        try:
            found = await here.place(said)
        except BadInput as wrong:
            return _page(here, request, 400, said=said, wrong=wrong.message)
        return _page(
            here,
            request,
            said=said,
            where=found[0],
            others=found[1:],
            around=await here.nearby.look(found[0].place),
            picture=await here.picture(request, found[0]),
        )

    return [shown, near]


def _page(here: Portal, request: Asked, status: int = 200, **shown: object) -> Response[str]:
    known = {"said": {}, "wrong": "", "where": None, "others": (), "around": None, "picture": ""} | shown
    return here.page(request, "resident.html", status, names=NAMES, bands=BANDS, units=UNITS, **known)


async def fields(request: Asked) -> dict[str, str]:
    """The fields of a form that are text."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def _position(lat: str, lon: str) -> Place:
    try:
        place = Place(lat=float(lat.replace(",", ".")), lon=float(lon.replace(",", ".")))
    except ValueError as wrong:
        raise BadInput(NO_PLACE) from wrong
    if not (abs(place.lat) <= 90 and abs(place.lon) <= 180):
        raise BadInput(NO_PLACE)
    return place


part = routes
