"""The public register: which sources there are, what the platform notices by itself, and what people say of it. For everybody.

Nothing in it is about a person, so nobody is asked who they are, and the policies have nothing to decide. It is asked of the running system each
time it is older than ten seconds; what nobody has written yet is shown as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal
from zoneinfo import ZoneInfo

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.flow.figures import Figuring
from tutela.flow.register_public import Registering
from tutela.model.capability import Capability, PublicRegister, Record
from tutela.model.figures import SignedFigures
from tutela.model.when import moment
from tutela.standards import algoritmeregister, atrs, dtpr

from . import look, paper
from .problem import problems

OPEN: list[dict[str, list[str]]] = [{}]
"""For the description: nobody has to sign in."""

PUBLIC = problems(400, 404, 503)
Form = Literal["algoritmeregister", "atrs", "dtpr", "figures"]
FORMS: Mapping[str, Callable[[Capability, PublicRegister], Record]] = {
    "algoritmeregister": algoritmeregister.record,
    "atrs": atrs.record,
    "dtpr": dtpr.record,
}


def routes(here: Registering, figuring: Figuring, zone: str) -> Router:
    """The router that the app mounts: the register as data, and as a page with times in that zone."""
    data = Router("/v1/register", route_handlers=_data(here, figuring), security=OPEN)
    people = Router(
        "/register",
        route_handlers=[_page(here, figuring, zone)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
    )
    return Router("/", route_handlers=[data, people])


def _data(here: Registering, figuring: Figuring) -> list[HTTPRouteHandler]:
    @get("/", operation_id="readRegister", tags=["register"], responses=PUBLIC)
    async def register() -> PublicRegister:
        """Read the public register: sources, capabilities, and what people say of them."""
        return await here.public()

    @get("/{form:str}", operation_id="readRegisterAs", tags=["register"], responses=PUBLIC)
    async def as_form(form: FromPath[Form]) -> list[Record] | SignedFigures:
        """Read the capabilities in the form of another register, each with what it lacks there; or the live figures.

        `algoritmeregister` is the Dutch standard 0.3.1, `atrs` the British one, `dtpr` the chain that signs in the street show.
        `figures` are counted by the running system and signed by the log's key; `figures.csv` beside it is the same as a table.
        """
        if form == "figures":
            return await figuring.signed()
        found = await here.public()
        return [FORMS[form](one, found) for one in found.capabilities]

    @get("/figures.csv", operation_id="readFiguresAsTable", tags=["register"], media_type="text/csv", responses=PUBLIC)
    async def table() -> str:
        """Read the live figures as a table: CSV."""
        return await figuring.table()

    return [register, as_form, table]


def _page(here: Registering, figuring: Figuring, zone: str) -> HTTPRouteHandler:
    @get("/")
    async def shown() -> Response[str]:
        """The same for people."""
        found = await here.public()
        at = moment(found.at).astimezone(ZoneInfo(zone))
        signed = await figuring.signed()
        systems = {one.system: one for one in found.words}
        return paper.page(
            "register.html",
            found=found,
            day=lambda when: f"{moment(when).astimezone(ZoneInfo(zone)):%Y-%m-%d}",
            at=at,
            systems=systems,
            city=found.city,
            signed=signed,
            figures=signed.figures,
            clock=lambda moment_: look.clock(moment_, zone, found.at),
        )

    return shown


part = routes
