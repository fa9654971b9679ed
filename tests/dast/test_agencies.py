"""One agency's people never reach another's: every route is walked with the ids of somebody else."""

from __future__ import annotations

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.test_routes import OWN, There, api, ask
from tests.screens.town import WHY, Town

from tutela.model.people import Role

Client = AsyncTestClient[Litestar]
INSIDE = "known to nobody but the fire brigade"


@pytest.mark.parametrize("role", list(Role))
async def test_no_route_gives_one_agency_what_is_only_anothers(here: Town, stranger: Client, role: Role) -> None:
    call = await here.call(INSIDE)
    bo, _ = await here.person(Role.OPERATOR, "Bo", "fire")
    incident = await here.incidents.open_from_call(here.access(bo), call.id, "key")
    await here.incidents.note(here.access(bo), incident.id, INSIDE, "key of the note")
    stored = here.facts.store.incidents
    stored[incident.id] = msgspec.structs.replace(stored[incident.id], agencies=("fire",))
    stranger.headers["Authorization"] = f"Bearer {await here.token(role, 'Eve', 'police')}"
    walked = 0
    for route in api(stranger.app):
        if route in OWN or "{incident}" not in route:
            continue
        status, says = await ask(stranger, route, WHY, There(call=call.id, incident=incident.id))

        assert status in {403, 404}, f"{role} {route}: {status} {says}"
        assert INSIDE not in says
        walked += 1
    assert walked >= 8
