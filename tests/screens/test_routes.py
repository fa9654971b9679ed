"""No way in without a decision: every route but a few named ones asks who, and why, and the policies answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient
from tests.screens.town import WHY, Town, application

from tutela.model.people import Role

Client = AsyncTestClient[Litestar]

OPEN = {
    "GET /ready",  # whoever starts this must know
    "GET /enrol",  # the way in
    "POST /enrol",
    "POST /v1/enrol",
    "POST /v1/passkeys/ask",  # the way in by a passkey; see tests/screens/test_passkeys.py
    "POST /v1/passkeys/come",
    "POST /v1/totp/come",  # and by the code of an app; see tests/screens/test_totp.py
    "POST /enrol/provider",  # and by the city's own provider; see tests/screens/test_provider.py
    "GET /enrol/back",
    "GET /static/{file_path}",
    "GET /console/assets/{name}",  # the console's script and style, the same for everybody: no data
    # Of the log, for everybody: roots, salted hashes and public keys; see tests/screens/test_published.py.
    "GET /v1/log/checkpoint",
    "GET /v1/log/growth",
    "GET /v1/log/inclusion/{event}",
    "GET /v1/log/signers",
    "GET /v1/log/verify.py",
    "POST /v1/log/cosignatures",  # from a witness, who is known by its signature
    # What watches over the city, for everybody: nothing about a person; see tests/screens/test_register.py.
    "GET /register",
    "GET /v1/register",
    "GET /v1/register/{form}",
    "GET /v1/register/figures.csv",
    # How the city watches, for everybody; see tests/screens/test_transparency.py.
    "GET /transparency",
    "GET /transparency/near",
    "POST /transparency/near",  # a place in no address
    "GET /transparency/source/{name}",
    "GET /transparency/capability/{name}",
    "GET /transparency/source/{name}/sign",
    "POST /transparency/capability/{name}",  # a resident, as by the route below
    "GET /schema/openapi.json",  # the description: no data
    "GET /map/city.pmtiles",  # the map, public data of OpenStreetMap: nothing about a person; see tests/screens/test_city_map.py
    # What anybody may ask about themselves; how it stands is told by a secret. See tests/screens/test_rights.py.
    "POST /v1/requests",
    "GET /requests/{reference}",
    "POST /requests/{reference}",
    # What residents see and tell, without an account; nothing of a report before a person looked. See tests/screens/test_resident.py.
    "GET /resident",
    "POST /resident",
    "GET /resident/report",
    "POST /resident/report",
    "GET /resident/reports",
    "GET /resident/reports/{number}",
    "GET /resident/reports/{number}/{secret}",  # by a secret: how one's own stands
    "POST /resident/reports/{number}/{secret}",
    # The same for machines; see tests/screens/test_open311.py.
    "GET /open311/{name}",
    "GET /open311/v2/{name}",
    "POST /open311/v2/{name}",
    "GET /open311/v2/{kind}/{name}",
    "POST /v1/register/{capability}/comments",  # a resident, before it is armed; see tests/screens/test_capabilities.py
}
DEVICES = {f"POST /v1/{what}" for what in ("observations", "CreateObservations", "calls", "reports", "posts")}
"""Who sends here shows a token of a source; see tests/sources/test_http.py."""

OWN = {
    "GET /v1/city",
    "GET /v1/me",
    "GET /v1/me/sessions",
    "DELETE /v1/me/sessions",
    "GET /v1/me/passkeys",
    "POST /v1/me/passkeys",
    "POST /v1/me/passkeys/make",
    "DELETE /v1/me/passkeys/{passkey}",
    "POST /v1/me/totp/make",
    "POST /v1/me/totp",
    "DELETE /v1/me/totp",
    "DELETE /v1/me/provider",
}
"""A session is enough: it is about nobody else."""

UNNOTICED = "GET /v1/break-glass/noticed"
"""Every console asks it all the time: whoever may see nothing of it is told of nothing."""

SERIES = "&datastream=Railway Square mast 1/noise&since=2026-11-25T07:00:00Z&until=2026-11-25T08:00:00Z"

CASE = {
    "offence": "theft",
    "reason": "r",
    "authority": "a court",
    "reference": "R 1",
    "scope": {"since": 1, "until": 2, "kinds": ["call"], "ids": ["c"]},
    "members": [],
    "until": 1,
}
ENTRY = {
    "name": "new",
    "owner": "Town",
    "kind": "sensors",
    "purposes": ["traffic"],
    "legal_basis": "PublicInterest",
    "personal_data": False,
    "place": "x",
}
PAST = "&at=2026-11-25T07:30:00Z&since=2026-11-25T07:59:59Z&until=2026-11-25T08:00:00Z"
HANDED = "&recipient=a court&agreement=R 1&reason=it asked"


@dataclass(frozen=True)
class There:
    """Things that can be asked for; any, unless they are named."""

    alert: str = "a"
    call: str = "c"
    incident: str = "i"
    unit: str = "u"

    def address(self, path: str, why: str) -> str:
        ids = {"alert": self.alert, "call": self.call, "incident": self.incident, "other": self.incident}
        ids["unit"] = self.unit
        named = re.sub(r"\{([^}]*)\}", lambda found: ids.get(found[1], "x"), path)
        if path.startswith("/v1/past"):
            return named + why + PAST
        if path.startswith("/v1/places"):
            return named + why + "&words=kaivo&lat=60.17&lon=24.94"
        return named + why + (SERIES if path.endswith("/series") else "") + (HANDED if "/evidence" in path else "")

    def body(self, path: str) -> Mapping[str, object] | None:
        bodies: dict[str, Mapping[str, object]] = {
            "shelve": {"reason": "works", "until": "2026-11-25T09:00:00Z"},
            "dismiss": {"reason": "works"},
            "incidents": {"alert": self.alert},
            "alerts": {"alert": self.alert},
            "calls": {"call": self.call},
            "fused": {"incident": self.incident},
            "status": {"status": "Enroute" if "/units/" in path else "Active"},
            "disposition": {"disposition": "false"},
            "notes": {"text": "seen"},
            "agencies": {"agencies": ["fire"]},
            "newest": {},
            "backtest": {"rule": {"name": "r", "says": "r", "purpose": "traffic", "rule": {"when": {"fact": "call"}}}},
            "invitations": {"role": "operator", "agency": "city"},
            "again": {"agent": "somebody"},
            "shift": {"budget": 6},
            "holds": {"case": "R 1", "authority": "a court", "reason": "r", "review": 1, "bucket": "a/b/c"},
            "review": {"fine": True, "reason": "r"} if "/break-glass/" in path else {"review": 1, "reason": "r"},
            "lift": {"reason": "r"},
            **_moderated(),
            "propose": _proposed(path),
            "papers": {
                "number": "R 1",
                "authority": "a court",
                "signed": "s",
                "about": {"kind": "dpia", "covers": ["smoke"]},
                "since": 1,
                "until": 2,
            },
            "publish": {
                "text": "t",
                "extent": {"areas": ["a"], "purposes": ["emergency-response"], "classes": ["positions"], "days": 1},
            },
            "arm": {},
            "handovers": {},
            "disarm": {"reason": "r"},
            "grant": {},
            "end": {"reason": "r"},
            "entries": {"source": ENTRY},
            "add": {"source": ENTRY},
            "break-glass": {"reason": "r"},
            "vote": {"yes": True, "reason": "r"},
            "withdraw": {"reason": "r"},
            "passkeys": {"name": "phone", "answer": {}},
            "totp": {"code": "123456"},
            "suspension": {"reason": "r"},
            "restoration": {"reason": "r"},
            "cases": CASE,
            "extend": {"until": 1},
            "search": {"words": "somebody"},
            "tags": {"record": "call", "kind": "name", "name": "somebody"},
            "answer": {"text": "t", "signed": "s"} if "/comments/" in path else {"confirms": True},
            "export": {"recipient": "a court", "agreement": "R 1", "reason": "r"},
            "identity": {"how": "passport"},
            "serious-incidents": {"capability": "smoke", "says": "s"},
            "report": {"to": "t"},
            "erasure": {"record": "r"},
            "objection": {"record": "r"},
            "extension": {"reason": "many records"},
            "decision": {"outcome": "refused", "reasons": "r", "exemption": "excessive", "complain": "there"},
        }
        return bodies.get(path.rsplit("/", 1)[-1])


def _moderated() -> dict[str, Mapping[str, object]]:
    return {"open": {}, "begin": {}, "close": {"says": "s"}, "reject": {"why": "abuse"}, "duplicate": {"of": "n"}}


def _proposed(path: str) -> Mapping[str, object]:
    if "/invitations/again" in path:
        return {"agent": "somebody", "until": "2026-11-30T09:00:00Z", "reason": "r"}
    if "/invitations" in path:
        return {"role": "supervisor", "agency": "city", "reason": "r"}
    return {"reason": "r"} if "/entries/" not in path else {"reason": "r", "source": ENTRY}


def routes(app: Litestar) -> Iterator[str]:
    """Every method of every path."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        yield from (f"{method} {route.path_format}" for method in route.methods - {"OPTIONS"})


def api(app: Litestar) -> list[str]:
    return sorted(route for route in routes(app) if " /v1/" in route and route not in OPEN | DEVICES)


def pages(app: Litestar) -> list[str]:
    return sorted(route for route in routes(app) if " /v1/" not in route and route not in OPEN)


async def ask(client: Client, route: str, why: str, there: There | None = None) -> tuple[int, str]:
    """The status of the answer, and what it says."""
    method, path = route.split(" ")
    there = there or There()
    body = None if method == "GET" else there.body(path)
    answer = await client.request(method, there.address(path, why), json=body, follow_redirects=False)
    return answer.status_code, answer.text


async def test_the_routes_that_are_open_are_named_here(here: Town) -> None:
    found = set(routes(application(here)))

    assert found >= OPEN | DEVICES | OWN
    assert len(found) > 45


async def test_the_api_refuses_whoever_is_not_signed_in(stranger: Client) -> None:
    for route in api(stranger.app):
        status, says = await ask(stranger, route, WHY)

        assert (status, '"policy":"session"' in says) == (401, True), f"{route}: {status} {says}"


async def test_the_api_refuses_a_session_that_never_was(stranger: Client) -> None:
    stranger.headers["Authorization"] = "Bearer made-up"
    for route in api(stranger.app):
        status, says = await ask(stranger, route, WHY)

        assert status == 401, f"{route}: {status} {says}"


async def test_the_api_refuses_a_purpose_that_is_wrong_and_names_the_policy(here: Town, operator: Client) -> None:
    alert, call = await here.alert(), await here.call()
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    incident = await here.incidents.open_from_call(here.access(agent), call.id, "key")
    there = There(alert.id, call.id, incident.id, (await here.unit()).id)
    for route in api(operator.app):
        if route in OWN:
            continue
        status, says = await ask(operator, route, "?purpose=neighbourhood&basis=PublicInterest", there)
        if route == UNNOTICED:
            assert (status, says) == (200, "[]")
            continue

        assert status == 403, f"{route}: {status} {says}"
        assert re.search(r'"policy":"(F\d\d-[a-z-]+|no-permit)"', says), f"{route}: {says}"
    assert not here.events("query@1")


async def test_a_page_leads_whoever_is_not_signed_in_to_the_entrance(stranger: Client) -> None:
    for route in pages(stranger.app):
        method, path = route.split(" ")
        answer = await stranger.request(method, path, follow_redirects=False)

        assert (answer.status_code, answer.headers.get("location")) == (303, "/enrol"), route


async def test_another_site_can_not_act_in_somebodys_name(here: Town, stranger: Client) -> None:
    alert = await here.alert()
    stranger.cookies.set("tutela_session", await here.token())
    foreign = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    for headers in foreign:
        api_ = await stranger.post(f"/v1/alerts/{alert.id}/acknowledge{WHY}", headers=headers)
        page = await stranger.post(f"/do/alert/acknowledge/{alert.id}", headers=headers)

        assert (api_.status_code, page.status_code) == (403, 403)
        assert api_.json()["policy"] == "same-site"
    assert [event.by for event in here.events("alert@1")] == ["desk"]


async def test_every_answer_tells_the_browser_to_stay_here(stranger: Client) -> None:
    for path in ("/enrol", "/ready", "/nowhere", "/static/page.css", "/static/nothing.css", "/v1/me"):
        headers = (await stranger.get(path)).headers

        assert headers["content-security-policy"].startswith("default-src 'self'"), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
